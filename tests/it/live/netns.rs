//! Network namespaces that live as long as a process that holds them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A namespace with `lo` up, or that of a process.
pub(crate) struct Netns {
    holder: Option<Child>,
    process: u32,
}

impl Netns {
    pub(crate) fn new() -> Self {
        let holder = Command::new("unshare")
            .args(["--net", "sleep", "900"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let netns = Self {
            process: holder.id(),
            holder: Some(holder),
        };
        let ours = fs::read_link("/proc/self/ns/net").unwrap();
        while fs::read_link(netns.path()).unwrap() == ours {
            thread::sleep(Duration::from_millis(2));
        }
        netns.shell("ip link set lo up");
        netns
    }

    /// The process that holds it.
    pub(crate) fn process(&self) -> u32 {
        self.process
    }

    /// The namespace that a process is in.
    pub(crate) fn of(process: u32) -> Self {
        Self {
            holder: None,
            process,
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        format!("/proc/{}/ns/net", self.process).into()
    }

    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net={}", self.path().display()))
            .arg("--")
            .arg(program);
        command
    }

    pub(crate) fn shell(&self, script: &str) {
        let status = self.command("sh").args(["-ec", script]).status().unwrap();
        assert!(status.success(), "{script}");
    }

    /// An application's namespace: every connection ends at the sidecar.
    pub(crate) fn redirect(&self) {
        self.shell(
            "ip addr add 169.254.100.2/32 dev lo; ip route add default dev lo
            nft -f - <<'END'
            table ip mesh {
              set plain { type ipv4_addr . inet_service; }
              chain output {
                type nat hook output priority -100; policy accept;
                ip daddr 127.0.0.0/8 accept
                ip daddr . tcp dport @plain redirect to :15002
                meta l4proto tcp redirect to :15001
              }
            }
END",
        );
    }

    /// What a task's surroundings do with a configuration besides Envoy.
    pub(crate) fn follow(&self, configuration: &colormesh::envoy::Configuration) {
        let mut script = "flush set ip mesh plain\n".to_owned();
        for (address, port) in configuration.plain() {
            script += &format!("add element ip mesh plain {{ {address} . {port} }}\n");
        }
        self.shell(&format!("nft -f - <<'END'\n{script}END"));
    }

    /// Runs something in a thread that is inside.
    pub(crate) fn run<T: Send>(&self, body: impl FnOnce() -> T + Send) -> T {
        within(&self.path(), body)
    }
}

/// Runs something in a thread that is inside the namespace of this file.
pub(crate) fn within<T: Send>(path: &Path, body: impl FnOnce() -> T + Send) -> T {
    let file = File::open(path).unwrap();
    thread::scope(|scope| {
        let thread = scope.spawn(move || {
            let kind = Some(LinkNameSpaceType::Network);
            move_into_link_name_space(std::os::fd::AsFd::as_fd(&file), kind).unwrap();
            body()
        });
        thread.join().unwrap()
    })
}

impl Drop for Netns {
    fn drop(&mut self) {
        if let Some(holder) = &mut self.holder {
            let _ = holder.kill();
            let _ = holder.wait();
        }
    }
}
