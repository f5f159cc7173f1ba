//! The root folder of a container: the image with `/proc`, a minimal `/dev`, a
//! writable `/tmp`, and the files that the runtime puts over the image's. The
//! rest is read-only; or, for a container that may write, an overlay whose
//! upper part is in memory.
//!
//! The image's own folder is never written to, so many tasks can share it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use rustix::fs::StatVfsMountFlags;
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};

use super::{Container, LaunchError, Trying};

/// Folders that the image does not decide.
const OURS: [&str; 4] = ["dev", "proc", "sys", "tmp"];
const DEVICES: [&str; 5] = ["full", "null", "random", "urandom", "zero"];
const PLAIN: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV);

/// Builds the root and makes it this process's.
pub(super) fn build(container: &Container) -> Result<(), LaunchError> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private).trying(|| "keep mounts private".to_owned())?;
    tmpfs(&container.staging, c"mode=0755")?;
    let root = &if container.read_only {
        projected(container)?
    } else {
        layered(container)?
    };
    devices(root)?;
    processes(root)?;
    let temporary = root.join("tmp");
    make_folder(&temporary)?;
    tmpfs(&temporary, c"mode=1777")?;
    pivot(root)?;
    // From here on the image's links lead to the image.
    for (path, text) in &container.files {
        place(&Path::new("/").join(relative(path)), text)?;
    }
    if let Some(folder) = &container.working_directory {
        // Where it cannot be made, the app's start says so.
        let _read_only = fs::create_dir_all(folder);
    }
    if container.read_only {
        rustix::mount::mount_remount("/", PLAIN | MountFlags::RDONLY | MountFlags::BIND, "")
            .trying(|| "make the container's root read-only".to_owned())?;
    }
    Ok(())
}

/// The image over the staging folder, entry by entry, each read-only.
fn projected(container: &Container) -> Result<PathBuf, LaunchError> {
    let root = container.staging.clone();
    let overlaid: BTreeSet<PathBuf> = container.files.keys().map(|path| relative(path)).collect();
    project(&container.rootfs, &root, Path::new(""), &overlaid)?;
    Ok(root)
}

/// The image under a layer of the container's own.
fn layered(container: &Container) -> Result<PathBuf, LaunchError> {
    let staging = container.staging.as_path();
    for name in ["image", "own", "work", "root"] {
        make_folder(&staging.join(name))?;
    }
    bind(&container.rootfs, &staging.join("image"))?;
    let options = if container.own_users {
        c"lowerdir=image,upperdir=own,workdir=work,userxattr"
    } else {
        c"lowerdir=image,upperdir=own,workdir=work"
    };
    // Relative, because a comma or a colon in a path would end it.
    rustix::process::chdir(staging).trying(|| "enter the staging folder".to_owned())?;
    rustix::mount::mount("colormesh", "root", "overlay", PLAIN, Some(options))
        .trying(|| "lay a writable layer over the image".to_owned())?;
    let root = staging.join("root");
    for name in OURS {
        let inner = root.join(name);
        // Whatever the image has there is not what the container finds.
        if fs::symlink_metadata(&inner).is_ok_and(|found| !found.is_dir()) {
            fs::remove_file(&inner).trying(|| format!("remove the image's `/{name}`"))?;
        }
    }
    Ok(root)
}

/// Mirrors one folder of the image: entries as they are, except those above
/// a file of ours, which are mirrored one level deeper.
fn project(
    image: &Path,
    root: &Path,
    folder: &Path,
    overlaid: &BTreeSet<PathBuf>,
) -> Result<(), LaunchError> {
    let source = image.join(folder);
    let entries = fs::read_dir(&source).trying(|| format!("read `{}`", source.display()))?;
    for entry in entries {
        let entry = entry.trying(|| format!("read `{}`", source.display()))?;
        let inner = folder.join(entry.file_name());
        let ours = OURS.iter().any(|name| inner == Path::new(name));
        if ours || overlaid.contains(&inner) {
            continue;
        }
        let kind = entry
            .file_type()
            .trying(|| format!("read `{}`", inner.display()))?;
        let deeper = kind.is_dir() && overlaid.iter().any(|path| path.starts_with(&inner));
        let target = root.join(&inner);
        if deeper {
            make_folder(&target)?;
            project(image, root, &inner, overlaid)?;
        } else {
            mirror(&entry.path(), &target, kind)?;
        }
    }
    Ok(())
}

