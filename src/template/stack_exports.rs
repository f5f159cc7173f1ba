//! What a stack of this template shares with others.

use std::collections::{BTreeMap, BTreeSet};

use super::evaluate::Evaluator;
use super::{EvaluateError, Expr, Form, Scope, Template};

impl Template {
    /// The names that outputs are exported under. Needs parameters and `AWS::`
    /// names only, unless a name is made of more.
    pub fn exports(&self, scope: &dyn Scope) -> Result<BTreeSet<String>, EvaluateError> {
        self.exports_by_output(scope)
            .map(|exports| exports.into_values().collect())
    }

    /// The names that outputs are exported under, by output.
    pub fn exports_by_output(
        &self,
        scope: &dyn Scope,
    ) -> Result<BTreeMap<String, String>, EvaluateError> {
        let evaluator = Evaluator::new(self, scope);
        let mut exports = BTreeMap::new();
        for (name, output) in &self.outputs {
            if let Some(export) = &output.export
                && evaluator.wanted(output.condition.as_deref(), output.condition_span)?
            {
                exports.insert(name.clone(), evaluator.text(export, "Export")?);
            }
        }
        Ok(exports)
    }

    /// The names that are imported, by what is really made: not by resources
    /// whose condition is false, nor by the branch of `Fn::If` not taken.
    pub fn imports(&self, scope: &dyn Scope) -> Result<BTreeSet<String>, EvaluateError> {
        let evaluator = Evaluator::new(self, scope);
        let mut names = BTreeSet::new();
        for resource in self.resources.values() {
            if evaluator.wanted(resource.condition.as_deref(), resource.condition_span)? {
                evaluator.imports(&resource.properties, &mut names)?;
            }
        }
        for output in self.outputs.values() {
            if evaluator.wanted(output.condition.as_deref(), output.condition_span)? {
                evaluator.imports(&output.value, &mut names)?;
            }
        }
        Ok(names)
    }
}

impl Evaluator<'_> {
    fn wanted(
        &self,
        condition: Option<&str>,
        span: crate::diag::Span,
    ) -> Result<bool, EvaluateError> {
        condition.map_or(Ok(true), |name| self.named(name, span))
    }

    fn imports(&self, expr: &Expr, names: &mut BTreeSet<String>) -> Result<(), EvaluateError> {
        match &expr.form {
            Form::ImportValue(name) => {
                names.insert(self.text(name, "Fn::ImportValue")?);
                Ok(())
            }
            Form::If {
                condition,
                then,
                otherwise,
            } => self.imports(
                if self.named(condition, expr.span)? {
                    then
                } else {
                    otherwise
                },
                names,
            ),
            _ => expr
                .children()
                .into_iter()
                .try_for_each(|child| self.imports(child, names)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::template::StaticScope;
    use crate::template::parse::tests::template;

    #[test]
    fn names_come_from_parameters_alone() {
        let template = template(
            "Parameters: {E: {Type: String, Default: demo}}\n\
             Conditions: {Off: !Equals [!Ref E, x]}\n\
             Resources:\n\
            \x20 A: {Type: T, Properties: {p: !ImportValue {'Fn::Sub': '${E}:VPC'}, q: !If [Off, !ImportValue no, !GetAtt B.Arn]}}\n\
            \x20 B: {Type: T, Condition: Off, Properties: {p: !ImportValue never}}\n\
             Outputs:\n\
            \x20 O: {Value: !Sub ['${v}', {v: !ImportValue other}], Export: {Name: !Sub '${E}:O'}}\n\
            \x20 P: {Value: x, Condition: Off, Export: {Name: never}}\n",
        );
        let scope = StaticScope::new(&template.check_parameters(&BTreeMap::new()).unwrap());
        assert_eq!(
            template.exports(&scope).unwrap(),
            ["demo:O".to_owned()].into()
        );
        assert_eq!(
            template.imports(&scope).unwrap(),
            ["demo:VPC".to_owned(), "other".to_owned()].into()
        );
    }
}
