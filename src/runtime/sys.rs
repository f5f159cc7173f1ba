//! The few calls into the kernel that no library offers as safe functions.
//! The only place of this package with `unsafe`.
#![expect(
    unsafe_code,
    reason = "the one room for calls the compiler cannot check"
)]

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};

use rustix::io::FdFlags;
use rustix::thread::UnshareFlags;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Gives the calling thread namespaces of its own.
///
/// `FILES` is refused: it would part the descriptor table from the one that
/// every owned descriptor of this process believes in.
pub(super) fn unshare(flags: UnshareFlags) -> io::Result<()> {
    if flags.contains(UnshareFlags::FILES) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: the call can break memory or I/O safety only through `FILES`,
    // which was refused above; namespaces touch neither.
    unsafe { rustix::thread::unshare_unsafe(flags) }.map_err(io::Error::from)
}

/// Keeps every descriptor but the three standard ones from the programs that
/// are started from here on.
///
/// Rust's own are kept from them anyway; this is for those that whoever
/// started us left open.
pub(super) fn keep_descriptors() -> io::Result<()> {
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let number = entry?.file_name().to_string_lossy().parse::<RawFd>();
        let Some(number) = number.ok().filter(|number| *number > 2) else {
            continue;
        };
        // SAFETY: the number is that of an open descriptor, just listed by a
        // process with one thread, or was the listing's own; on a closed one
        // the call fails and changes nothing.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        let _closed_meanwhile = rustix::io::fcntl_setfd(descriptor, FdFlags::CLOEXEC);
    }
    Ok(())
}

/// A descriptor that says when it can be read. To be called inside tokio.
pub(super) fn readable(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an owned descriptor is open for as long as it is held, and is
    // always the same one.
    let registered = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) };
    Ok(registered?)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_descriptor_table_is_never_parted() {
        assert!(unshare(UnshareFlags::FILES | UnshareFlags::NEWNET).is_err());
    }

    #[test]
    fn descriptors_that_were_left_open_are_kept_from_children() {
        let left_open = std::fs::File::open("/dev/null").unwrap();
        rustix::io::fcntl_setfd(&left_open, FdFlags::empty()).unwrap();
        keep_descriptors().unwrap();
        let flags = rustix::io::fcntl_getfd(&left_open).unwrap();
        assert!(flags.contains(FdFlags::CLOEXEC));
    }
}
