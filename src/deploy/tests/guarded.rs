//! What is not done: to stacks that others need, to data, for ever.

use std::time::Duration;

use super::lab::{Lab, five, stack};
use super::odd::{TEMPLATE, go_with, one, the_error, the_outcome};
use super::put_away::reviewed;
use super::scripted::{GOES_ON, Scripted};
use crate::aws::StackStatus;
use crate::deploy::{
    Choices, Intent, Interrupt, Obstacle, Outcome, Review, StepError, Work, forget, obstacles,
};
use crate::plan::{Direction, Plan};
use crate::stack::{RenderedStack, Role};

async fn plan_down(lab: &Lab, stacks: Vec<RenderedStack>) -> Plan {
    let deployed = lab.observe(Direction::Down, &stacks).await;
    Plan::down(stacks, &deployed, &lab.wishes()).unwrap()
}

async fn plan_up(lab: &Lab, stacks: Vec<RenderedStack>) -> Plan {
    let deployed = lab.observe(Direction::Up, &stacks).await;
    Plan::up(stacks, &deployed, &lab.wishes()).unwrap()
}

#[tokio::test]
async fn a_stack_outside_that_imports_from_the_environment_is_named_before_anything_goes() {
    let lab = Lab::start().await;
    lab.up(five()).await.report();
    let plan = plan_down(&lab, five()).await;
    assert_eq!(obstacles(&lab.cloud, &plan).await, []);

    let mut outsider = stack(
        "outsider",
        Role::Mesh,
        "Resources: {Log: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !ImportValue 'e:VPC'}}}",
    );
    outsider.imports.insert("e:VPC".into());
    lab.up(vec![outsider]).await.report();
    let plan = plan_down(&lab, five()).await;
    let found = obstacles(&lab.cloud, &plan).await;
    assert_eq!(
        found,
        [Obstacle::Imported {
            stack: "e-vpc".into(),
            export: "e:VPC".into(),
            by: vec!["outsider".into()]
        }]
    );
    assert!(found[0].hint().contains("`outsider`"));
}

#[tokio::test]
async fn protection_is_set_kept_and_lifted_and_stands_in_the_way_of_down() {
    let lab = Lab::start().await;
    let protected = |wanted: Option<bool>| {
        let mut stacks = five();
        for stack in &mut stacks {
            stack.terms.termination_protection = wanted;
        }
        stacks
    };
    lab.up(protected(Some(true))).await.report();
    let plan = plan_down(&lab, five()).await;
    assert_eq!(obstacles(&lab.cloud, &plan).await.len(), 5);

    // Left out of the settings, it stays; once more is no change.
    for stacks in [protected(None), protected(Some(true))] {
        assert!(!lab.up(stacks).await.report().has_changes());
    }
    let plan = plan_down(&lab, five()).await;
    assert_eq!(obstacles(&lab.cloud, &plan).await.len(), 5);

    let lifted = lab.up(protected(Some(false))).await;
    assert_eq!(lifted.outcome("e-vpc"), "updated");
    let plan = plan_down(&lab, five()).await;
    assert_eq!(obstacles(&lab.cloud, &plan).await, []);
    lab.down(five()).await.report();
}

/// The environment, with the log group of the mesh under another name, which
/// only a new group can have.
fn renamed() -> Vec<RenderedStack> {
    let mut stacks = five();
    stacks[3].template = stacks[3].template.replace("e-mesh", "e-mesh-2");
    stacks
}

#[tokio::test]
async fn data_is_lost_only_where_that_was_agreed_to() {
    let lab = Lab::start().await;
    lab.up(five()).await.report();
    let plan = plan_up(&lab, renamed()).await;
    let work = lab.work();
    let found = reviewed(&plan, &lab.cloud, &work, Intent::Look).await;
    assert_eq!(
        found.losses(),
        ["e-mesh: replaces `Log` (AWS::Logs::LogGroup)"]
    );
    forget(&lab.cloud, &work).await;
    assert_eq!(lab.cloud.change_sets("e-mesh").await.unwrap(), []);

    let run = lab.up(renamed()).await;
    assert_eq!(
        run.failures(),
        ["e-mesh: the change loses data: it replaces `Log` (AWS::Logs::LogGroup)"]
    );
    assert_eq!(lab.cloud.change_sets("e-mesh").await.unwrap(), []);
    let stood = lab.cloud.stack("e-mesh").await.unwrap().unwrap();
    assert_eq!(stood.status, StackStatus::CreateComplete);

    let agreed = Work {
        choices: Choices {
            allow_replacement: true,
            ..Choices::default()
        },
        ..lab.work()
    };
    let run = lab.up_with(renamed(), agreed, Interrupt::never()).await;
    assert_eq!(run.outcome("e-mesh"), "updated");
}

