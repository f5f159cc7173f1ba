//! One layer onto a folder: entries, whiteouts, links.
//!
//! Every name is looked up as the kernel would with the folder as root: a
//! link to `/` or over `..` stays inside. Devices and pipes are left out: a
//! container gets its own `/dev`.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::path::{Component, Path, PathBuf};

use tar::{Archive, Entry, EntryType};

const OPAQUE: &str = ".wh..wh..opq";
const WHITEOUT: &str = ".wh.";
/// As many links as the kernel follows in one look-up.
const MAXIMUM_LINKS: usize = 40;

/// Unpacks a layer over what the lower layers left in `root`.
pub(super) fn extract(reader: impl Read, root: &Path) -> io::Result<()> {
    let mut layer = Layer {
        root,
        written: BTreeSet::new(),
        owns: rustix::process::geteuid().is_root(),
    };
    for entry in Archive::new(reader).entries()? {
        layer.apply(&mut entry?)?;
    }
    Ok(())
}

struct Layer<'a> {
    root: &'a Path,
    /// What this layer wrote, which an opaque whiteout leaves alone.
    written: BTreeSet<PathBuf>,
    /// Whether owners can be set.
    owns: bool,
}

// === impl Layer ===

impl Layer<'_> {
    fn apply(&mut self, entry: &mut Entry<'_, impl Read>) -> io::Result<()> {
        let path = entry.path()?.into_owned();
        let Some((parent, name)) = self.locate(&path)? else {
            return Ok(()); // The root itself.
        };
        match name.to_str().and_then(|name| name.strip_prefix(WHITEOUT)) {
            Some(_) if name == OPAQUE => self.clear(&parent),
            Some("" | "." | "..") => Err(invalid(&path, "is no whiteout")),
            Some(hidden) => remove(&parent.join(hidden)),
            None => self.write(entry, parent.join(name)),
        }
    }

    fn write(&mut self, entry: &mut Entry<'_, impl Read>, target: PathBuf) -> io::Result<()> {
        let kind = entry.header().entry_type();
        let keeps_folder = kind.is_dir() && fs::symlink_metadata(&target).is_ok_and(|m| m.is_dir());
        if !keeps_folder {
            remove(&target)?;
        }
        match kind {
            EntryType::Directory if keeps_folder => {}
            EntryType::Directory => fs::create_dir(&target)?,
            EntryType::Regular | EntryType::Continuous => copy(entry, &target)?,
            EntryType::Symlink => symlink(link_name(entry)?, &target)?,
            EntryType::Link => self.hard_link(&link_name(entry)?, &target)?,
            _ => return Ok(()),
        }
        self.dress(entry, &target)?;
        self.written.insert(target);
        Ok(())
    }

    fn hard_link(&self, original: &Path, target: &Path) -> io::Result<()> {
        match self.locate(original)? {
            Some((parent, name)) => fs::hard_link(parent.join(name), target),
            None => Err(invalid(original, "is a folder and cannot be linked")),
        }
    }

    // Set-user and set-group bits are dropped: a task gains no privileges. The
    // owner keeps write access to folders, so that they can be removed.
    fn dress(&self, entry: &Entry<'_, impl Read>, target: &Path) -> io::Result<()> {
        let header = entry.header();
        let kind = header.entry_type();
        if kind.is_hard_link() {
            return Ok(());
        }
        if self.owns {
            let id = |id: u64| u32::try_from(id).map_err(io::Error::other);
            lchown(target, Some(id(header.uid()?)?), Some(id(header.gid()?)?))?;
        }
        if kind.is_symlink() {
            return Ok(());
        }
        let mode = header.mode()? & 0o1777;
        let mode = if kind.is_dir() { mode | 0o700 } else { mode };
        fs::set_permissions(target, Permissions::from_mode(mode))
    }

    fn clear(&self, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let is_written = |written: &PathBuf| written.starts_with(&path);
            if !self.written.iter().any(is_written) {
                remove(&path)?;
            }
        }
        Ok(())
    }

    /// The real folder that holds `path`, made where it is missing, and the
    /// last part of the name; nothing for the root itself.
    fn locate(&self, path: &Path) -> io::Result<Option<(PathBuf, OsString)>> {
        let mut parts = parts(path)?;
        let Some(name) = parts.pop() else {
            return Ok(None);
        };
        let mut parent = self.root.to_owned();
        let mut links = 0;
        parts.reverse();
        while let Some(part) = parts.pop() {
            self.enter(&mut parent, &part, &mut parts, &mut links)
                .map_err(|error| {
                    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
                })?;
        }
        Ok(Some((parent, name)))
    }

    // `rest` is in reverse: the next part is the last.
    fn enter(
        &self,
        parent: &mut PathBuf,
        part: &OsStr,
        rest: &mut Vec<OsString>,
        links: &mut usize,
    ) -> io::Result<()> {
        if part == ".." {
            if parent != self.root {
                parent.pop();
            }
            return Ok(());
        }
        let next = parent.join(part);
        match fs::symlink_metadata(&next) {
            Ok(meta) if meta.is_symlink() => {
                *links += 1;
                if *links > MAXIMUM_LINKS {
                    return Err(io::Error::other("too many links"));
                }
                let target = fs::read_link(&next)?;
                if target.is_absolute() {
                    self.root.clone_into(parent);
                }
                rest.extend(link_parts(&target).rev());
            }
            Ok(meta) if meta.is_dir() => *parent = next,
            Ok(_) => return Err(io::Error::from(io::ErrorKind::NotADirectory)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir(&next)?;
                *parent = next;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

fn copy(entry: &mut Entry<'_, impl Read>, target: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(target)?;
    io::copy(entry, &mut file)?;
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn link_name(entry: &Entry<'_, impl Read>) -> io::Result<PathBuf> {
    let name = entry.link_name()?.map(std::borrow::Cow::into_owned);
    name.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a link without a target"))
}

// An entry's own name may not climb; a link in the image may.
fn parts(path: &Path) -> io::Result<Vec<OsString>> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.push(part.to_owned()),
            Component::CurDir | Component::RootDir => {}
            Component::ParentDir | Component::Prefix(_) => {
                return Err(invalid(path, "leads out of the image"));
            }
        }
    }
    Ok(parts)
}

fn link_parts(target: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    target.components().filter_map(|component| match component {
        Component::Normal(part) => Some(part.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    })
}

fn invalid(path: &Path, what: &str) -> io::Error {
    let text = format!("the entry `{}` {what}", path.display());
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[derive(Default)]
    struct Tar(Vec<u8>);

    impl Tar {
        // Raw headers: the builder would refuse the names we test with.
        fn entry(mut self, kind: EntryType, name: &str, link: &str, body: &[u8]) -> Self {
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(kind);
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
            header.set_mode(0o4755);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(0);
            header.set_size(body.len() as u64);
            header.set_cksum();
            self.0.extend(header.as_bytes());
            self.0.extend(body);
            self.0.resize(self.0.len().next_multiple_of(512), 0);
            self
        }

        fn file(self, name: &str, body: &str) -> Self {
            self.entry(EntryType::Regular, name, "", body.as_bytes())
        }

        fn link(self, name: &str, target: &str) -> Self {
            self.entry(EntryType::Symlink, name, target, b"")
        }

        fn onto(self, root: &Path) -> io::Result<()> {
            extract(&self.0[..], root)
        }
    }

    fn root() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir(&root).unwrap();
        (folder, root)
    }

    fn names(root: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(root)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn files_are_written_without_their_privileges() {
        let (_folder, root) = root();
        Tar::default()
            .file("./etc/motd", "hello")
            .onto(&root)
            .unwrap();
        assert_eq!(fs::read(root.join("etc/motd")).unwrap(), b"hello");
        let mode = fs::metadata(root.join("etc/motd"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o755);
    }

    #[test]
    fn whiteouts_hide_what_lower_layers_wrote() {
        let (_folder, root) = root();
        let lower = Tar::default().file("a/1", "").file("a/2", "").file("b", "");
        lower.onto(&root).unwrap();
        let upper = Tar::default()
            .file("a/3", "")
            .file("a/.wh..wh..opq", "")
            .file(".wh.b", "");
        upper.onto(&root).unwrap();
        assert_eq!(names(&root), ["a"]);
        assert_eq!(names(&root.join("a")), ["3"]);
    }

    #[test]
    fn a_file_takes_the_place_of_a_folder_and_back() {
        let (_folder, root) = root();
        Tar::default()
            .file("a/1", "")
            .file("b", "")
            .onto(&root)
            .unwrap();
        Tar::default()
            .file("a", "x")
            .file("b", "y")
            .onto(&root)
            .unwrap();
        assert_eq!(fs::read(root.join("a")).unwrap(), b"x");
        Tar::default()
            .entry(EntryType::Directory, "a/", "", b"")
            .file("a/2", "")
            .onto(&root)
            .unwrap();
        assert_eq!(names(&root.join("a")), ["2"]);
    }

    #[test]
    fn links_are_followed_inside_the_root_only() {
        let (folder, root) = root();
        let outside = folder.path().join("outside");
        fs::create_dir(&outside).unwrap();
        Tar::default()
            .link("absolute", outside.to_str().unwrap())
            .link("climbing", "../../../../../outside")
            .file("absolute/a", "")
            .file("climbing/b", "")
            .link("bin", "usr/bin")
            .file("usr/bin/x", "")
            .file("bin/y", "")
            .onto(&root)
            .unwrap();
        assert_eq!(names(&outside), [""; 0]);
        assert!(root.join("outside/b").is_file());
        assert_eq!(names(&root.join("usr/bin")), ["x", "y"]);
    }

    #[test]
    fn a_file_over_a_link_replaces_the_link() {
        let (folder, root) = root();
        let outside = folder.path().join("secret");
        fs::write(&outside, "kept").unwrap();
        Tar::default()
            .link("x", outside.to_str().unwrap())
            .file("x", "new")
            .onto(&root)
            .unwrap();
        assert_eq!(fs::read(&outside).unwrap(), b"kept");
        assert_eq!(fs::read(root.join("x")).unwrap(), b"new");
    }

    #[test]
    fn hard_links_reach_nothing_outside() {
        let (folder, root) = root();
        fs::write(folder.path().join("secret"), "s").unwrap();
        let link = |target: &str| Tar::default().entry(EntryType::Link, "x", target, b"");
        assert!(link("../secret").onto(&root).is_err());
        assert!(
            link(folder.path().join("secret").to_str().unwrap())
                .onto(&root)
                .is_err()
        );
        assert!(!root.join("x").exists());
    }

    #[test]
    fn names_that_climb_and_endless_links_are_refused() {
        let (folder, root) = root();
        assert!(Tar::default().file("a/../../b", "").onto(&root).is_err());
        assert!(Tar::default().file("a/.wh...", "").onto(&root).is_err());
        assert!(
            Tar::default()
                .link("l", "l")
                .file("l/a", "")
                .onto(&root)
                .is_err()
        );
        assert_eq!(names(folder.path()), ["root"]);
    }
}
