use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::calls::CALLS;
use super::*;

fn names() -> Names {
    Names {
        environment: "Demo".to_owned(),
        region: "eu-west-1".to_owned(),
        account: Some("123456789012".to_owned()),
        repository: "colorteller".to_owned(),
        mesh: "Mesh".to_owned(),
        key_pair: Some("key".to_owned()),
        role_arn: None,
        bucket: None,
        looked_up: Vec::new(),
        topics: Vec::new(),
    }
}

fn types(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The names of calls are words such as `ecs:ListTasks` in the sources.
#[test]
fn the_table_has_each_call_that_is_made_and_no_other() {
    let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/aws");
    let mut made = BTreeSet::new();
    for file in fs::read_dir(room)
        .expect("a folder")
        .map(|file| file.expect("a file").path())
    {
        if file.is_file() {
            let text = fs::read_to_string(file).expect("a file");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            made.extend(
                code.split('"')
                    .filter(|word| is_call(word))
                    .map(str::to_owned),
            );
        }
    }
    let listed: BTreeSet<String> = CALLS.iter().map(|(call, _)| (*call).to_owned()).collect();
    assert_eq!(listed, made);
    assert_eq!(listed.len(), CALLS.len());
}

fn is_call(word: &str) -> bool {
    let Some((service, name)) = word.split_once(':') else {
        return false;
    };
    let is_word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric());
    is_word(service)
        && is_word(name)
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && service.starts_with(|c: char| c.is_ascii_lowercase())
}

#[test]
fn nothing_is_allowed_everywhere_but_through_cloudformation_or_to_look() {
    let all = types(&[
        "AWS::EC2::VPC",
        "AWS::IAM::Role",
        "AWS::ServiceDiscovery::PrivateDnsNamespace",
    ]);
    let policy = serde_json::to_value(
        policy(&names(), &all, Part::All, Whose::Caller).expect("known types"),
    )
    .expect("JSON");
    for statement in policy["Statement"].as_array().expect("a list") {
        let everywhere = statement["Resource"][0] == "*";
        let through = &statement["Condition"]["ForAnyValue:StringEquals"]["aws:CalledVia"];
        if everywhere && through.is_null() {
            for action in statement["Action"].as_array().expect("a list") {
                let (_, name) = action
                    .as_str()
                    .and_then(|action| action.split_once(':'))
                    .expect("an action");
                let looks = ["Describe", "List", "Get", "BatchDescribe", "Validate"];
                assert!(looks.iter().any(|verb| name.starts_with(verb)), "{action}");
            }
        }
        for action in statement["Action"].as_array().expect("a list") {
            let action = action.as_str().expect("an action");
            let reads = ["Describe*", "Get*", "List*"];
            let is_read = reads.iter().any(|verb| action.ends_with(verb));
            assert!(is_read || !action.contains('*'), "{action}");
        }
    }
}

#[test]
fn a_short_policy_is_this() {
    let mut names = names();
    names.key_pair = None;
    names.account = None;
    names.region = "cn-north-1".to_owned();
    let policy = policy(
        &names,
        &types(&["AWS::Logs::LogGroup"]),
        Part::All,
        Whose::Caller,
    )
    .expect("a known type");
    let policy = serde_json::to_value(policy).expect("JSON");
    let statements = policy["Statement"].as_array().expect("a list");
    let sids: Vec<&str> = statements
        .iter()
        .filter_map(|each| each["Sid"].as_str())
        .collect();
    assert_eq!(
        sids,
        [
            "Stacks",
            "Looks",
            "Repository",
            "RepositoriesByTag",
            "Cluster",
            "ThroughCloudFormation",
            "LogGroups"
        ]
    );
    assert_eq!(
        statements[0]["Resource"][0],
        "arn:aws-cn:cloudformation:cn-north-1:*:stack/Demo-*/*"
    );
    assert_eq!(
        statements[6]["Resource"][0],
        "arn:aws-cn:logs:cn-north-1:*:log-group:Demo-*"
    );
}

#[test]
fn an_image_that_is_looked_up_in_ecr_may_be_read_and_no_more() {
    let arn = "arn:aws:ecr:eu-west-1:840364872350:repository/aws-appmesh-envoy";
    let mut names = names();
    names.looked_up = vec![arn.to_owned()];
    let policy = policy(&names, &BTreeSet::new(), Part::Calls, Whose::Caller).expect("a policy");
    let policy = serde_json::to_value(policy).expect("JSON");
    let statements = policy["Statement"].as_array().expect("a list");
    let about = |each: &&serde_json::Value| each["Resource"].to_string().contains(arn);
    let about: Vec<_> = statements.iter().filter(about).collect();
    assert_eq!(about.len(), 1);
    let actions = serde_json::json!(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]);
    assert_eq!(about[0]["Action"], actions);
}

