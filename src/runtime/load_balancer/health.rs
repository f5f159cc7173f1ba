//! Health checks of one target.

use std::net::SocketAddrV4;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::HealthChanges;
use super::upstream;
use crate::runtime::desired::HealthCheck;
use crate::runtime::netns::Netns;
use crate::runtime::observed::TargetHealth;

/// How often a target that was never healthy is asked during its first interval.
const FIRST: Duration = Duration::from_millis(50);

/// Checks one target until it goes.
#[derive(Debug)]
pub(super) struct Checker {
    settings: HealthCheck,
    health: Arc<Health>,
    checking: AbortHandle,
}

#[derive(Debug, Default)]
struct Health(AtomicU8);

// === impl Checker ===

impl Checker {
    pub(super) fn start(
        target: SocketAddrV4,
        settings: HealthCheck,
        netns: Netns,
        changes: HealthChanges,
    ) -> Self {
        let health = Arc::<Health>::default();
        let check = check(
            target,
            settings.clone(),
            netns,
            Arc::clone(&health),
            changes,
        );
        Self {
            settings,
            health,
            checking: tokio::spawn(check).abort_handle(),
        }
    }

    pub(super) fn health(&self) -> TargetHealth {
        self.health.get()
    }

    pub(super) fn settings(&self) -> &HealthCheck {
        &self.settings
    }
}

impl Drop for Checker {
    fn drop(&mut self) {
        self.checking.abort();
    }
}

// === impl Health ===

impl Health {
    fn get(&self) -> TargetHealth {
        match self.0.load(Ordering::Relaxed) {
            0 => TargetHealth::Initial,
            1 => TargetHealth::Healthy,
            _ => TargetHealth::Unhealthy,
        }
    }

    fn set(&self, health: TargetHealth) -> bool {
        let number = match health {
            TargetHealth::Initial => 0,
            TargetHealth::Healthy => 1,
            TargetHealth::Unhealthy => 2,
        };
        self.0.swap(number, Ordering::Relaxed) != number
    }
}

async fn check(
    target: SocketAddrV4,
    settings: HealthCheck,
    netns: Netns,
    health: Arc<Health>,
    changes: HealthChanges,
) {
    let address = SocketAddrV4::new(*target.ip(), settings.port.unwrap_or(target.port()));
    let began = Instant::now();
    let (mut good, mut bad) = (0, 0);
    loop {
        let asked = upstream::status(address, &netns, &settings.path);
        let status = tokio::time::timeout(settings.timeout, asked).await;
        let is_good = matches!(status, Ok(Ok(status)) if is_listed(&settings.statuses, status));
        (good, bad) = if is_good { (good + 1, 0) } else { (0, bad + 1) };
        let first = health.get() == TargetHealth::Initial && began.elapsed() < settings.interval;
        let verdict = verdict(&settings, health.get(), first, (good, bad));
        // The runtime listens as long as there are load balancers.
        let _runtime_gone = health.set(verdict).then(|| changes.send(()));
        let pause = if first && !is_good {
            FIRST
        } else {
            settings.interval
        };
        tokio::time::sleep(pause).await;
    }
}

/// What a target's health is after `good` or `bad` answers in a row. One good
/// answer is enough the first time, and while it starts none is held against it.
fn verdict(
    settings: &HealthCheck,
    now: TargetHealth,
    first: bool,
    (good, bad): (u32, u32),
) -> TargetHealth {
    match now {
        TargetHealth::Initial if good > 0 => TargetHealth::Healthy,
        TargetHealth::Initial if first => TargetHealth::Initial,
        TargetHealth::Initial => TargetHealth::Unhealthy,
        TargetHealth::Unhealthy if good >= settings.healthy => TargetHealth::Healthy,
        TargetHealth::Healthy if bad >= settings.unhealthy => TargetHealth::Unhealthy,
        same => same,
    }
}

fn is_listed(ranges: &[(u16, u16)], status: u16) -> bool {
    ranges
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&status))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> HealthCheck {
        let (interval, timeout) = (Duration::from_secs(10), Duration::from_secs(2));
        let statuses = vec![(200, 299)];
        let (path, port) = ("/ping".to_owned(), None);
        HealthCheck {
            path,
            port,
            interval,
            timeout,
            healthy: 3,
            unhealthy: 2,
            statuses,
        }
    }

    #[test]
    fn a_target_starts_quickly_and_comes_back_slowly() {
        let judge = |now, first, counts| verdict(&settings(), now, first, counts);
        assert_eq!(
            judge(TargetHealth::Initial, true, (0, 9)),
            TargetHealth::Initial
        );
        assert_eq!(
            judge(TargetHealth::Initial, true, (1, 0)),
            TargetHealth::Healthy
        );
        assert_eq!(
            judge(TargetHealth::Initial, false, (0, 9)),
            TargetHealth::Unhealthy
        );
        assert_eq!(
            judge(TargetHealth::Healthy, false, (0, 1)),
            TargetHealth::Healthy
        );
        assert_eq!(
            judge(TargetHealth::Healthy, false, (0, 2)),
            TargetHealth::Unhealthy
        );
        assert_eq!(
            judge(TargetHealth::Unhealthy, false, (2, 0)),
            TargetHealth::Unhealthy
        );
        assert_eq!(
            judge(TargetHealth::Unhealthy, false, (3, 0)),
            TargetHealth::Healthy
        );
    }

    #[test]
    fn statuses_are_ranges() {
        assert!(is_listed(&[(200, 200), (301, 302)], 302));
        assert!(!is_listed(&[(200, 200)], 204));
    }
}
