//! The last lines of several files in the order of their times, and what is
//! added to them afterwards.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;

use super::{Entry, Filter, Source, each_line};
use crate::runtime::log::older;

/// The most bytes that are taken from a file at once.
const AT_ONCE: u64 = 1 << 20;

/// The longest start of a line that is kept until its end comes.
const LONGEST: usize = 1 << 20;

/// Files that are read on as they grow.
pub(crate) struct Tail {
    files: Vec<Followed>,
}

struct Followed {
    source: Source,
    /// The file that was read, by its number in the file system.
    inode: u64,
    offset: u64,
    /// The start of a line whose end is not there yet.
    rest: Vec<u8>,
    before: u64,
}

/// The last lines that pass, in order.
pub(crate) fn last(sources: &[Source], filter: &Filter, count: usize) -> Vec<Entry> {
    let mut all = Vec::new();
    for source in sources {
        let mut newest = VecDeque::new();
        let mut before = 0;
        each_line(&source.path, |line| {
            let Some(entry) = Entry::read(source.log, &source.task, line, before) else {
                return;
            };
            before = entry.at;
            if filter.passes(&entry) {
                if newest.len() >= count {
                    newest.pop_front();
                }
                newest.push_back(entry);
            }
        });
        all.extend(newest.into_iter().take(count));
    }
    all.sort_by_key(|entry| entry.at);
    all.split_off(all.len().saturating_sub(count))
}

// === impl Tail ===

impl Tail {
    /// Starts at the files' present ends.
    pub(crate) fn new(sources: Vec<Source>) -> Self {
        let files = sources.into_iter().map(Followed::at_its_end);
        Self {
            files: files.collect(),
        }
    }

    /// The last lines that are there, then what is added from now on.
    pub(crate) fn with_last(
        sources: Vec<Source>,
        filter: &Filter,
        count: usize,
    ) -> (Self, Vec<Entry>) {
        // The ends first: a line in between is rather shown twice than never.
        let tail = Self::new(sources.clone());
        (tail, last(&sources, filter, count))
    }

    /// Takes a source in that has appeared.
    pub(crate) fn follow(&mut self, source: Source) {
        if !self
            .files
            .iter()
            .any(|file| file.source.path == source.path)
        {
            self.files.push(Followed::at_its_start(source));
        }
    }

    /// What was added since the last call, in order.
    pub(crate) fn added(&mut self, filter: &Filter) -> Vec<Entry> {
        let mut entries = Vec::new();
        for file in &mut self.files {
            file.read_on(|entry| {
                if filter.passes(&entry) {
                    entries.push(entry);
                }
            });
        }
        entries.sort_by_key(|entry| entry.at);
        entries
    }
}

// === impl Followed ===

impl Followed {
    fn at_its_start(source: Source) -> Self {
        Self {
            source,
            inode: 0,
            offset: 0,
            rest: Vec::new(),
            before: 0,
        }
    }

    fn at_its_end(source: Source) -> Self {
        let (inode, offset) =
            std::fs::metadata(&source.path).map_or((0, 0), |data| (data.ino(), data.len()));
        Self {
            inode,
            offset,
            ..Self::at_its_start(source)
        }
    }

    fn read_on(&mut self, mut found: impl FnMut(Entry)) {
        let Ok(file) = File::open(&self.source.path) else {
            return;
        };
        let Ok(data) = file.metadata() else { return };
        if self.inode != 0 && data.ino() != self.inode {
            // It was put aside: its end is in the older file.
            let aside = older(&self.source.path);
            self.read_file(File::open(aside).ok(), Some(self.inode), &mut found);
            (self.offset, self.rest) = (0, Vec::new());
        } else if data.len() < self.offset {
            (self.offset, self.rest) = (0, Vec::new());
        }
        self.inode = data.ino();
        self.read_file(Some(file), None, &mut found);
    }

    fn read_file(&mut self, file: Option<File>, only: Option<u64>, found: &mut impl FnMut(Entry)) {
        let Some(mut file) = file else { return };
        let number = file.metadata().map_or(0, |data| data.ino());
        if only.is_some_and(|only| only != number)
            || file.seek(SeekFrom::Start(self.offset)).is_err()
        {
            return;
        }
        let start = self.rest.len();
        let read = file.take(AT_ONCE).read_to_end(&mut self.rest);
        self.offset += u64::try_from(self.rest.len() - start).unwrap_or(0);
        let Some(end) = read
            .ok()
            .and_then(|_| self.rest.iter().rposition(|byte| *byte == b'\n'))
        else {
            // No line of ours is that long.
            if self.rest.len() > LONGEST {
                self.rest.clear();
            }
            return;
        };
        let rest = self.rest.split_off(end + 1);
        let lines = std::mem::replace(&mut self.rest, rest);
        for line in lines
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let Source { task, log, .. } = &self.source;
            if let Some(entry) = Entry::read(*log, task, line, self.before) {
                self.before = entry.at;
                found(entry);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::io::Write;
    use std::path::Path;

    use super::super::Log;
    use super::super::entry::What;
    use super::*;

    fn source(path: &Path, log: Log) -> Source {
        Source {
            task: "task".into(),
            log,
            path: path.to_owned(),
        }
    }

    fn said(entries: &[Entry]) -> Vec<&str> {
        entries
            .iter()
            .map(|entry| match &entry.what {
                What::App(text) | What::Envoy(text) => text.as_str(),
                What::Allowed(_) | What::Denied(_) => panic!("{entry:?}"),
            })
            .collect()
    }

    fn append(path: &Path, text: &str) {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.create(true).append(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    const DAY: &str = "2026-11-23T09:00:0";

    #[test]
    fn the_last_of_all_files_in_the_order_of_their_times() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        append(
            &one,
            &format!("{DAY}1.000Z a\n{DAY}3.000Z c\n{DAY}5.000Z e\n"),
        );
        append(&other, &format!("{DAY}2.000Z b\n{DAY}4.000Z d\n"));
        let sources = [source(&one, Log::App), source(&other, Log::App)];
        let filter = Filter::default();
        assert_eq!(
            said(&last(&sources, &filter, 100)),
            ["a", "b", "c", "d", "e"]
        );
        assert_eq!(said(&last(&sources, &filter, 2)), ["d", "e"]);
        assert!(last(&sources, &filter, 0).is_empty());
    }

    #[test]
    fn what_is_added_is_seen_once_even_across_two_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.log");
        append(&path, &format!("{DAY}1.000Z old\n"));
        let filter = Filter::default();
        let mut tail = Tail::new(vec![source(&path, Log::App)]);
        assert!(tail.added(&filter).is_empty());
        append(&path, &format!("{DAY}2.000Z one\n{DAY}3.000Z tw"));
        assert_eq!(said(&tail.added(&filter)), ["one"]);
        append(&path, "o\n");
        assert_eq!(said(&tail.added(&filter)), ["two"]);
        append(&path, &format!("{DAY}4.000Z three\n"));
        std::fs::rename(&path, older(&path)).unwrap();
        append(&path, &format!("{DAY}5.000Z four\n"));
        assert_eq!(said(&tail.added(&filter)), ["three", "four"]);
        std::fs::write(&path, "").unwrap();
        assert!(tail.added(&filter).is_empty());
        append(&path, &format!("{DAY}6.000Z five\n"));
        assert_eq!(said(&tail.added(&filter)), ["five"]);
    }
}
