//! How often the endpoint is asked.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

/// AWS gives an account about five such reads a second, for everybody.
const AWS: Duration = Duration::from_millis(500);
const LOCAL: Duration = Duration::from_millis(20);
/// How many turns may be taken ahead.
const CREDIT: u32 = 5;
const SLOWEST: Duration = Duration::from_secs(8);

/// Spaces all reads of a run: everyone takes a turn before reading.
#[derive(Debug)]
pub(super) struct Pace {
    usual: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    gap: Duration,
    next: Instant,
}

// === impl Pace ===

impl Pace {
    pub(super) fn aws() -> Self {
        Self::every(AWS)
    }

    pub(super) fn local() -> Self {
        Self::every(LOCAL)
    }

    fn every(usual: Duration) -> Self {
        Self {
            usual,
            state: Mutex::new(State {
                gap: usual,
                next: Instant::now(),
            }),
        }
    }

    /// Waits for a turn.
    pub(super) async fn turn(&self) {
        let at = {
            let mut state = self.state.lock().await;
            let at = state.next.max(Instant::now());
            state.next = at + state.gap;
            at
        };
        sleep_until(at).await;
    }

    /// Takes a turn at once, on credit: those after it wait the longer. For the
    /// few reads that something else waits for.
    pub(super) async fn urgent_turn(&self) {
        let at = {
            let mut state = self.state.lock().await;
            let now = Instant::now();
            let owed = state.next.max(now) + state.gap;
            state.next = owed;
            owed.checked_sub(state.gap * CREDIT).unwrap_or(now).max(now)
        };
        sleep_until(at).await;
    }

    /// Waits as long as a turn takes, before something is asked again.
    pub(super) async fn gap(&self) {
        let gap = self.state.lock().await.gap;
        sleep(gap).await;
    }

    /// The endpoint was asked too often: ask half as often.
    pub(super) async fn slower(&self) {
        let mut state = self.state.lock().await;
        state.gap = (state.gap * 2).min(SLOWEST);
        state.next = Instant::now() + state.gap;
    }

    /// The endpoint answered: come back to the usual, little by little.
    pub(super) async fn faster(&self) {
        let mut state = self.state.lock().await;
        state.gap = (state.gap * 9 / 10).max(self.usual);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_are_spaced_and_throttling_doubles_the_space() {
        let gap = Duration::from_millis(4);
        let pace = Pace::every(gap);
        let start = Instant::now();
        for _ in 0..5 {
            pace.turn().await;
        }
        assert!(start.elapsed() >= gap * 4);
        pace.slower().await;
        let slowed = Instant::now();
        pace.turn().await;
        pace.turn().await;
        assert!(slowed.elapsed() >= gap * 3);
        for _ in 0..20 {
            pace.faster().await;
        }
        assert_eq!(pace.state.lock().await.gap, gap);
    }

    #[tokio::test]
    async fn an_urgent_turn_is_paid_for_by_those_after_it() {
        let gap = Duration::from_secs(60);
        let pace = Pace::every(gap);
        let start = Instant::now();
        for _ in 0..3 {
            pace.urgent_turn().await;
        }
        assert!(start.elapsed() < gap);
        // The next one waits for all of them.
        assert!(pace.state.lock().await.next >= start + gap * 3);
    }
}
