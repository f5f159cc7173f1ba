//! Resources that take their time, fail, or never end.

use super::laboratory;
use colormesh::account::lab::{
    Latency, LatencySettings, Node, ResourceEffect, ResourceFault, Speed, Verb,
};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const CHAIN: &str = r"
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Igw: {Type: AWS::EC2::InternetGateway}
  Attached:
    Type: AWS::EC2::VPCGatewayAttachment
    Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Igw}
";

#[tokio::test]
async fn a_stack_takes_as_long_as_aws_does_scaled() {
    let formation = laboratory("latency: {scale: 0.05}").await;
    let begun = Instant::now();
    assert_eq!(formation.create("s", CHAIN).await.0, "CREATE_COMPLETE");
    let took = begun.elapsed();
    let latency = *formation.local.account.lab().latency().unwrap();
    let node = |id: &str, kind: &str, needs: &[&str]| {
        let node = Node {
            stack: "s".to_owned(),
            logical_id: id.to_owned(),
            resource_type: format!("AWS::EC2::{kind}"),
            needs: needs.iter().map(ToString::to_string).collect(),
        };
        (id.to_owned(), node)
    };
    let graph = BTreeMap::from([
        node("Vpc", "VPC", &[]),
        node("Igw", "InternetGateway", &[]),
        node("Attached", "VPCGatewayAttachment", &["Vpc", "Igw"]),
    ]);
    let ends = latency.made(&graph);
    let last = ends.values().max().unwrap();
    let whole = latency.stack_start() + *last + latency.stack_end();
    // 2 + 14 + 1 + 3 + 3, a twentieth of it, and the gateway ends at 17.
    assert_eq!(whole, Duration::from_millis(1150));
    assert!(took >= whole, "{took:?}");

    let events = formation.events("s").await;
    let place = |line: &str| events.iter().position(|event| event == line).unwrap();
    let configured = "Igw CREATE_IN_PROGRESS Eventual consistency check initiated";
    assert!(place(configured) < place("Attached CREATE_IN_PROGRESS"));
    assert!(place("Vpc CREATE_COMPLETE") < place("Attached CREATE_IN_PROGRESS"));
    let details = formation.client.describe_stack_events().stack_name("s");
    let details = details.send().await.unwrap().stack_events.unwrap();
    let told = details
        .iter()
        .filter(|event| event.detailed_status.is_some());
    assert_eq!(told.count(), 2);
    // Two events of one moment have two ids.
    let mut ids: Vec<_> = details.iter().map(|event| event.event_id.clone()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), details.len());
}

#[test]
fn times_are_known_without_an_account() {
    let settings = LatencySettings {
        speed: Speed::Slow,
        scale: 1.0,
    };
    let span = Latency::new(settings, 0).span("s", "N", "AWS::EC2::NatGateway", Verb::Create);
    assert_eq!(span.complete, Duration::from_secs(125));
}

#[tokio::test]
async fn resources_fail_where_a_rule_says_so() {
    let formation = laboratory("{}").await;
    let lab = formation.local.account.lab().clone();
    let fails = || ResourceEffect::Fail {
        reason: "none left".to_owned(),
    };
    lab.fail_resource(ResourceFault::of("s", "Igw", Verb::Create, fails()).times(1));
    assert_eq!(formation.create("s", CHAIN).await.0, "ROLLBACK_COMPLETE");
    let events = formation.events("s").await;
    let failed = events
        .iter()
        .find(|line| line.starts_with("Igw CREATE_FAILED"))
        .unwrap();
    assert!(failed.contains("Resource handler returned message: \"none left\" (RequestToken: "));
    assert!(failed.ends_with("HandlerErrorCode: GeneralServiceException)"));
    assert_eq!(formation.delete("s").await.0, "DELETE_COMPLETE");
    assert_eq!(formation.create("s", CHAIN).await.0, "CREATE_COMPLETE");

    lab.fail_resource(ResourceFault::of("s", "Vpc", Verb::Delete, fails()).times(1));
    let (status, reason) = formation.delete("s").await;
    assert_eq!(status, "DELETE_FAILED");
    assert_eq!(
        reason,
        "The following resource(s) failed to delete: [Vpc]. "
    );
    assert_eq!(formation.delete("s").await.0, "DELETE_COMPLETE");
}

#[tokio::test]
async fn a_stuck_resource_ends_when_its_rule_does() {
    let formation = laboratory("faults: {resources: [{logical_id: Vpc, do: stuck}]}").await;
    let call = formation.client.create_stack().stack_name("s");
    call.template_body(CHAIN).send().await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let stack = formation.stack("s").await;
    assert_eq!(stack.stack_status.unwrap().as_str(), "CREATE_IN_PROGRESS");
    formation.local.account.lab().heal();
    assert_eq!(formation.rest("s").await.0, "CREATE_COMPLETE");
}

#[tokio::test]
async fn a_creation_that_takes_too_long_is_taken_back() {
    let formation = laboratory("latency: {scale: 0.001}").await;
    let lab = formation.local.account.lab().clone();
    lab.fail_resource(ResourceFault::of(
        "s",
        "Igw",
        Verb::Create,
        ResourceEffect::Stuck,
    ));
    let call = formation.client.create_stack().stack_name("s");
    let call = call.template_body(CHAIN).timeout_in_minutes(1);
    call.send().await.unwrap();
    assert_eq!(formation.rest("s").await.0, "ROLLBACK_COMPLETE");
    let events = formation.events("s").await;
    for expected in [
        "Igw CREATE_FAILED Resource creation cancelled",
        "s ROLLBACK_IN_PROGRESS Stack creation time exceeded the specified timeout. Rollback requested by user.",
    ] {
        assert!(events.iter().any(|line| line == expected), "{events:?}");
    }
}
