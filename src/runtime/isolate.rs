//! The process model: the daemon has a PID namespace of its own, whose first
//! process does nothing but start it and reap what lost its parent, and its own
//! mounts (and its own users when it is not root).
//!
//! When it dies, however it dies, the kernel kills every task with it, and the
//! mounts that hold the network namespaces go with the last process that saw
//! them. So nothing can be left behind, and nothing has to be cleaned up.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use rustix::fs::{Mode, OFlags};
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};
use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, LinkNameSpaceType, UnshareFlags};
use thiserror::Error;

use super::sys;

/// Why the daemon could not be given namespaces of its own.
#[derive(Debug, Error)]
pub enum IsolateError {
    /// The kernel, or a rule of this machine, refuses user namespaces.
    #[error(
        "this machine does not let an ordinary user make namespaces (run as root, or allow \
         unprivileged user namespaces)"
    )]
    UserNamespaces(#[source] io::Error),
    /// Namespaces could not be made.
    #[error("cannot make namespaces")]
    Namespaces(#[source] io::Error),
    /// The users of the new namespace could not be mapped.
    #[error("cannot map this user into its namespace (`{file}`)")]
    Users {
        /// The file that refused the map.
        file: &'static str,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// A mount failed.
    #[error("cannot mount at `{path}`")]
    Mount {
        /// Where.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The daemon could not be started.
    #[error("cannot start the daemon")]
    Spawn(#[source] io::Error),
}

/// Starts `first` as the first process of its own namespaces.
///
/// To be called by a fresh process with a single thread, which should end (or
/// wait for the child) afterwards: it has given up its own namespaces.
pub fn enter(mut first: Command) -> Result<Child, IsolateError> {
    let wanted = UnshareFlags::NEWNS | UnshareFlags::NEWPID;
    if is_administrator() {
        sys::unshare(wanted).map_err(IsolateError::Namespaces)?;
    } else {
        let (process, outside) = (own_process()?, Identity::own());
        sys::unshare(wanted | UnshareFlags::NEWUSER).map_err(IsolateError::UserNamespaces)?;
        let inside = Identity { user: 0, group: 0 };
        map_users(&process, inside, outside)?;
    }
    keep_mounts_private()?;
    // Else whoever waits for the end of our starter's output waits for us.
    sys::keep_descriptors().map_err(IsolateError::Spawn)?;
    first.spawn().map_err(IsolateError::Spawn)
}

/// Whether every user of the machine exists here too, so that a process may
/// become any of them. In a user namespace of an ordinary user only one does.
pub(super) fn has_all_users() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let counts = map
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2)?.parse::<u32>().ok());
    counts.max().is_some_and(|count| count > 60_000)
}

/// Lets this process, and those that it starts, hold as many files and
/// connections as the machine allows: the usual limit is a quarter of what a
/// relay or a crowd of stand-ins may need.
pub fn allow_many_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _stays_as_it_is = setrlimit(Resource::Nofile, limit);
}

/// Whether this process may make namespaces without a user namespace.
pub fn is_administrator() -> bool {
    rustix::thread::capabilities(None)
        .is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_ADMIN))
}

/// Whether the network this process is in is ours to enter and leave.
///
/// It is not in a user namespace that was made for us, where Envoy could not
/// come back from a listener it opened elsewhere.
pub(super) fn owns_its_network() -> bool {
    let attempt = std::thread::spawn(|| {
        let here = std::fs::File::open("/proc/thread-self/ns/net")?;
        let kind = Some(LinkNameSpaceType::Network);
        rustix::thread::move_into_link_name_space(std::os::fd::AsFd::as_fd(&here), kind)
            .map_err(io::Error::from)
    });
    matches!(attempt.join(), Ok(Ok(())))
}

/// Puts a tmpfs that only this process and its children see over `folder`.
pub(super) fn private_folder(folder: &Path) -> Result<(), IsolateError> {
    let refused = |source: io::Error| IsolateError::Mount {
        path: folder.to_owned(),
        source,
    };
    std::fs::create_dir_all(folder).map_err(refused)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    rustix::mount::mount("colormesh", folder, "tmpfs", flags, Some(c"mode=0700"))
        .map_err(|error| refused(error.into()))
}

/// Takes back what [`private_folder`] did; succeeds when there is nothing.
pub(super) fn remove_private_folder(folder: &Path) {
    let _nothing_there = rustix::mount::unmount(folder, UnmountFlags::DETACH);
}

/// The number that the machine gives one of our processes: `/proc` is still
/// the machine's, and a descriptor of a process tells its number there.
pub fn outside_number(number: u32) -> Option<u32> {
    let number = rustix::process::Pid::from_raw(i32::try_from(number).ok()?)?;
    let flags = rustix::process::PidfdFlags::empty();
    let process = rustix::process::pidfd_open(number, flags).ok()?;
    let descriptor = std::os::fd::AsRawFd::as_raw_fd(&process);
    let text = std::fs::read_to_string(format!("/proc/thread-self/fdinfo/{descriptor}")).ok()?;
    let number = text.lines().find_map(|line| line.strip_prefix("Pid:"))?;
    number.trim().parse().ok()
}

/// This process in the machine's `/proc`, to be opened while that is in sight.
pub(super) fn own_process() -> Result<OwnedFd, IsolateError> {
    let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
    let opened = rustix::fs::open("/proc/self", flags, Mode::empty());
    opened.map_err(|error| IsolateError::Users {
        file: "/proc/self",
        source: error.into(),
    })
}

/// A user and a group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity {
    pub(super) user: u32,
    pub(super) group: u32,
}

impl Identity {
    /// Who this process is.
    pub(super) fn own() -> Self {
        let user = rustix::process::geteuid().as_raw();
        let group = rustix::process::getegid().as_raw();
        Self { user, group }
    }
}

/// Makes `outside` be `inside` in the user namespace that this process has
/// just made.
pub(super) fn map_users(
    process: &OwnedFd,
    inside: Identity,
    outside: Identity,
) -> Result<(), IsolateError> {
    let write = |file: &'static str, text: String| {
        let opened = rustix::fs::openat(process, file, OFlags::WRONLY, Mode::empty());
        let mut map = std::fs::File::from(opened.map_err(io::Error::from)?);
        map.write_all(text.as_bytes())
    };
    let (user, group) = (
        format!("{} {} 1", inside.user, outside.user),
        format!("{} {} 1", inside.group, outside.group),
    );
    let files = [
        ("setgroups", "deny".to_owned()),
        ("uid_map", user),
        ("gid_map", group),
    ];
    for (file, text) in files {
        write(file, text).map_err(|source| IsolateError::Users { file, source })?;
    }
    Ok(())
}

/// Mounts made from here on stay here; what the machine unmounts goes here too.
fn keep_mounts_private() -> Result<(), IsolateError> {
    let slave = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", slave).map_err(|error| IsolateError::Mount {
        path: "/".into(),
        source: error.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_a_number_outside() {
        let own = std::process::id();
        assert_eq!(outside_number(own), Some(own));
    }

    #[test]
    fn many_files_are_as_many_as_the_machine_allows() {
        allow_many_files();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }

    #[test]
    fn errors_say_what_to_do() {
        let error = IsolateError::UserNamespaces(io::ErrorKind::PermissionDenied.into());
        assert!(error.to_string().contains("run as root"));
    }
}
