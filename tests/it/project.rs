//! A folder of its own for a test: settings, state, home; and the program run
//! in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A project; what it started is stopped when it goes.
pub(crate) struct Project {
    folder: TempDir,
    /// What the program is run through.
    wrapper: Vec<String>,
}

/// What a run of the program said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

// === impl Project ===

impl Project {
    pub(crate) fn new() -> Self {
        Self {
            folder: TempDir::with_prefix("colormesh-test-").unwrap(),
            wrapper: Vec::new(),
        }
    }

    /// Runs the program through another one, which is given it as arguments.
    pub(crate) fn wrapped(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        self.write(name, text);
        self
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    /// The program with an environment that only this project knows.
    pub(crate) fn command(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_colormesh");
        match self.wrapper.split_first() {
            None => self.command_of(program),
            Some((wrapper, arguments)) => {
                let mut command = self.command_of(wrapper);
                command.args(arguments).arg(program);
                command
            }
        }
    }

    /// Another program in that environment.
    pub(crate) fn command_of(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.path())
            .env("XDG_STATE_HOME", self.path().join("state"))
            .env("XDG_CACHE_HOME", self.path().join("cache"))
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        if let Some(envoy) = std::env::var_os("COLORMESH_ENVOY") {
            command.env("COLORMESH_ENVOY", envoy);
        }
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        said(self.command().args(arguments).output().unwrap())
    }

    /// The folder of the local target's state.
    pub(crate) fn state(&self) -> PathBuf {
        self.path().join("state/colormesh/local")
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if self.state().join("daemon.json").exists() {
            let _ = self.command().args(["local", "stop"]).output();
        }
    }
}

/// What a command said, once it has ended.
pub(crate) fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

// === impl Said ===

impl Said {
    /// Fails with everything that was said unless the code is this.
    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        assert_eq!(
            self.code, expected,
            "\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        );
        self
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}
