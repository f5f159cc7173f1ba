//! Change sets that are made beforehand: carried out, or put away; agreed to
//! one by one.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::lab::{Lab, Run, five};
use crate::account::lab::{CallEffect, CallFault, ResourceEffect, ResourceFault, Verb};
use crate::aws::Cloud;
use crate::deploy::{
    Choices, DeployError, Intent, Interrupt, Interrupter, OnInterrupt, Person, Review, Work, clear,
    forget, review, sweep,
};
use crate::plan::{Direction, Plan};
use crate::stack::{ParameterValue, RenderedStack};

/// "Soon", on a busy machine.
const SOON: Duration = Duration::from_secs(10);
/// Much longer than that.
const LONG: f64 = 60.0;

/// A review that nobody breaks off.
pub(super) async fn reviewed(plan: &Plan, cloud: &Cloud, work: &Work, intent: Intent) -> Review {
    let until = Interrupt::never();
    review(plan, cloud, work, intent, until).await.unwrap()
}

async fn plan_up(lab: &Lab, stacks: Vec<RenderedStack>) -> Plan {
    let deployed = lab.observe(Direction::Up, &stacks).await;
    Plan::up(stacks, &deployed, &lab.wishes()).unwrap()
}

fn delayed(lab: &Lab, operation: &str, seconds: f64) {
    let rule = CallFault::each(operation, CallEffect::Delay { seconds });
    lab.account.lab().fail_call(rule);
}

/// The stacks that are there, once what is being deleted is gone.
async fn stacks(lab: &Lab) -> Vec<String> {
    let end = Instant::now() + SOON;
    loop {
        let is_going = lab.account.read(|state| {
            let mut stacks = state.cloudformation.stacks.values();
            stacks.any(|stack| stack.status == "DELETE_IN_PROGRESS")
        });
        if !is_going {
            let names = |state: &crate::account::State| {
                let names = state.cloudformation.names.keys();
                names.cloned().collect()
            };
            return lab.account.read(names);
        }
        assert!(Instant::now() < end, "a deletion does not end");
        sleep(Duration::from_millis(10)).await;
    }
}

async fn calls_of(lab: &Lab, operation: &str, count: usize) {
    let end = Instant::now() + SOON;
    let calls = || {
        let calls = lab.account.lab().calls();
        let of = calls.iter().filter(|call| call.operation == operation);
        of.count()
    };
    while calls() < count {
        assert!(Instant::now() < end, "{operation} is not called");
        sleep(Duration::from_millis(5)).await;
    }
}

/// The environment, with a log group that keeps its lines longer.
fn kept_longer() -> Vec<RenderedStack> {
    let mut stacks = five();
    let days = ParameterValue::Known("14".into());
    stacks[3].parameters.insert("Days".into(), days);
    stacks
}

/// The change sets that wait on a stack.
async fn sets(lab: &Lab, stack: &str) -> usize {
    lab.cloud.change_sets(stack).await.unwrap().len()
}

/// Empty stacks, and change sets of stacks that others made.
#[tokio::test]
async fn a_review_that_is_broken_off_leaves_nothing() {
    let lab = Lab::start().await;
    let (plan, work) = (plan_up(&lab, five()).await, lab.work());
    reviewed(&plan, &lab.cloud, &work, Intent::CarryOut).await;
    assert_eq!(stacks(&lab).await.len(), 3);
    clear(&lab.cloud, &work).await;
    assert_eq!(work.made.waiting(), []);
    assert_eq!(stacks(&lab).await, [""; 0]);
}

/// Their answers came to nobody, and the change sets stayed.
#[tokio::test]
async fn change_sets_that_are_being_asked_for_when_a_review_is_broken_off_are_removed() {
    let lab = Lab::start().await;
    let (plan, work) = (plan_up(&lab, five()).await, lab.work());
    delayed(&lab, "cloudformation:CreateChangeSet", 0.1);
    let (interrupter, interrupt) = Interrupter::new();
    let reviewing = review(&plan, &lab.cloud, &work, Intent::CarryOut, interrupt);
    let breaking_off = async {
        sleep(Duration::from_millis(50)).await;
        interrupter.interrupt();
    };
    let (review, ()) = tokio::join!(reviewing, breaking_off);
    assert!(review.is_none());
    assert_eq!(work.made.waiting(), []);
    assert_eq!(stacks(&lab).await, [""; 0]);
}

