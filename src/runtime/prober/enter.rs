//! The prober's processes: one that enters the app's namespaces, and its
//! child, born in the app's PID namespace, that becomes who it is to be and
//! tries.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::FdFlags;
use rustix::process::{Gid, Signal, Uid};
use rustix::thread::{CapabilitySet, CapabilitySets, LinkNameSpaceType};

use super::names;
use super::orders::{ARGUMENT, Attempt, Orders, Who};
use super::scene::Scene;
use super::table::{Summary, TABLE};
use crate::runtime::launch::{confine, filter};

/// The argument of the inner half.
const INNER: &str = "probe-egress-inner";
/// The exit code of a prober that could not do what it was told.
const FAILED: u8 = 125;

/// Whether these arguments (the program's name left out) are a prober's.
pub fn is_prober(arguments: impl IntoIterator<Item = OsString>) -> bool {
    let first = arguments.into_iter().next();
    first.is_some_and(|first| first == OsStr::new(ARGUMENT) || first == OsStr::new(INNER))
}

/// The prober's whole life; `arguments` without the program's name.
///
/// To be called first thing, while the process has a single thread. Standard
/// output gets an [`Attempt`] a line; standard error says why it failed.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let inner = arguments
        .into_iter()
        .next()
        .is_some_and(|first| first == *INNER);
    let ran = read_orders().and_then(|orders| {
        if inner {
            prepare(&orders)?;
            try_all(&orders);
            Ok(ExitCode::SUCCESS)
        } else {
            start_inner(&orders)
        }
    });
    ran.unwrap_or_else(|error| {
        // Nobody reads any more when the runtime has gone.
        let _gone = writeln!(io::stderr(), "{error}");
        ExitCode::from(FAILED)
    })
}

fn read_orders() -> io::Result<Orders> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    serde_json::from_str(&text).map_err(io::Error::other)
}

/// The outer half: every namespace but those that hide the machine's `/proc`.
fn start_inner(orders: &Orders) -> io::Result<ExitCode> {
    let later = match orders.process {
        Some(process) => Some(Later::open(process, orders.who)?),
        None => None,
    };
    if let Some(process) = orders.process {
        for (name, kind) in [
            ("ipc", LinkNameSpaceType::InterProcessCommunication),
            ("uts", LinkNameSpaceType::HostNameAndNISDomainName),
            ("pid", LinkNameSpaceType::ProcessID),
        ] {
            enter(&namespace(process, name)?, kind)?;
        }
    }
    enter(
        &File::open(&orders.network)?.into(),
        LinkNameSpaceType::Network,
    )?;
    let mut inner = Command::new("/proc/self/exe");
    inner.arg0("colormesh").arg(INNER).stdin(Stdio::piped());
    if let Some(later) = &later {
        later.pass()?;
        inner.env_clear().envs(later.numbers());
    }
    let mut inner = inner.spawn()?;
    if let Some(mut input) = inner.stdin.take() {
        input.write_all(&serde_json::to_vec(orders).map_err(io::Error::other)?)?;
    }
    let status = inner.wait()?;
    Ok(ExitCode::from(if status.success() { 0 } else { FAILED }))
}

/// Namespaces that are entered by the inner half.
struct Later {
    mount: OwnedFd,
    user: Option<OwnedFd>,
}

// === impl Later ===

impl Later {
    fn open(process: u32, who: Who) -> io::Result<Self> {
        let user = namespace(process, "user")?;
        let own = rustix::fs::fstat(File::open("/proc/self/ns/user")?)?.st_ino;
        // Root stays in the namespace that the task's others belong to, and so
        // has its capabilities over them, which the app's own would not give.
        let entered = rustix::fs::fstat(&user)?.st_ino != own && who != Who::Root;
        Ok(Self {
            mount: namespace(process, "mnt")?,
            user: entered.then_some(user),
        })
    }

    /// Lets the child inherit them.
    fn pass(&self) -> io::Result<()> {
        for descriptor in std::iter::once(&self.mount).chain(&self.user) {
            rustix::io::fcntl_setfd(descriptor, FdFlags::empty())?;
        }
        Ok(())
    }

