//! The query protocols: a form of flat names, `A.member.1.B=c`.

use crate::account::ApiError;
use std::collections::BTreeMap;

/// One decoded request.
#[derive(Debug, Default)]
pub struct Query {
    values: BTreeMap<String, String>,
}

impl Query {
    /// Decodes the body and the query string; the body wins.
    pub fn parse(body: &[u8], in_path: &str) -> Result<Self, ApiError> {
        let text = std::str::from_utf8(body)
            .map_err(|_| ApiError::new("MalformedInput", "the body is not a form in UTF-8"))?;
        let mut values = BTreeMap::new();
        for pair in in_path
            .split('&')
            .chain(text.split('&'))
            .filter(|pair| !pair.is_empty())
        {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            values.insert(decode(name), decode(value));
        }
        if values.contains_key("Action") {
            Ok(Self { values })
        } else {
            Err(ApiError::new(
                "MissingAction",
                "The request must contain the parameter Action",
            )
            .with_status(400))
        }
    }

    /// The operation.
    pub fn action(&self) -> &str {
        self.get("Action").unwrap_or_default()
    }

    /// The version of the service's interface.
    pub fn version(&self) -> &str {
        self.get("Version").unwrap_or_default()
    }

    /// The parameters as fields.
    pub fn fields(&self) -> Fields<'_> {
        Fields {
            values: &self.values,
            prefix: String::new(),
        }
    }

    /// The names of the parameters, of lists and structures the outermost.
    pub fn names(&self) -> Vec<String> {
        let outermost = |name: &String| name.split('.').next().map(str::to_owned);
        let mut names: Vec<String> = self.values.keys().filter_map(outermost).collect();
        names.dedup();
        names.retain(|name| name != "Action" && name != "Version");
        names
    }

    /// A parameter, when it was sent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// A parameter that must be sent.
    pub fn require(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| missing(name))
    }

    /// True for `true`.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// A list of values, written `Name.member.1` or `Name.1`.
    pub fn list(&self, name: &str) -> Vec<&str> {
        self.fields().list(name)
    }

    /// A list of structures.
    pub fn members(&self, name: &str) -> Vec<Fields<'_>> {
        self.fields().members(name)
    }

    /// Whether anything was said of a list; an empty one is its bare name.
    pub fn said(&self, name: &str) -> bool {
        let within = format!("{name}.");
        let mut from = self.values.range(within.clone()..);
        let has_any = from.next().is_some_and(|(key, _)| key.starts_with(&within));
        has_any || self.values.contains_key(name)
    }
}

/// The fields of a structure inside a request.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    values: &'a BTreeMap<String, String>,
    prefix: String,
}

impl<'a> Fields<'a> {
    /// A field, when it was sent.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.values
            .get(&format!("{}{name}", self.prefix))
            .map(String::as_str)
    }

    /// A list of values.
    pub fn list(&self, name: &str) -> Vec<&'a str> {
        self.numbered(name)
            .map_while(|key| self.values.get(&key).map(String::as_str))
            .collect()
    }

    /// A list of structures.
    pub fn members(&self, name: &str) -> Vec<Self> {
        self.numbered(name)
            .map(|key| format!("{key}."))
            .take_while(|prefix| {
                self.values
                    .range(prefix.clone()..)
                    .next()
                    .is_some_and(|(key, _)| key.starts_with(prefix))
            })
            .map(|prefix| Self {
                values: self.values,
                prefix,
            })
            .collect()
    }

    /// The keys of a list's members, whichever way they are written.
    fn numbered(&self, name: &str) -> impl Iterator<Item = String> + use<'a> {
        let member = format!("{}{name}.member.", self.prefix);
        let named = self
            .values
            .range(member.clone()..)
            .next()
            .is_some_and(|(key, _)| key.starts_with(&member));
        let start = if named {
            member
        } else {
            format!("{}{name}.", self.prefix)
        };
        (1..).map(move |index: usize| format!("{start}{index}"))
    }
}

/// What AWS says of a parameter that is not there.
pub fn missing(name: &str) -> ApiError {
    ApiError::validation(format!(
        "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
        lower_first(name)
    ))
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

/// Undoes `application/x-www-form-urlencoded`.
fn decode(text: &str) -> String {
    unescaped(text, b' ')
}

/// Undoes the encoding of paths, where a plus is a plus.
pub(super) fn decoded(text: &str) -> String {
    unescaped(text, b'+')
}

fn unescaped(text: &str, plus: u8) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, escaped(after)) {
            (b'%', Some(value)) => {
                bytes.push(value);
                rest = &after[2..];
            }
            (b'+', _) => bytes.push(plus),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn escaped(after: &[u8]) -> Option<u8> {
    let digit = |at: usize| {
        after
            .get(at)
            .and_then(|byte| char::from(*byte).to_digit(16))
    };
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn decodes_lists_of_both_protocols() {
        let body = b"Action=A&Version=1&P.member.1.K=a%2Bb+c&P.member.1.V=%C3%A4&P.member.2.K=d&N.1=x&N.2=y&E=";
        let query = Query::parse(body, "").unwrap();
        let members = query.members("P");
        assert_eq!(members.len(), 2);
        assert_eq!(members[0].get("K"), Some("a+b c"));
        assert_eq!(members[0].get("V"), Some("\u{e4}"));
        assert_eq!(query.list("N"), ["x", "y"]);
        assert!(query.list("E").is_empty());
        assert!(query.members("E").is_empty());
    }
}
