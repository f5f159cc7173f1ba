//! The policy, held to the calls that a run of all commands makes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{ROLE, allowed};
use crate::project::Project;

/// Calls that a run of all commands does not make, and why.
const NOT_MADE: &[(&str, &str)] = &[
    (
        "appmesh:ListMeshes",
        "only where `mesh.runtime: auto` asks AWS",
    ),
    (
        "cloudformation:CancelUpdateStack",
        "only at an interrupt that cancels",
    ),
    (
        "cloudformation:ContinueUpdateRollback",
        "only where a roll-back failed",
    ),
    (
        "cloudformation:DescribeStackResourceDrifts",
        "only where something has drifted",
    ),
    (
        "cloudformation:ListImports",
        "only where the account holds other stacks",
    ),
    (
        "cloudformation:RollbackStack",
        "only where an update was left half done",
    ),
    (
        "cloudformation:UpdateTerminationProtection",
        "only where the settings say something of it",
    ),
];

/// Requests to the image registry, which IAM knows by other names.
const REGISTRY: &[(&str, &[&str])] = &[
    ("registry:GET", &["ecr:BatchGetImage"]),
    (
        "registry:HEAD",
        &["ecr:BatchGetImage", "ecr:BatchCheckLayerAvailability"],
    ),
    ("registry:PATCH", &["ecr:UploadLayerPart"]),
    ("registry:POST", &["ecr:InitiateLayerUpload"]),
    ("registry:PUT", &["ecr:CompleteLayerUpload", "ecr:PutImage"]),
];

/// What needs no permission.
const FREE: &str = "sts:GetCallerIdentity";

#[test]
#[ignore = "needs root and Envoy"]
fn every_call_that_is_made_is_allowed_and_every_allowed_one_is_made() {
    let project = Project::new();
    let start = [
        "local",
        "start",
        "--internet",
        "stand-in",
        "--call-log",
        "calls",
    ];
    let url = project.run(&start).code(0).stdout;
    let aws = ["--target", "aws", "--endpoint-url", url.trim()];
    let run = |arguments: &[&str], code| {
        let mut command = project.command();
        command.env("AWS_ACCESS_KEY_ID", "test");
        command.env("AWS_SECRET_ACCESS_KEY", "test");
        let output = command.args(aws).args(arguments).output().unwrap();
        crate::project::said(output).code(code)
    };
    run(&["up", "--yes", "--account-id", "123456789012"], 0);
    run(&["status", "--drift"], 0);
    run(&["verify"], 0);
    project.write(
        "colormesh.yaml",
        "app: { color: green, image_name: other }\n",
    );
    run(&["plan", "--exit-code"], 3);
    run(&["up", "--yes", "--allow-replacement"], 0);
    run(&["down", "--yes"], 0);

    let policy = allowed(&run(&["doctor", "--iam-policy", "calls"], 0).json());
    let log = std::fs::read_to_string(project.path().join("calls")).unwrap();
    let mut made = BTreeSet::new();
    for line in log.lines() {
        let call: Value = serde_json::from_str(line).unwrap();
        let operation = call["operation"].as_str().unwrap();
        let other = REGISTRY.iter().find(|(name, _)| *name == operation);
        match other {
            Some((_, names)) => made.extend(names.iter().map(|name| (*name).to_owned())),
            None => {
                made.insert(operation.to_owned());
            }
        }
    }
    assert!(made.remove(FREE), "{made:?}");
    let refused: Vec<_> = made.difference(&policy).collect();
    assert!(refused.is_empty(), "not in the policy: {refused:?}");
    // Where a role acts for CloudFormation, that and handing it over is all.
    let doctor = ["doctor", "--iam-policy", "--role-arn", ROLE];
    let mut acting = allowed(&run(&doctor, 0).json());
    assert!(acting.remove("iam:PassRole"));
    assert_eq!(acting, policy);
    let implied = [
        "cloudformation:BatchDescribeTypeConfigurations",
        "cloudformation:DetectStackResourceDrift",
        "cloudformation:ListStacks",
        "cloudformation:TagResource",
        "cloudformation:UntagResource",
        "ec2:CreateTags",
    ];
    let unused: BTreeSet<&str> = policy
        .difference(&made)
        .map(String::as_str)
        .filter(|action| !implied.contains(action))
        .collect();
    let expected: BTreeSet<&str> = NOT_MADE.iter().map(|(call, _)| *call).collect();
    assert_eq!(unused, expected);
}
