//! Which names an expression mentions.

use std::collections::BTreeSet;

use super::{Condition, Expr, Form, LogicalId, Part, Target, Template};
use crate::diag::Span;

/// A name that an expression mentions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reference<'a> {
    /// `Ref`, or a variable of `Fn::Sub`.
    Name(&'a str),
    /// `Fn::GetAtt`.
    Attribute(&'a LogicalId),
    /// `Fn::If`.
    Condition(&'a str),
    /// `Fn::FindInMap` with a literal name.
    Mapping(&'a str),
}

// === impl Expr ===

impl Expr {
    /// The expressions right inside this one, in the order written.
    pub(super) fn children(&self) -> Vec<&Expr> {
        match &self.form {
            Form::Literal(_) | Form::Ref(_) => Vec::new(),
            Form::List(items) => items.iter().collect(),
            Form::Map(entries) => entries.values().collect(),
            Form::GetAtt {
                attribute: inner, ..
            }
            | Form::Join { list: inner, .. }
            | Form::Split { text: inner, .. }
            | Form::ImportValue(inner)
            | Form::GetAzs(inner)
            | Form::Base64(inner) => vec![inner],
            Form::Sub { parts, variables } => {
                let references = parts.iter().filter_map(|part| match part {
                    Part::Reference(reference) => Some(reference),
                    Part::Text(_) | Part::Variable(_) => None,
                });
                references.chain(variables.values()).collect()
            }
            Form::Select {
                index: first,
                list: second,
            }
            | Form::If {
                then: first,
                otherwise: second,
                ..
            } => {
                vec![first, second]
            }
            Form::FindInMap { map, top, second } => vec![map, top, second],
            Form::Cidr { block, count, bits } => [block, count]
                .into_iter()
                .chain(bits)
                .map(AsRef::as_ref)
                .collect(),
        }
    }

    /// Shows each expression inside this one, and this one.
    fn visit<'a>(&'a self, see: &mut dyn FnMut(&'a Expr)) {
        see(self);
        for child in self.children() {
            child.visit(see);
        }
    }

    /// Shows each name mentioned.
    pub(super) fn references<'a>(&'a self, see: &mut dyn FnMut(Reference<'a>, Span)) {
        self.visit(&mut |expr| {
            let reference = match &expr.form {
                Form::Ref(Target::Named(name)) => Reference::Name(name),
                Form::GetAtt { resource, .. } => Reference::Attribute(resource),
                Form::If { condition, .. } => Reference::Condition(condition),
                Form::FindInMap { map, .. } => match map.as_literal_str() {
                    Some(name) => Reference::Mapping(name),
                    None => return,
                },
                _ => return,
            };
            see(reference, expr.span);
        });
    }
}

// === impl Condition ===

impl Condition {
    /// Shows each name mentioned.
    pub(super) fn references<'a>(&'a self, see: &mut dyn FnMut(Reference<'a>, Span)) {
        match self {
            Self::Named(name, span) => see(Reference::Condition(name), *span),
            Self::Equals(left, right) => {
                left.references(see);
                right.references(see);
            }
            Self::And(all) | Self::Or(all) => all.iter().for_each(|each| each.references(see)),
            Self::Not(one) => one.references(see),
        }
    }
}

// === impl Template ===

impl Template {
    /// What a resource needs to stand first: what it refers to and what it
    /// names in `DependsOn`. Empty for an id that the template lacks.
    pub fn dependencies(&self, id: &LogicalId) -> BTreeSet<LogicalId> {
        let mut needed = BTreeSet::new();
        if let Some(resource) = self.resources.get(id) {
            self.each_dependency(resource, &mut |index| {
                needed.extend(self.resources.get_index(index).map(|(id, _)| id.clone()));
            });
        }
        needed
    }

    /// Shows the places, in the order of the template, of what a resource
    /// needs; some of them more than once.
    pub(super) fn each_dependency(&self, resource: &super::Resource, see: &mut dyn FnMut(usize)) {
        for id in &resource.depends_on {
            self.resources
                .get_index_of(id)
                .into_iter()
                .for_each(&mut *see);
        }
        resource.properties.references(&mut |reference, _| {
            let index = match reference {
                Reference::Name(name) if self.parameters.contains_key(name) => None,
                Reference::Name(name) => self.resources.get_index_of(name),
                Reference::Attribute(id) => self.resources.get_index_of(id),
                Reference::Condition(_) | Reference::Mapping(_) => None,
            };
            index.into_iter().for_each(&mut *see);
        });
    }
}

/// The expression as text that says nothing of places.
#[cfg(test)]
pub(super) fn without_spans(expr: &Expr) -> String {
    let text = format!("{expr:?}");
    let mut cut = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("span: Span {") {
        cut += &rest[..at];
        rest = &rest[at + rest[at..].find('}').map_or(rest.len() - at, |end| end + 1)..];
    }
    cut + rest
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::template::parse::tests::template;

    #[test]
    fn dependencies_come_from_every_kind_of_mention() {
        let template = template(
            "Parameters: {P: {Type: String}}\n\
             Conditions: {C: !Equals [!Ref P, x]}\n\
             Resources:\n\
            \x20 A: {Type: X::Y::Z}\n\
            \x20 B: {Type: X::Y::Z}\n\
            \x20 D: {Type: X::Y::Z}\n\
            \x20 E: {Type: X::Y::Z}\n\
            \x20 F: {Type: X::Y::Z}\n\
            \x20 G:\n\
            \x20   Type: X::Y::Z\n\
            \x20   DependsOn: [A]\n\
            \x20   Properties:\n\
            \x20     p: [!Ref B, !Ref P, {q: !GetAtt D.Arn}]\n\
            \x20     r: !If [C, !Join ['', [!Sub '${E.Arn}']], !Sub ['${v}', {v: !Ref F}]]\n",
        );
        let needed = template.dependencies(&"G".try_into().unwrap());
        let needed: Vec<_> = needed.iter().map(LogicalId::as_str).collect();
        assert_eq!(needed, ["A", "B", "D", "E", "F"]);
        assert!(
            template
                .dependencies(&"None".try_into().unwrap())
                .is_empty()
        );
    }
}
