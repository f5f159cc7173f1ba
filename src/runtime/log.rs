//! Log files of bounded size.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::moment;

/// The size at which a file becomes the older one of two, in bytes. So no log
/// takes more than twice this, and a little.
pub const LARGEST: u64 = 16 << 20;

/// Where a full log file goes; what was there before is gone then.
pub fn older(path: &Path) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(".1");
    PathBuf::from(name)
}

/// A file to which lines are appended, in whole lines only; when it is full it
/// is put aside for a new one.
#[derive(Debug)]
pub(crate) struct Lines(Mutex<Open>);

#[derive(Debug)]
struct Open {
    path: PathBuf,
    largest: u64,
    file: Option<File>,
    size: u64,
}

// === impl Lines ===

impl Lines {
    /// Opens the file, with its folder; what cannot be opened swallows lines.
    pub(crate) fn open(path: PathBuf) -> Self {
        Self::of_size(path, LARGEST)
    }

    fn of_size(path: PathBuf, largest: u64) -> Self {
        if let Some(folder) = path.parent() {
            let _open_says_why = fs::create_dir_all(folder);
        }
        let mut open = Open {
            path,
            largest,
            file: None,
            size: 0,
        };
        // The next line tries again.
        let _unopened = open.reopen();
        Self(Mutex::new(open))
    }

    /// Appends one value as one line.
    pub(crate) fn write(&self, value: &impl Serialize) {
        let Ok(mut line) = serde_json::to_vec(value) else {
            return;
        };
        line.push(b'\n');
        self.append(&line);
    }

    /// Appends the time and a text as one line.
    pub(crate) fn stamp(&self, text: &[u8]) {
        let mut line = moment::now().into_bytes();
        line.push(b' ');
        line.extend_from_slice(text);
        line.push(b'\n');
        self.append(&line);
    }

    fn append(&self, line: &[u8]) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A full disk must not stop the traffic that is being logged.
        let _disk_full = open.append(line);
    }
}

// === impl Open ===

impl Open {
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if self.size >= self.largest {
            fs::rename(&self.path, older(&self.path))?;
            self.file = None;
        }
        if self.file.is_none() {
            self.reopen()?;
        }
        if let Some(file) = &mut self.file {
            file.write_all(line)?;
        }
        self.size += u64::try_from(line.len()).unwrap_or(0);
        Ok(())
    }

    fn reopen(&mut self) -> io::Result<()> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)?;
        self.size = file.metadata()?.len();
        self.file = Some(file);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_log_never_takes_more_than_two_files_of_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.log");
        let lines = Lines::of_size(path.clone(), 1000);
        for number in 0..1000 {
            lines.write(&number);
            let size = |path: &Path| fs::metadata(path).map_or(0, |data| data.len());
            assert!(size(&path) < 1010 && size(&older(&path)) < 1010);
        }
        // The newest are all there, in order.
        let text = fs::read_to_string(older(&path)).unwrap() + &fs::read_to_string(path).unwrap();
        let numbers: Vec<u32> = text.lines().map(|line| line.parse().unwrap()).collect();
        let first = numbers[0];
        assert!(first > 0);
        assert!(numbers.iter().copied().eq(first..1000));
    }

    #[test]
    fn a_log_goes_on_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.log");
        Lines::open(path.clone()).write(&1);
        Lines::open(path.clone()).write(&2);
        assert_eq!(fs::read_to_string(path).unwrap(), "1\n2\n");
    }
}
