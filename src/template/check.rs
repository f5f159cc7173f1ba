//! That each name in a template resolves.

use super::order::Graph;
use super::references::Reference;
use super::{Resource, Template};
use crate::diag::{Diagnostic, Diagnostics, Span, nearest};

/// "Did you mean" reads every name of the template: it is for people, and
/// people read no more than this many.
const MOST_ADVICE: usize = 20;

/// Where a name is mentioned.
#[derive(Clone, Copy)]
enum Block {
    Conditions,
    Resources,
    Outputs,
}

impl Block {
    fn as_str(self) -> &'static str {
        match self {
            Self::Conditions => "Conditions",
            Self::Resources => "Resources",
            Self::Outputs => "Outputs",
        }
    }
}

impl Template {
    /// All names that do not resolve, or else what depends on itself.
    pub(super) fn check(&self) -> Diagnostics {
        let mut check = Check {
            template: self,
            found: Diagnostics::default(),
        };
        for condition in self.conditions.values() {
            condition.references(&mut |reference, span| {
                check.reference(Block::Conditions, reference, span);
            });
        }
        for resource in self.resources.values() {
            check.resource(resource);
        }
        for output in self.outputs.values() {
            for expr in [Some(&output.value), output.export.as_ref()]
                .into_iter()
                .flatten()
            {
                expr.references(&mut |reference, span| {
                    check.reference(Block::Outputs, reference, span);
                });
            }
            check.condition(
                Block::Outputs,
                output.condition.as_deref(),
                output.condition_span,
            );
        }
        if !check.found.has_errors() {
            check.found.extend(self.condition_cycle());
            check.found.extend(self.cycle());
        }
        check.found
    }

    /// A condition that needs itself to be decided.
    fn condition_cycle(&self) -> Option<Diagnostic> {
        let graph = Graph::new(
            self.conditions
                .values()
                .map(|condition| self.needed_conditions(condition))
                .collect(),
        );
        let cyclic = graph.cyclic(&graph.order());
        let names: Vec<&str> = cyclic
            .iter()
            .filter_map(|index| self.conditions.get_index(*index))
            .map(|(name, _)| name.as_str())
            .collect();
        if names.is_empty() {
            return None;
        }
        Some(Diagnostic::error(format!(
            "Circular dependency between conditions: [{}]",
            names.join(", ")
        )))
    }

    fn needed_conditions(&self, condition: &super::Condition) -> Vec<usize> {
        let mut needed = Vec::new();
        condition.references(&mut |reference, _| {
            if let Reference::Condition(name) = reference {
                needed.extend(self.conditions.get_index_of(name));
            }
        });
        needed
    }
}

/// The name with a lifetime that fits beside names of the template.
fn shortened<'a>(pseudo: super::Pseudo) -> &'a str {
    pseudo.as_str()
}

struct Check<'a> {
    template: &'a Template,
    found: Diagnostics,
}

