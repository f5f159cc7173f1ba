//! Files, mounts and devices through which the machine could be reached.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode};
use rustix::mount::{MountFlags, UnmountFlags};

use super::scene::{Outcome, Scene, word};

/// Switches of the machine that run programs or change its network.
pub(super) fn switches(_: &Scene) -> Outcome {
    let files = [
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/modprobe",
        "/proc/sys/kernel/hotplug",
        "/proc/sys/net/ipv4/ip_forward",
        "/proc/sys/net/ipv4/ip_unprivileged_port_start",
        "/proc/sysrq-trigger",
        "/sys/kernel/uevent_helper",
        "/sys/class/net/lo/ifalias",
    ];
    Outcome::together(files.map(|file| write_open(file.as_ref())))
}

/// What runs a program of the machine when a group of processes is empty.
pub(super) fn release_agent(scene: &Scene) -> Outcome {
    let files = [
        "/sys/fs/cgroup/release_agent",
        "/sys/fs/cgroup/rdma/release_agent",
    ];
    let opened = files.map(|file| write_open(file.as_ref()));
    let mounted = ["cgroup", "cgroup2"].map(|kind| mount(scene, kind));
    Outcome::together(opened.into_iter().chain(mounted))
}

/// Memory and words of the kernel.
pub(super) fn kernel_memory(_: &Scene) -> Outcome {
    let files = [
        "/proc/kcore",
        "/proc/kmsg",
        "/dev/mem",
        "/dev/kmem",
        "/dev/port",
        "/dev/kmsg",
    ];
    let tries = files.map(|file| match fs::File::open(file) {
        Ok(_) if is_null(file.as_ref()) => Outcome::sent("masked"),
        opened => Outcome::of_call(file, opened),
    });
    Outcome::together(tries)
}

/// Fresh mounts, in which more could be seen.
pub(super) fn mounts(scene: &Scene) -> Outcome {
    let kinds = ["proc", "sysfs", "tmpfs", "devtmpfs", "bpf", "debugfs"];
    let remounted =
        rustix::mount::mount_remount("/", MountFlags::BIND, "").map_err(io::Error::from);
    let tries = kinds.map(|kind| mount(scene, kind));
    Outcome::together(
        tries
            .into_iter()
            .chain([Outcome::of_call("the root, writable", remounted)]),
    )
}

fn mount(scene: &Scene, kind: &str) -> Outcome {
    let place = std::env::temp_dir().join(format!("{}-{kind}", scene.marker));
    if let Err(error) = fs::create_dir(&place) {
        return Outcome::sent(word(&error));
    }
    let flags = MountFlags::RDONLY | MountFlags::NOSUID;
    let mounted = rustix::mount::mount("probe", &place, kind, flags, None);
    if mounted.is_ok() {
        let _as_it_was = rustix::mount::unmount(&place, UnmountFlags::DETACH);
    }
    let _as_it_was = fs::remove_dir(&place);
    Outcome::of_call(
        &format!("a mount of {kind}"),
        mounted.map_err(io::Error::from),
    )
}

/// Devices of the machine: its disks, its memory.
pub(super) fn devices(scene: &Scene) -> Outcome {
    let kinds = [
        (FileType::BlockDevice, 8, 0),
        (FileType::BlockDevice, 259, 0),
        (FileType::CharacterDevice, 1, 1),
        (FileType::CharacterDevice, 10, 200),
    ];
    let tries = kinds.map(|(kind, major, minor)| {
        let place = std::env::temp_dir().join(format!("{}-{major}-{minor}", scene.marker));
        let device = rustix::fs::makedev(major, minor);
        let made = rustix::fs::mknodat(CWD, &place, kind, Mode::RUSR, device);
        let _as_it_was = fs::remove_file(&place);
        Outcome::of_call("a device", made.map_err(io::Error::from))
    });
    Outcome::together(tries)
}

/// What the container shares with the machine: the nodes of its devices, and
/// the program of its first process.
pub(super) fn shared(_: &Scene) -> Outcome {
    // Nothing changes: each gets the mode that it has.
    let modes = ["/dev/null", "/proc/1/exe"].map(|path| {
        let same = fs::metadata(path).and_then(|found| {
            fs::set_permissions(path, fs::Permissions::from_mode(found.mode() & 0o7777))
        });
        Outcome::of_call(path, same)
    });
    Outcome::together(
        modes
            .into_iter()
            .chain([write_open("/proc/1/exe".as_ref())]),
    )
}

/// The container's own files.
pub(super) fn own_root(scene: &Scene) -> Outcome {
    let tries = ["/", "/etc", "/usr"].map(|folder| {
        let place = Path::new(folder).join(&scene.marker);
        let made = fs::write(&place, "");
        let _as_it_was = fs::remove_file(&place);
        Outcome::of_call("a file in the image", made)
    });
    Outcome::together(tries)
}

/// Opens a file as a writer would, and writes nothing.
fn write_open(path: &Path) -> Outcome {
    match OpenOptions::new().write(true).open(path) {
        Ok(_) if is_null(path) => Outcome::sent("masked"),
        opened => Outcome::of_call(&path.display().to_string(), opened),
    }
}

/// Whether nothing but `/dev/null` is there.
fn is_null(path: &Path) -> bool {
    let null = rustix::fs::makedev(1, 3);
    fs::metadata(path).is_ok_and(|found| found.rdev() == null)
}
