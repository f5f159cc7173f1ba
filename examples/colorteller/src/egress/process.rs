//! What the kernel is asked for, and should refuse.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::task::spawn_blocking;

use super::seen::Seen;

/// The user whose packets ECS's redirection leaves alone.
const PROXY: u32 = 1337;
/// `SOCK_RAW`.
const RAW: i32 = 3;
/// The kernel's numbers for what it does not permit.
const EPERM: i32 = 1;
const EACCES: i32 = 13;

pub(super) fn raw_socket() -> Seen {
    match Socket::new(Domain::IPV4, Type::from(RAW), Some(Protocol::ICMPV4)) {
        Ok(_) => Seen::out("it can be opened"),
        Err(error) => Seen::failed(&error),
    }
}

/// Becomes the proxy's user, in a process of its own.
pub(super) async fn proxy_user() -> Seen {
    match spawn_blocking(become_user).await {
        Ok(error) => permitted(&error),
        Err(_) => Seen::unclear("it ended without a word"),
    }
}

/// A folder is no program, so this always fails: at the user when that is
/// refused, and only then at the folder.
fn become_user() -> io::Error {
    let nothing = Command::new("/")
        .uid(PROXY)
        .env_clear()
        .stdin(Stdio::null())
        .spawn();
    nothing
        .err()
        .unwrap_or_else(|| io::Error::from_raw_os_error(EACCES))
}

fn permitted(error: &io::Error) -> Seen {
    match error.raw_os_error() {
        Some(EPERM) => Seen::refused("operation not permitted"),
        Some(EACCES) => Seen::out("the process may become it"),
        _ => Seen::unclear(format!("could not be tried: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn root_may_and_others_may_not() {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        let capabilities = line.and_then(|line| u64::from_str_radix(line.trim(), 16).ok());
        let may = |capability: u32| capabilities.unwrap_or(0) >> capability & 1 == 1;
        // CAP_SETUID and CAP_NET_RAW.
        assert_eq!(proxy_user().await.out, Some(may(7)));
        assert_eq!(raw_socket().out, Some(may(13)));
    }
}
