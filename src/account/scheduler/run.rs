//! The loop that keeps the desired state up to date.

use super::publish::{Publisher, same};
use super::schedule::schedule;
use crate::account::clock::Timestamp;
use crate::account::desired::{Desired, Observed};
use crate::account::handle::Account;
use std::sync::Arc;
use std::time::Duration;

/// A large stack changes the state thousands of times; so many steps are not
/// needed.
const REST: Duration = Duration::from_millis(10);
/// When nothing is due.
const LONG: Duration = Duration::from_secs(3600);

/// Schedules and publishes after each change, until the account shuts down.
pub(in crate::account) async fn run(account: Account) {
    let (mut changes, mut seen) = (account.changes(), account.observed());
    let mut publisher = Publisher::default();
    let mut published = Desired::default();
    account.update_if(|state| {
        state.ecs.resume(Timestamp::now());
        (!state.ecs.tasks.is_empty(), ())
    });
    loop {
        changes.mark_unchanged();
        let observed = Arc::clone(&seen.borrow_and_update());
        let wake = step(&account, &observed);
        let desired = account.read(|state| publisher.publish(state));
        if !same(&published, &desired) {
            published = desired.clone();
            account.publish(desired);
        }
        tokio::time::sleep(REST).await;
        let until_due = wake.map_or(LONG, |due| {
            Duration::from_millis(due.0.saturating_sub(Timestamp::now().0))
        });
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            changed = seen.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(until_due) => {}
        }
    }
}

fn step(account: &Account, observed: &Observed) -> Option<Timestamp> {
    let outcome = account.update_if(|state| {
        let outcome = schedule(state, observed, account.options(), Timestamp::now());
        (outcome.changed, outcome)
    });
    outcome.wake
}
