//! What an app says, line by line, with the time of each.

use std::io;
use std::path::PathBuf;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, BufReader};

use super::log::Lines;

/// The most bytes of one line; what is longer goes on in the next.
const LONGEST: usize = 16 << 10;

/// Copies what comes out of a pipe to a log until nobody holds the pipe's
/// other end.
pub(super) async fn keep(pipe: impl AsyncRead + Unpin, path: PathBuf) {
    let log = Lines::open(path);
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    while let Ok(true) = next(&mut pipe, &mut line).await {
        log.stamp(&line);
        line.clear();
    }
}

/// Reads one line without its end; false at the end of all.
async fn next(pipe: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> io::Result<bool> {
    loop {
        let part = pipe.fill_buf().await?;
        if part.is_empty() {
            return Ok(!line.is_empty());
        }
        let room = LONGEST - line.len();
        let end = part.iter().take(room + 1).position(|byte| *byte == b'\n');
        let length = end.unwrap_or_else(|| part.len().min(room));
        line.extend_from_slice(&part[..length]);
        pipe.consume(length + usize::from(end.is_some()));
        if end.is_some() || line.len() == LONGEST {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    async fn lines(text: &[u8]) -> Vec<Vec<u8>> {
        let (mut pipe, mut all, mut line) = (BufReader::new(text), Vec::new(), Vec::new());
        while next(&mut pipe, &mut line).await.unwrap() {
            all.push(std::mem::take(&mut line));
        }
        all
    }

    #[tokio::test]
    async fn lines_are_whole_and_never_too_long() {
        assert_eq!(lines(b"one\n\ntwo").await, [&b"one"[..], b"", b"two"]);
        let long = vec![b'x'; LONGEST];
        assert_eq!(lines(&[&long[..], b"\n"].concat()).await[0], long);
        let longer = [&long[..], b"yz\nend\n"].concat();
        assert_eq!(lines(&longer).await, [&long[..], b"yz", b"end"]);
        assert!(lines(b"").await.is_empty());
    }

    #[tokio::test]
    async fn each_line_has_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.log");
        keep(&b"hello\n\x1b[31mred\n"[..], path.clone()).await;
        let text = std::fs::read_to_string(path).unwrap();
        let mut lines = text.lines().map(|line| line.split_once(' ').unwrap());
        assert_eq!(lines.next().unwrap().1, "hello");
        let (time, said) = lines.next().unwrap();
        assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
        assert_eq!(said, "\x1b[31mred");
    }
}
