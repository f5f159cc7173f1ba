//! Failures as the runner shows them: beside the job, and at the line of the
//! settings that is wrong.

use super::runner::Runner;
use crate::cli::printer::talk;
use crate::diag::{Diagnostic, Severity};
use crate::verify::{Check, Verdict};

/// Where an annotation belongs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place<'a> {
    file: Option<&'a str>,
    line: Option<usize>,
    column: Option<usize>,
}

/// Says that something failed, where the runner takes that note.
pub(crate) fn annotate(title: &str, message: &str) {
    say(Severity::Error, &Place::default(), title, message);
}

/// Notes a check that failed.
pub(crate) fn annotate_check(check: &Check) {
    if check.verdict == Verdict::Failed {
        let message = format!(
            "expected: {}\nseen: {}\n{}",
            check.expected, check.seen, check.evidence
        );
        annotate(&check.name, message.trim_end());
    }
}

/// Notes each finding in the settings at its place.
pub(crate) fn annotate_mistakes(found: &[Diagnostic]) {
    for each in found {
        let start = each
            .source
            .as_ref()
            .zip(each.span)
            .map(|(source, span)| (source.name.as_str(), source.position(span.start)));
        let place = Place {
            file: start.map(|(file, _)| file),
            line: start.map(|(_, position)| position.line),
            column: start.map(|(_, position)| position.column),
        };
        let help = each.help.as_ref();
        let help = help.map_or_else(String::new, |help| format!("\nhelp: {help}"));
        let message = format!("{}{help}", each.message);
        say(each.severity, &place, "settings", &message);
    }
}

fn say(severity: Severity, place: &Place<'_>, title: &str, message: &str) {
    if Runner::of_stderr() == Some(Runner::GitHub) {
        talk(&line(severity, place, title, message));
    }
}

/// One line that GitHub reads as a command.
fn line(severity: Severity, place: &Place<'_>, title: &str, message: &str) -> String {
    let word = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut properties = Vec::new();
    if let Some(file) = place.file {
        properties.push(format!("file={}", property(file)));
    }
    for (name, number) in [("line", place.line), ("col", place.column)] {
        properties.extend(number.map(|number| format!("{name}={number}")));
    }
    properties.push(format!(
        "title={}",
        property(&format!("colormesh: {title}"))
    ));
    let message = anstream::adapter::strip_str(message).to_string();
    format!("::{word} {}::{}", properties.join(","), data(&message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_in_a_command_is_escaped() {
        let place = Place {
            file: Some("a,b.yaml"),
            line: Some(3),
            column: Some(11),
        };
        assert_eq!(
            line(
                Severity::Error,
                &place,
                "step: one",
                "100%\nof it, it\r\nfailed: ::x"
            ),
            "::error file=a%2Cb.yaml,line=3,col=11,title=colormesh%3A step%3A one::\
             100%25%0Aof it, it%0D%0Afailed: ::x"
        );
        assert_eq!(
            line(Severity::Warning, &Place::default(), "x", "y"),
            "::warning title=colormesh%3A x::y"
        );
    }
}
