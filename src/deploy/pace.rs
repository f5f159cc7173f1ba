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
/// The part of a turn by which each one waits longer while some are owed.
const REPAID: u32 = 8;
/// How many throttled answers in a row are answered with pauses no longer than
/// a turn: there a grant is missed by little, and waiting longer misses it by more.
const CHANCE: u32 = 6;
const SLOWEST: Duration = Duration::from_secs(4);
/// How long a throttled read is sent again.
const PATIENCE: Duration = Duration::from_mins(5);
/// How often a read may fail for other reasons that may pass.
const MISSES: usize = 5;

/// Spaces all reads of a run: everyone takes a turn before reading. One turn is
/// one request, which nobody sends again on the way.
///
/// The space adapts: it grows by a quarter with each throttled answer that
/// follows another one, and shrinks by a fifth with each answer of another kind. So it
/// swings around what the endpoint grants, and does not run away where a third
/// of all answers are throttled by chance. The first throttled answer is taken
/// for such a chance: it is soon tried again.
#[derive(Debug)]
pub(super) struct Pace {
    usual: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    gap: Duration,
    next: Instant,
    /// For the turns that were taken ahead.
    owed: Duration,
    /// Until then nothing is read: an answer was throttled.
    closed: Instant,
    /// How many answers in a row were throttled.
    strikes: u32,
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
                owed: Duration::ZERO,
                closed: Instant::now(),
                strikes: 0,
            }),
        }
    }

    /// Waits for a turn.
    pub(super) async fn turn(&self) {
        let at = {
            let mut state = self.state();
            let now = Instant::now();
            let idle = now.saturating_duration_since(state.next);
            let owed = state.owed.saturating_sub(idle);
            let repaid = owed.min(state.gap / REPAID);
            state.owed = owed.saturating_sub(repaid);
            let at = state.next.max(now);
            state.next = at + state.gap + repaid;
            at
        };
        sleep_until(at).await;
    }

    /// Takes a turn at once, on credit, for the few reads that something else
    /// waits for. Those after it wait a little longer each, until it is repaid.
    /// There is no credit where the endpoint grants less than is usual.
    pub(super) async fn urgent_turn(&self) {
        let at = {
            let mut state = self.state();
            let gap = state.gap;
            let has_credit = gap == self.usual && state.owed < gap * CREDIT;
            if has_credit {
                state.owed += gap;
            }
            has_credit.then_some(state.closed)
        };
        match at {
            Some(at) => sleep_until(at).await,
            None => self.turn().await,
        }
    }

    /// Waits as long as a turn takes, before something is asked again.
    pub(super) async fn gap(&self) {
        let gap = self.state().gap;
        sleep(gap).await;
    }

    /// The pauses between looks at something that is being worked out.
    pub(super) fn pauses(&self) -> Pauses {
        let gap = self.state().gap;
        Pauses {
            next: gap * 2 / 5,
            longest: gap * 3,
        }
    }

    /// Reads at once, on credit, and again while the answer is throttled. `read`
    /// makes one request, which nobody sends again on the way.
    pub(super) async fn patiently<T, F>(&self, read: impl Fn() -> F) -> Result<T, CloudError>
    where
        F: Future<Output = Result<T, CloudError>>,
    {
        let end = Instant::now() + PATIENCE;
        let mut misses = 0;
        loop {
            self.urgent_turn().await;
            let answer = read().await;
            self.learn(&answer);
            match &answer {
                Err(CloudError::Throttled { .. }) if Instant::now() < end => {}
                Err(error) if error.is_transient() && misses < MISSES => {
                    misses += 1;
                    self.gap().await;
                }
                _ => return answer,
            }
        }
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
        let pause = state.gap / 5 * 2u32.saturating_pow(state.strikes);
        if state.strikes > 0 {
            state.gap = (state.gap * 5 / 4).min(SLOWEST);
        }
        state.strikes += 1;
        let longest = if state.strikes > CHANCE {
            state.gap
        } else {
            self.usual
        };
        state.closed = Instant::now() + pause.min(longest);
        // What was owed is forgiven: the endpoint itself says how much it is.
        state.next = state.closed;
        state.owed = Duration::ZERO;
    }

    fn faster(&self) {
        let mut state = self.state();
        state.strikes = 0;
        state.gap = (state.gap * 4 / 5).max(self.usual);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Pauses that grow, so that what is soon ready is soon seen, and what takes
/// long costs few reads.
#[derive(Debug)]
pub(super) struct Pauses {
    next: Duration,
    longest: Duration,
}

// === impl Pauses ===

impl Pauses {
    /// Waits for the next look.
    pub(super) async fn pause(&mut self) {
        sleep(self.next).await;
        self.next = (self.next * 2).min(self.longest);
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
        assert_eq!(pace.state().gap, gap, "once is chance");
        pace.slower();
        let slowed = Instant::now();
        pace.turn().await;
        pace.turn().await;
        assert!(slowed.elapsed() >= gap * 5 / 4);
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

    /// With each throttled read on credit the next ones waited longer, until an
    /// ended stack was not looked at for seven seconds.
    #[tokio::test]
    async fn where_less_is_granted_nothing_is_owed() {
        let gap = Duration::from_millis(500);
        let pace = Pace::every(gap);
        for _ in 0..9 {
            pace.urgent_turn().await;
        }
        pace.slower();
        pace.slower();
        let state = pace.state();
        assert_eq!(state.owed, Duration::ZERO);
        assert!(state.next <= Instant::now() + state.gap);
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
        for _ in 0..REPAID {
            pace.state().next = Instant::now();
            pace.turn().await;
            assert!(pace.state().next >= start + gap * (REPAID + 1) / REPAID);
        }
        // It took as many to repay one of the three.
        let owed = pace.state().owed;
        assert!(owed > gap && owed <= gap * 2);
    }
}
