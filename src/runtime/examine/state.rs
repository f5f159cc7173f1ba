//! The state of a task and of its machine, seen from outside.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::runtime::netns::Netns;
use crate::runtime::prober::Shown;

/// What may not change while probes run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// The sidecars: number and start.
    pub(super) sidecars: BTreeMap<u32, Process>,
    /// The launcher and the app.
    pub(super) container: BTreeMap<u32, Process>,
    /// What the app is confined by.
    pub(super) confined: Confined,
    machine: BTreeMap<&'static str, String>,
    network: String,
}

/// A process that is the same as long as this is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Process {
    started: String,
    /// Paused, traced, or ended.
    pub(super) is_hampered: bool,
}

/// What confines a process, as the kernel says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Confined {
    pub(super) filtered: bool,
    pub(super) no_new_privileges: bool,
    pub(super) without_capabilities: bool,
    mounts: String,
}

// === impl State ===

impl State {
    pub(super) async fn look(launcher: u32, sidecars: &[u32], network: &Path) -> Self {
        let app = app_of(launcher);
        let numbers = [Some(launcher), app];
        Self {
            sidecars: sidecars.iter().map(|n| (*n, process(*n))).collect(),
            container: numbers
                .into_iter()
                .flatten()
                .map(|n| (n, process(n)))
                .collect(),
            confined: app.map(confined).unwrap_or_default(),
            machine: machine(),
            network: in_network(network).await,
        }
    }

    /// What of this kind is not as it was, in words.
    pub(super) fn harm(&self, before: &Self, shown: Shown) -> Option<String> {
        if self.network != before.network {
            let line = differing(&before.network, &self.network);
            return Some(format!("the app's network changed: {line}"));
        }
        match shown {
            Shown::ByPackets => None,
            Shown::BySidecar => {
                let hampered = self
                    .sidecars
                    .iter()
                    .find(|(_, process)| process.is_hampered);
                let changed = self.sidecars != before.sidecars;
                match hampered {
                    Some((number, _)) => Some(format!(
                        "Envoy (process {number}) was stopped, traced or ended"
                    )),
                    None => changed.then(|| "Envoy is not the process that it was".to_owned()),
                }
            }
            Shown::ByContainer => {
                let changed =
                    self.container != before.container || self.confined != before.confined;
                changed.then(|| "the app is not the process that it was".to_owned())
            }
            Shown::ByMachine => {
                let changed = self
                    .machine
                    .iter()
                    .find(|(name, value)| before.machine.get(*name) != Some(value));
                changed.map(|(name, value)| format!("{name} is `{value}` now"))
            }
        }
    }

    /// What of this kind is as it was, in words.
    pub(super) fn words(&self, shown: Shown) -> String {
        match shown {
            Shown::ByPackets => "the app's network is as before".to_owned(),
            Shown::BySidecar => format!(
                "{} Envoys as before, none stopped or traced",
                self.sidecars.len()
            ),
            Shown::ByContainer => self.confined.words(),
            Shown::ByMachine => {
                let names: Vec<&str> = self.machine.keys().copied().collect();
                format!("as before: {}", names.join(", "))
            }
        }
    }
}

// === impl Confined ===

impl Confined {
    fn words(&self) -> String {
        let facts = [
            (self.filtered, "filtered", "no filter"),
            (
                self.no_new_privileges,
                "no new privileges",
                "may gain privileges",
            ),
            (
                self.without_capabilities,
                "no capability",
                "has capabilities",
            ),
        ];
        let facts: Vec<&str> = facts
            .iter()
            .map(|(is, yes, no)| if *is { *yes } else { *no })
            .collect();
        format!("the app as before: {}", facts.join(", "))
    }
}

/// The first line in which two texts differ.
fn differing(before: &str, after: &str) -> String {
    let (mut before, mut after) = (before.lines(), after.lines());
    loop {
        match (before.next(), after.next()) {
            (Some(was), Some(is)) if was == is => {}
            (None, None) => return "its end".to_owned(),
            (was, is) => {
                let words = |line: Option<&str>| line.unwrap_or("nothing").trim().to_owned();
                return format!("`{}` was `{}`", words(is), words(was));
            }
        }
    }
}

/// The app's process: the child of its container's first one.
pub(super) fn app_of(launcher: u32) -> Option<u32> {
    let first = child_of(launcher)?;
    Some(child_of(first).unwrap_or(first))
}

/// Every number that a process has, from the machine's inwards.
pub(super) fn numbers(process: u32) -> Vec<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    let numbers = line.unwrap_or_default().split_whitespace();
    let mut numbers: Vec<u32> = numbers.filter_map(|number| number.parse().ok()).collect();
    if !numbers.contains(&process) {
        numbers.push(process);
    }
    numbers
}

