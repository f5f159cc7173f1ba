//! An emulator, started for one test and ended with it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process of this test that answers on loopback.
pub(super) struct Emulator {
    child: Child,
    address: SocketAddr,
    log: tempfile::NamedTempFile,
}

// === impl Emulator ===

impl Emulator {
    /// Starts one of the programs that `.ci/setup test` installs
    /// and waits until it accepts.
    pub(super) fn start(name: &str, arguments: impl Fn(&mut Command, SocketAddr)) -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("target/emulators/bin")
            .join(name);
        let log = tempfile::NamedTempFile::new().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let mut command = Command::new(program);
        arguments(&mut command, address);
        let child = command
            .stdin(Stdio::null())
            .stdout(log.reopen().unwrap())
            .stderr(log.reopen().unwrap())
            .spawn()
            .expect("`.ci/setup test` installs the emulators");
        let mut emulator = Self {
            child,
            address,
            log,
        };
        emulator.wait();
        emulator
    }

    fn wait(&mut self) {
        let end = Instant::now() + Duration::from_mins(2);
        while TcpStream::connect(self.address).is_err() {
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < end,
                "{ended:?}\n{}",
                self.said()
            );
            std::thread::yield_now();
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap_or_default()
    }
}

impl Drop for Emulator {
    #[expect(
        clippy::print_stderr,
        reason = "what it said belongs to a test's failure"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = self.said();
            let lines: Vec<&str> = said.lines().rev().take(40).collect();
            for line in lines.iter().rev() {
                eprintln!("{line}");
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
