//! A machine of its own: a network with one way out, and an `/etc` that names
//! its resolver and whom it trusts. The built program runs inside it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::live::netns::Netns;
use crate::project::{Project, Said, said};

/// Where most programs look for the authorities they trust.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";
/// An ordinary user: `nobody`.
const NOBODY: u32 = 65534;

/// Who runs the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum User {
    Root,
    Nobody,
}

/// The machine; it has a cable to somewhere else, which can be pulled out.
pub(crate) struct Machine {
    holder: Child,
    folder: TempDir,
    user: User,
}

// === impl Machine ===

impl Machine {
    /// A machine whose cable ends in `isp`.
    pub(crate) fn new(isp: &Netns, resolver: &str, authorities: &str, user: User) -> Self {
        let folder = TempDir::with_prefix("colormesh-machine-").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.path().join("resolv.conf"), resolver).unwrap();
        fs::write(folder.path().join("authorities.pem"), authorities).unwrap();
        let script = format!(
            "ip link set lo up
            mount --bind resolv.conf /etc/resolv.conf
            mount --bind authorities.pem {CERTIFICATES}
            ip link add eth0 type veth peer name isp netns {}
            touch ready; exec sleep 900",
            isp.process()
        );
        let holder = Command::new("unshare")
            .args(["--net", "--mount", "sh", "-ec", &script])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut machine = Self {
            holder,
            folder,
            user,
        };
        while !machine.folder.path().join("ready").exists() {
            assert!(machine.holder.try_wait().unwrap().is_none());
            thread::sleep(Duration::from_millis(2));
        }
        isp.shell(
            "ip addr add 198.18.0.1/24 dev isp; ip addr add 2001:db8:18::1/64 dev isp nodad
            ip link set isp up",
        );
        machine.plug_in();
        machine
    }

    /// The cable is in: addresses and routes as a DHCP client would set them.
    pub(crate) fn plug_in(&self) {
        self.shell(
            "ip link set eth0 up; ip addr replace 198.18.0.2/24 dev eth0
            ip addr replace 2001:db8:18::2/64 dev eth0 nodad
            ip route replace default via 198.18.0.1
            ip -6 route replace default via 2001:db8:18::1",
        );
    }

    /// The cable is out.
    pub(crate) fn unplug(&self) {
        self.shell("ip link set eth0 down");
    }

    /// Names other resolvers.
    pub(crate) fn resolve_with(&self, settings: &str) {
        fs::write(self.folder.path().join("resolv.conf"), settings).unwrap();
    }

    pub(crate) fn network(&self) -> PathBuf {
        format!("/proc/{}/ns/net", self.holder.id()).into()
    }

    pub(crate) fn shell(&self, script: &str) {
        let status = self.inside().args(["sh", "-ec", script]).status().unwrap();
        assert!(status.success(), "{script}");
    }

    /// Runs the program as the machine's user.
    pub(crate) fn run(&self, project: &Project, arguments: &[&str]) -> Said {
        self.run_with(project, arguments, &[])
    }

    /// Runs it with more in its environment.
    pub(crate) fn run_with(
        &self,
        project: &Project,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Said {
        let usual = project.command();
        let mut command = self.nsenter();
        command.arg(format!("--wd={}", project.path().display()));
        command.arg("--").env_clear();
        for (name, value) in usual.get_envs() {
            command.env(name, value.unwrap());
        }
        command.envs(environment.iter().copied());
        match self.user {
            User::Root => {
                command.arg(usual.get_program());
            }
            User::Nobody => {
                let programs = self.programs();
                own(project.path());
                command.env("COLORMESH_ENVOY", programs.join("envoy"));
                command.args(["setpriv", "--reuid=65534", "--regid=65534"]);
                command
                    .args(["--clear-groups", "--"])
                    .arg(programs.join("debug/colormesh"));
            }
        }
        said(command.args(arguments).output().unwrap())
    }

    /// Status and body of what the app answers.
    pub(crate) fn get(&self, url: &str) -> (u16, String) {
        let output = self
            .inside()
            .args(["curl", "-sS", "-m", "20", "--noproxy", "*"])
            .args(["-w", "\n%{http_code}", url])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (body, status) = text.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), body.to_owned())
    }

    /// What a shell command in the app's network says, and whether it succeeds.
    pub(crate) fn in_app(&self, project: &Project, script: &str) -> (bool, String) {
        let network = self.app_network(project);
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", network.display()));
        command.arg(format!("--mount=/proc/{}/ns/mnt", self.holder.id()));
        let output = command.args(["sh", "-c", script]).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        (output.status.success(), said)
    }

    /// The network of the app: that of the endpoint's descendant with its name.
    pub(crate) fn app_network(&self, project: &Project) -> PathBuf {
        let status = self.run(project, &["local", "status", "--output", "json"]);
        let endpoint = status.code(0).json()["pid"].as_u64().unwrap();
        let parent = |process: u64| -> Option<u64> {
            let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
            let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
            parent?.trim().parse().ok()
        };
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            let process = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            let (true, Some(process)) = (name.trim() == "app", process) else {
                continue;
            };
            let mut family = std::iter::successors(Some(process), |process| parent(*process));
            if family.any(|process| process == endpoint) {
                return entry.path().join("ns/net");
            }
        }
        panic!("no app runs");
    }

    fn inside(&self) -> Command {
        let mut command = self.nsenter();
        command.arg("--");
        command
    }

    fn nsenter(&self) -> Command {
        let mut command = Command::new("nsenter");
        for kind in ["net", "mnt"] {
            let option = if kind == "mnt" { "mount" } else { kind };
            command.arg(format!("--{option}=/proc/{}/ns/{kind}", self.holder.id()));
        }
        command.stdin(Stdio::null());
        command
    }

    /// The programs where an ordinary user may read them.
    fn programs(&self) -> PathBuf {
        let folder = self.folder.path().join("programs");
        if folder.exists() {
            return folder;
        }
        let program = Path::new(env!("CARGO_BIN_EXE_colormesh"));
        let target = program.parent().unwrap().parent().unwrap();
        let app = format!("{}-unknown-linux-gnu/app", std::env::consts::ARCH);
        for inner in ["debug", &app] {
            fs::create_dir_all(folder.join(inner)).unwrap();
        }
        link(program, &folder.join("debug/colormesh"));
        let app = format!("{app}/colorteller");
        link(&target.join(&app), &folder.join(&app));
        let envoy = std::env::var_os("COLORMESH_ENVOY").unwrap();
        link(Path::new(&envoy), &folder.join("envoy"));
        folder
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn link(from: &Path, to: &Path) {
    let from = from.canonicalize().unwrap();
    if fs::hard_link(&from, to).is_err() {
        fs::copy(&from, to).unwrap();
    }
}

/// Gives a folder, with all that is in it, to the ordinary user.
fn own(folder: &Path) {
    let status = Command::new("chown")
        .args(["-R", &format!("{NOBODY}:{NOBODY}")])
        .arg(folder)
        .status()
        .unwrap();
    assert!(status.success());
}
