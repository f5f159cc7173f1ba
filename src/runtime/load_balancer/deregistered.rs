//! A target that gets no more requests, but may still be at some.

use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::time::{sleep, timeout};

use super::Target;

/// Between two looks whether somebody is still answered.
const GLANCE: Duration = Duration::from_millis(20);

/// Such a target.
#[derive(Debug)]
pub(in crate::runtime) struct Deregistered {
    target: Weak<Target>,
    delay: Duration,
}

/// An answer's body, which holds its target until it has been read.
#[derive(Debug)]
pub(super) struct Held {
    body: Incoming,
    _target: Arc<Target>,
}

// === impl Deregistered ===

impl Deregistered {
    pub(super) fn new(target: &Arc<Target>, delay: Duration) -> Self {
        Self {
            target: Arc::downgrade(target),
            delay,
        }
    }

    /// Waits until nobody is answered by it any more, or until its delay is
    /// over.
    pub(in crate::runtime) async fn drained(self) {
        let in_use = async {
            while self.target.strong_count() > 0 {
                sleep(GLANCE).await;
            }
        };
        let _too_slow = timeout(self.delay, in_use).await;
    }
}

// === impl Held ===

impl Held {
    pub(super) fn new(body: Incoming, target: Arc<Target>) -> Self {
        Self {
            body,
            _target: target,
        }
    }
}

impl Body for Held {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
