//! Other processes: those that can be seen, and those that cannot.

use std::fs;
use std::io;
use std::path::PathBuf;

use rustix::process::{Pid, Signal};
use rustix::thread::{LinkNameSpaceType, UnshareFlags};

use super::scene::{Outcome, Scene, word};
use crate::runtime::sys::{self, Forbidden};

/// Processes in `/proc` that are not of this container, their environment and
/// their root.
pub(super) fn others(_: &Scene) -> Outcome {
    let own = fs::read_link("/proc/self/ns/pid").ok();
    let mut count = 0;
    let mut foreign = Vec::new();
    for number in numbers() {
        count += 1;
        let folder = PathBuf::from(format!("/proc/{number}"));
        let elsewhere = fs::read_link(folder.join("ns/pid")).is_ok_and(|it| Some(it) != own);
        if elsewhere || is_sidecar(number) {
            let environment = fs::read(folder.join("environ")).map(|text| text.len());
            foreign.push(Outcome::reached(match environment {
                Ok(bytes) => format!("process {number}: {bytes} bytes of its environment"),
                Err(_) => format!("process {number} can be seen"),
            }));
        }
    }
    if count == 0 {
        return Outcome::sent("`/proc` shows no process");
    }
    if foreign.is_empty() {
        return Outcome::sent(format!("{count} processes, all of this container"));
    }
    Outcome::together(foreign)
}

/// Pausing, killing and reading the proxy, by every number that it has.
pub(super) fn sidecar(scene: &Scene) -> Outcome {
    let tries = scene.orders.sidecars.iter().map(|number| {
        let Some(process) = i32::try_from(*number).ok().and_then(Pid::from_raw) else {
            return Outcome::sent("no such process");
        };
        let exists = PathBuf::from(format!("/proc/{number}")).exists();
        if is_another(*number) {
            return Outcome::sent(ANOTHER);
        }
        // What is seen is only asked whether it could be: it does no wrong.
        let signals: &[Signal] = if exists {
            &[]
        } else {
            &[Signal::STOP, Signal::KILL]
        };
        let signalled = signals.iter().map(|signal| {
            let sent = rustix::process::kill_process(process, *signal);
            Outcome::of_call("a signal to Envoy", sent.map_err(io::Error::from))
        });
        let asked = rustix::process::test_kill_process(process).map_err(io::Error::from);
        let memory = sys::attempt(Forbidden::Memory(process.as_raw_nonzero().get()));
        Outcome::together(signalled.chain([
            Outcome::of_call("Envoy", asked),
            Outcome::of_call("Envoy's memory", memory),
        ]))
    });
    Outcome::together(tries)
}

/// The first process of the container, which would take the app along.
pub(super) fn first(_: &Scene) -> Outcome {
    let tries = [Signal::KILL, Signal::STOP].map(|signal| {
        match rustix::process::kill_process(Pid::INIT, signal) {
            // The kernel keeps such signals from it, and says nothing.
            Ok(()) => Outcome::sent("ignored"),
            Err(error) => Outcome::sent(word(&error.into())),
        }
    });
    Outcome::together(tries)
}

/// Descriptors of the app that lead out of its container.
pub(super) fn descriptors(_: &Scene) -> Outcome {
    let app = numbers().into_iter().filter(|number| *number > 1).min();
    let Some(app) = app else {
        return Outcome::sent("`/proc` shows no app");
    };
    let entries = match fs::read_dir(format!("/proc/{app}/fd")) {
        Ok(entries) => entries,
        Err(error) => return Outcome::sent(word(&error)),
    };
    let links = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let links: Vec<String> = links.map(|link| link.display().to_string()).collect();
    let leads_out = |link: &&String| {
        let is_namespace = ["net:[", "mnt:[", "pid:[", "user:["]
            .iter()
            .any(|kind| link.starts_with(kind));
        // A path of the machine is none in here.
        let is_elsewhere = link.starts_with('/')
            && !link.starts_with("/memfd:")
            && !link.ends_with("(deleted)")
            && !link.ends_with("app.log")
            && !PathBuf::from(link).exists();
        is_namespace || is_elsewhere || link.contains("[pidfd]")
    };
    match links.iter().find(leads_out) {
        Some(link) => Outcome::reached(format!("the app holds {link}")),
        None => Outcome::sent(format!("{} open, none leads out", links.len())),
    }
}

/// Other namespaces: those of the first process, and new ones.
pub(super) fn namespaces(_: &Scene) -> Outcome {
    let kinds = [
        ("net", LinkNameSpaceType::Network),
        ("mnt", LinkNameSpaceType::Mount),
    ];
    let entered = kinds.map(|(name, kind)| {
        let file = match fs::File::open(format!("/proc/1/ns/{name}")) {
            Ok(file) => file,
            Err(error) => return Outcome::sent(word(&error)),
        };
        let moved =
            rustix::thread::move_into_link_name_space(std::os::fd::AsFd::as_fd(&file), Some(kind));
        Outcome::of_call("setns", moved.map_err(io::Error::from))
    });
    let made = [UnshareFlags::NEWUSER, UnshareFlags::NEWNET]
        .map(|kind| Outcome::of_call("a new namespace", sys::unshare(kind)));
    Outcome::together(entered.into_iter().chain(made))
}

/// Said where the number of an Envoy outside is that of somebody else inside.
pub(super) const ANOTHER: &str = "that number is another process here";

/// Whether a number is that of a process here which is not a proxy.
pub(super) fn is_another(number: u32) -> bool {
    PathBuf::from(format!("/proc/{number}")).exists() && !is_sidecar(number)
}

fn is_sidecar(number: u32) -> bool {
    fs::read_to_string(format!("/proc/{number}/comm")).is_ok_and(|name| name.contains("envoy"))
}

fn numbers() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter_map(|name| name.parse().ok()).collect()
}
