//! What `up` finds out before it makes anything, and what it says of a change.

use aws_sdk_cloudformation::types::{ChangeSetSummary, ExecutionStatus};
use colormesh::account::lab::{CallEffect, CallFault};

use crate::as_aws::{AsAws, ENVIRONMENT};
use crate::project::Project;

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_template_stops_up_before_anything_is_made() {
    let (project, aws) = (Project::new(), AsAws::start().await);
    // Only the template of the service has a reference of this name.
    let refusal = CallEffect::Error {
        code: "ValidationError".to_owned(),
        message: "Template format error: Unresolved resource dependencies [ColorGatewayTaskDefinition] in the Resources block of the \
                  template"
            .to_owned(),
        status: 400,
    };
    aws.lab()
        .fail_call(CallFault::each("cloudformation:ValidateTemplate", refusal));
    let said = aws.run(&project, &["up", "--yes"]).await.code(1);
    for expected in [
        "-ecs-service: CloudFormation refuses the change",
        "`Resources.ColorGatewayService.Properties.TaskDefinition`, templates/ecs-service.yaml:",
        "nothing was changed",
    ] {
        assert!(
            said.stderr.contains(expected),
            "{expected} in\n{}",
            said.stderr
        );
    }
    // All four that are asked about by their templates are told.
    assert_eq!(
        said.stderr.matches("Unresolved").count(),
        4,
        "{}",
        said.stderr
    );
    let calls = aws.lab().calls();
    for operation in ["ExecuteChangeSet", "CreateStack", "ImportKeyPair"] {
        let made = calls.iter().any(|call| call.operation.ends_with(operation));
        assert!(!made, "{operation}");
    }
    assert!(aws.stacks().await.is_empty());

    aws.lab().heal();
    let none = ["up", "--yes", "--key-pair", "none"];
    aws.run(&project, &none).await.code(0);
    aws.lab().forget_calls();
    aws.run(&project, &none).await.code(0);
    let calls = aws.lab().calls();
    assert!(calls.len() < 15, "{calls:?}");
}

/// Values as the service has them: references resolved, parameters filled in.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_shown_in_the_services_own_values() {
    let settings = "key_pair: none\nvpc: { nat: none }\n";
    let project = Project::new().file("colormesh.yaml", settings);
    let aws = AsAws::start().await;
    aws.run(&project, &["up", "--yes"]).await.code(0);
    project.write(
        "colormesh.yaml",
        &format!("{settings}mesh: {{ egress: ALLOW_ALL }}\n"),
    );
    let expected = [
        &format!("{ENVIRONMENT}-mesh, as the service says"),
        "changes Mesh (AWS::AppMesh::Mesh)\n    Properties.Spec.EgressFilter.Type: DROP_ALL -> ALLOW_ALL\n",
    ];
    let plan = aws.run(&project, &["plan", "--detail"]).await.code(0);
    for expected in expected {
        assert!(
            plan.stdout.contains(expected),
            "{expected} in\n{}",
            plan.stdout
        );
    }
    let json = aws
        .run(&project, &["plan", "--detail", "--output", "json"])
        .await;
    let json = json.code(0).json();
    let mesh = &json["service"][format!("{ENVIRONMENT}-mesh")];
    let mesh = mesh.as_array().unwrap().iter();
    let changed = mesh.filter(|change| change["logical_id"] == "Mesh");
    let attribute = changed
        .map(|change| change["attributes"][0].clone())
        .next()
        .unwrap();
    assert_eq!(attribute["before"], "DROP_ALL");
    assert_eq!(attribute["after"]["value"], "ALLOW_ALL");
    assert_eq!(attribute["replacement"], "no");
    let sets = aws
        .client
        .list_change_sets()
        .stack_name(format!("{ENVIRONMENT}-mesh"));
    let sets = sets.send().await.unwrap();
    let waits =
        |set: &&ChangeSetSummary| set.execution_status() != Some(&ExecutionStatus::ExecuteComplete);
    assert_eq!(sets.summaries().iter().find(waits), None);

    let up = aws.run(&project, &["up", "--yes"]).await.code(0);
    for expected in expected {
        assert!(up.stderr.contains(expected), "{expected} in\n{}", up.stderr);
    }
}
