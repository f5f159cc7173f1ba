//! Whom an image's program runs as: `user[:group]`, each by number or by the
//! name that the image's own `/etc/passwd` and `/etc/group` give.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustix::fs::{Mode, OFlags, ResolveFlags};

/// Longest file of users that is read.
const LONGEST: u64 = 4 << 20;

/// A process's user and group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The user's number.
    pub user: u32,
    /// The group's number.
    pub group: u32,
}

/// A name that the image does not know.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum UnknownOwner {
    /// The user.
    #[error("the image's `/etc/passwd` has no user `{0}`")]
    User(String),
    /// The group.
    #[error("the image's `/etc/group` has no group `{0}`")]
    Group(String),
}

// === impl Owner ===

impl Owner {
    /// Reads `user[:group]` as Docker does; empty is root. Without a group it
    /// is the user's own, or 0 for a number that the image does not know.
    pub fn find(text: &str, root: &Path) -> Result<Self, UnknownOwner> {
        let (user, group) = text.split_once(':').unwrap_or((text, ""));
        let user = if user.is_empty() { "0" } else { user };
        let users = read(root, "etc/passwd");
        let known = lines(&users).find(|fields| names(fields, user));
        let number = |fields: &[&str], index: usize| fields.get(index)?.parse().ok();
        let user = match (known.as_deref(), user.parse()) {
            (_, Ok(number)) => number,
            (Some(fields), Err(_)) => {
                number(fields, 2).ok_or_else(|| UnknownOwner::User(user.to_owned()))?
            }
            (None, Err(_)) => return Err(UnknownOwner::User(user.to_owned())),
        };
        let own = || known.as_deref().and_then(|fields| number(fields, 3));
        let group = match (group, group.parse()) {
            ("", _) => own().unwrap_or(0),
            (_, Ok(number)) => number,
            (name, Err(_)) => {
                let groups = read(root, "etc/group");
                let found = lines(&groups).find(|fields| names(fields, name));
                found
                    .and_then(|fields| number(&fields, 2))
                    .ok_or_else(|| UnknownOwner::Group(name.to_owned()))?
            }
        };
        Ok(Self { user, group })
    }
}

/// A file of the image; whatever its links say, it is not the machine's.
fn read(root: &Path, path: &str) -> String {
    let mut text = String::new();
    let open = || -> std::io::Result<File> {
        let folder = rustix::fs::open(root, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let inside = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        Ok(rustix::fs::openat2(folder, path, flags, Mode::empty(), inside)?.into())
    };
    // Most small images have no such file.
    let _absent = open().and_then(|file| file.take(LONGEST).read_to_string(&mut text));
    text
}

fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().map(|line| line.split(':').collect())
}

/// Whether a line is that of this name or number.
fn names(fields: &[&str], name: &str) -> bool {
    fields.first() == Some(&name) || fields.get(2) == Some(&name)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn image() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("etc")).unwrap();
        let write = |name: &str, text: &str| fs::write(root.path().join(name), text).unwrap();
        write(
            "etc/passwd",
            "root:x:0:0::/root:/bin/sh\nweb:x:101:102::/:/bin/sh\n",
        );
        write("etc/group", "root:x:0:\nstaff:x:50:web\n");
        root
    }

    fn found(text: &str, root: &Path) -> Result<(u32, u32), UnknownOwner> {
        Owner::find(text, root).map(|owner| (owner.user, owner.group))
    }

    #[test]
    fn users_and_groups_are_the_images_own() {
        let image = image();
        for (text, expected) in [
            ("", (0, 0)),
            ("web", (101, 102)),
            ("101", (101, 102)),
            ("web:staff", (101, 50)),
            ("web:7", (101, 7)),
            ("1000", (1000, 0)),
            ("1000:1000", (1000, 1000)),
            ("1000:staff", (1000, 50)),
        ] {
            assert_eq!(found(text, image.path()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn unknown_names_are_told() {
        let image = image();
        assert_eq!(
            found("nobody", image.path()),
            Err(UnknownOwner::User("nobody".into()))
        );
        assert_eq!(
            found("web:wheel", image.path()),
            Err(UnknownOwner::Group("wheel".into()))
        );
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(found("5:6", empty.path()), Ok((5, 6)));
    }

    #[test]
    fn a_link_leads_to_a_file_of_the_image() {
        let image = image();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("passwd"), "web:x:0:0::/:/bin/sh\n").unwrap();
        fs::remove_file(image.path().join("etc/passwd")).unwrap();
        let link = outside.path().join("passwd");
        symlink(&link, image.path().join("etc/passwd")).unwrap();
        assert!(found("web", image.path()).is_err());
    }
}
