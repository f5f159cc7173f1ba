//! The tasks with another way to Envoy than ECS's redirection, and on other
//! capacity than Fargate. The templates have them as they should be where ECS
//! redirects; here is what differs where it does not.

use super::section::scalar;
use crate::config::{Config, Redirect};

/// The service's template.
pub(super) fn service(template: &str, config: &Config) -> String {
    let text = match config.mesh.redirect {
        Redirect::ProxyConfiguration => template.to_owned(),
        Redirect::InitContainer => with_init_container(template, config),
        Redirect::Ports => {
            let text = cut(&without_proxy_configuration(template), EGRESS_MAPPING, "");
            let text = cut(&text, ENVOY, ENVOY_WITH_LOW_PORTS);
            cut(&text, GATEWAY_WAITS, GATEWAY_WAITS_FOR_APP)
        }
    };
    let Some(provider) = &config.capacity_provider else {
        return text;
    };
    let strategy = format!(
        "      CapacityProviderStrategy:
        - CapacityProvider: {}
          Weight: 1
",
        scalar(provider.as_str())
    );
    text.replace("      LaunchType: FARGATE\n", &strategy)
        .replace(
            "RequiresCompatibilities: [FARGATE]",
            "RequiresCompatibilities: [EC2]",
        )
}

/// The cluster's template: what capacity it has, and who reaches Envoy's own
/// port.
pub(super) fn cluster(template: &str, config: &Config) -> String {
    let mut text = template.to_owned();
    if let Some(provider) = &config.capacity_provider {
        let name = scalar(provider.as_str());
        let providers = format!("{CLUSTER}      CapacityProviders: [{name}]\n");
        text = cut(&text, CLUSTER, &providers);
        text = cut(&text, STS_NAME, &[STS_NAME, &agents_names()].concat());
    }
    match config.mesh.redirect {
        Redirect::ProxyConfiguration | Redirect::InitContainer => text,
        Redirect::Ports => {
            let text = cut(
                &text,
                INGRESS,
                &[INGRESS, &rule(8, "The app's Envoy, from inside the VPC")].concat(),
            );
            cut(
                &text,
                EGRESS,
                &[&rule(10, "From the gateway to the app's Envoy"), EGRESS].concat(),
            )
        }
    }
}

/// Where the rules of the security group are.
const INGRESS: &str = "      SecurityGroupIngress:\n";
const EGRESS: &str = "          # --- egress ports begin ---\n";

/// A rule for Envoy's own port, to which nothing is led.
fn rule(indentation: usize, description: &str) -> String {
    let space = " ".repeat(indentation);
    format!(
        "{space}- Description: {description}
{space}  IpProtocol: tcp
{space}  FromPort: 15000
{space}  ToPort: 15000
{space}  CidrIp:
{space}    Fn::ImportValue: !Sub '${{EnvironmentName}}:VpcCIDR'
"
    )
}

const CLUSTER: &str = "    Type: AWS::ECS::Cluster
    Properties:
      ClusterName: !Ref EnvironmentName
";

const STS_NAME: &str = "        - !Sub 'sts.${AWS::Region}.${AWS::URLSuffix}'\n";

/// The names that the agent of an instance of one's own asks for: ECS, and the
/// numbered hosts of its sessions and their telemetry (`ecs-a-*`, `ecs-t-*` in
/// AWS's documentation). A domain list takes a wildcard only at the beginning,
/// where it would open every bucket.
fn agents_names() -> String {
    let hosts = (1..=MOST_HOSTS).flat_map(|n| [format!("ecs-a-{n}"), format!("ecs-t-{n}")]);
    std::iter::once("ecs".to_owned())
        .chain(hosts)
        .map(|host| format!("        - !Sub '{host}.${{AWS::Region}}.${{AWS::URLSuffix}}'\n"))
        .collect()
}

/// How many hosts there are of a kind is not said anywhere.
const MOST_HOSTS: usize = 20;

