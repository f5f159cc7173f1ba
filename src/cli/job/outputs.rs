//! Values for the steps that come after, a `name=value` a line: what GitHub
//! reads from `$GITHUB_OUTPUT` and GitLab from a dotenv report.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cli::exit::Exit;

/// The file of values, if one is wanted.
pub(crate) struct Outputs(Option<(File, PathBuf)>);

// === impl Outputs ===

impl Outputs {
    /// Opens the file now, so that one that cannot be written is known before
    /// anything is changed.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self> {
        path.map(|path| Ok((append(path)?, path.to_owned())))
            .transpose()
            .map(Self)
    }

    /// Adds a value.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let Some((file, path)) = &mut self.0 else {
            return Ok(());
        };
        file.write_all(line(name, value).as_bytes())
            .with_context(|| format!("cannot write `{}`", path.display()))
    }
}

/// A value with a second line would be a second value.
fn line(name: &str, value: &str) -> String {
    format!("{name}={}\n", value.lines().next().unwrap_or_default())
}

/// A file to add to.
pub(super) fn append(path: &Path) -> Result<File> {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.map_err(|error| {
        Exit::usage(format!(
            "cannot write `{}`: {error}; nothing was changed",
            path.display()
        ))
        .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_line() {
        assert_eq!(line("endpoint", "http://x\ny=z"), "endpoint=http://x\n");
        assert_eq!(line("endpoint", ""), "endpoint=\n");
    }

    #[test]
    fn values_are_added_to_what_is_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("outputs");
        std::fs::write(&path, "before=1\n").expect("a file");
        let mut outputs = Outputs::open(Some(&path)).expect("can be opened");
        outputs.set("changes", "true").expect("can be written");
        let text = std::fs::read_to_string(&path).expect("a file");
        assert_eq!(text, "before=1\nchanges=true\n");
        assert!(Outputs::open(Some(folder.path())).is_err());
    }
}
