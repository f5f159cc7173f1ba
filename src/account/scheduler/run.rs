//! The loop that keeps the desired state up to date.

use super::addresses;
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
        addresses::complete(state);
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::account::Options;
    use crate::account::desired::{ObservedTask, TaskStatus};
    use crate::account::inventory::Recorded;
    use crate::account::resources::Settled;
    use crate::account::scheduler::Service;
    use crate::account::shared::Shared;
    use serde_json::{Value, json};

    #[tokio::test]
    async fn a_service_comes_to_run_and_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let account = Account::open(Options::new(folder.path())).unwrap();
        let mut desired = account.desired();
        account.update(|state| {
            let mut put = |resource_type: &str, id: &str, properties: Value| {
                state.inventory.put(
                    resource_type,
                    id,
                    Recorded {
                        properties,
                        ..Recorded::default()
                    },
                );
            };
            put(
                "AWS::EC2::Subnet",
                "subnet-1",
                json!({"CidrBlock": "10.0.1.0/24", "VpcId": "vpc-1"}),
            );
            put(
                "AWS::ECS::TaskDefinition",
                "td/a:1",
                json!({"ContainerDefinitions": [{"Name": "a", "Image": "a"}]}),
            );
            let mut service = Service::new("s", "s", "demo", Timestamp(1));
            let network = json!({"AwsvpcConfiguration": {"Subnets": ["subnet-1"]}});
            let properties = json!({"TaskDefinition": "td/a:1", "NetworkConfiguration": network});
            service.take(Shared::new(properties), account.ids(), Timestamp(1));
            state.ecs.services.insert("s".to_owned(), service);
        });
        let task = desired
            .wait_for(|desired| desired.tasks.len() == 1)
            .await
            .unwrap()
            .tasks[0]
            .clone();
        let seen = ObservedTask {
            status: TaskStatus::Running,
            healthy: true,
            ..ObservedTask::default()
        };
        account.observe(Observed {
            tasks: [(task.task_arn.clone(), seen)].into(),
            ..Observed::default()
        });
        let settled = |account: &Account| account.read(|state| state.ecs.services["s"].settled());
        let mut changes = account.changes();
        while settled(&account) != Settled::Yes {
            changes.changed().await.unwrap();
        }
        account.shutdown().await;

        // As an older version left it.
        let file = folder.path().join("state.json");
        let text = std::fs::read_to_string(&file).unwrap();
        let mut state: Value = serde_json::from_str(&text).unwrap();
        let saved = &mut state["ecs"]["tasks"][&task.task_arn]["spec"];
        assert_eq!(
            saved.as_object_mut().unwrap().remove("vpc").unwrap(),
            "vpc-1"
        );
        std::fs::write(&file, state.to_string()).unwrap();

        let account = Account::open(Options::new(folder.path())).unwrap();
        let mut desired = account.desired();
        let again = desired
            .wait_for(|desired| desired.tasks.len() == 1)
            .await
            .unwrap()
            .tasks[0]
            .clone();
        assert_eq!(again, task);
        assert_eq!(settled(&account), Settled::Yes);
        account.shutdown().await;
    }
}
