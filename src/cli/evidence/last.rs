//! The last words of a task of the local target.

use std::collections::VecDeque;
use std::path::Path;

use super::newest_lines;
use super::printable::{clipped, plain};
use crate::cli::session::Session;
use crate::deploy::LastLines;

/// How many lines of each log are told.
const MOST: usize = 4;
/// The most characters of a line that are told.
const LONGEST: usize = 200;

/// What reads them, where they are on this machine.
pub(crate) fn last_lines(session: &Session) -> LastLines {
    let Some(local) = &session.local else {
        return LastLines::default();
    };
    let folder = local.paths.runtime();
    LastLines::read_by(move |task| {
        let id = task.rsplit('/').next().unwrap_or_default();
        let logs = folder.join(id);
        // What the proxy says counts where the app said nothing.
        [("app", "app.log"), ("envoy", "envoy.log")]
            .into_iter()
            .map(|(who, file)| of_file(who, &logs.join(file)))
            .find(|lines| !lines.is_empty())
            .unwrap_or_default()
    })
}

fn of_file(who: &str, path: &Path) -> Vec<String> {
    let mut last = VecDeque::new();
    newest_lines(path, |line| {
        if last.len() == MOST {
            last.pop_front();
        }
        last.push_back(String::from_utf8_lossy(line).into_owned());
    });
    let said = |line: &String| format!("{who}: {}", clipped(&plain(line), LONGEST));
    last.iter().map(said).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn only_the_last_lines_are_told_and_none_harms_the_terminal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.log");
        std::fs::write(&path, "1\n2\n3\n4\n5 \u{1b}[31mred\u{202e}\n").unwrap();
        assert_eq!(
            of_file("app", &path),
            ["app: 2", "app: 3", "app: 4", "app: 5 red\\u{202e}"]
        );
        assert_eq!(of_file("app", &folder.path().join("none")), [""; 0]);
    }
}
