//! What expressions come to.

use std::cell::RefCell;
use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use super::{
    Condition, EvaluateError, Expr, Form, LogicalId, Output, Part, Pseudo, Resource, Scope, Target,
    Template, Unevaluable, builtin,
};
use crate::diag::Span;

/// No text of a template may grow past this: nested `Fn::Sub` can double it
/// at each level.
const LONGEST: usize = 4 << 20;

// === impl Template ===

impl Template {
    /// What an expression comes to. `AWS::NoValue` takes its key or item with
    /// it, and is null when there is nothing around it.
    pub fn evaluate(&self, expr: &Expr, scope: &dyn Scope) -> Result<Json, EvaluateError> {
        Ok(Evaluator::new(self, scope)
            .value(expr)?
            .unwrap_or(Json::Null))
    }

    /// Whether a condition of the template holds.
    pub fn holds(&self, condition: &str, scope: &dyn Scope) -> Result<bool, EvaluateError> {
        Evaluator::new(self, scope).named(condition, Span::default())
    }

    /// Whether a resource is to be made: it has no condition, or it holds.
    pub fn wants(&self, resource: &Resource, scope: &dyn Scope) -> Result<bool, EvaluateError> {
        resource
            .condition
            .as_ref()
            .map_or(Ok(true), |name| self.holds(name, scope))
    }

    /// Whether an output is to be told: it has no condition, or it holds.
    pub fn tells(&self, output: &Output, scope: &dyn Scope) -> Result<bool, EvaluateError> {
        output
            .condition
            .as_ref()
            .map_or(Ok(true), |name| self.holds(name, scope))
    }
}