fn child_of(parent: u32) -> Option<u32> {
    let entries = fs::read_dir("/proc").ok()?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let numbers = names.filter_map(|name| name.parse::<u32>().ok());
    numbers
        .filter(|number| field(*number, 1).and_then(|it| it.parse().ok()) == Some(parent))
        .min()
}

/// A field of `/proc/<number>/stat`, counted from what follows the name.
fn field(number: u32, at: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(at).map(str::to_owned)
}

fn process(number: u32) -> Process {
    const STATE: usize = 0;
    const STARTED: usize = 19;
    let state = field(number, STATE).unwrap_or_default();
    let traced = status(number, "TracerPid:").is_some_and(|tracer| tracer != "0");
    Process {
        started: field(number, STARTED).unwrap_or_default(),
        is_hampered: traced || matches!(state.as_str(), "" | "T" | "t" | "Z" | "X"),
    }
}

fn confined(number: u32) -> Confined {
    let is = |name, value: &str| status(number, name).as_deref() == Some(value);
    let none = |name| status(number, name).is_some_and(|set| set.chars().all(|c| c == '0'));
    Confined {
        filtered: is("Seccomp:", "2"),
        no_new_privileges: is("NoNewPrivs:", "1"),
        without_capabilities: ["CapEff:", "CapPrm:", "CapBnd:"].into_iter().all(none),
        mounts: fs::read_to_string(format!("/proc/{number}/mountinfo")).unwrap_or_default(),
    }
}

fn status(number: u32, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{number}/status")).ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(value.trim().to_owned())
}

fn machine() -> BTreeMap<&'static str, String> {
    let text = |path: &str| {
        fs::read_to_string(path)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let modules = text("/proc/modules").lines().count().to_string();
    let null = fs::metadata("/dev/null").map(|found| format!("{:o}", found.mode()));
    let launcher = std::env::current_exe().and_then(fs::metadata);
    BTreeMap::from([
        ("core_pattern", text("/proc/sys/kernel/core_pattern")),
        ("modprobe", text("/proc/sys/kernel/modprobe")),
        ("ip_forward", text("/proc/sys/net/ipv4/ip_forward")),
        ("modules", modules),
        ("/dev/null", null.unwrap_or_default()),
        (
            "the launcher",
            launcher
                .map(|it| format!("{:o} {}", it.mode(), it.mtime()))
                .unwrap_or_default(),
        ),
    ])
}

/// Interfaces, addresses, routes and rules of a network.
async fn in_network(path: &Path) -> String {
    let Ok(netns) = Netns::at(path).await else {
        return "gone".to_owned();
    };
    let listed = netns.run(|| {
        let read = |name: &str| {
            fs::read_to_string(format!("/proc/thread-self/net/{name}")).unwrap_or_default()
        };
        let devices = read("dev");
        let names = devices.lines().filter_map(|line| line.split_once(':'));
        let names: Vec<&str> = names.map(|(name, _)| name.trim()).collect();
        let rules = Command::new("nft")
            .args(["list", "ruleset"])
            .stdin(Stdio::null())
            .output();
        let rules = rules.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        format!(
            "{names:?}\n{}\n{}\n{}",
            read("fib_trie"),
            read("if_inet6"),
            rules.unwrap_or_default()
        )
    });
    listed.await.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use rustix::process::{Pid, Signal, kill_process};

    use super::*;

    async fn look(number: u32) -> State {
        State::look(number, &[number], Path::new("/proc/self/ns/net")).await
    }

    #[tokio::test]
    async fn a_process_that_is_paused_or_gone_is_noticed() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let process = Pid::from_child(&child);
        let before = look(child.id()).await;
        for shown in [Shown::BySidecar, Shown::ByContainer, Shown::ByMachine] {
            assert_eq!(look(child.id()).await.harm(&before, shown), None);
        }
        kill_process(process, Signal::STOP).unwrap();
        let mut paused = look(child.id()).await;
        while !paused.sidecars[&child.id()].is_hampered {
            paused = look(child.id()).await;
        }
        let harm = paused.harm(&before, Shown::BySidecar).unwrap();
        assert!(harm.contains("stopped"), "{harm}");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(
            look(child.id())
                .await
                .harm(&before, Shown::ByContainer)
                .is_some()
        );
    }

    #[test]
    fn a_process_has_its_number_everywhere() {
        let own = std::process::id();
        assert!(numbers(own).contains(&own));
    }
}
