//! What AWS itself lets out: the ports of the services' security group and
//! the names of the DNS firewall, in what the settings come to.

use std::collections::BTreeSet;

use serde_json::Value;

use super::evaluated::{Made, list, made, named, of_kind};
use super::{MIXED, SETTINGS};

const LIST: &str = "AWS::Route53Resolver::FirewallDomainList";
const GROUP: &str = "AWS::Route53Resolver::FirewallRuleGroup";
const ASSOCIATION: &str = "AWS::Route53Resolver::FirewallRuleGroupAssociation";

/// Where a rule leads, and its ports.
fn egress(made: &[Made]) -> Vec<(String, u64, u64)> {
    let group = named(made, "ECSServiceSecurityGroup");
    let rules = list(&group.properties, "SecurityGroupEgress");
    assert!(!rules.is_empty(), "without a rule AWS lets everything out");
    rules
        .iter()
        .map(|rule| {
            assert_eq!(rule["IpProtocol"], "tcp", "{rule}");
            let number = |name: &str| number(&rule[name]);
            let range = rule["CidrIp"].as_str().unwrap().to_owned();
            (range, number("FromPort"), number("ToPort"))
        })
        .collect()
}

/// A number, also as the text of a parameter.
fn number(value: &Value) -> u64 {
    let text = || value.as_str()?.parse().ok();
    value.as_u64().or_else(text).unwrap()
}

fn to_the_world(made: &[Made]) -> Vec<(u64, u64)> {
    let rules = egress(made).into_iter();
    rules
        .filter(|(range, ..)| range == "0.0.0.0/0")
        .map(|(_, first, last)| (first, last))
        .collect()
}

/// The names that get an answer.
fn allowed(made: &[Made]) -> BTreeSet<String> {
    let groups = of_kind(made, GROUP);
    let [group] = groups.as_slice() else {
        panic!("one rule group");
    };
    let mut names = BTreeSet::new();
    for rule in list(&group.properties, "FirewallRules") {
        if rule["Action"] == "ALLOW" {
            // Or the names that a service is an alias of would be blocked.
            let aliases = &rule["FirewallDomainRedirectionAction"];
            assert_eq!(aliases, "TRUST_REDIRECTION_DOMAIN", "{rule}");
            names.extend(names_of(made, rule));
        }
    }
    names
}

