//! Services on a capacity provider of the user's own, as ECS has it: none can be
//! taken from a cluster while a service uses it.

use crate::as_aws::{AsAws, ENVIRONMENT};
use crate::project::Project;

const FARGATE: &str = "key_pair: none\nmesh: { runtime: envoy }\n";

fn on(provider: &str) -> String {
    format!("key_pair: none\nmesh: {{ redirect: init-container }}\ncapacity_provider: {provider}\n")
}

async fn status(aws: &AsAws) -> String {
    let stack = aws.stack(&format!("{ENVIRONMENT}-ecs-service")).await;
    stack.stack_status.unwrap().as_str().to_owned()
}

/// Once the provider was a property of the cluster, whose stack is changed
/// before the services: it could neither be left nor changed.
#[tokio::test(flavor = "multi_thread")]
async fn a_capacity_provider_is_left_for_fargate_and_for_another_over_it() {
    let project = Project::new().file("colormesh.yaml", &on("first"));
    let aws = AsAws::start().await;
    aws.run(&project, &["up", "--yes"]).await.code(0);

    // Another one in its place would take the first away while it is used.
    project.write("colormesh.yaml", &on("second"));
    let said = aws.run(&project, &["up", "--yes"]).await.code(4).stderr;
    for expected in [
        "The specified capacity provider is in use and cannot be removed",
        "leave `capacity_provider` out for one `colormesh up`",
    ] {
        assert!(said.contains(expected), "{expected} in\n{said}");
    }
    assert_eq!(status(&aws).await, "UPDATE_ROLLBACK_COMPLETE");

    for settings in [FARGATE.to_owned(), on("second"), FARGATE.to_owned()] {
        project.write("colormesh.yaml", &settings);
        aws.run(&project, &["up", "--yes"]).await.code(0);
        assert_eq!(status(&aws).await, "UPDATE_COMPLETE");
        aws.run(&project, &["plan", "--exit-code"]).await.code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn down_takes_the_services_before_their_capacity_provider() {
    let project = Project::new().file("colormesh.yaml", &on("first"));
    let aws = AsAws::start().await;
    aws.run(&project, &["up", "--yes"]).await.code(0);
    aws.run(&project, &["down", "--yes"]).await.code(0);
    assert_eq!(aws.stacks().await.len(), 0);
}
