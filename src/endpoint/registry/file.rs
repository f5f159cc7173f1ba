//! A file as the body of an answer, without holding it in memory.

use axum::body::{Body, Bytes};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use std::fs::File;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

/// One read; blobs come from the page cache, so that a read does not wait.
const PIECE: usize = 64 << 10;

/// The rest of a file, `length` bytes long.
pub(super) fn body(file: File, length: u64) -> Body {
    Body::new(FileBody { file, left: length }.boxed())
}

struct FileBody {
    file: File,
    left: u64,
}

// === impl FileBody ===

impl FileBody {
    fn piece(&mut self) -> io::Result<Bytes> {
        let wanted = usize::try_from(self.left).unwrap_or(PIECE).min(PIECE);
        let mut bytes = vec![0; wanted];
        self.file.read_exact(&mut bytes)?;
        self.left -= wanted as u64;
        Ok(bytes.into())
    }
}

impl hyper::body::Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(self.piece().map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