#[tokio::test]
async fn what_cannot_be_put_away_in_time_is_named_and_swept_by_the_next_run() {
    let lab = Lab::start().await;
    lab.up(five()).await.report();
    let (plan, work) = (plan_up(&lab, kept_longer()).await, lab.work());
    reviewed(&plan, &lab.cloud, &work, Intent::Look).await;
    assert_eq!(sets(&lab, "e-mesh").await, 1);
    delayed(&lab, "cloudformation:DeleteChangeSet", LONG);
    let begun = Instant::now();
    clear(&lab.cloud, &work).await;
    assert!(begun.elapsed() < SOON, "it waits for the answer");
    let waiting = work.made.waiting();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].1, "e-mesh");
    assert_eq!(sets(&lab, "e-mesh").await, 1);

    lab.account.lab().heal();
    let named = vec!["e-mesh".to_owned(), "e-vpc".to_owned(), "gone".to_owned()];
    let swept = sweep(&lab.cloud, &work.run, &named, None).await;
    assert_eq!(swept, Ok(1));
    assert_eq!(sets(&lab, "e-mesh").await, 0);
    let stood = lab.cloud.stack("e-mesh").await.unwrap().unwrap();
    assert_eq!(stood.status.as_str(), "CREATE_COMPLETE");
}

/// What was left of a new stack is a change set and an empty stack around it.
#[tokio::test]
async fn a_sweep_takes_the_empty_stacks_along_and_leaves_what_is_somebody_elses() {
    let lab = Lab::start().await;
    let (plan, work) = (plan_up(&lab, five()).await, lab.work());
    reviewed(&plan, &lab.cloud, &work, Intent::CarryOut).await;
    let others = lab.work();
    let mesh = plan_up(&lab, vec![five()[3].clone()]).await;
    reviewed(&mesh, &lab.cloud, &others, Intent::CarryOut).await;
    assert_eq!(
        sets(&lab, "e-mesh").await,
        1,
        "the later one swept the other"
    );
    let named: Vec<String> = plan.rendered.keys().map(ToString::to_string).collect();
    let swept = sweep(&lab.cloud, &work.run, &named, None).await;
    assert_eq!(swept, Ok(2));
    assert_eq!(stacks(&lab).await, ["e-mesh"]);
    forget(&lab.cloud, &others).await;
    assert_eq!(stacks(&lab).await, [""; 0]);
}

/// The empty stack stayed.
#[tokio::test]
async fn a_new_stack_whose_change_set_may_not_be_carried_out_goes_again() {
    let lab = Lab::start().await;
    let effect = CallEffect::Error {
        code: "AccessDenied".to_owned(),
        message: "User: u is not authorized to perform: cloudformation:ExecuteChangeSet".to_owned(),
        status: 403,
    };
    let rule = CallFault::each("cloudformation:ExecuteChangeSet", effect);
    lab.account.lab().fail_call(rule);
    let (plan, work) = (plan_up(&lab, five()).await, lab.work());
    let found = reviewed(&plan, &lab.cloud, &work, Intent::CarryOut).await;
    let made = work.made.clone();
    let work = Work {
        review: found,
        ..work
    };
    let run = lab.up_with(five(), work, Interrupt::never()).await;
    for failure in run.failures() {
        assert!(failure.contains("ExecuteChangeSet"), "{failure}");
    }
    assert_eq!(made.waiting(), []);
    assert_eq!(stacks(&lab).await, [""; 0]);
}

/// The mesh's log group and the service's under other names, which only new
/// ones can have.
fn renamed(both: bool) -> Vec<RenderedStack> {
    let mut stacks = five();
    stacks[3].template = stacks[3].template.replace("e-mesh", "e-mesh-2");
    if both {
        stacks[4].template = stacks[4].template.replace("e-service", "e-service-2");
    }
    stacks
}

