//! In place of the runtime: every task that should run does, at once, and the
//! app answers. What is measured is the engine, not the tasks.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use axum::Router;
use colormesh::account::Account;
use colormesh::account::desired::{
    Desired, DesiredTask, Observed, ObservedContainer, ObservedTask, Target, TaskStatus,
};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Goes on until it is dropped.
pub(crate) async fn run(account: Account) {
    let mut desired = account.desired();
    let mut listeners = BTreeMap::new();
    let mut serving = JoinSet::new();
    desired.mark_changed();
    while desired.changed().await.is_ok() {
        let now = desired.borrow_and_update().clone();
        account.observe(all_well(&now));
        let wanted = now.load_balancers.iter().flat_map(|lb| &lb.listeners);
        for port in wanted.map(|listener| listener.port) {
            if !listeners.contains_key(&port)
                && let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
            {
                let app = Router::new().fallback(|| async { "white" });
                let served = async move {
                    let _ = axum::serve(listener, app).await;
                };
                listeners.insert(port, serving.spawn(served));
            }
        }
    }
}

fn all_well(desired: &Desired) -> Observed {
    let targets = desired
        .load_balancers
        .iter()
        .flat_map(|balancer| &balancer.target_groups)
        .flat_map(|group| {
            let healthy = |target: &Target| ((group.arn.clone(), target.task_arn.clone()), true);
            group.targets.iter().map(healthy)
        });
    Observed {
        tasks: desired.tasks.iter().map(|task| well(task)).collect(),
        targets: targets.collect(),
    }
}

fn well(task: &DesiredTask) -> (String, ObservedTask) {
    let container = ObservedContainer {
        running: true,
        healthy: Some(true),
        ..ObservedContainer::default()
    };
    let names = task.containers.iter().map(|one| one.name.clone());
    let observed = ObservedTask {
        status: TaskStatus::Running,
        healthy: true,
        reason: None,
        containers: names.map(|name| (name, container.clone())).collect(),
    };
    (task.task_arn.clone(), observed)
}
