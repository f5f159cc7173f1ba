//! The terms of the stacks, changed alone: what `plan` says and `up` does.

use serde_json::{Value, json};

use crate::as_aws::AsAws;
use crate::project::Project;

const ROLES: &str = "
Resources:
  First:
    Type: AWS::IAM::Role
    Properties: { RoleName: first, AssumeRolePolicyDocument: { Statement: [{ Effect: Allow, Action: 'sts:AssumeRole', Principal: { Service: cloudformation.amazonaws.com } }] } }
  Second:
    Type: AWS::IAM::Role
    Properties: { RoleName: second, AssumeRolePolicyDocument: { Statement: [{ Effect: Allow, Action: 'sts:AssumeRole', Principal: { Service: cloudformation.amazonaws.com } }] } }
";

fn role(name: &str) -> String {
    format!("arn:aws:iam::123456789012:role/{name}")
}

fn settings(tags: &str, terms: &str) -> String {
    format!("key_pair: none\ntags: {{ {tags} }}\nstacks: {{ {terms} }}\n")
}

/// What differs, stack by stack.
fn changes(plan: &Value) -> Vec<Value> {
    let steps = plan["steps"].as_array().unwrap().iter();
    let changed = steps.filter(|step| step["action"] == "update");
    changed.map(|step| step["changes"].clone()).collect()
}

const TOPIC: &str = "arn:aws:sns:us-west-2:123456789012:stacks";
const ALARM: &str = "arn:aws:cloudwatch:us-west-2:123456789012:alarm:errors";

/// Once a change of these alone was no change at all: the stacks kept the role,
/// the topics and the alarms that they had.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_topics_or_alarms_that_change_alone_are_planned_and_applied() {
    let project = Project::new().file("colormesh.yaml", &settings("", ""));
    let aws = AsAws::start().await;
    aws.create("roles", ROLES).await;
    aws.run(&project, &["up", "--yes"]).await.code(0);
    let term = |term: &str, before: Value, after: Value| json!([{ "of": "term", "term": term, "before": before, "after": after }]);
    let (first, second) = (role("first"), role("second"));
    for (terms, expected, shown) in [
        (
            format!("notification_arns: ['{TOPIC}']"),
            term("notification_topics", Value::Null, json!(TOPIC)),
            format!("notification topics: none -> {TOPIC}"),
        ),
        (
            format!("rollback_alarms: ['{ALARM}']"),
            term("rollback_alarms", Value::Null, json!(ALARM)),
            format!("rollback alarms: none -> {ALARM}"),
        ),
        (
            format!("role_arn: '{first}'"),
            term("role", Value::Null, json!(first)),
            format!("role: none -> {first}"),
        ),
        (
            format!("role_arn: '{second}', notification_arns: ['{TOPIC}']"),
            term("role", json!(first), json!(second)),
            format!("role: {first} -> {second}"),
        ),
        (
            "notification_arns: [], rollback_alarms: ['".to_owned() + ALARM + "']",
            term("notification_topics", json!(TOPIC), Value::Null),
            format!("notification topics: {TOPIC} -> none"),
        ),
    ] {
        project.write("colormesh.yaml", &settings("", &terms));
        let plan = aws.run(&project, &["plan", "--exit-code", "--output", "json"]);
        let plan = plan.await.code(3).json();
        assert_eq!(changes(&plan), vec![expected; 7], "{terms}");
        let text = aws.run(&project, &["plan"]).await.code(0).stdout;
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(&shown), "{text}");
        assert!(text.contains("no resource changes"), "{text}");
        aws.run(&project, &["up", "--yes"]).await.code(0);
        for (name, stack) in aws.stacks().await {
            let status = stack.stack_status().unwrap().as_str();
            assert_eq!(status, "UPDATE_COMPLETE", "{name}");
        }
        aws.lab().forget_calls();
        aws.run(&project, &["up", "--yes"]).await.code(0);
        let calls = aws.lab().calls();
        let sent = calls.iter().map(|call| call.operation.as_str());
        let sent: Vec<&str> = sent
            .filter(|it| it.starts_with("cloudformation:"))
            .collect();
        assert!(
            !sent.contains(&"cloudformation:CreateChangeSet"),
            "{sent:?}"
        );
        assert!(sent.len() <= 12, "{sent:?}");
    }
    for (name, stack) in aws.stacks().await {
        // What the last settings leave out has stayed, and the empty list is empty.
        assert_eq!(stack.role_arn(), Some(second.as_str()), "{name}");
        assert_eq!(stack.notification_arns(), [""; 0], "{name}");
        let alarms = stack.rollback_configuration().unwrap().rollback_triggers();
        assert_eq!(alarms.len(), 1, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_that_change_alone_are_planned_and_applied() {
    let project = Project::new().file("colormesh.yaml", &settings("team: mesh", ""));
    let aws = AsAws::start().await;
    aws.run(&project, &["up", "--yes"]).await.code(0);
    project.write("colormesh.yaml", &settings("team: colours", ""));
    let plan = aws.run(&project, &["plan", "--output", "json"]).await;
    let tag = json!([{ "of": "tag", "name": "team", "before": "mesh", "after": "colours" }]);
    assert_eq!(changes(&plan.code(0).json()), vec![tag; 7]);
    aws.run(&project, &["up", "--yes"]).await.code(0);
    project.write("colormesh.yaml", &settings("", ""));
    aws.run(&project, &["up", "--yes"]).await.code(0);
    for (name, stack) in aws.stacks().await {
        let tags = stack.tags().iter();
        let tags: Vec<_> = tags.filter_map(|tag| tag.key()).collect();
        assert_eq!(tags.len(), 2, "{name}: {tags:?}");
    }
}
