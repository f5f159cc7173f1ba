//! A part of the log that the runner folds away.

use std::io::{self, Write as _};
use std::time::{SystemTime, UNIX_EPOCH};

use super::runner::Runner;

/// Folds what is said on stderr while it lives; does nothing elsewhere.
pub(crate) struct Fold(Option<(Runner, &'static str)>);

// === impl Fold ===

impl Fold {
    /// Begins a fold; `name` is one word.
    pub(crate) fn begin(name: &'static str, title: &str) -> Self {
        let fold = Self(Runner::of_stderr().map(|runner| (runner, name)));
        if let Self(Some((runner, name))) = &fold {
            write(&opening(*runner, name, title, now()));
        }
        fold
    }
}

impl Drop for Fold {
    fn drop(&mut self) {
        if let Some((runner, name)) = self.0.take() {
            write(&closing(runner, name, now()));
        }
    }
}

fn opening(runner: Runner, name: &str, title: &str, now: u64) -> String {
    match runner {
        Runner::GitHub => format!("::group::{title}\n"),
        Runner::GitLab => {
            format!("\u{1b}[0Ksection_start:{now}:colormesh_{name}\r\u{1b}[0K{title}\n")
        }
    }
}

fn closing(runner: Runner, name: &str, now: u64) -> String {
    match runner {
        Runner::GitHub => "::endgroup::\n".to_owned(),
        Runner::GitLab => format!("\u{1b}[0Ksection_end:{now}:colormesh_{name}\r\u{1b}[0K\n"),
    }
}

/// As it is: a runner's log is no terminal, but it wants the codes.
fn write(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_are_written_as_the_runner_reads_them() {
        assert_eq!(
            opening(Runner::GitHub, "plan", "The plan", 7),
            "::group::The plan\n"
        );
        assert_eq!(closing(Runner::GitHub, "plan", 7), "::endgroup::\n");
        assert_eq!(
            opening(Runner::GitLab, "plan", "The plan", 7),
            "\x1b[0Ksection_start:7:colormesh_plan\r\x1b[0KThe plan\n"
        );
        assert_eq!(
            closing(Runner::GitLab, "plan", 8),
            "\x1b[0Ksection_end:8:colormesh_plan\r\x1b[0K\n"
        );
    }
}