#[tokio::test]
async fn reviewed_change_sets_are_carried_out_and_the_others_removed() {
    let (scripted, cloud) = Scripted::start().await;
    let stacks = || {
        ["s", "t"].map(|name| {
            let mut stack = stack(name, Role::Mesh, &TEMPLATE.replace("T::T", "T::U"));
            stack.tags.clear();
            stack
        })
    };
    for name in ["s", "t"] {
        scripted.put(name, "CREATE_COMPLETE", TEMPLATE);
    }
    let deployed = crate::deploy::observe(&cloud, Direction::Up, &stacks(), None)
        .await
        .unwrap();
    let lab_wishes = crate::plan::samples::wishes();
    let wishes = crate::plan::Wishes {
        key_pair: None,
        image: crate::plan::ImagePlan::Given("i".into()),
        ..lab_wishes
    };
    let plan = Plan::up(stacks().to_vec(), &deployed, &wishes).unwrap();
    let mut work = None;
    // What `go_with` works with is what the review is to be made for.
    let (_, _) = go_with(
        &cloud,
        Direction::Down,
        Vec::new(),
        |w| work = Some(w.clone()),
        Interrupt::never(),
    )
    .await;
    let work = work.unwrap();
    let found = reviewed(&plan, &cloud, &work, Intent::CarryOut).await;
    assert_eq!(found.ready.len(), 2);
    assert_eq!(scripted.calls("CreateChangeSet"), 2);

    let (run, made) = (work.run.clone(), work.made.clone());
    let take = |work: &mut Work| (work.review, work.run, work.made) = (found, run, made);
    let only_s = vec![stacks()[0].clone()];
    let (result, _) = go_with(&cloud, Direction::Up, only_s, take, Interrupt::never()).await;
    assert_eq!(the_outcome(&result), Outcome::Updated);
    assert_eq!(scripted.calls("CreateChangeSet"), 2);
    assert_eq!(scripted.0.lock().unwrap().change_sets, []);
}

#[tokio::test]
async fn what_the_service_refuses_is_told_before_anything_runs() {
    let lab = Lab::start().await;
    lab.up(five()).await.report();
    let mut broken = renamed();
    broken[3].template = broken[3].template.replace("!Ref Days", "!Ref Nights");
    broken[1].template = broken[1]
        .template
        .replace("GroupDescription: tasks", "GroupDescription: all");
    let plan = plan_up(&lab, broken).await;
    let work = lab.work();
    let found: Review = reviewed(&plan, &lab.cloud, &work, Intent::CarryOut).await;
    let refused: Vec<String> = found.refused.iter().map(ToString::to_string).collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(
        refused[0].starts_with("e-mesh: ") && refused[0].contains("Nights"),
        "{refused:?}"
    );
    assert_eq!(found.ready.len(), 1);
    forget(&lab.cloud, &work).await;
    for name in ["e-mesh", "e-ecs-cluster"] {
        assert_eq!(lab.cloud.change_sets(name).await.unwrap(), [], "{name}");
    }
}

#[tokio::test]
async fn a_fault_that_is_found_before_the_deployment_has_its_line() {
    let lab = Lab::start().await;
    let taken = stack("taken", Role::EcrRepositories, super::lab::REPOSITORIES);
    lab.up(vec![taken]).await.report();
    let run = lab.up(five()).await;
    assert_eq!(
        run.failures(),
        ["e-ecr-repositories: CloudFormation refuses the change: \
             /Resources/App/Properties/RepositoryName: Resource of type 'AWS::ECR::Repository' with \
             identifier 'e-app' already exists. (`RepositoryName`, templates/ecr-repositories.yaml:3)"]
    );
    let left = lab.cloud.stack("e-ecr-repositories").await.unwrap();
    assert_eq!(left, None, "the empty stack is removed too");
}

#[tokio::test]
async fn an_operation_over_its_time_limit_is_called_off() {
    let (scripted, cloud) = Scripted::start().await;
    scripted.script("s", "create", GOES_ON);
    let limited = |work: &mut Work| work.terms.timeout = Some(Duration::from_millis(300));
    let (result, _) = go_with(&cloud, Direction::Up, one(), limited, Interrupt::never()).await;
    let error = the_error(result);
    assert!(
        matches!(
            error,
            StepError::OverTime {
                status: StackStatus::DeleteComplete,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.is_rolled_back());
    assert_eq!(scripted.status("s"), "DELETE_COMPLETE");
}
