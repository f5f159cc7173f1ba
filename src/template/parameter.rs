//! Parameters and their types.

use std::fmt;

use crate::diag::Span;

/// A parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its type.
    pub parameter_type: ParameterType,
    /// Its value when none is given.
    pub default: Option<String>,
    /// The only values it takes; empty for any.
    pub allowed_values: Vec<String>,
    /// A pattern of the template's; kept, not enforced.
    pub allowed_pattern: Option<String>,
    /// What to say when a constraint is not met.
    pub constraint_description: Option<String>,
    /// Fewest characters.
    pub min_length: Option<u64>,
    /// Most characters.
    pub max_length: Option<u64>,
    /// Least number.
    pub min_value: Option<f64>,
    /// Greatest number.
    pub max_value: Option<f64>,
    /// Whether its value is kept out of sight.
    pub no_echo: bool,
    /// What it says of itself.
    pub description: Option<String>,
    /// The place of its name.
    pub span: Span,
}

/// The type of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterType {
    /// `String`.
    String,
    /// `Number`.
    Number,
    /// `List<Number>`.
    NumberList,
    /// `CommaDelimitedList`.
    CommaDelimitedList,
    /// A name or id of something in the account, such as
    /// `AWS::EC2::KeyPair::KeyName`.
    Account(String),
    /// `List<…>` of such.
    AccountList(String),
    /// `AWS::SSM::Parameter::Value<…>`: its value names an SSM parameter,
    /// whose value is the parameter's.
    Ssm {
        /// What stands in the angle brackets.
        of: String,
        /// Whether that is a list.
        list: bool,
    },
}

/// A type that CloudFormation does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Template format error: Unrecognized parameter type: {0}")]
pub struct InvalidParameterType(String);

/// Types whose values name something in the account.
const ACCOUNT_TYPES: [&str; 11] = [
    "AWS::EC2::AvailabilityZone::Name",
    "AWS::EC2::Image::Id",
    "AWS::EC2::Instance::Id",
    "AWS::EC2::KeyPair::KeyName",
    "AWS::EC2::SecurityGroup::GroupName",
    "AWS::EC2::SecurityGroup::Id",
    "AWS::EC2::Subnet::Id",
    "AWS::EC2::VPC::Id",
    "AWS::EC2::Volume::Id",
    "AWS::Route53::HostedZone::Id",
    "AWS::SSM::Parameter::Name",
];

// === impl ParameterType ===

impl ParameterType {
    /// Whether a value is a list.
    pub fn is_list(&self) -> bool {
        match self {
            Self::String | Self::Number | Self::Account(_) => false,
            Self::NumberList | Self::CommaDelimitedList | Self::AccountList(_) => true,
            Self::Ssm { list, .. } => *list,
        }
    }
}

fn inside<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    text.strip_prefix(before)?.strip_suffix('>')
}

impl TryFrom<&str> for ParameterType {
    type Error = InvalidParameterType;

    fn try_from(text: &str) -> Result<Self, InvalidParameterType> {
        let account = |name: &str| ACCOUNT_TYPES.contains(&name);
        let invalid = || InvalidParameterType(text.to_owned());
        if let Some(of) = inside(text, "AWS::SSM::Parameter::Value<") {
            let item = inside(of, "List<");
            let list = item.is_some() || of == "CommaDelimitedList";
            let item = item.unwrap_or(of);
            let known = matches!(item, "String" | "CommaDelimitedList") || account(item);
            return if known {
                Ok(Self::Ssm {
                    of: of.to_owned(),
                    list,
                })
            } else {
                Err(invalid())
            };
        }
        match (text, inside(text, "List<")) {
            ("String", _) => Ok(Self::String),
            ("Number", _) => Ok(Self::Number),
            (_, Some("Number")) => Ok(Self::NumberList),
            ("CommaDelimitedList", _) | (_, Some("String")) => Ok(Self::CommaDelimitedList),
            (_, Some(item)) if account(item) => Ok(Self::AccountList(item.to_owned())),
            (_, None) if account(text) => Ok(Self::Account(text.to_owned())),
            (_, _) => Err(invalid()),
        }
    }
}

impl fmt::Display for ParameterType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String => out.write_str("String"),
            Self::Number => out.write_str("Number"),
            Self::NumberList => out.write_str("List<Number>"),
            Self::CommaDelimitedList => out.write_str("CommaDelimitedList"),
            Self::Account(name) => out.write_str(name),
            Self::AccountList(name) => write!(out, "List<{name}>"),
            Self::Ssm { of, .. } => write!(out, "AWS::SSM::Parameter::Value<{of}>"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn types_read_and_print_alike() {
        let lists = [
            "List<Number>",
            "CommaDelimitedList",
            "List<AWS::EC2::Subnet::Id>",
            "AWS::SSM::Parameter::Value<List<String>>",
        ];
        let single = [
            "String",
            "Number",
            "AWS::EC2::KeyPair::KeyName",
            "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>",
        ];
        for (text, list) in lists
            .iter()
            .map(|text| (text, true))
            .chain(single.iter().map(|text| (text, false)))
        {
            let parsed = ParameterType::try_from(*text).unwrap();
            assert_eq!(
                (parsed.to_string().as_str(), parsed.is_list()),
                (*text, list)
            );
        }
        let error = ParameterType::try_from("Text").unwrap_err();
        assert_eq!(
            error.to_string(),
            "Template format error: Unrecognized parameter type: Text"
        );
    }
}
