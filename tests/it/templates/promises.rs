//! What we promise of everything that is deployed, held for all settings. What
//! does not keep a promise is listed here with its reason.

use std::collections::BTreeSet;

use serde_json::Value;

use super::SETTINGS;
use super::evaluated::{Made, list, made, of_kind};

/// A promise, the resource that does not keep it, and why.
const BROKEN: &[(&str, &str, &str)] = &[
    (
        READ_ONLY,
        "ColorTellerWhiteTaskDefinition",
        "an image of the user's own may have to write",
    ),
    (
        NO_STAR,
        "TaskExecutionIamRole",
        "`ecr:GetAuthorizationToken` knows no resource",
    ),
    (
        PINNED,
        "ColorGatewayTaskDefinition",
        "`envoy_image` is the user's: it may name a digest",
    ),
    (
        PINNED,
        "ColorTellerWhiteTaskDefinition",
        "`envoy_image` is the user's: it may name a digest",
    ),
    (
        NO_PRIVILEGE,
        "ColorTellerWhiteTaskDefinition",
        "with `mesh.redirect: init-container` a container that ends before the others writes rules",
    ),
    (
        LOGS_KEY,
        "ECSServiceLogGroup",
        "CloudWatch encrypts them with a key of its own",
    ),
];

#[test]
fn what_is_deployed_keeps_every_promise_but_the_listed_ones() {
    let mut found = BTreeSet::new();
    for (_, settings) in SETTINGS {
        let made = made(settings);
        for each in &made {
            let broken = match each.kind.as_str() {
                "AWS::EC2::SecurityGroup" => group(each),
                "AWS::EC2::SecurityGroupIngress" => ingress(&each.properties),
                "AWS::EC2::Instance" => instance(each),
                "AWS::IAM::Role" => role(each),
                "AWS::Logs::LogGroup" => logs(each),
                "AWS::ECS::TaskDefinition" => tasks(each),
                "AWS::ECR::Repository" => repository(each),
                "AWS::EC2::Subnet" => subnet(each),
                _ => Vec::new(),
            };
            found.extend(broken.into_iter().map(|promise| (promise, each.id.clone())));
        }
        assert_eq!(of_kind(&made, "AWS::ECS::TaskDefinition").len(), 2);
    }
    let listed: BTreeSet<(&str, String)> = BROKEN
        .iter()
        .map(|(promise, resource, reason)| {
            assert!(reason.len() > 20, "{promise} of {resource} has no reason");
            (*promise, (*resource).to_owned())
        })
        .collect();
    assert_eq!(found, listed);
}

const NO_PUBLIC_SSH: &str = "nobody on the internet may open SSH";
const NO_OPEN_EGRESS: &str = "no group lets every protocol out";
const ONLY_TOKENS: &str = "instance metadata asks for a token";
const NO_PUBLIC_ADDRESS: &str = "nothing gets a public address unasked";
const NO_STAR: &str = "a role may do what it needs on what it needs";
const LOGS_END: &str = "logs are kept for a time";
const LOGS_KEY: &str = "logs have a key of the user's own";
const READ_ONLY: &str = "a container cannot change its own files";
const NO_PRIVILEGE: &str = "no container is privileged or has a capability more";
const PINNED: &str = "an image is named by its digest";
const NOT_MOVED: &str = "a tag of an image never moves";
const SCANNED: &str = "images are scanned when they are pushed";

fn group(group: &Made) -> Vec<&'static str> {
    let egress = list(&group.properties, "SecurityGroupEgress");
    let mut broken = Vec::new();
    // Without a rule AWS lets everything out.
    if egress.is_empty()
        || egress
            .iter()
            .any(|rule| rule["IpProtocol"].to_string().contains("-1"))
    {
        broken.push(NO_OPEN_EGRESS);
    }
    let rules = list(&group.properties, "SecurityGroupIngress").iter();
    broken.extend(rules.flat_map(ingress));
    broken
}

fn ingress(rule: &Value) -> Vec<&'static str> {
    let number = |name: &str| {
        let text = || rule[name].as_str()?.parse().ok();
        rule[name].as_u64().or_else(text)
    };
    let ports = number("FromPort").unwrap_or(0)..=number("ToPort").unwrap_or(65_535);
    let public = [&rule["CidrIp"], &rule["CidrIpv6"]]
        .iter()
        .any(|range| matches!(range.as_str(), Some("0.0.0.0/0" | "::/0")));
    if public && ports.contains(&22) {
        vec![NO_PUBLIC_SSH]
    } else {
        Vec::new()
    }
}

fn instance(instance: &Made) -> Vec<&'static str> {
    let tokens = &instance.properties["MetadataOptions"]["HttpTokens"];
    if tokens == "required" {
        Vec::new()
    } else {
        vec![ONLY_TOKENS]
    }
}

fn subnet(subnet: &Made) -> Vec<&'static str> {
    let public = &subnet.properties["MapPublicIpOnLaunch"];
    if public == true || public == "true" {
        vec![NO_PUBLIC_ADDRESS]
    } else {
        Vec::new()
    }
}

fn role(role: &Made) -> Vec<&'static str> {
    let policies = list(&role.properties, "Policies").iter();
    let statements = policies.flat_map(|policy| list(&policy["PolicyDocument"], "Statement"));
    let is_open = |value: &Value| match value {
        Value::Array(items) => items.iter().any(|item| {
            item.as_str().is_some_and(|item| {
                item == "*" || item.ends_with(":*") && !item.starts_with("arn:")
            })
        }),
        value => value == "*",
    };
    let mut allowing = statements.filter(|statement| statement["Effect"] == "Allow");
    if allowing.any(|each| is_open(&each["Action"]) || is_open(&each["Resource"])) {
        vec![NO_STAR]
    } else {
        Vec::new()
    }
}

fn logs(logs: &Made) -> Vec<&'static str> {
    let mut broken = Vec::new();
    if logs.properties["RetentionInDays"].is_null() {
        broken.push(LOGS_END);
    }
    if logs.properties["KmsKeyId"].is_null() {
        broken.push(LOGS_KEY);
    }
    broken
}

fn repository(repository: &Made) -> Vec<&'static str> {
    let mut broken = Vec::new();
    if repository.properties["ImageTagMutability"] != "IMMUTABLE" {
        broken.push(NOT_MOVED);
    }
    let scan = &repository.properties["ImageScanningConfiguration"]["ScanOnPush"];
    if scan != true && scan != "true" {
        broken.push(SCANNED);
    }
    broken
}

fn tasks(task: &Made) -> Vec<&'static str> {
    let mut broken = BTreeSet::new();
    let containers = list(&task.properties, "ContainerDefinitions");
    assert!(!containers.is_empty());
    for container in containers {
        let read_only = &container["ReadonlyRootFilesystem"];
        if read_only != true && read_only != "true" {
            broken.insert(READ_ONLY);
        }
        let added = &container["LinuxParameters"]["Capabilities"]["Add"];
        let privileged = &container["Privileged"];
        if !added.is_null() || !(privileged.is_null() || privileged == false) {
            broken.insert(NO_PRIVILEGE);
        }
        // The app's image is known only when it is pushed, and then by digest.
        let image = container["Image"].as_str().unwrap();
        if image != "x" && !image.contains("@sha256:") {
            broken.insert(PINNED);
        }
    }
    broken.into_iter().collect()
}
