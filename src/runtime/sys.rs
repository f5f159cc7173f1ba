//! The few calls into the kernel that no library offers as safe functions.
//! The only place of this package with `unsafe`.
#![expect(
    unsafe_code,
    reason = "the one room for calls the compiler cannot check"
)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

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

/// Puts a filter over every system call of this thread and all that it starts.
///
/// It can never be taken off; new privileges must have been forbidden before.
pub(super) fn filter(program: &[libc::sock_filter]) -> io::Result<()> {
    let program = libc::sock_fprog {
        len: program
            .len()
            .try_into()
            .map_err(|_| io::ErrorKind::InvalidInput)?,
        filter: program.as_ptr().cast_mut(),
    };
    let (mode, flags) = (
        libc::c_ulong::from(libc::SECCOMP_SET_MODE_FILTER),
        0 as libc::c_ulong,
    );
    // SAFETY: the kernel only reads the program, for the time of the call, and
    // its length is that of the slice it comes from.
    done(unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program) })
}

/// `AF_PACKET` and `AF_VSOCK`, as addresses have them.
const PACKET: u16 = 17;
const VSOCK: u16 = 40;

/// Sends one frame through an interface, by a packet socket.
pub(super) fn send_frame(
    socket: BorrowedFd<'_>,
    interface: i32,
    kind: u16,
    frame: &[u8],
) -> io::Result<()> {
    // SAFETY: all zeroes are a valid address of this kind.
    let mut to: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    to.sll_family = PACKET;
    to.sll_protocol = kind.to_be();
    to.sll_ifindex = interface;
    // SAFETY: both pointers are to live values with the lengths given beside.
    let sent = unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            frame.as_ptr().cast(),
            frame.len(),
            0,
            (&raw const to).cast(),
            length::<libc::sockaddr_ll>(),
        )
    };
    done(sent as libc::c_long)
}

/// Connects to the machine below this one, where this one is virtual.
pub(super) fn connect_to_host(port: u32) -> io::Result<()> {
    // SAFETY: the call takes numbers only; all zeroes are a valid address.
    let (number, mut to) = unsafe {
        (
            libc::socket(libc::AF_VSOCK, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0),
            std::mem::zeroed::<libc::sockaddr_vm>(),
        )
    };
    if number < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the number was just given to us and is nobody else's.
    let socket = unsafe { OwnedFd::from_raw_fd(number) };
    rustix::io::ioctl_fionbio(&socket, true)?;
    to.svm_family = VSOCK;
    to.svm_cid = libc::VMADDR_CID_HOST;
    to.svm_port = port;
    let size = length::<libc::sockaddr_vm>();
    // SAFETY: the address is live and has the length given beside.
    done(unsafe { libc::connect(number, (&raw const to).cast(), size) }.into())
}

/// Who is at the other end of a unix socket; none when that process has no
/// number in this PID namespace.
pub(super) fn peer_process(socket: BorrowedFd<'_>) -> io::Result<Option<i32>> {
    let (mut peer, mut size) = (
        libc::ucred {
            pid: 0,
            uid: 0,
            gid: 0,
        },
        length::<libc::ucred>(),
    );
    // SAFETY: the kernel writes at most `size` bytes to a live value of that size.
    let got = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &raw mut size,
        )
    };
    done(got.into())?;
    Ok(Some(peer.pid).filter(|number| *number > 0))
}

/// A call into the kernel that no app has business with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forbidden {
    /// A map of BPF.
    Bpf,
    /// A kernel module, of no bytes.
    Module,
    /// Another kernel, of no bytes.
    Kexec,
    /// A file by its number instead of its path.
    FileByHandle,
    /// The keys of the user, whichever container it is in.
    Keys,
    /// A ring through which calls pass no filter.
    Ring,
    /// What the kernel said.
    KernelLog,
    /// Another process's memory.
    Memory(i32),
}

/// Tries a forbidden call, with arguments that do no harm if it is let through.
pub(super) fn attempt(call: Forbidden) -> io::Result<()> {
    let (zeroes, mut bytes) = ([0_u8; 128], [0_u8; 128]);
    let (null, some) = (std::ptr::null::<u8>(), bytes.as_mut_ptr());
    // The kernel reads whole registers: every number has to fill one.
    let (none, one): (libc::c_long, libc::c_long) = (0, 1);
    // SAFETY: every pointer is null, to `bytes` or to `zeroes`, which are as
    // long as the longest structure that these calls read or write, or to a
    // vector that describes one byte of `bytes`; the numbers name nothing.
    let result = unsafe {
        match call {
            Forbidden::Bpf => {
                // An array of one element: type, key size, value size, elements.
                let map = [2_u32, 4, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
                libc::syscall(libc::SYS_bpf, none, map.as_ptr(), size_of_val(&map))
            }
            Forbidden::Module => libc::syscall(libc::SYS_init_module, some, none, null),
            // Its flags are nonsense, else it would take a loaded kernel away.
            Forbidden::Kexec => libc::syscall(libc::SYS_kexec_load, none, none, null, 0xffff * one),
            Forbidden::FileByHandle => {
                // Eight bytes of handle, of the kind 1.
                some.write(8);
                some.add(4).write(1);
                let here = libc::c_long::from(libc::AT_FDCWD);
                libc::syscall(libc::SYS_open_by_handle_at, here, some, none)
            }
            // `KEYCTL_GET_KEYRING_ID` of the user's keyring, made when missing.
            Forbidden::Keys => libc::syscall(libc::SYS_keyctl, none, -4 * one, one),
            Forbidden::Ring => libc::syscall(libc::SYS_io_uring_setup, one, some),
            // `SYSLOG_ACTION_READ_ALL`.
            Forbidden::KernelLog => libc::syscall(libc::SYS_syslog, 3 * one, some, bytes.len()),
            Forbidden::Memory(process) => {
                let (near, far) = (
                    libc::iovec {
                        iov_base: some.cast(),
                        iov_len: 1,
                    },
                    libc::iovec {
                        iov_base: zeroes.as_ptr().cast_mut().cast(),
                        iov_len: 1,
                    },
                );
                libc::syscall(
                    libc::SYS_process_vm_readv,
                    libc::c_long::from(process),
                    &raw const near,
                    one,
                    &raw const far,
                    one,
                    none,
                )
            }
        }
    };
    done(result)
}

fn done(result: libc::c_long) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

fn length<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(size_of::<T>()).expect("an address is short")
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
