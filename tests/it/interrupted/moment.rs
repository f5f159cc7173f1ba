//! A running command, and the moment at which something happens to it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use crate::project::{Project, Said};

/// A command that runs.
pub(super) struct Running {
    child: Child,
    talk: BufReader<ChildStderr>,
    said: String,
}

/// When something happens to a command.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    /// So long after its start.
    After(Duration),
    /// When it has said so many lines.
    Line(usize),
}

impl Moment {
    /// Some before a command says anything, then after each so many lines of
    /// those that it may say.
    pub(super) fn all(
        lines: std::iter::StepBy<std::ops::Range<usize>>,
    ) -> impl Iterator<Item = Self> {
        let early = [5, 20, 40, 70].map(|ms| Self::After(Duration::from_millis(ms)));
        early.into_iter().chain(lines.map(Self::Line))
    }
}

// === impl Running ===

impl Running {
    pub(super) fn start(project: &Project, arguments: &[&str]) -> Self {
        let mut command = project.command();
        command.args(arguments);
        Self::of(command)
    }

    pub(super) fn of(mut command: Command) -> Self {
        command.stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let talk = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            talk,
            said: String::new(),
        }
    }

    /// Waits for the moment; false when the command ends before it comes.
    pub(super) fn reach(&mut self, moment: Moment) -> bool {
        match moment {
            Moment::After(time) => std::thread::sleep(time),
            Moment::Line(count) => {
                while self.said.lines().count() < count {
                    if self.talk.read_line(&mut self.said).unwrap() == 0 {
                        return false;
                    }
                }
            }
        }
        self.child.try_wait().unwrap().is_none()
    }

    /// Reads until it says this; false when it ends before.
    pub(super) fn hear(&mut self, words: &str) -> bool {
        while !self.said.contains(words) {
            if self.talk.read_line(&mut self.said).unwrap() == 0 {
                return false;
            }
        }
        true
    }

    /// `KILL`, `INT` and so on.
    pub(super) fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Its end, which must come within `limit`.
    #[track_caller]
    pub(super) fn end(mut self, limit: Duration) -> Said {
        let deadline = Instant::now() + limit;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "it goes on: {}", self.said);
            std::thread::sleep(Duration::from_millis(5));
        }
        let status = self.child.wait().unwrap();
        self.talk.read_to_string(&mut self.said).unwrap();
        let mut stdout = String::new();
        let mut output = self.child.stdout.take().unwrap();
        output.read_to_string(&mut stdout).unwrap();
        Said {
            code: status.code().unwrap_or(-1),
            stdout,
            stderr: self.said,
        }
    }
}

/// Signals a process that the test started, or that one of those did.
pub(super) fn signal(process: u32, name: &str) {
    let number = rustix::process::Pid::from_raw(process.try_into().unwrap()).unwrap();
    let signal = match name {
        "KILL" => rustix::process::Signal::KILL,
        "INT" => rustix::process::Signal::INT,
        "TERM" => rustix::process::Signal::TERM,
        "STOP" => rustix::process::Signal::STOP,
        "CONT" => rustix::process::Signal::CONT,
        _ => unreachable!(),
    };
    let _ended_meanwhile = rustix::process::kill_process(number, signal);
}

/// The daemon's process, when there is one.
pub(super) fn daemon(project: &Project) -> Option<u32> {
    let record = std::fs::read_to_string(project.state().join("daemon.json")).ok()?;
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    record["pid"].as_u64()?.try_into().ok()
}
