//! The few calls into the kernel that no library offers as safe functions.
//! The only place of this package with `unsafe`.
#![expect(
    unsafe_code,
    reason = "the one room for calls the compiler cannot check"
)]

use std::io;

use rustix::thread::UnshareFlags;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_table_is_never_parted() {
        assert!(unshare(UnshareFlags::FILES | UnshareFlags::NEWNET).is_err());
    }
}
