//! The two processes between the runtime and an app.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode, Stdio};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};
use rustix::thread::{LinkNameSpaceType, UnshareFlags};
use tokio::signal::unix::{SignalKind, signal};

use super::{Container, INNER, LaunchError, NOT_STARTED, Report, Trying, confine, root};
use crate::runtime::isolate::{self, Identity};
use crate::runtime::sys;

/// The launcher's whole life; `arguments` without the program's name.
///
/// To be called first thing, while the process has a single thread.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let inner = arguments
        .into_iter()
        .next()
        .is_some_and(|first| first == *INNER);
    let ended = read_container().and_then(|container| {
        let child = if inner {
            start_app(&container)?
        } else {
            start_inner(&container)?
        };
        supervise(&child).trying(|| "wait for the app".to_owned())
    });
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            report(&Report::Failed(error.to_string()));
            ExitCode::from(NOT_STARTED)
        }
    }
}

fn read_container() -> Result<Container, LaunchError> {
    let mut text = String::new();
    let read = io::stdin().read_to_string(&mut text);
    read.trying(|| "read the container's specification".to_owned())?;
    serde_json::from_str(&text).map_err(LaunchError::Specification)
}

/// The outer half: namespaces, then the inner half as their first process.
fn start_inner(container: &Container) -> Result<Child, LaunchError> {
    sys::keep_descriptors().trying(|| "keep descriptors from the app".to_owned())?;
    let network = std::fs::File::open(&container.network);
    let network = network.trying(|| "open the app's network".to_owned())?;
    let kind = Some(LinkNameSpaceType::Network);
    rustix::thread::move_into_link_name_space(network.as_fd(), kind)
        .trying(|| "enter the app's network".to_owned())?;
    let parts =
        UnshareFlags::NEWNS | UnshareFlags::NEWPID | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS;
    sys::unshare(parts).trying(|| "make the container's namespaces".to_owned())?;
    let mut inner = Command::new("/proc/self/exe");
    inner.arg0("colormesh").arg(INNER).stdin(Stdio::piped());
    let mut inner = inner
        .spawn()
        .trying(|| "start the container's init".to_owned())?;
    let text = serde_json::to_string(container).map_err(LaunchError::Specification)?;
    if let Some(mut input) = inner.stdin.take() {
        input
            .write_all(text.as_bytes())
            .trying(|| "talk to the container's init".to_owned())?;
    }
    Ok(inner)
}

/// The inner half: root folder, privileges, and the app itself.
fn start_app(container: &Container) -> Result<Child, LaunchError> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .trying(|| "tie the container to its launcher".to_owned())?;
    rustix::system::sethostname(container.hostname.as_bytes())
        .trying(|| "set the container's host name".to_owned())?;
    let process = isolate::own_process()?;
    root::build(container)?;
    if container.own_users {
        become_user(container, &process)?;
    }
    confine::forever()?;
    let (program, arguments) = container
        .command
        .split_first()
        .ok_or(LaunchError::NoCommand)?;
    let log = io::stderr().as_fd().try_clone_to_owned();
    let log = log.trying(|| "share the app's log".to_owned())?;
    let mut app = Command::new(program);
    app.args(arguments)
        .env_clear()
        .envs(container.environment.iter().cloned());
    app.stdin(Stdio::null()).stdout(Stdio::from(log));
    app.current_dir(
        container
            .working_directory
            .as_deref()
            .unwrap_or("/".as_ref()),
    );
    if !container.own_users {
        app.uid(container.user).gid(container.group);
    }
    let app = app
        .spawn()
        .trying(|| format!("start `{program}` in the container"))?;
    confine::keep_only_signals();
    report(&Report::Started);
    Ok(app)
}

/// Where this process may not become other users: makes a user namespace in
/// which it is the app's. It comes last, since the namespaces made before are
/// not that one's, so nothing in it has a say in them.
fn become_user(container: &Container, process: &OwnedFd) -> Result<(), LaunchError> {
    let outside = Identity::own();
    sys::unshare(UnshareFlags::NEWUSER).trying(|| "make the app's user".to_owned())?;
    let inside = Identity {
        user: container.user,
        group: container.group,
    };
    isolate::map_users(process, inside, outside)?;
    Ok(())
}

/// Reaps whatever ends, forwards SIGTERM, makes SIGKILL of SIGINT, and gives
/// the main child's code. For the first process of a PID namespace, to which
/// the kernel hands everything that has lost its parent.
pub fn supervise(main: &Child) -> io::Result<u8> {
    let main = i32::try_from(main.id()).ok().and_then(Pid::from_raw);
    let main = main.ok_or(io::ErrorKind::InvalidData)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let mut child = signal(SignalKind::child())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut kill = signal(SignalKind::interrupt())?;
        loop {
            if let Some(code) = reap(main) {
                return Ok(code);
            }
            tokio::select! {
                _ = child.recv() => {}
                _ = terminate.recv() => {
                    let _ended_meanwhile = rustix::process::kill_process(main, Signal::TERM);
                }
                _ = kill.recv() => {
                    let _ended_meanwhile = rustix::process::kill_process(main, Signal::KILL);
                }
            }
        }
    })
}

/// Collects every child that has ended; the code when `main` was among them.
fn reap(main: Pid) -> Option<u8> {
    let mut code = None;
    while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
        if pid == main {
            code = Some(exit_code(status));
        }
    }
    code
}

/// As a shell says it: the code, or 128 and the signal.
fn exit_code(status: WaitStatus) -> u8 {
    let signal = status.terminating_signal().map(|signal| 128 + signal);
    let code = status
        .exit_status()
        .or(signal)
        .unwrap_or(i32::from(NOT_STARTED));
    u8::try_from(code).unwrap_or(NOT_STARTED)
}

fn report(report: &Report) {
    let Ok(mut line) = serde_json::to_string(report) else {
        return;
    };
    line.push('\n');
    let mut output = io::stdout();
    // Nobody reads any more when the runtime has gone; then we go too.
    let _runtime_gone = output
        .write_all(line.as_bytes())
        .and_then(|()| output.flush());
}
