//! Parameters given values.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::{Number, Value as Json};

use super::{Parameter, ParameterType, Template};

/// The values of all parameters of a template.
pub type BoundParameters = IndexMap<String, Bound>;

/// A parameter's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The type it was declared with.
    pub parameter_type: ParameterType,
    /// The value as it was given.
    pub text: String,
}

/// Values that do not fit, in CloudFormation's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// Values for parameters that the template lacks.
    #[error("Parameters: [{}] do not exist in the template", .0.join(", "))]
    Unknown(Vec<String>),
    /// No value and no default.
    #[error("Parameters: [{}] must have values", .0.join(", "))]
    Missing(Vec<String>),
    /// No number.
    #[error("Parameter '{0}' must be a number.")]
    NotNumber(String),
    /// None of the allowed ones.
    #[error("Parameter '{0}' must be one of AllowedValues")]
    NotAllowed(String),
    /// Too short.
    #[error("Parameter '{0}' must contain at least {1} characters")]
    TooShort(String, u64),
    /// Too long.
    #[error("Parameter '{0}' must contain at most {1} characters")]
    TooLong(String, u64),
    /// Too small.
    #[error("Parameter '{0}' must be a number not less than {1}")]
    TooSmall(String, String),
    /// Too great.
    #[error("Parameter '{0}' must be a number not greater than {1}")]
    TooGreat(String, String),
    /// Any of these, in the template's own words.
    #[error("Parameter '{0}' failed to satisfy constraint: {1}")]
    Constraint(String, String),
}

// === impl Template ===

impl Template {
    /// Gives each parameter its value: the one given, or its default. Values
    /// of `AWS::SSM::Parameter::Value<…>` stay the name of the SSM parameter.
    pub fn check_parameters(
        &self,
        given: &BTreeMap<String, String>,
    ) -> Result<BoundParameters, ParameterError> {
        let unknown: Vec<String> = given
            .keys()
            .filter(|name| !self.parameters.contains_key(*name))
            .cloned()
            .collect();
        if !unknown.is_empty() {
            return Err(ParameterError::Unknown(unknown));
        }
        let mut missing = Vec::new();
        let mut bound = BoundParameters::new();
        for (name, parameter) in &self.parameters {
            match given.get(name).or(parameter.default.as_ref()) {
                None => missing.push(name.clone()),
                Some(text) => {
                    let parameter_type = parameter.parameter_type.clone();
                    bound.insert(
                        name.clone(),
                        Bound {
                            parameter_type,
                            text: text.clone(),
                        },
                    );
                }
            }
        }
        if !missing.is_empty() {
            return Err(ParameterError::Missing(missing));
        }
        for (name, value) in &bound {
            self.parameters[name].check(name, value)?;
        }
        Ok(bound)
    }
}

// === impl Parameter ===

impl Parameter {
    fn check(&self, name: &str, bound: &Bound) -> Result<(), ParameterError> {
        self.violation(name, bound)
            .map_or(Ok(()), |violation| match &self.constraint_description {
                // CloudFormation says this of the type, whatever the description.
                Some(words) if !matches!(violation, ParameterError::NotNumber(_)) => {
                    Err(ParameterError::Constraint(name.to_owned(), words.clone()))
                }
                Some(_) | None => Err(violation),
            })
    }