/// A template with the values around it. Conditions are decided once.
pub(super) struct Evaluator<'a> {
    template: &'a Template,
    scope: &'a dyn Scope,
    decided: RefCell<HashMap<String, bool>>,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(template: &'a Template, scope: &'a dyn Scope) -> Self {
        Self {
            template,
            scope,
            decided: RefCell::default(),
        }
    }

    /// The value; `None` is `AWS::NoValue`.
    pub(super) fn value(&self, expr: &Expr) -> Result<Option<Json>, EvaluateError> {
        match &expr.form {
            Form::Literal(json) => Ok(Some(json.clone())),
            Form::List(items) => Ok(Some(Json::Array(self.all(items)?))),
            Form::Map(entries) => {
                let mut map = Map::with_capacity(entries.len());
                for (key, entry) in entries {
                    if let Some(value) = self.value(entry)? {
                        map.insert(key.clone(), value);
                    }
                }
                Ok(Some(Json::Object(map)))
            }
            Form::Ref(target) => self.reference(target, expr.span),
            Form::GetAtt {
                resource,
                attribute,
            } => self.attribute(resource, attribute, expr.span).map(Some),
            Form::Sub { parts, variables } => self.sub(parts, variables, expr.span).map(Some),
            Form::Join { delimiter, list } => self.join(delimiter, list).map(Some),
            Form::Select { index, list } => self.select(index, list).map(Some),
            Form::Split { delimiter, text } => {
                let text = self.text(text, "Fn::Split")?;
                Ok(Some(
                    text.split(delimiter.as_str()).map(Json::from).collect(),
                ))
            }
            Form::If {
                condition,
                then,
                otherwise,
            } => self.value(if self.named(condition, expr.span)? {
                then
            } else {
                otherwise
            }),
            Form::FindInMap { map, top, second } => {
                self.mapping([map, top, second], expr.span).map(Some)
            }
            Form::ImportValue(name) => {
                let name = self.text(name, "Fn::ImportValue")?;
                let value = self.scope.import(&name).map(Json::String);
                value
                    .map(Some)
                    .ok_or_else(|| fail(Unevaluable::Import(name), expr.span))
            }
            Form::GetAzs(region) => self.zones(region).map(Some),
            Form::Base64(text) => Ok(Some(Json::String(builtin::base64(
                self.text(text, "Fn::Base64")?.as_bytes(),
            )))),
            Form::Cidr { block, count, bits } => self
                .cidr(block, count, bits.as_deref(), expr.span)
                .map(Some),
        }
    }

    fn all(&self, items: &[Expr]) -> Result<Vec<Json>, EvaluateError> {
        items
            .iter()
            .filter_map(|item| self.value(item).transpose())
            .collect()
    }

    fn reference(&self, target: &Target, span: Span) -> Result<Option<Json>, EvaluateError> {
        match target {
            Target::NoValue => Ok(None),
            Target::Pseudo(Pseudo::NotificationArns) => {
                let all = self
                    .scope
                    .pseudo(Pseudo::NotificationArns.as_str())
                    .unwrap_or_default();
                Ok(Some(
                    all.split(',')
                        .filter(|each| !each.is_empty())
                        .map(Json::from)
                        .collect(),
                ))
            }
            Target::Pseudo(pseudo) => {
                let value = self.scope.pseudo(pseudo.as_str()).map(Json::String);
                value
                    .map(Some)
                    .ok_or_else(|| fail(Unevaluable::Pseudo(pseudo.as_str()), span))
            }
            Target::Named(name) => match self.template.resources.get_key_value(name.as_str()) {
                Some((id, _)) if !self.template.parameters.contains_key(name) => {
                    let value = self.scope.resource(id).map(Json::String);
                    value
                        .map(Some)
                        .ok_or_else(|| fail(Unevaluable::Resource(id.clone()), span))
                }
                _ => {
                    let value = self.scope.parameter(name);
                    value
                        .map(Some)
                        .ok_or_else(|| fail(Unevaluable::Parameter(name.clone()), span))
                }
            },
        }
    }

    fn attribute(
        &self,
        id: &LogicalId,
        attribute: &Expr,
        span: Span,
    ) -> Result<Json, EvaluateError> {
        let attribute = self.text(attribute, "Fn::GetAtt")?;
        if let Some(value) = self.scope.attribute(id, &attribute) {
            return Ok(value);
        }
        let cause = match self.template.resources.get(id) {
            Some(Resource { resource_type, .. }) if self.scope.resource(id).is_some() => {
                Unevaluable::Attribute {
                    resource: id.clone(),
                    resource_type: resource_type.clone(),
                    attribute,
                }
            }
            _ => Unevaluable::Resource(id.clone()),
        };
        Err(fail(cause, span))
    }

    fn sub(
        &self,
        parts: &[Part],
        variables: &indexmap::IndexMap<String, Expr>,
        span: Span,
    ) -> Result<Json, EvaluateError> {
        let mut values: HashMap<&str, String> = HashMap::new();
        for (name, expr) in variables {
            values.insert(name, self.text(expr, "Fn::Sub")?);
        }
        let mut whole = String::new();
        for part in parts {
            match part {
                Part::Text(text) => whole += text,
                Part::Variable(name) => {
                    whole += values.get(name.as_str()).map_or("", String::as_str);
                }
                Part::Reference(expr) => whole += &self.text(expr, "Fn::Sub")?,
            }
            if whole.len() > LONGEST {
                return Err(fail(Unevaluable::TooLong, span));
            }
        }
        Ok(Json::String(whole))
    }

    fn join(&self, delimiter: &str, list: &Expr) -> Result<Json, EvaluateError> {
        let items = self.list(list, "Fn::Join")?;
        let mut whole = String::new();
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                whole += delimiter;
            }
            whole += &as_text(item)
                .ok_or_else(|| mismatch("Fn::Join", "a list of text", item, list.span))?;
            if whole.len() > LONGEST {
                return Err(fail(Unevaluable::TooLong, list.span));
            }
        }
        Ok(Json::String(whole))
    }

    fn select(&self, index: &Expr, list: &Expr) -> Result<Json, EvaluateError> {
        let text = self.text(index, "Fn::Select")?;
        let items = self.list(list, "Fn::Select")?;
        let chosen = text
            .trim()
            .parse()
            .ok()
            .and_then(|index: usize| items.into_iter().nth(index));
        chosen.ok_or_else(|| fail(Unevaluable::Select(text), index.span))
    }

    fn mapping(&self, keys: [&Expr; 3], span: Span) -> Result<Json, EvaluateError> {
        let [map, top, second] = keys.map(|key| self.text(key, "Fn::FindInMap"));
        let (map, top, second) = (map?, top?, second?);
        let row = self
            .template
            .mappings
            .get(&map)
            .and_then(|mapping| mapping.get(&top));
        match row.and_then(|row| row.get(&second)) {
            Some(value) => Ok(value.clone()),
            None => Err(fail(Unevaluable::Mapping(map, top, second), span)),
        }
    }

    fn zones(&self, region: &Expr) -> Result<Json, EvaluateError> {
        let wanted = self.text(region, "Fn::GetAZs")?;
        let here = self.scope.pseudo(Pseudo::Region.as_str());
        if wanted.is_empty() || here.is_none_or(|here| here == wanted) {
            Ok(self.scope.zones().into())
        } else {
            Err(fail(Unevaluable::Zones(wanted), region.span))
        }
    }

    fn cidr(
        &self,
        block: &Expr,
        count: &Expr,
        bits: Option<&Expr>,
        span: Span,
    ) -> Result<Json, EvaluateError> {
        let block = self.text(block, "Fn::Cidr")?;
        let count = self.text(count, "Fn::Cidr")?;
        let bits = bits.map_or(Ok("8".to_owned()), |bits| self.text(bits, "Fn::Cidr"))?;
        let blocks = count
            .parse()
            .ok()
            .zip(bits.parse().ok())
            .and_then(|(count, bits)| builtin::cidr(&block, count, bits));
        match blocks {
            Some(blocks) => Ok(blocks.into()),
            None => Err(fail(Unevaluable::Cidr { block, count, bits }, span)),
        }
    }

    /// The value as text: numbers and truth values have one, lists do not.
    pub(super) fn text(
        &self,
        expr: &Expr,
        function: &'static str,
    ) -> Result<String, EvaluateError> {
        let value = self.value(expr)?.unwrap_or(Json::Null);
        as_text(&value).ok_or_else(|| mismatch(function, "text", &value, expr.span))
    }

    fn list(&self, expr: &Expr, function: &'static str) -> Result<Vec<Json>, EvaluateError> {
        match self.value(expr)?.unwrap_or(Json::Null) {
            Json::Array(items) => Ok(items),
            other => Err(mismatch(function, "a list", &other, expr.span)),
        }
    }

    /// Whether the condition of that name holds.
    pub(super) fn named(&self, name: &str, span: Span) -> Result<bool, EvaluateError> {
        if let Some(decided) = self.decided.borrow().get(name) {
            return Ok(*decided);
        }
        let condition = self.template.conditions.get(name);
        let condition =
            condition.ok_or_else(|| fail(Unevaluable::Parameter(name.to_owned()), span))?;
        let holds = self.condition(condition)?;
        self.decided.borrow_mut().insert(name.to_owned(), holds);
        Ok(holds)
    }

    fn condition(&self, condition: &Condition) -> Result<bool, EvaluateError> {
        match condition {
            Condition::Named(name, span) => self.named(name, *span),
            Condition::Equals(left, right) => {
                let [left, right] = [left, right].map(|side| self.value(side));
                Ok(comparable(left?) == comparable(right?))
            }
            Condition::And(all) => all
                .iter()
                .try_fold(true, |so_far, each| Ok(so_far && self.condition(each)?)),
            Condition::Or(any) => any
                .iter()
                .try_fold(false, |so_far, each| Ok(so_far || self.condition(each)?)),
            Condition::Not(one) => self.condition(one).map(|holds| !holds),
        }
    }
}

fn fail(cause: Unevaluable, span: Span) -> EvaluateError {
    EvaluateError { cause, span }
}

fn mismatch(
    function: &'static str,
    wanted: &'static str,
    value: &Json,
    span: Span,
) -> EvaluateError {
    let found = match value {
        Json::Null => "AWS::NoValue",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "text",
        Json::Array(_) => "a list",
        Json::Object(_) => "a map",
    };
    fail(
        Unevaluable::Kind {
            function,
            wanted,
            found,
        },
        span,
    )
}

fn as_text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// `80` and `"80"`, `true` and `"true"` are equal to CloudFormation.
fn comparable(value: Option<Json>) -> Json {
    let value = value.unwrap_or(Json::Null);
    as_text(&value).map_or(value, Json::String)
}

#[cfg(test)]
mod tests;
