//! A command on a terminal, and somebody at its keys.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A command that runs on a terminal.
pub(super) struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: ChildStdout,
    shown: String,
}

// === impl Terminal ===

impl Terminal {
    pub(super) fn start(command: &Command) -> Self {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<String> = words
            .map(|word| format!("'{}'", word.to_str().unwrap()))
            .collect();
        let mut script = Command::new("script");
        script.args(["-qec", &format!("exec {}", words.join(" ")), "/dev/null"]);
        script
            .env_clear()
            .current_dir(command.get_current_dir().unwrap());
        let set = command.get_envs();
        script.envs(set.filter_map(|(name, value)| Some((name, value?))));
        script.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = script.spawn().unwrap();
        Self {
            keys: child.stdin.take().unwrap(),
            screen: child.stdout.take().unwrap(),
            child,
            shown: String::new(),
        }
    }

    /// Waits until the screen shows this.
    #[track_caller]
    pub(super) fn see(&mut self, words: &str) {
        let mut bytes = [0; 4096];
        while !self.shown.contains(words) {
            let count = self.screen.read(&mut bytes).unwrap();
            assert!(count > 0, "it ended: {}", self.shown);
            self.shown
                .push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    }

    pub(super) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Its exit code, and all that it showed.
    pub(super) fn end(mut self) -> (Option<i32>, String) {
        let mut rest = Vec::new();
        self.screen.read_to_end(&mut rest).unwrap();
        self.shown.push_str(&String::from_utf8_lossy(&rest));
        (self.child.wait().unwrap().code(), self.shown)
    }
}