/// Where the app's TCP arrives when it is led to Envoy.
const EGRESS_MAPPING: &str = "            - ContainerPort: 15001
              Protocol: tcp
";

/// What the gateway's service waits for. It dials Envoy's own port, which the
/// tasks before may not have, while the gateway before knows the app's port,
/// which the new ones have too.
const GATEWAY_WAITS: &str = "    DependsOn: ReadinessIngress\n";
const GATEWAY_WAITS_FOR_APP: &str = "    DependsOn: [ReadinessIngress, ColorTellerWhiteService]\n";

/// Whom the app waits for.
const APP_WAITS: &str = "          DependsOn:
            - ContainerName: envoy
              Condition: HEALTHY
";

/// Where the app's own Envoy begins.
const ENVOY: &str = "        - Name: envoy
          # --- colour teller sidecar begin ---
";

/// A service's port on loopback may be below 1024, and of the containers that
/// set this for the task the last one decides.
const ENVOY_WITH_LOW_PORTS: &str = "        - Name: envoy
          SystemControls:
            - Namespace: net.ipv4.ip_unprivileged_port_start
              Value: '0'
          # --- colour teller sidecar begin ---
";

/// Waits for the container that redirects.
const AFTER_REDIRECT: &str = "            - ContainerName: redirect
              Condition: SUCCESS
";

fn with_init_container(template: &str, config: &Config) -> String {
    let text = without_proxy_configuration(template);
    let containers = "      ContainerDefinitions:\n";
    let image = scalar(config.mesh.redirect_image.as_str());
    let with = format!("{containers}{}", init_container(&image));
    let text = cut(&text, containers, &with);
    let text = cut(&text, APP_WAITS, &[APP_WAITS, AFTER_REDIRECT].concat());
    let waits = format!(
        "        - Name: envoy
          DependsOn:
{AFTER_REDIRECT}          # --- colour teller sidecar begin ---
"
    );
    cut(&text, ENVOY, &waits)
}

/// It runs as root, and locks a file while it writes its rules.
fn init_container(image: &str) -> String {
    format!(
        "        # All TCP of the app goes through Envoy; only what runs as user 1337,
        # which is Envoy itself, goes its own way, and what is for the metadata
        # addresses.
        - Name: redirect
          Image: {image}
          Essential: false
          LinuxParameters:
            Capabilities:
              Drop: [ALL]
              Add: [NET_ADMIN, NET_RAW]
          Environment:
            - Name: APPMESH_START_ENABLED
              Value: '1'
            - Name: APPMESH_IGNORE_UID
              Value: '1337'
            - Name: APPMESH_ENVOY_INGRESS_PORT
              Value: '15000'
            - Name: APPMESH_ENVOY_EGRESS_PORT
              Value: '15001'
            - Name: APPMESH_APP_PORTS
              Value: !Ref AppPort
            - Name: APPMESH_EGRESS_IGNORED_IP
              Value: 169.254.170.2,169.254.169.254
          LogConfiguration:
            LogDriver: awslogs
            Options:
              awslogs-group:
                Fn::ImportValue: !Sub '${{EnvironmentName}}:ECSServiceLogGroup'
              awslogs-region: !Ref AWS::Region
              awslogs-stream-prefix: white-redirect
"
    )
}

/// How ECS's redirection begins and ends in the template.
const FIRST: &str = "      # All TCP of the app goes through Envoy;";
const LAST: &str = "            Value: 169.254.170.2,169.254.169.254\n";

fn without_proxy_configuration(template: &str) -> String {
    let start = place(template, FIRST);
    let end = place(template, LAST) + LAST.len();
    [&template[..start], &template[end..]].concat()
}

/// The text with its first such lines replaced.
fn cut(text: &str, lines: &str, by: &str) -> String {
    let start = place(text, lines);
    [&text[..start], by, &text[start + lines.len()..]].concat()
}

/// The template is ours, so that what is missing in it is a bug.
fn place(text: &str, part: &str) -> usize {
    text.find(part)
        .unwrap_or_else(|| panic!("the template has no `{part}`"))
}
