//! What came of a try, and all of it as JSON.

use std::io::{self, ErrorKind};

/// The kernel knows no such protocol, socket or family: `EPROTONOSUPPORT`,
/// `ESOCKTNOSUPPORT`, `EAFNOSUPPORT`.
const UNKNOWN_HERE: [i32; 3] = [93, 94, 97];

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

    /// A failed call. That it took too long, or that something has run out,
    /// is no refusal.
    pub(super) fn failed(error: &io::Error) -> Self {
        let text = error.to_string();
        let words = text.split(" (os error").next().unwrap_or_default();
        let words = words.to_lowercase();
        match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Self::unclear("no answer"),
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Self::refused("reset"),
            ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionAborted
            | ErrorKind::PermissionDenied
            | ErrorKind::AddrNotAvailable
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable => Self::refused(words),
            _ if error
                .raw_os_error()
                .is_some_and(|code| UNKNOWN_HERE.contains(&code)) =>
            {
                Self::refused(words)
            }
            _ => Self::unclear(format!("could not be tried: {words}")),
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
    fn what_has_run_out_is_no_refusal() {
        // EPERM, EAFNOSUPPORT, ENETUNREACH, ECONNREFUSED.
        for code in [1, 97, 101, 111] {
            let seen = Seen::failed(&io::Error::from_raw_os_error(code));
            assert_eq!(seen.out, Some(false), "{code}");
        }
        // EMFILE, ENOBUFS, ETIMEDOUT.
        for code in [24, 105, 110] {
            let seen = Seen::failed(&io::Error::from_raw_os_error(code));
            assert_eq!(seen.out, None, "{code}");
        }
    }

    #[test]
    fn whatever_answered_the_document_is_json() {
        let told = [("p", Seen::out("a \"b\" \\ \r\n"))];
        let text =
            r#"{"probe":"p","expected":"refused","seen":"a \"b\" \\ \u000d\u000a","out":true}"#;
        assert_eq!(document(&told), format!("{{\"probes\":[\n{text}\n]}}\n"));
    }
}