/// One whose loss of the mesh's log group was agreed to, and no other.
async fn agreed(lab: &Lab) -> Work {
    lab.up(five()).await.report();
    let (plan, work) = (plan_up(lab, renamed(false)).await, lab.work());
    let found = reviewed(&plan, &lab.cloud, &work, Intent::Look).await;
    forget(&lab.cloud, &work).await;
    let choices = Choices {
        agreed: found.agreement(),
        ..Choices::default()
    };
    Work { choices, ..work }
}

const LOSS: &str = "replaces `Log` (AWS::Logs::LogGroup)";

/// One agreed loss allowed all that came up later in the run.
#[tokio::test]
async fn who_agrees_to_one_loss_agrees_to_no_other() {
    let lab = Lab::start().await;
    let work = agreed(&lab).await;
    let run = lab.up_with(renamed(true), work, Interrupt::never()).await;
    let expected = format!("e-ecs-service: the change loses data: it {LOSS}");
    assert_eq!(run.failures(), [expected]);
    let mesh = lab.cloud.stack("e-mesh").await.unwrap().unwrap();
    assert_eq!(mesh.status.as_str(), "UPDATE_COMPLETE");
    let service = lab.cloud.stack("e-ecs-service").await.unwrap().unwrap();
    assert_eq!(service.status.as_str(), "CREATE_COMPLETE");
    assert_eq!(sets(&lab, "e-ecs-service").await, 0);
}

#[tokio::test]
async fn a_loss_that_comes_up_on_the_way_is_asked_for() {
    for may in [true, false] {
        let lab = Lab::start().await;
        let (person, mut questions) = Person::listening();
        let work = Work {
            person,
            ..agreed(&lab).await
        };
        let asked = async {
            let asked = questions.recv().await.unwrap();
            assert_eq!(asked.step.to_string(), "e-ecs-service");
            assert_eq!(asked.losses, [LOSS]);
            asked.answer(may);
        };
        let run = lab.up_with(renamed(true), work, Interrupt::never());
        let (run, ()): (Run, ()) = tokio::join!(run, asked);
        if may {
            assert_eq!(run.outcome("e-ecs-service"), "updated");
        } else {
            assert_eq!(run.failures().len(), 1);
        }
    }
}

/// They were said to go on by themselves at the endpoint.
#[tokio::test]
async fn what_only_this_machine_works_at_is_broken_off_and_not_said_to_go_on() {
    let lab = Lab::start_with_app().await;
    delayed(&lab, "registry:*", LONG);
    let (interrupter, interrupt) = Interrupter::new();
    let breaking_off = async {
        calls_of(&lab, "ecr:GetAuthorizationToken", 1).await;
        sleep(Duration::from_millis(100)).await;
        interrupter.interrupt();
    };
    let run = lab.up_with(five(), lab.work(), interrupt);
    let (run, ()) = tokio::join!(run, breaking_off);
    let Err(DeployError::Interrupted {
        going_on,
        unfinished,
        ..
    }) = run.result
    else {
        panic!("{:?}", run.result)
    };
    let named =
        |steps: &[crate::plan::StepId]| steps.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(named(&unfinished), ["image push"]);
    assert!(!named(&going_on).contains(&"image push".to_owned()));
}

/// Its answer came to nobody: it was done, and said to be broken off.
#[tokio::test]
async fn an_operation_that_is_being_begun_is_known_to_go_on() {
    let lab = Lab::start().await;
    lab.up(five()).await.report();
    delayed(&lab, "cloudformation:DeleteStack", 0.1);
    let stuck = ResourceFault::of("*", "*", Verb::Delete, ResourceEffect::Stuck);
    lab.account.lab().fail_resource(stuck);
    lab.account.lab().forget_calls();
    let (interrupter, interrupt) = Interrupter::new();
    let deployed = lab.observe(Direction::Down, &five()).await;
    let plan = Plan::down(five(), &deployed, &lab.wishes()).unwrap();
    let (events, _told) = tokio::sync::mpsc::unbounded_channel();
    let down = crate::deploy::down(&plan, &lab.cloud, lab.work(), events, interrupt);
    let breaking_off = async {
        sleep(Duration::from_millis(50)).await;
        interrupter.interrupt();
    };
    let (ended, ()) = tokio::join!(down, breaking_off);
    let Err(DeployError::Interrupted { going_on, .. }) = ended else {
        panic!("{ended:?}")
    };
    let asked = lab.account.lab().calls().into_iter();
    let asked = asked.filter(|call| call.operation == "cloudformation:DeleteStack");
    assert_eq!(going_on.len(), asked.count(), "{going_on:?}");
}

