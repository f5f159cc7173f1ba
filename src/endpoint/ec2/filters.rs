//! EC2's filters: every filter must agree, with any of its values.

use crate::account::ApiError;
use crate::endpoint::query::Query;

/// The filters of one request.
pub(super) struct Filters<'a>(Vec<Filter<'a>>);

struct Filter<'a> {
    name: &'a str,
    values: Vec<&'a str>,
}

// === impl Filters ===

impl<'a> Filters<'a> {
    /// Reads the filters; a name that `is_known` does not know is refused.
    pub(super) fn read(
        query: &'a Query,
        is_known: impl Fn(&str) -> bool,
    ) -> Result<Self, ApiError> {
        let members = query.members("Filter").into_iter().map(|fields| {
            let name = fields.get("Name").unwrap_or_default();
            if !is_known(name) {
                let message = format!("The filter '{name}' is invalid");
                return Err(ApiError::new("InvalidParameterValue", message));
            }
            let values = fields.list("Value");
            Ok(Filter { name, values })
        });
        members.collect::<Result<_, _>>().map(Self)
    }

    /// Whether something passes whose values for a filter's name `of` tells.
    pub(super) fn take(&self, of: impl Fn(&str) -> Vec<String>) -> bool {
        self.0.iter().all(|filter| {
            of(filter.name)
                .iter()
                .any(|actual| filter.values.iter().any(|wanted| matches(wanted, actual)))
        })
    }
}

/// `*` stands for any letters and `?` for one.
fn matches(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    // Which beginnings of the text the pattern so far matches.
    let mut ends = vec![false; text.len() + 1];
    ends[0] = true;
    for letter in pattern.chars() {
        if letter == '*' {
            let first = ends.iter().position(|end| *end).unwrap_or(ends.len());
            ends[first..].fill(true);
            continue;
        }
        for at in (0..text.len()).rev() {
            ends[at + 1] = ends[at] && (letter == '?' || letter == text[at]);
        }
        ends[0] = false;
    }
    ends[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("color-app", "color-app", true),
            ("color-app", "color-apps", false),
            ("color-*", "color-app", true),
            ("*app", "color-app", true),
            ("c*r-?pp", "color-app", true),
            ("?", "", false),
            ("*", "", true),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