fn mirror(source: &Path, target: &Path, kind: fs::FileType) -> Result<(), LaunchError> {
    let step = || format!("mirror `{}`", source.display());
    if kind.is_symlink() {
        let points_to = fs::read_link(source).trying(step)?;
        return symlink(points_to, target).trying(step);
    }
    if kind.is_dir() {
        make_folder(target)?;
    } else {
        fs::write(target, "").trying(step)?;
    }
    bind(source, target)?;
    let flags = kept_flags(target).trying(step)? | MountFlags::BIND | MountFlags::RDONLY;
    rustix::mount::mount_remount(target, flags | PLAIN, "").trying(step)
}

/// The flags a mount has already, which a user namespace may not take away.
fn kept_flags(path: &Path) -> io::Result<MountFlags> {
    let has = rustix::fs::statvfs(path)?.f_flag;
    let pairs = [
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
    ];
    let kept = pairs.into_iter().filter(|(flag, _)| has.contains(*flag));
    Ok(kept.fold(MountFlags::empty(), |all, (_, flag)| all | flag))
}

fn place(path: &Path, text: &str) -> Result<(), LaunchError> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    // A link of the image may lead to where nothing is.
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
        fs::remove_file(path).trying(|| format!("replace `{}`", path.display()))?;
    }
    fs::write(path, text).trying(|| format!("write `{}`", path.display()))
}

fn devices(root: &Path) -> Result<(), LaunchError> {
    let folder = root.join("dev");
    make_folder(&folder)?;
    tmpfs(&folder, c"mode=0755")?;
    for name in DEVICES {
        let target = folder.join(name);
        fs::write(&target, "").trying(|| format!("make `/dev/{name}`"))?;
        bind(&Path::new("/dev").join(name), &target)?;
    }
    for (name, points_to) in [
        ("fd", "/proc/self/fd"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        symlink(points_to, folder.join(name)).trying(|| format!("make `/dev/{name}`"))?;
    }
    let shared = folder.join("shm");
    make_folder(&shared)?;
    tmpfs(&shared, c"mode=1777")
}

/// `/proc` of this PID namespace, read-only: its switches belong to the machine.
fn processes(root: &Path) -> Result<(), LaunchError> {
    let folder = root.join("proc");
    make_folder(&folder)?;
    let flags = PLAIN | MountFlags::NOEXEC | MountFlags::RDONLY;
    match rustix::mount::mount("proc", &folder, "proc", flags, None) {
        // Inside some containers a fresh one is forbidden; apps live without.
        Ok(()) | Err(rustix::io::Errno::PERM) => Ok(()),
        Err(error) => Err(error).trying(|| "mount the container's `/proc`".to_owned()),
    }
}

fn pivot(root: &Path) -> Result<(), LaunchError> {
    rustix::process::chdir(root).trying(|| "enter the container's root".to_owned())?;
    rustix::process::pivot_root(".", ".").trying(|| "change the root".to_owned())?;
    rustix::mount::unmount(".", UnmountFlags::DETACH)
        .trying(|| "leave the machine's root".to_owned())?;
    rustix::process::chdir("/").trying(|| "enter the container's root".to_owned())
}

fn tmpfs(path: &Path, options: &std::ffi::CStr) -> Result<(), LaunchError> {
    rustix::mount::mount("colormesh", path, "tmpfs", PLAIN, Some(options))
        .trying(|| format!("mount a tmpfs at `{}`", path.display()))
}

fn bind(source: &Path, target: &Path) -> Result<(), LaunchError> {
    rustix::mount::mount_bind_recursive(source, target)
        .trying(|| format!("mount `{}` in the container", source.display()))
}

fn make_folder(path: &Path) -> Result<(), LaunchError> {
    fs::create_dir_all(path).trying(|| format!("make `{}`", path.display()))
}

/// A path inside the root, whatever it says: no way up, no start at `/`.
fn relative(path: &Path) -> PathBuf {
    let named = path
        .components()
        .filter(|part| matches!(part, Component::Normal(_)));
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_never_leaves_the_root() {
        assert_eq!(
            relative(Path::new("/../../etc/hosts")),
            Path::new("etc/hosts")
        );
        assert_eq!(relative(Path::new("etc/./hosts")), Path::new("etc/hosts"));
    }
}
