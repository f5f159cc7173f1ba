//! What a container may do in its task, and who may reach it.

use serde_json::Value;

use super::SETTINGS;
use super::evaluated::{list, made, named, of_kind};

const ENVOYS_USER: &str = "1337";

#[test]
fn envoy_alone_runs_as_the_user_that_is_not_redirected() {
    let made = made("");
    let task = named(&made, "ColorTellerWhiteTaskDefinition");
    let containers = list(&task.properties, "ContainerDefinitions");
    let container = |name: &str| {
        let mut all = containers.iter();
        all.find(|each| each["Name"] == name).unwrap()
    };
    let user = container("app")["User"].as_str().unwrap();
    let user = user.split(':').next().unwrap();
    assert!(!["0", "root", ENVOYS_USER].contains(&user), "{user}");
    assert_eq!(container("envoy")["User"], ENVOYS_USER);
    let proxy = &task.properties["ProxyConfiguration"];
    let ignored = list(proxy, "ProxyConfigurationProperties")
        .iter()
        .find(|each| each["Name"] == "IgnoredUID")
        .unwrap();
    assert_eq!(ignored["Value"], ENVOYS_USER);
}

/// The ports of Envoy's own listeners and of its admin interface's view.
const ENVOYS_PORTS: [u64; 3] = [9901, 15000, 15001];

#[test]
fn envoys_own_ports_are_reached_by_the_load_balancer_at_most() {
    for (title, settings) in SETTINGS {
        let made = made(settings);
        let group = named(&made, "ECSServiceSecurityGroup");
        let mut rules: Vec<&Value> = list(&group.properties, "SecurityGroupIngress")
            .iter()
            .collect();
        let apart = of_kind(&made, "AWS::EC2::SecurityGroupIngress");
        rules.extend(apart.iter().map(|rule| &rule.properties));
        for rule in rules {
            let port = |name: &str| {
                let text = || rule[name].as_str()?.parse().ok();
                rule[name].as_u64().or_else(text).unwrap()
            };
            let ports = port("FromPort")..=port("ToPort");
            let reached = ENVOYS_PORTS.iter().any(|port| ports.contains(port));
            let exported = "AppMeshExternalExample:PublicLoadBalancerSecurityGroup";
            let balancer = rule["SourceSecurityGroupId"] == exported;
            // Nothing is led to it: the gateway dials it.
            let dialled = title == "ports on loopback" && ports == (15000..=15000);
            assert!(!reached || balancer || dialled, "{title}: {rule}");
        }
    }
}

/// The repositories that ECS may pull a task's images from.
fn pulled_from(settings: &str) -> Vec<String> {
    let made = made(settings);
    let role = named(&made, "TaskExecutionIamRole");
    let policies = list(&role.properties, "Policies").iter();
    let statements = policies.flat_map(|policy| list(&policy["PolicyDocument"], "Statement"));
    let pulls = |statement: &&Value| statement["Action"].to_string().contains("BatchGetImage");
    let resources = statements
        .filter(pulls)
        .flat_map(|statement| list(statement, "Resource"));
    resources
        .map(|arn| {
            arn.as_str()
                .unwrap()
                .rsplit("arn:")
                .next()
                .unwrap()
                .to_owned()
        })
        .collect()
}

/// The environment's own is always among them: a long configuration comes in
/// an image of ours, whatever the app's image.
#[test]
fn tasks_pull_from_their_own_repository_and_those_that_the_settings_name() {
    let own = "AWS::Partition:ecr:us-west-2:123456789012:repository/colorteller";
    assert_eq!(pulled_from(""), [own]);
    let envoy = "envoy_image: 210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/envoy:1\n";
    let others = "aws:ecr:eu-west-1:210987654321:repository/team/envoy";
    assert_eq!(pulled_from(envoy), [own, others]);
    let app = "app: { image: 210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/envoy:2 }\n";
    assert_eq!(pulled_from(app), [own, others]);
    assert_eq!(pulled_from("app: { image: 'ghcr.io/a/b:1' }\n"), [own]);
    let redirects = "mesh: { redirect: init-container }\ncapacity_provider: own\n";
    let aws = "aws:ecr:us-west-2:840364872350:repository/aws-appmesh-proxy-route-manager";
    assert_eq!(pulled_from(redirects), [own, aws]);
}
