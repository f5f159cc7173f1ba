//! The calls into the kernel that an app may not make, whoever it is.
//!
//! Namespaces and dropped capabilities close the ways out that are known; this
//! closes the doors to them: no mounts, no namespaces of its own, no devices,
//! no modules, no sockets of families that know no network namespace (a
//! virtual machine's line to its host is one). What a filter lets pass is
//! still subject to all the rest.

use libc::{c_long, sock_filter};

use super::{LaunchError, Trying};
use crate::runtime::sys;

/// Calls that are refused whatever their arguments.
const REFUSED: &[c_long] = &[
    // Mounts.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_quotactl,
    libc::SYS_fanotify_init,
    // Other namespaces and their processes.
    libc::SYS_setns,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // The kernel itself.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_syslog,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_vhangup,
    // Keys belong to a user, not to a container.
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // A ring makes calls that no filter sees.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_kexec_file_load,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
];

/// `AUDIT_ARCH_*` of the machine this is built for.
#[cfg(target_arch = "x86_64")]
const MACHINE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const MACHINE: u32 = 0xc000_00b7;

/// Where `seccomp_data` has its parts; arguments are 8 bytes each.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

/// Every `CLONE_NEW*` but the one for time, whose bit means something else to
/// `clone`.
const NEW_NAMESPACES: u32 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u32;
const NEW_TIME: u32 = 0x80;

/// The families of sockets that a container has: the rest know no namespace,
/// or carry what nobody looks at.
const FAMILIES: [u32; 3] = [
    libc::AF_UNIX as u32,
    libc::AF_INET as u32,
    libc::AF_INET6 as u32,
];
/// Of netlink, what lists interfaces and sockets.
const NETLINKS: [u32; 2] = [libc::NETLINK_ROUTE as u32, 4];
/// The old name of packet sockets, as a type of `AF_INET`.
const SOCK_PACKET: u32 = 10;

/// Puts the filter over this process and all that it starts.
pub(in crate::runtime) fn install() -> Result<(), LaunchError> {
    sys::filter(&program()).trying(|| "filter the app's system calls".to_owned())
}

/// The filter as the kernel takes it.
fn program() -> Vec<sock_filter> {
    let mut program = vec![load(ARCHITECTURE)];
    program.extend(unless(MACHINE, refuse(libc::EPERM)));
    program.push(load(NUMBER));
    // Numbers of the x32 variant mean the same calls once more.
    #[cfg(target_arch = "x86_64")]
    program.extend(if_at_least(0x4000_0000, refuse(libc::EPERM)));
    for call in REFUSED {
        program.extend(when(number(*call), vec![refuse(libc::EPERM)]));
    }
    // Its flags are where no filter sees them; libraries then use `clone`.
    program.extend(when(number(libc::SYS_clone3), vec![refuse(libc::ENOSYS)]));
    program.extend(when(number(libc::SYS_clone), no_bits(0, NEW_NAMESPACES)));
    program.extend(when(
        number(libc::SYS_unshare),
        no_bits(0, NEW_NAMESPACES | NEW_TIME),
    ));
    #[cfg(target_arch = "x86_64")]
    program.extend(when(number(libc::SYS_mknod), no_device(1)));
    program.extend(when(number(libc::SYS_mknodat), no_device(2)));
    program.extend(when(number(libc::SYS_socket), families()));
    program.push(ALLOW);
    program
}

/// Refuses when an argument has any of these bits.
fn no_bits(argument: u32, bits: u32) -> Vec<sock_filter> {
    let some = libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K;
    vec![
        load(ARGUMENTS + 8 * argument),
        jump(some, bits, 0, 1),
        refuse(libc::EPERM),
        ALLOW,
    ]
}

/// Refuses when an argument is the mode of a device.
fn no_device(argument: u32) -> Vec<sock_filter> {
    let kind = step(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, libc::S_IFMT);
    let mut steps = vec![load(ARGUMENTS + 8 * argument), kind];
    for device in [libc::S_IFCHR, libc::S_IFBLK] {
        steps.extend(when(device, vec![refuse(libc::EPERM)]));
    }
    steps.push(ALLOW);
    steps
}

/// Lets sockets of ordinary families through.
fn families() -> Vec<sock_filter> {
    let low = step(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, 0xf);
    let mut steps = vec![load(ARGUMENTS + 8), low];
    steps.extend(when(SOCK_PACKET, vec![refuse(libc::EPERM)]));
    steps.push(load(ARGUMENTS));
    for family in FAMILIES {
        steps.extend(when(family, vec![ALLOW]));
    }
    let mut netlink = vec![load(ARGUMENTS + 16)];
    for protocol in NETLINKS {
        netlink.extend(when(protocol, vec![ALLOW]));
    }
    netlink.push(refuse(libc::EPERM));
    steps.extend(when(libc::AF_NETLINK as u32, netlink));
    steps.push(refuse(libc::EAFNOSUPPORT));
    steps
}

