//! What CloudFormation's API says of a template that is refused.

use indexmap::IndexSet;

use crate::diag::{Diagnostic, Diagnostics};

const LISTED: &str = "Unresolved resource dependencies [";

/// The one message that CloudFormation gives: the first, with all names where
/// it lists names that do not resolve.
pub fn validation_message(found: &Diagnostics) -> String {
    let Some(first) = found.0.first() else {
        return String::new();
    };
    let Some((before, _, after)) = listed(first) else {
        return first.message.clone();
    };
    let same = found
        .0
        .iter()
        .filter_map(listed)
        .filter(|(start, _, end)| (*start, *end) == (before, after));
    let names: IndexSet<&str> = same.map(|(_, name, _)| name).collect();
    let names: Vec<&str> = names.into_iter().collect();
    format!("{before}{}{after}", names.join(", "))
}

fn listed(diagnostic: &Diagnostic) -> Option<(&str, &str, &str)> {
    let message = &diagnostic.message;
    let from = message.find(LISTED)? + LISTED.len();
    let to = from + message[from..].find(']')?;
    Some((&message[..from], &message[from..to], &message[to..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{Template, parse::tests::source};

    #[test]
    fn names_of_one_block_are_listed_together() {
        let text = "Resources: {A: {Type: T, Properties: {P: [!Ref X, !Ref Y, !Ref X]}}}\nOutputs: {O: {Value: !Ref Z}}";
        let Err(found) = Template::parse(&source(text)) else {
            panic!("accepted")
        };
        assert_eq!(
            validation_message(&found),
            "Template format error: Unresolved resource dependencies [X, Y] in the Resources block of the template"
        );
    }
}
