//! A few faults through the whole program, one or two a command: what it says,
//! what it ends with, and that the same command again goes on from there.

use colormesh::account::lab::{Call, CallOutcome};

use crate::project::Project;

const LAB: &str = "
faults:
  resources:
    - {type: 'AWS::ElasticLoadBalancingV2::TargetGroup', on: [create], times: 1, do: {fail: {reason: none left}}}
    - {type: 'AWS::Logs::LogGroup', on: [delete], times: 1, do: {fail: {reason: still written to}}}
  calls:
    - {operation: 'cloudformation:ExecuteChangeSet', nth: 2, do: reset_after}
    - {operation: 'cloudformation:ValidateTemplate', nth: 1, do: throttle}
    - {operation: 'registry:PUT', nth: 1, do: internal}
    - {operation: 'cloudformation:GetTemplate', nth: 12, do: reset}
    - {operation: 'ecs:DescribeTasks', nth: 1, do: internal}
    - {operation: 'cloudformation:DeleteStack', nth: 3, do: reset_after}
";

/// The calls that a rule was for.
fn hit(project: &Project) -> Vec<String> {
    let text = std::fs::read_to_string(project.path().join("calls.jsonl")).unwrap();
    let calls = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let hit = calls
        .filter(|call: &Call| !matches!(call.outcome, CallOutcome::Done | CallOutcome::Refused));
    hit.map(|call| call.operation).collect()
}

#[test]
#[ignore = "needs root and Envoy"]
fn each_command_survives_what_goes_wrong_or_goes_on_when_it_is_run_again() {
    let project = Project::new()
        .file("colormesh.yaml", "internet: stand-in\nkey_pair: none\n")
        .file("lab.yaml", LAB);
    let start = [
        "local",
        "start",
        "--lab",
        "lab.yaml",
        "--call-log",
        "calls.jsonl",
    ];
    project.run(&start).code(0);

    let failed = project.run(&["up"]).code(4);
    for expected in ["none left", "templates/ingress.yaml:", "-ingress"] {
        assert!(
            failed.stderr.contains(expected),
            "{expected} in\n{}",
            failed.stderr
        );
    }
    project.run(&["up"]).code(0);
    project.run(&["plan", "--exit-code"]).code(0);
    project.run(&["verify"]).code(0);
    let status = project.run(&["status", "--output", "json"]).code(0).json();
    let stacks = status["stacks"].as_object().unwrap();
    assert_eq!(stacks.len(), 7);
    for (name, status) in stacks {
        assert_eq!(status, "CREATE_COMPLETE", "{name}");
    }
    assert_eq!(project.tasks().as_array().unwrap().len(), 2);

    let failed = project.run(&["down"]).code(1);
    assert!(
        failed.stderr.contains("still written to"),
        "{}",
        failed.stderr
    );
    let mut hit = hit(&project);
    hit.sort();
    assert_eq!(
        hit,
        [
            "cloudformation:DeleteStack",
            "cloudformation:ExecuteChangeSet",
            "cloudformation:GetTemplate",
            "cloudformation:ValidateTemplate",
            "ecs:DescribeTasks",
            "registry:PUT",
        ]
    );
    project.run(&["down"]).code(0);
    assert!(!project.path().join("state/colormesh").exists());
}