const ALLOW: sock_filter = step(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW);

const fn refuse(error: i32) -> sock_filter {
    let answer = libc::SECCOMP_RET_ERRNO | error.cast_unsigned();
    step(libc::BPF_RET | libc::BPF_K, answer)
}

const fn load(offset: u32) -> sock_filter {
    step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset)
}

/// `then`, which ends in an answer, when what was loaded is `value`.
fn when(value: u32, then: Vec<sock_filter>) -> Vec<sock_filter> {
    let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let past = u8::try_from(then.len()).expect("a rule is short");
    let mut steps = vec![jump(equal, value, 0, past)];
    steps.extend(then);
    steps
}

fn unless(value: u32, then: sock_filter) -> [sock_filter; 2] {
    let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    [jump(equal, value, 1, 0), then]
}

#[cfg(target_arch = "x86_64")]
fn if_at_least(value: u32, then: sock_filter) -> [sock_filter; 2] {
    let at_least = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;
    [jump(at_least, value, 0, 1), then]
}

const fn step(code: u32, value: u32) -> sock_filter {
    jump(code, value, 0, 0)
}

#[expect(clippy::cast_possible_truncation, reason = "a code has 16 bits")]
const fn jump(code: u32, value: u32, yes: u8, no: u8) -> sock_filter {
    sock_filter {
        code: code as u16,
        jt: yes,
        jf: no,
        k: value,
    }
}

fn number(call: c_long) -> u32 {
    u32::try_from(call).expect("a call has a small number")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::io;

    use rustix::net::{AddressFamily, Protocol, SocketFlags, SocketType, netlink};
    use rustix::thread::UnshareFlags;

    use super::*;
    use crate::runtime::sys::{Forbidden, attempt};

    /// Runs something in a thread of its own under the filter.
    fn filtered<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
        let thread = std::thread::spawn(|| {
            rustix::thread::set_no_new_privs(true).unwrap();
            install().unwrap();
            body()
        });
        thread.join().unwrap()
    }

    fn code(result: io::Result<()>) -> Option<i32> {
        result.err().and_then(|error| error.raw_os_error())
    }

    #[test]
    fn the_kernel_is_out_of_reach() {
        let calls = [
            Forbidden::Bpf,
            Forbidden::Module,
            Forbidden::Kexec,
            Forbidden::FileByHandle,
            Forbidden::Keys,
            Forbidden::Ring,
            Forbidden::KernelLog,
        ];
        for call in calls {
            let refused = filtered(move || code(attempt(call)));
            assert_eq!(refused, Some(libc::EPERM), "{call:?}");
        }
    }

    #[test]
    fn there_are_no_namespaces_but_the_own() {
        let refused = filtered(|| code(sys::unshare(UnshareFlags::NEWUSER)));
        assert_eq!(refused, Some(libc::EPERM));
    }

    #[test]
    fn only_ordinary_sockets_are_made() {
        let make = |family, kind, protocol: Option<Protocol>| {
            let flags = SocketFlags::CLOEXEC;
            let made = rustix::net::socket_with(family, kind, flags, protocol);
            made.map(drop).err().map(rustix::io::Errno::raw_os_error)
        };
        let (packet, vsock) = (AddressFamily::from_raw(17), AddressFamily::from_raw(40));
        let results = filtered(move || {
            [
                make(AddressFamily::INET, SocketType::STREAM, None),
                make(AddressFamily::INET6, SocketType::DGRAM, None),
                make(AddressFamily::UNIX, SocketType::STREAM, None),
                make(AddressFamily::NETLINK, SocketType::RAW, None),
                make(
                    AddressFamily::NETLINK,
                    SocketType::RAW,
                    Some(netlink::NETFILTER),
                ),
                make(packet, SocketType::RAW, None),
                make(AddressFamily::INET, SocketType::from_raw(10), None),
                make(vsock, SocketType::STREAM, None),
            ]
        });
        let (refused, unknown) = (Some(libc::EPERM), Some(libc::EAFNOSUPPORT));
        let expected = [None, None, None, None, refused, unknown, refused, unknown];
        assert_eq!(results, expected);
    }

    #[test]
    fn threads_and_processes_are_made_as_before() {
        let output = filtered(|| {
            let thread = std::thread::spawn(|| 1);
            assert_eq!(thread.join().unwrap(), 1);
            std::process::Command::new("true").status().unwrap()
        });
        assert!(output.success());
    }

    #[test]
    fn no_device_is_made() {
        use rustix::fs::{CWD, FileType, Mode};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let results = filtered(move || {
            let make = |name: &str, kind| {
                let made = rustix::fs::mknodat(CWD, path.join(name), kind, Mode::RUSR, 0);
                made.err()
            };
            (
                make("pipe", FileType::Fifo),
                make("device", FileType::CharacterDevice),
            )
        });
        assert_eq!(results, (None, Some(rustix::io::Errno::PERM)));
    }
}
