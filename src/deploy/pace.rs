//! How often the endpoint is asked.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use crate::aws::{Cloud, CloudError};

/// AWS gives an account about five such reads a second, for everybody.
const AWS: Duration = Duration::from_millis(500);
const LOCAL: Duration = Duration::from_millis(20);
/// How many turns may be taken ahead.
const CREDIT: u32 = 10;
const SLOWEST: Duration = Duration::from_secs(4);

/// Spaces all reads of a run: everyone takes a turn before reading. One turn is
/// one request, which nobody sends again on the way.
///
/// The space adapts: it grows by half with each throttled answer and shrinks by
/// a fifth with each other one. So it swings around what the endpoint grants,
/// and does not run away where a third of all answers are throttled by chance.
#[derive(Debug)]
pub(super) struct Pace {
    usual: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    gap: Duration,
    next: Instant,
    /// Until then there is no credit either: an answer was throttled.
    closed: Instant,
}

// === impl Pace ===

impl Pace {
    /// The pace that an account can be asked at.
    pub(super) fn of(cloud: &Cloud) -> Self {
        Self::every(if cloud.is_local() { LOCAL } else { AWS })
    }

    fn every(usual: Duration) -> Self {
        Self {
            usual,
            state: Mutex::new(State {
                gap: usual,
                next: Instant::now(),
                closed: Instant::now(),
            }),
        }
    }

    /// Waits for a turn.
    pub(super) async fn turn(&self) {
        let at = {
            let mut state = self.state();
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
            let mut state = self.state();
            let now = Instant::now();
            let owed = state.next.max(now) + state.gap;
            state.next = owed;
            owed.checked_sub(state.gap * CREDIT)
                .unwrap_or(now)
                .max(now)
                .max(state.closed)
        };
        sleep_until(at).await;
    }

    /// Waits as long as a turn takes, before something is asked again.
    pub(super) async fn gap(&self) {
        let gap = self.state().gap;
        sleep(gap).await;
    }

    /// Adapts to an answer.
    pub(super) fn learn<T>(&self, answer: &Result<T, CloudError>) {
        if let Err(CloudError::Throttled { .. }) = answer {
            self.slower();
        } else {
            self.faster();
        }
    }

    fn slower(&self) {
        let mut state = self.state();
        state.gap = (state.gap * 3 / 2).min(SLOWEST);
        state.closed = Instant::now() + state.gap;
        state.next = state.next.max(state.closed);
    }

    fn faster(&self) {
        let mut state = self.state();
        state.gap = (state.gap * 4 / 5).max(self.usual);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_are_spaced_and_throttling_widens_the_space() {
        let gap = Duration::from_millis(4);
        let pace = Pace::every(gap);
        let start = Instant::now();
        for _ in 0..5 {
            pace.turn().await;
        }
        assert!(start.elapsed() >= gap * 4);
        pace.slower();
        let slowed = Instant::now();
        pace.turn().await;
        pace.turn().await;
        assert!(slowed.elapsed() >= gap * 3);
        for _ in 0..20 {
            pace.faster();
        }
        assert_eq!(pace.state().gap, gap);
    }

    /// Throttling that has nothing to do with how often is asked must not
    /// bring a run to a halt.
    #[tokio::test]
    async fn a_third_of_unlucky_answers_does_not_slow_a_run_for_good() {
        let gap = Duration::from_millis(500);
        let pace = Pace::every(gap);
        for n in 0..300 {
            if n % 3 == 0 {
                pace.slower();
            } else {
                pace.faster();
            }
        }
        assert!(pace.state().gap <= gap * 3 / 2);
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
        assert!(pace.state().next >= start + gap * 3);
    }
}