fn names_of(made: &[Made], rule: &Value) -> Vec<String> {
    let id = rule["FirewallDomainListId"].as_str().unwrap();
    let names = list(&named(made, id).properties, "Domains").iter();
    names
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn only_modelled_ports_and_https_leave_a_task() {
    let world = |settings: &str| to_the_world(&made(settings));
    assert_eq!(world(""), [(443, 443)]);
    assert_eq!(world("external_services: []\n"), [(443, 443)]);
    let mixed = [(80, 80), (443, 443), (5432, 5432), (8080, 8080)];
    assert_eq!(world(MIXED), mixed);
    let neighbours = "external_services:
- { name: a, host: a.example, port: 442 }
- { name: b, host: b.example, port: 444 }
";
    assert_eq!(world(neighbours), [(442, 444)]);
    // The image is pulled from there.
    let registry = "envoy_image: registry.example.com:5000/envoy:1\n";
    assert_eq!(world(registry), [(443, 443), (5000, 5000)]);
}

#[test]
fn inside_the_network_only_the_apps_port_is_reached() {
    for (settings, port) in [("", 80), ("app: { port: 8080 }\n", 8080)] {
        let inside: Vec<_> = egress(&made(settings))
            .into_iter()
            .filter(|(range, ..)| range != "0.0.0.0/0")
            .collect();
        let vpc = "AppMeshExternalExample:VpcCIDR".to_owned();
        assert_eq!(inside, [(vpc, port, port)]);
    }
}

#[test]
fn nothing_has_an_ipv6_address_or_a_rule_for_one() {
    for (title, settings) in SETTINGS {
        for each in made(settings) {
            let text = each.properties.to_string();
            // The App Mesh resources say which addresses Envoy prefers.
            let named = text.contains("Ipv6") || text.contains("::/0");
            assert!(!named, "{title}: {} {text}", each.id);
        }
    }
}

#[test]
fn names_that_are_not_listed_get_no_answer_in_the_whole_network() {
    for (title, settings) in SETTINGS {
        if title == "everything let out" {
            continue;
        }
        let made = made(settings);
        let groups = of_kind(&made, GROUP);
        let rules = list(&groups[0].properties, "FirewallRules");
        let last = rules
            .iter()
            .max_by_key(|rule| number(&rule["Priority"]))
            .unwrap();
        assert_eq!(names_of(&made, last), ["*"], "{title}");
        assert_eq!(last["Action"], "BLOCK");
        assert_eq!(last["BlockResponse"], "NODATA");
        let priorities: BTreeSet<u64> =
            rules.iter().map(|rule| number(&rule["Priority"])).collect();
        assert_eq!(priorities.len(), rules.len(), "{title}");
        let associations = of_kind(&made, ASSOCIATION);
        let [association] = associations.as_slice() else {
            panic!("{title}: one association");
        };
        assert_eq!(association.properties["FirewallRuleGroupId"], groups[0].id);
        assert_eq!(
            association.properties["VpcId"],
            "AppMeshExternalExample:VPC"
        );
        let wild: Vec<String> = allowed(&made)
            .into_iter()
            .filter(|name| name.contains('*'))
            .collect();
        let mut expected = vec!["*.default.svc.cluster.local"];
        // The wildcards of the settings, and no other.
        expected.extend((title == "many kinds").then_some("*.example.com"));
        assert_eq!(wild, expected, "{title}");
    }
}

/// What ECS needs with images of its own registry and no service at all.
const OF_AWS: [&str; 8] = [
    "*.default.svc.cluster.local",
    "123456789012.dkr.ecr.us-west-2.amazonaws.com",
    "api.ecr.us-west-2.amazonaws.com",
    "appmesh-envoy-management.us-west-2.amazonaws.com",
    "logs.us-west-2.amazonaws.com",
    "prod-us-west-2-starport-layer-bucket.s3.amazonaws.com",
    "prod-us-west-2-starport-layer-bucket.s3.us-west-2.amazonaws.com",
    "sts.us-west-2.amazonaws.com",
];

#[test]
fn the_names_are_those_of_the_services_the_images_and_aws() {
    let least = "
external_services: []
envoy_image: 123456789012.dkr.ecr.us-west-2.amazonaws.com/envoy:1
bastion: { enabled: false }
";
    let of_aws: BTreeSet<String> = OF_AWS.map(str::to_owned).into();
    assert_eq!(allowed(&made(least)), of_aws);
    let beyond = |settings: &str| -> Vec<String> {
        let names = allowed(&made(settings));
        names.difference(&of_aws).cloned().collect()
    };
    let service = least.replace("[]", "[{ name: a, host: a.example }]");
    assert_eq!(beyond(&service), ["a.example"]);
    let bastion = least.replace("false", "true");
    assert_eq!(
        beyond(&bastion),
        [
            "al2023-repos-us-west-2-de612dc2.s3.dualstack.us-west-2.amazonaws.com",
            "cdn.amazonlinux.com",
            "ec2messages.us-west-2.amazonaws.com",
            "ssm.us-west-2.amazonaws.com",
            "ssmmessages.us-west-2.amazonaws.com",
        ]
    );
    let github = format!("{least}app: {{ image: ghcr.io/example/app:1 }}\n");
    assert_eq!(
        beyond(&github),
        ["ghcr.io", "pkg-containers.githubusercontent.com"]
    );
}

#[test]
fn a_mesh_that_lets_everything_out_is_not_held_back_behind_it() {
    let made = made("mesh: { egress: ALLOW_ALL }\n");
    assert_eq!(to_the_world(&made), [(0, 65535)]);
    for kind in [LIST, GROUP, ASSOCIATION] {
        assert!(of_kind(&made, kind).is_empty(), "{kind}");
    }
}

#[test]
fn five_thousand_services_fit_into_lists_of_a_thousand() {
    let settings = |count: usize| {
        let service = |n| format!("- {{ name: s{n}, host: h{n}.example }}\n");
        let services: String = (0..count).map(service).collect();
        format!("external_services:\n{services}")
    };
    let lists = |count: usize| -> Vec<BTreeSet<String>> {
        let made = made(&settings(count));
        let rules = list(&of_kind(&made, GROUP)[0].properties, "FirewallRules").to_vec();
        let every = rules.iter().map(|rule| names_of(&made, rule));
        every.map(|names| names.into_iter().collect()).collect()
    };
    let (before, after) = (lists(4999), lists(5000));
    let longest = after.iter().map(BTreeSet::len).max().unwrap();
    assert!(longest <= 1000, "{longest}");
    let all: BTreeSet<&String> = after.iter().flatten().collect();
    for n in 0..5000 {
        assert!(all.contains(&format!("h{n}.example")), "{n}");
    }
    let changed = before.iter().zip(&after).filter(|(old, new)| old != new);
    assert_eq!(changed.count(), 1, "the others stay as they are");
}