    fn numbers(&self) -> Vec<(&'static str, String)> {
        let number = |descriptor: &OwnedFd| std::os::fd::AsRawFd::as_raw_fd(descriptor).to_string();
        let mut numbers = vec![("COLORMESH_MOUNT", number(&self.mount))];
        numbers.extend(
            self.user
                .as_ref()
                .map(|user| ("COLORMESH_USER", number(user))),
        );
        numbers
    }
}

fn namespace(process: u32, name: &str) -> io::Result<OwnedFd> {
    Ok(File::open(format!("/proc/{process}/ns/{name}"))?.into())
}

fn enter(namespace: &OwnedFd, kind: LinkNameSpaceType) -> io::Result<()> {
    rustix::thread::move_into_link_name_space(namespace.as_fd(), Some(kind)).map_err(Into::into)
}

/// The inner half: the app's root, its user, its filter.
fn prepare(orders: &Orders) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // What is behind the inherited descriptors is opened again, since only so
    // are they ours.
    let inherited = |name| {
        std::env::var(name)
            .ok()
            .map(|number| File::open(format!("/proc/self/fd/{number}")))
    };
    let (mount, user) = (inherited("COLORMESH_MOUNT"), inherited("COLORMESH_USER"));
    let (mount, user) = (mount.transpose()?, user.transpose()?);
    crate::runtime::sys::keep_descriptors()?;
    if let Some(mount) = mount {
        enter(&mount.into(), LinkNameSpaceType::Mount)?;
    }
    if let Some(user) = user {
        enter(&user.into(), LinkNameSpaceType::User)?;
    }
    match orders.who {
        Who::App { user, group } => become_app(orders, user, group),
        Who::Root if orders.filtered => {
            rustix::thread::set_no_new_privs(true)?;
            filter::install().map_err(io::Error::other)
        }
        Who::Root => Ok(()),
    }
}

/// As the app is: its user, no capability, its filter.
fn become_app(orders: &Orders, user: u32, group: u32) -> io::Result<()> {
    if orders.filtered {
        confine::forever().map_err(io::Error::other)?;
    }
    // In a user namespace of its own it has no others that it could give up.
    let _none_to_give_up = rustix::thread::set_thread_groups(&[]);
    if rustix::process::getuid().as_raw() != user {
        rustix::thread::set_thread_gid(Gid::from_raw(group))?;
        rustix::thread::set_thread_uid(Uid::from_raw(user))?;
    }
    if orders.filtered {
        let none = CapabilitySets {
            effective: CapabilitySet::empty(),
            permitted: CapabilitySet::empty(),
            inheritable: CapabilitySet::empty(),
        };
        rustix::thread::set_capabilities(None, none)?;
    }
    Ok(())
}

/// Every probe of the run, side by side; those that change the network one
/// after the other.
fn try_all(orders: &Orders) {
    let output = Arc::new(Mutex::new(io::stdout()));
    let service = names::resolve(&orders.services);
    let chosen = TABLE
        .iter()
        .enumerate()
        .filter(|(place, probe)| is_chosen(orders, &probe.summary(*place)));
    let mut running = Vec::new();
    for (place, probe) in chosen {
        let (scene, output) = (
            Scene::new(orders, service.as_ref(), place),
            Arc::clone(&output),
        );
        let body = move || {
            let outcome = (probe.attempt)(&scene);
            tell(&output, &outcome.attempt(probe.name));
        };
        let Ok(thread) = std::thread::Builder::new().spawn(body) else {
            continue;
        };
        if orders.run.is_in_copy() {
            // A panic has told of itself; the attempt is then missing.
            let _ = thread.join();
        } else {
            running.push(thread);
        }
    }
    for thread in running {
        let _ = thread.join();
    }
}

fn is_chosen(orders: &Orders, probe: &Summary) -> bool {
    if orders.only.is_empty() {
        orders.run.has(probe)
    } else {
        orders.only.iter().any(|name| name == probe.name)
    }
}

fn tell(output: &Mutex<io::Stdout>, attempt: &Attempt) {
    let Ok(mut line) = serde_json::to_vec(attempt) else {
        return;
    };
    line.push(b'\n');
    let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
    // Nobody reads any more when the runtime has gone.
    let _gone = output.write_all(&line).and_then(|()| output.flush());
}