impl Check<'_> {
    fn resource(&mut self, resource: &Resource) {
        for (id, span) in resource.depends_on.iter().zip(&resource.depends_on_spans) {
            if !self.template.resources.contains_key(id) {
                self.unresolved(Block::Resources, id.as_str(), *span);
            }
        }
        self.condition(
            Block::Resources,
            resource.condition.as_deref(),
            resource.condition_span,
        );
        resource
            .properties
            .references(&mut |reference, span| self.reference(Block::Resources, reference, span));
    }

    fn reference(&mut self, block: Block, reference: Reference<'_>, span: Span) {
        let template = self.template;
        match reference {
            Reference::Name(name) => {
                let resource =
                    template.resources.contains_key(name) && !matches!(block, Block::Conditions);
                if !resource && !template.parameters.contains_key(name) {
                    self.unresolved(block, name, span);
                }
            }
            Reference::Attribute(id) => {
                if !template.resources.contains_key(id) || matches!(block, Block::Conditions) {
                    self.unresolved(block, id.as_str(), span);
                }
            }
            Reference::Condition(name) => self.condition(block, Some(name), span),
            Reference::Mapping(name) => {
                if !template.mappings.contains_key(name) {
                    let message = format!(
                        "Template error: Mapping named '{name}' is not present in the 'Mappings' section of template."
                    );
                    self.note(
                        message,
                        name,
                        span,
                        template.mappings.keys().map(String::as_str),
                    );
                }
            }
        }
    }

    fn condition(&mut self, block: Block, name: Option<&str>, span: Span) {
        let Some(name) = name else { return };
        if !self.template.conditions.contains_key(name) {
            let message = format!(
                "Template format error: Unresolved condition dependency {name} in the {} block of the template",
                block.as_str()
            );
            self.note(
                message,
                name,
                span,
                self.template.conditions.keys().map(String::as_str),
            );
        }
    }

    fn unresolved(&mut self, block: Block, name: &str, span: Span) {
        let template = self.template;
        let message = match block {
            Block::Conditions => format!(
                "Template format error: Unresolved dependencies [{name}]. Cannot reference resources in the Conditions \
                 block of the template"
            ),
            Block::Resources => format!(
                "Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template"
            ),
            Block::Outputs => {
                format!(
                    "Unresolved resource dependencies [{name}] in the Outputs block of the template"
                )
            }
        };
        let parameters = template.parameters.keys().map(String::as_str);
        let resources = template.resources.keys().map(super::LogicalId::as_str);
        let pseudo = super::Pseudo::ALL.into_iter().map(shortened);
        self.note(
            message,
            name,
            span,
            parameters.chain(resources).chain(pseudo),
        );
    }

    fn note<'n>(
        &mut self,
        message: String,
        name: &str,
        span: Span,
        known: impl Iterator<Item = &'n str>,
    ) {
        let mut diagnostic = Diagnostic::error(message).at(&self.template.source, span);
        if self.found.0.len() < MOST_ADVICE {
            diagnostic.help = nearest(name, known).map(|near| format!("did you mean `{near}`?"));
        }
        self.found.push(diagnostic);
    }
}

#[cfg(test)]
mod tests {
    use crate::template::parse::tests::{refusal, refused};

    #[test]
    fn names_that_do_not_resolve() {
        let cases = [
            (
                "Resources: {A: {Type: T, Properties: {P: !Ref Nope}}}",
                "Nope",
                "Template format error: Unresolved resource dependencies [Nope] in the Resources block of the template",
            ),
            (
                "Resources: {A: {Type: T, Properties: {P: !GetAtt Nope.Arn}}}",
                "Nope.Arn",
                "Template format error: Unresolved resource dependencies [Nope] in the Resources block of the template",
            ),
            (
                "Resources: {A: {Type: T, Properties: {P: !Ref AWS::Nope}}}",
                "AWS::Nope",
                "Template format error: Unresolved resource dependencies [AWS::Nope] in the Resources block of the template",
            ),
            (
                "Resources: {A: {Type: T, DependsOn: Nope}}",
                "Nope",
                "Template format error: Unresolved resource dependencies [Nope] in the Resources block of the template",
            ),
            (
                "Resources: {A: {Type: T}}\nOutputs: {O: {Value: !Ref Nope}}",
                "Nope",
                "Unresolved resource dependencies [Nope] in the Outputs block of the template",
            ),
            (
                "Resources: {A: {Type: T, Condition: Nope}}",
                "Nope",
                "Template format error: Unresolved condition dependency Nope in the Resources block of the template",
            ),
            (
                "Resources: {A: {Type: T, Properties: {P: !FindInMap [M, a, b]}}}",
                "[M, a, b]",
                "Template error: Mapping named 'M' is not present in the 'Mappings' section of template.",
            ),
            (
                "Conditions: {C: !Equals [!Ref A, x]}\nResources: {A: {Type: T}}",
                "A",
                "Template format error: Unresolved dependencies [A]. Cannot reference resources in the Conditions block of the template",
            ),
            (
                "Conditions: {C: !Not [!Condition D]}\nResources: {A: {Type: T}}",
                "D",
                "Template format error: Unresolved condition dependency D in the Conditions block of the template",
            ),
        ];
        for (text, pointed, message) in cases {
            assert_eq!(
                refusal(text),
                (message.to_owned(), pointed.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn conditions_that_need_each_other() {
        let text = "Conditions: {C: !Not [!Condition D], D: !Not [{Condition: C}]}\nResources: {A: {Type: T}}";
        assert_eq!(refused(text).len(), 1);
        assert_eq!(
            refusal(text).0,
            "Circular dependency between conditions: [C, D]"
        );
    }
}