/// `CloudFormation` removes no change set while it works it out.
#[tokio::test]
async fn a_change_set_that_is_still_worked_out_is_removed_once_it_is() {
    let settings = "latency: {scale: 0.02}";
    let settings = crate::account::lab::LabSettings::parse("lab", settings).unwrap();
    let lab = Lab::with(settings).await;
    lab.up(five()).await.report();
    let (plan, work) = (plan_up(&lab, kept_longer()).await, lab.work());
    let (interrupter, interrupt) = Interrupter::new();
    lab.account.lab().forget_calls();
    let reviewing = review(&plan, &lab.cloud, &work, Intent::Look, interrupt);
    let breaking_off = async {
        calls_of(&lab, "cloudformation:DescribeChangeSet", 1).await;
        interrupter.interrupt();
    };
    let (review, ()) = tokio::join!(reviewing, breaking_off);
    assert!(review.is_none());
    assert_eq!(work.made.waiting(), []);
    assert_eq!(sets(&lab, "e-mesh").await, 0);
}

/// It was struck off before the call, and forgotten when that was broken off.
#[tokio::test]
async fn a_change_set_whose_execution_was_not_answered_is_named_and_swept_by_the_next_run() {
    let lab = Lab::start().await;
    lab.up(five()).await.report();
    delayed(&lab, "cloudformation:ExecuteChangeSet", LONG);
    lab.account.lab().forget_calls();
    let (work, (interrupter, interrupt)) = (lab.work(), Interrupter::new());
    let (made, run) = (work.made.clone(), work.run.clone());
    let breaking_off = async {
        calls_of(&lab, "cloudformation:DescribeChangeSet", 1).await;
        // The next call is noted with its answer only.
        sleep(Duration::from_secs(1)).await;
        interrupter.interrupt();
    };
    let (ended, ()) = tokio::join!(lab.up_with(kept_longer(), work, interrupt), breaking_off);
    assert!(matches!(ended.result, Err(DeployError::Interrupted { .. })));
    let stacks: Vec<String> = made.waiting().into_iter().map(|(_, stack)| stack).collect();
    assert_eq!(stacks, ["e-mesh"]);
    assert_eq!(sets(&lab, "e-mesh").await, 1);

    lab.account.lab().heal();
    let swept = sweep(&lab.cloud, &run, &stacks, None).await;
    assert_eq!(swept, Ok(1));
    assert_eq!(sets(&lab, "e-mesh").await, 0);
}

/// It was said to be called off, and began after that.
#[tokio::test]
async fn what_is_called_off_is_waited_for_until_it_has_begun() {
    let lab = Lab::start().await;
    let slow = [
        "cloudformation:CreateStack",
        "cloudformation:ExecuteChangeSet",
    ];
    for operation in slow {
        delayed(&lab, operation, 4.0);
    }
    let stuck = ResourceFault::of("*", "*", Verb::Create, ResourceEffect::Stuck);
    lab.account.lab().fail_resource(stuck);
    let choices = Choices {
        on_interrupt: OnInterrupt::Cancel,
        ..Choices::default()
    };
    let work = Work {
        choices,
        ..lab.work()
    };
    let (interrupter, interrupt) = Interrupter::new();
    let breaking_off = async {
        sleep(Duration::from_secs(2)).await;
        interrupter.interrupt();
    };
    let (ended, ()) = tokio::join!(lab.up_with(five(), work, interrupt), breaking_off);
    let Err(DeployError::Interrupted { called_off, .. }) = ended.result else {
        panic!("{:?}", ended.result)
    };
    assert!(!called_off.is_empty());
    assert_eq!(stacks(&lab).await, [""; 0]);
}
