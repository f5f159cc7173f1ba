//! Reading log files line by line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;

use crate::runtime::log::older;

/// The most bytes of a line that are looked at.
const LONGEST: usize = 64 << 10;

/// How much of each part is new, in bytes.
const NEWEST: u64 = 1 << 20;

/// Visits the lines of a log, the part that was put aside first. What is not
/// there or cannot be read is as if it were empty.
pub(crate) fn each_line(path: &Path, mut visit: impl FnMut(&[u8])) {
    // Both are opened before either is read: one may become the other.
    let files = [File::open(older(path)), File::open(path)];
    for file in files.into_iter().flatten() {
        let mut reader = BufReader::with_capacity(LONGEST, file);
        let _ends_where_it_cannot_be_read = visit_lines(&mut reader, &mut visit);
    }
}

/// Visits only the newest lines, up to [`NEWEST`] bytes of either part.
pub(crate) fn newest_lines(path: &Path, mut visit: impl FnMut(&[u8])) {
    let files = [File::open(older(path)), File::open(path)];
    for mut file in files.into_iter().flatten() {
        let length = file.metadata().map_or(0, |data| data.len());
        let start = length.saturating_sub(NEWEST);
        if file.seek(SeekFrom::Start(start)).is_err() {
            continue;
        }
        let mut reader = BufReader::with_capacity(LONGEST, file);
        // It starts somewhere in a line.
        let mut whole = start == 0;
        let _ends_where_it_cannot_be_read = visit_lines(&mut reader, &mut |line| {
            if std::mem::replace(&mut whole, true) {
                visit(line);
            }
        });
    }
}

/// Visits every line, without its end; of a very long one only the start.
fn visit_lines(reader: &mut impl BufRead, visit: &mut impl FnMut(&[u8])) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        let part = reader.fill_buf()?;
        if part.is_empty() {
            if !line.is_empty() {
                visit(&line);
            }
            return Ok(());
        }
        let end = part.iter().position(|byte| *byte == b'\n');
        let length = end.unwrap_or(part.len());
        let room = LONGEST.saturating_sub(line.len()).min(length);
        line.extend_from_slice(&part[..room]);
        reader.consume(length + usize::from(end.is_some()));
        if end.is_some() {
            visit(&line);
            line.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_older_part_comes_first_and_long_lines_are_clipped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.log");
        let long = "x".repeat(LONGEST * 3);
        std::fs::write(older(&path), "1\n2\n").unwrap();
        std::fs::write(&path, format!("3\n{long}\nunfinished")).unwrap();
        let mut lines = Vec::new();
        each_line(&path, |line| lines.push(line.to_vec()));
        assert_eq!(lines[..3], [b"1", b"2", b"3"]);
        assert_eq!(lines[3].len(), LONGEST);
        assert_eq!(lines[4..], [b"unfinished"]);
    }

    #[test]
    fn the_newest_lines_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.log");
        let count = usize::try_from(NEWEST).unwrap() / 8;
        let text: String = (0..count * 2)
            .map(|number| format!("{number:09}\n"))
            .collect();
        std::fs::write(&path, text).unwrap();
        let mut lines = Vec::new();
        newest_lines(&path, |line| lines.push(line.to_vec()));
        assert!(lines.iter().all(|line| line.len() == 9));
        assert!(lines.len() < count && lines.len() > count / 2);
        let last = format!("{:09}", count * 2 - 1);
        assert_eq!(lines.last().unwrap(), last.as_bytes());
    }

    #[test]
    fn what_is_not_there_is_empty() {
        each_line(Path::new("/nowhere/at/all"), |_| panic!("a line"));
    }
}
