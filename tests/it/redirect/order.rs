//! What an update to `mesh.redirect: ports` and back does first, as CloudFormation
//! tells it.

use crate::as_aws::{AsAws, ENVIRONMENT};
use crate::project::Project;

const PORTS: &str = "key_pair: none\nmesh: { redirect: ports }\n";
const WITHOUT: &str = "key_pair: none\nmesh: { runtime: envoy }\n";

/// The events of the service stack, oldest first, as `name STATUS`.
async fn events(aws: &AsAws) -> Vec<String> {
    let call = aws.client.describe_stack_events();
    let call = call.stack_name(format!("{ENVIRONMENT}-ecs-service"));
    let mut pages = call.into_paginator().items().send();
    let mut events = Vec::new();
    while let Some(event) = pages.next().await {
        let event = event.unwrap();
        let status = event.resource_status().unwrap().as_str();
        events.push(format!("{} {status}", event.logical_resource_id().unwrap()));
    }
    events.reverse();
    events
}

/// The place of an event among those of the last operation.
fn place(events: &[String], event: &str) -> usize {
    let found = events.iter().rposition(|each| each == event);
    found.unwrap_or_else(|| panic!("no `{event}` in {events:#?}"))
}

/// Once they stood in the cluster's stack, which is changed before the service:
/// back from `ports`, the gateway that dialled Envoy's own port had no rule any
/// more that let it.
#[tokio::test(flavor = "multi_thread")]
async fn the_rules_for_envoys_port_come_before_the_gateway_and_go_after_it() {
    let project = Project::new().file("colormesh.yaml", WITHOUT);
    let aws = AsAws::start().await;
    aws.run(&project, &["up", "--yes"]).await.code(0);

    project.write("colormesh.yaml", PORTS);
    aws.run(&project, &["up", "--yes"]).await.code(0);
    let there = events(&aws).await;
    let gateway = place(&there, "ColorGatewayService UPDATE_IN_PROGRESS");
    for rule in ["EnvoyIngress", "EnvoyEgress"] {
        assert!(place(&there, &format!("{rule} CREATE_COMPLETE")) < gateway);
    }

    project.write("colormesh.yaml", WITHOUT);
    aws.run(&project, &["up", "--yes"]).await.code(0);
    let back = events(&aws).await;
    for service in ["ColorGatewayService", "ColorTellerWhiteService"] {
        let steady = place(&back, &format!("{service} UPDATE_COMPLETE"));
        assert!(steady >= there.len(), "{service} was not changed");
        for rule in ["EnvoyIngress", "EnvoyEgress"] {
            assert!(steady < place(&back, &format!("{rule} DELETE_IN_PROGRESS")));
        }
    }
    aws.run(&project, &["down", "--yes"]).await.code(0);
}
