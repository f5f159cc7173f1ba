//! What came of a try, and all of it as JSON.

use std::io::{self, ErrorKind};

/// What the app saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Whether it got out; none when silence leaves that open.
    pub(super) out: Option<bool>,
    /// In a few words.
    pub(super) words: String,
}

// === impl Seen ===

impl Seen {
    pub(super) fn out(words: impl Into<String>) -> Self {
        Self::new(Some(true), words)
    }

    pub(super) fn refused(words: impl Into<String>) -> Self {
        Self::new(Some(false), words)
    }

    pub(super) fn unclear(words: impl Into<String>) -> Self {
        Self::new(None, words)
    }

    fn new(out: Option<bool>, words: impl Into<String>) -> Self {
        let words = words.into();
        Self { out, words }
    }

    /// A failed call: a refusal, unless it only took too long.
    pub(super) fn failed(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Self::unclear("no answer"),
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Self::refused("reset"),
            _ => {
                let text = error.to_string();
                let words = text.split(" (os error").next().unwrap_or_default();
                Self::refused(words.to_lowercase())
            }
        }
    }

    /// Several tries as one: out by any, refused by all.
    pub(super) fn together(tries: Vec<Self>) -> Self {
        let worst = tries.iter().min_by_key(|seen| match seen.out {
            Some(true) => 0,
            None => 1,
            Some(false) => 2,
        });
        let out = worst.and_then(|seen| seen.out);
        let mut words: Vec<String> = Vec::new();
        for seen in tries.into_iter().filter(|seen| seen.out == out) {
            if !words.contains(&seen.words) {
                words.push(seen.words);
            }
        }
        Self::new(out, words.join(", "))
    }
}

/// All that was tried, as one JSON document.
pub(super) fn document(told: &[(&str, Seen)]) -> String {
    let rows: Vec<String> = told.iter().map(|(probe, seen)| row(probe, seen)).collect();
    format!("{{\"probes\":[\n{}\n]}}\n", rows.join(",\n"))
}

fn row(probe: &str, seen: &Seen) -> String {
    let out = match seen.out {
        Some(true) => "true",
        Some(false) => "false",
        None => "null",
    };
    format!(
        "{{\"probe\":{},\"expected\":\"refused\",\"seen\":{},\"out\":{out}}}",
        quoted(probe),
        quoted(&seen.words)
    )
}

/// What an answer says may be anything.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            _ if character.is_control() => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_way_out_is_out_and_one_silence_is_not_refused() {
        let (out, none, refused) = (Seen::out("a"), Seen::unclear("b"), Seen::refused("c"));
        let all = vec![refused.clone(), none.clone(), out.clone()];
        assert_eq!(Seen::together(all), out);
        assert_eq!(Seen::together(vec![refused.clone(), none.clone()]), none);
        assert_eq!(
            Seen::together(vec![refused.clone(), refused.clone()]),
            refused
        );
    }

    #[test]
    fn whatever_answered_the_document_is_json() {
        let told = [("p", Seen::out("a \"b\" \\ \r\n"))];
        let text =
            r#"{"probe":"p","expected":"refused","seen":"a \"b\" \\ \u000d\u000a","out":true}"#;
        assert_eq!(document(&told), format!("{{\"probes\":[\n{text}\n]}}\n"));
    }
}
