//! Calls into the kernel that no app has business with.

use super::scene::{Outcome, Scene};
use crate::runtime::sys::{Forbidden, attempt};

/// Programs and maps of BPF, of which there is one set in a machine.
pub(super) fn bpf(_: &Scene) -> Outcome {
    call("bpf", Forbidden::Bpf)
}

/// Modules and other kernels.
pub(super) fn modules(_: &Scene) -> Outcome {
    Outcome::together([
        call("a kernel module", Forbidden::Module),
        call("another kernel", Forbidden::Kexec),
    ])
}

/// Files of the machine by their numbers, past every root folder.
pub(super) fn file_handles(_: &Scene) -> Outcome {
    call("a file by its number", Forbidden::FileByHandle)
}

/// The kernel's ring for keys, which all containers of a user share.
pub(super) fn keys(_: &Scene) -> Outcome {
    call("the user's keys", Forbidden::Keys)
}

/// Calls that no filter sees.
pub(super) fn ring(_: &Scene) -> Outcome {
    call("io_uring", Forbidden::Ring)
}

/// The machine's log.
pub(super) fn log(_: &Scene) -> Outcome {
    call("the kernel's log", Forbidden::KernelLog)
}

fn call(what: &str, call: Forbidden) -> Outcome {
    Outcome::of_call(what, attempt(call))
}
