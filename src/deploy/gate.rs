//! Calls that are not broken off half-way.

use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{RwLock, RwLockReadGuard};
use tokio::time::timeout;

/// Whoever makes a call that changes something is inside until its answer is
/// noted, so that a run that is broken off knows what it has begun.
#[derive(Debug, Default)]
pub(super) struct Gate {
    is_closed: AtomicBool,
    inside: RwLock<()>,
}

// === impl Gate ===

impl Gate {
    /// Goes in for the time of one call. Through a closed gate nobody comes.
    pub(super) async fn enter(&self) -> RwLockReadGuard<'_, ()> {
        let inside = self.inside.read().await;
        if self.is_closed.load(Ordering::SeqCst) {
            drop(inside);
            pending::<()>().await;
            unreachable!("that never comes");
        }
        inside
    }

    /// Lets nobody in any more.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
    }

    /// Waits until nobody is inside, so long at most.
    pub(super) async fn emptied(&self, limit: Duration) {
        let _still_inside = timeout(limit, self.inside.write()).await;
    }

    /// Lets the next ones in.
    pub(super) fn open(&self) {
        self.is_closed.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);
    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn who_is_inside_is_waited_for_and_nobody_else_comes_in() {
        let gate = Gate::default();
        let inside = gate.enter().await;
        gate.close();
        assert!(timeout(SHORT, gate.enter()).await.is_err());
        assert!(timeout(SHORT, gate.emptied(LONG)).await.is_err());
        drop(inside);
        assert!(timeout(LONG, gate.emptied(LONG * 2)).await.is_ok());
        assert!(timeout(SHORT, gate.enter()).await.is_err());
        gate.open();
        assert!(timeout(LONG, gate.enter()).await.is_ok());
    }
}
