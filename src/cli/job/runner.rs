//! Who runs this job, and whether it reads what stderr says.

use std::io;
use std::os::fd::AsFd;

/// A CI runner that reads more than text from the log of its jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runner {
    /// GitHub Actions: lines that begin with `::`.
    GitHub,
    /// GitLab: section markers, which are escape codes.
    GitLab,
}

// === impl Runner ===

impl Runner {
    /// The runner that reads stderr; none when stderr is a file.
    pub(super) fn of_stderr() -> Option<Self> {
        if is_file(io::stderr()) {
            return None;
        }
        Self::from(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    /// Who asks for no colours gets no other escape codes either.
    fn from(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let is_true = |name| variable(name).as_deref() == Some("true");
        if is_true("GITHUB_ACTIONS") {
            Some(Self::GitHub)
        } else if is_true("GITLAB_CI") && variable("NO_COLOR").is_none() {
            Some(Self::GitLab)
        } else {
            None
        }
    }
}

fn is_file(stream: impl AsFd) -> bool {
    rustix::fs::fstat(stream).is_ok_and(|stat| {
        rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::RegularFile
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runner_says_who_it_is() {
        let runner = |set: &[(&str, &str)]| {
            Runner::from(|name| {
                let found = set.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(runner(&[]), None);
        assert_eq!(runner(&[("CI", "true")]), None);
        assert_eq!(runner(&[("GITHUB_ACTIONS", "true")]), Some(Runner::GitHub));
        assert_eq!(runner(&[("GITLAB_CI", "true")]), Some(Runner::GitLab));
        let plain = [("GITLAB_CI", "true"), ("NO_COLOR", "1")];
        assert_eq!(runner(&plain), None);
    }
}