    fn violation(&self, name: &str, bound: &Bound) -> Option<ParameterError> {
        let name = || name.to_owned();
        let items = bound.items();
        let numeric = matches!(
            self.parameter_type,
            ParameterType::Number | ParameterType::NumberList
        );
        if numeric && items.iter().any(|item| number(item).is_none()) {
            return Some(ParameterError::NotNumber(name()));
        }
        let allowed = |item: &&str| self.allowed_values.iter().any(|each| each == item);
        if !self.allowed_values.is_empty() && !items.iter().all(allowed) {
            return Some(ParameterError::NotAllowed(name()));
        }
        let length = bound.text.chars().count() as u64;
        match (self.min_length, self.max_length) {
            (Some(least), _) if length < least => {
                return Some(ParameterError::TooShort(name(), least));
            }
            (_, Some(most)) if length > most => return Some(ParameterError::TooLong(name(), most)),
            _ => {}
        }
        let value = if numeric {
            number(&bound.text)?
        } else {
            return None;
        };
        match (self.min_value, self.max_value) {
            (Some(least), _) if value < least => {
                Some(ParameterError::TooSmall(name(), least.to_string()))
            }
            (_, Some(most)) if value > most => {
                Some(ParameterError::TooGreat(name(), most.to_string()))
            }
            _ => None,
        }
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim()
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

// === impl Bound ===

impl Bound {
    /// The name of the SSM parameter whose value is wanted, if it is one.
    pub fn ssm_name(&self) -> Option<&str> {
        matches!(self.parameter_type, ParameterType::Ssm { .. }).then_some(self.text.as_str())
    }

    /// The value as `Ref` gives it: text, a list of text, or a number where
    /// that keeps its text. For an SSM parameter, replace `text` by what it
    /// holds first.
    pub fn value(&self) -> Json {
        let numeric = matches!(
            self.parameter_type,
            ParameterType::Number | ParameterType::NumberList
        );
        let json = |text: &str| {
            if numeric {
                as_number(text)
            } else {
                Json::String(text.to_owned())
            }
        };
        if self.parameter_type.is_list() {
            self.items().into_iter().map(json).collect()
        } else {
            json(&self.text)
        }
    }

    fn items(&self) -> Vec<&str> {
        if !self.parameter_type.is_list() {
            return vec![&self.text];
        }
        if self.text.is_empty() {
            return Vec::new();
        }
        self.text.split(',').map(str::trim).collect()
    }
}

fn as_number(text: &str) -> Json {
    let number: Option<Number> = serde_json::from_str(text).ok();
    match number {
        Some(number) if number.to_string() == text => Json::Number(number),
        Some(_) | None => Json::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::template::parse::tests::template;
    use serde_json::json;

    fn bind(parameters: &str, given: &[(&str, &str)]) -> Result<BoundParameters, String> {
        let text = format!("Parameters: {parameters}\nResources: {{A: {{Type: X::Y::Z}}}}");
        let given = given
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        template(&text)
            .check_parameters(&given)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn values_take_the_form_of_their_type() {
        let parameters = "{a: {Type: String, Default: 012}, b: {Type: Number}, c: {Type: CommaDelimitedList, Default: 'x, y'}, \
            d: {Type: List<Number>, Default: '1,2'}, e: {Type: AWS::SSM::Parameter::Value<String>, Default: /x/y}, \
            f: {Type: CommaDelimitedList, Default: ''}}";
        let bound = bind(parameters, &[("b", "80")]).unwrap();
        let values: Vec<Json> = bound.values().map(Bound::value).collect();
        assert_eq!(
            json!(values),
            json!(["012", 80, ["x", "y"], [1, 2], "/x/y", []])
        );
        assert_eq!(
            (bound["e"].ssm_name(), bound["a"].ssm_name()),
            (Some("/x/y"), None)
        );
    }

    #[test]
    fn what_does_not_fit_is_told_in_cloudformations_words() {
        type Given = &'static [(&'static str, &'static str)];
        let cases: [(&str, Given, &str); 10] = [
            (
                "{a: {Type: String}, b: {Type: String}}",
                &[("b", "")],
                "Parameters: [a] must have values",
            ),
            (
                "{a: {Type: String}}",
                &[("x", "1"), ("y", "2")],
                "Parameters: [x, y] do not exist in the template",
            ),
            (
                "{Value: {Type: Number}}",
                &[("Value", "x")],
                "Parameter 'Value' must be a number.",
            ),
            (
                "{a: {Type: List<Number>}}",
                &[("a", "1,x")],
                "Parameter 'a' must be a number.",
            ),
            (
                "{a: {Type: String, AllowedValues: [x, 'y']}}",
                &[("a", "z")],
                "Parameter 'a' must be one of AllowedValues",
            ),
            (
                "{a: {Type: String, MinLength: 2}}",
                &[("a", "z")],
                "Parameter 'a' must contain at least 2 characters",
            ),
            (
                "{a: {Type: String, MaxLength: 2}}",
                &[("a", "zzz")],
                "Parameter 'a' must contain at most 2 characters",
            ),
            (
                "{a: {Type: Number, MinValue: 2}}",
                &[("a", "1")],
                "Parameter 'a' must be a number not less than 2",
            ),
            (
                "{a: {Type: Number, MaxValue: 2}}",
                &[("a", "3")],
                "Parameter 'a' must be a number not greater than 2",
            ),
            (
                "{a: {Type: Number, MaxValue: 2, ConstraintDescription: two at most}}",
                &[("a", "3")],
                "Parameter 'a' failed to satisfy constraint: two at most",
            ),
        ];
        for (parameters, given, expected) in cases {
            assert_eq!(bind(parameters, given).unwrap_err(), expected);
        }
    }
}
