//! ECS services, with the runtime's reports given by hand.

use super::account::Formation;
use colormesh::account::desired::{Observed, ObservedTask, TaskStatus};
use std::time::Duration;

fn template(image: &str, count: u8) -> String {
    format!(
        "
Resources:
  Vpc: {{Type: AWS::EC2::VPC, Properties: {{CidrBlock: 10.0.0.0/16}}}}
  Subnet: {{Type: AWS::EC2::Subnet, Properties: {{VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/24}}}}
  Cluster: {{Type: AWS::ECS::Cluster}}
  Definition:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Family: white
      ContainerDefinitions: [{{Name: app, Image: {image}}}]
  Service:
    Type: AWS::ECS::Service
    Properties:
      Cluster: !Ref Cluster
      TaskDefinition: !Ref Definition
      DesiredCount: {count}
      NetworkConfiguration: {{AwsvpcConfiguration: {{Subnets: [!Ref Subnet]}}}}
"
    )
}

/// Runs what is desired: images called `bad` do not start.
fn run(formation: &Formation) -> tokio::task::JoinHandle<()> {
    let account = formation.local.account.clone();
    tokio::spawn(async move {
        let mut desired = account.desired();
        loop {
            let now = desired.borrow_and_update().clone();
            let tasks = now.tasks.iter().map(|task| {
                let bad = task
                    .containers
                    .iter()
                    .any(|container| container.image == "bad");
                let status = if bad {
                    TaskStatus::Stopped
                } else {
                    TaskStatus::Running
                };
                let reason = bad.then(|| "the image `bad` does not start".to_owned());
                let seen = ObservedTask {
                    status,
                    healthy: !bad,
                    reason,
                    ..ObservedTask::default()
                };
                (task.task_arn.clone(), seen)
            });
            account.observe(Observed {
                tasks: tasks.collect(),
                ..Observed::default()
            });
            if desired.changed().await.is_err() {
                return;
            }
        }
    })
}

fn images(formation: &Formation) -> Vec<String> {
    let desired = formation.local.account.desired().borrow().clone();
    let images = desired
        .tasks
        .iter()
        .map(|task| task.containers[0].image.clone());
    images.collect()
}

#[tokio::test]
async fn a_service_is_complete_when_its_tasks_run() {
    let formation = Formation::start().await;
    let call = formation
        .client
        .create_stack()
        .stack_name("s")
        .template_body(template("good", 2));
    call.send().await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(
        formation.stack("s").await.stack_status.unwrap().as_str(),
        "CREATE_IN_PROGRESS"
    );
    let runtime = run(&formation);
    assert_eq!(formation.rest("s").await.0, "CREATE_COMPLETE");
    assert_eq!(images(&formation), ["good", "good"]);
    assert_eq!(
        formation.update("s", &template("better", 1)).await.0,
        "UPDATE_COMPLETE"
    );
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(images(&formation), ["better"]);
    assert_eq!(formation.delete("s").await.0, "DELETE_COMPLETE");
    assert!(images(&formation).is_empty());
    runtime.abort();
}

#[tokio::test]
async fn a_service_whose_tasks_do_not_start_is_taken_back() {
    let formation = Formation::start().await;
    let runtime = run(&formation);
    assert_eq!(
        formation.create("bad", &template("bad", 1)).await.0,
        "ROLLBACK_COMPLETE"
    );
    let events = formation.events("bad").await;
    let failed = events
        .iter()
        .find(|line| line.starts_with("Service CREATE_FAILED"))
        .unwrap();
    assert!(
        failed.contains("the image `bad` does not start"),
        "{failed}"
    );
    assert_eq!(
        formation.create("s", &template("good", 1)).await.0,
        "CREATE_COMPLETE"
    );
    assert_eq!(
        formation.update("s", &template("bad", 1)).await.0,
        "UPDATE_ROLLBACK_COMPLETE"
    );
    assert_eq!(images(&formation), ["good"]);
    runtime.abort();
}