#[test]
fn topics_of_the_stacks_may_be_published_to_by_the_caller_and_by_the_role() {
    let topic = "arn:aws:sns:eu-west-1:123456789012:stacks";
    let mut names = names();
    names.role_arn = Some("arn:aws:iam::123456789012:role/deploys".to_owned());
    let of = |names: &Names, part, whose| {
        let policy = policy(names, &BTreeSet::new(), part, whose).expect("a policy");
        let policy = serde_json::to_value(policy).expect("JSON");
        let statements = policy["Statement"].as_array().expect("a list").iter();
        let publishes = |each: &&serde_json::Value| each.to_string().contains("sns:");
        statements.filter(publishes).cloned().collect::<Vec<_>>()
    };
    let holders = [
        (Part::Calls, Whose::Caller),
        (Part::Services, Whose::ServiceRole),
    ];
    for (part, whose) in holders {
        assert!(of(&names, part, whose).is_empty());
    }
    names.topics = vec![topic.to_owned()];
    let statement = serde_json::json!({
        "Sid": "TopicsOfTheStacks",
        "Effect": "Allow",
        "Action": ["sns:Publish"],
        "Resource": [topic],
    });
    for (part, whose) in holders {
        assert_eq!(of(&names, part, whose), std::slice::from_ref(&statement));
        assert_eq!(
            of(&names, Part::All, whose),
            std::slice::from_ref(&statement)
        );
    }
    assert!(of(&names, Part::Network, Whose::ServiceRole).is_empty());
    assert!(of(&names, Part::Calls, Whose::ServiceRole).is_empty());
}

/// A tag that the settings drop is taken off with an update.
#[test]
fn tags_of_stacks_may_be_set_and_taken_off() {
    let policy = policy(&names(), &BTreeSet::new(), Part::Calls, Whose::Caller).expect("a policy");
    let policy = serde_json::to_value(policy).expect("JSON");
    let stacks = &policy["Statement"][0];
    assert_eq!(stacks["Sid"], "Stacks");
    let actions = stacks["Action"].as_array().expect("a list");
    for action in ["TagResource", "UntagResource"] {
        assert!(actions.contains(&format!("cloudformation:{action}").into()));
    }
}

#[test]
fn a_type_that_is_not_in_the_table_is_told() {
    let unknown = policy(
        &names(),
        &types(&["AWS::Lambda::Function"]),
        Part::All,
        Whose::Caller,
    );
    assert_eq!(
        unknown,
        Err(UnknownType("AWS::Lambda::Function".to_owned()))
    );
}

/// CloudFormation shortens the names of roles, the stack's part too.
#[test]
fn a_long_environment_scopes_its_roles_by_what_is_left_of_it() {
    let mut names = names();
    names.environment = "AppMeshExternalExample".to_owned();
    let policy = policy(
        &names,
        &types(&["AWS::IAM::Role"]),
        Part::All,
        Whose::Caller,
    )
    .expect("a known type");
    let policy = serde_json::to_string(&policy).expect("JSON");
    assert!(
        policy.contains("arn:aws:iam::123456789012:role/AppMeshExternalExamp*"),
        "{policy}"
    );
}

#[test]
fn a_role_of_cloudformations_own_has_to_be_handed_over() {
    let mut names = names();
    let of = |names: &Names| {
        let policy = policy(names, &BTreeSet::new(), Part::Calls, Whose::Caller).expect("no types");
        serde_json::to_value(policy).expect("JSON")
    };
    assert!(!of(&names).to_string().contains("iam:PassRole"));
    names.role_arn = Some("arn:aws:iam::123456789012:role/deploys".to_owned());
    let policy = of(&names);
    let statements = policy["Statement"].as_array().expect("a list");
    let handing = statements
        .iter()
        .find(|each| each["Action"][0] == "iam:PassRole");
    let handing = handing.expect("a statement");
    assert_eq!(
        handing["Resource"][0],
        "arn:aws:iam::123456789012:role/deploys"
    );
    assert_eq!(
        handing["Condition"]["StringEquals"]["iam:PassedToService"],
        "cloudformation.amazonaws.com"
    );
}

#[test]
fn where_a_role_acts_the_caller_makes_calls_and_the_role_all_else() {
    let all = types(&["AWS::EC2::VPC", "AWS::IAM::Role", "AWS::Logs::LogGroup"]);
    let mut names = names();
    let of = |names: &Names, part, whose| {
        let policy = policy(names, &all, part, whose).expect("known types");
        serde_json::to_value(policy).expect("JSON")
    };
    let actions = |policy: &serde_json::Value| {
        let statements = policy["Statement"].as_array().expect("a list").iter();
        let actions = statements.flat_map(|each| each["Action"].as_array().expect("a list"));
        actions.map(ToString::to_string).collect::<BTreeSet<_>>()
    };
    let whole = actions(&of(&names, Part::All, Whose::Caller));
    names.role_arn = Some("arn:aws:iam::123456789012:role/deploys".to_owned());
    let caller = of(&names, Part::All, Whose::Caller);
    let role = of(&names, Part::All, Whose::ServiceRole);
    for policy in [&caller, &role] {
        assert!(!policy.to_string().contains("aws:CalledVia"), "{policy}");
    }
    assert_eq!(caller, of(&names, Part::Calls, Whose::Caller));
    let pass = "\"iam:PassRole\"".to_owned();
    let mut both = &actions(&caller) | &actions(&role);
    assert!(both.contains(&pass));
    both.remove(&pass);
    assert!(both.is_subset(&whole), "{:?}", &both - &whole);
    // What is in the region stays there.
    let statements = role["Statement"].as_array().expect("a list");
    let everywhere = statements.iter().find(|each| each["Sid"] == "InTheRegion");
    let condition = &everywhere.expect("a statement")["Condition"];
    assert_eq!(
        condition["StringEquals"]["aws:RequestedRegion"],
        "eu-west-1"
    );
    let empty = policy(&names, &all, Part::Network, Whose::Caller).expect("known types");
    assert!(empty.is_empty());
    let empty = policy(&names, &all, Part::Calls, Whose::ServiceRole).expect("known types");
    assert!(empty.is_empty());
}
