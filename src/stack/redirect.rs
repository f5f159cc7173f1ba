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
        Redirect::Ports => with_ports(template),
    };
    let text = match &config.capacity_provider {
        None => text,
        Some(provider) => on_own_capacity(&text, &scalar(provider.as_str())),
    };
    gateway_waits(&text, config)
}

/// The cluster's template: what names its tasks may ask for.
pub(super) fn cluster(template: &str, config: &Config) -> String {
    if config.capacity_provider.is_none() {
        return template.to_owned();
    }
    cut(template, STS_NAME, &[STS_NAME, &agents_names()].concat())
}

fn with_ports(template: &str) -> String {
    let text = cut(&without_proxy_configuration(template), EGRESS_MAPPING, "");
    let text = cut(&text, ENVOY, ENVOY_WITH_LOW_PORTS);
    let text = cut(&text, DESCRIPTORS, MORE_DESCRIPTORS);
    before_outputs(&text, ENVOYS_RULES)
}

/// The rules by which the gateway reaches Envoy's own port, to which nothing is
/// led. Beside the service they are there before a gateway dials it and until
/// none does any more: what a stack loses goes when all its updates are done.
const ENVOYS_RULES: &str =
    "  # The gateway dials the port of the app's Envoy itself. CloudFormation makes
  # these rules before the gateway that needs them, and takes them away after it.

  EnvoyIngress:
    Type: AWS::EC2::SecurityGroupIngress
    Properties:
      Description: The app's Envoy, from inside the VPC
      GroupId:
        Fn::ImportValue: !Sub '${EnvironmentName}:ECSServiceSecurityGroup'
      IpProtocol: tcp
      FromPort: 15000
      ToPort: 15000
      CidrIp:
        Fn::ImportValue: !Sub '${EnvironmentName}:VpcCIDR'

  EnvoyEgress:
    Type: AWS::EC2::SecurityGroupEgress
    Properties:
      Description: From the gateway to the app's Envoy
      GroupId:
        Fn::ImportValue: !Sub '${EnvironmentName}:ECSServiceSecurityGroup'
      IpProtocol: tcp
      FromPort: 15000
      ToPort: 15000
      CidrIp:
        Fn::ImportValue: !Sub '${EnvironmentName}:VpcCIDR'

";

/// The services on a capacity provider of the user's. ECS takes none from a
/// cluster while a service uses it, so what ties it to the cluster stands
/// beside the services, which wait for it and go before it.
fn on_own_capacity(text: &str, provider: &str) -> String {
    let strategy = format!(
        "      CapacityProviderStrategy:
        - CapacityProvider: {provider}
          Weight: 1
"
    );
    let text = text
        .replace("      LaunchType: FARGATE\n", &strategy)
        .replace(
            "RequiresCompatibilities: [FARGATE]",
            "RequiresCompatibilities: [EC2]",
        );
    let waits = format!("{APP_SERVICE}    DependsOn: ClusterCapacity\n");
    let text = cut(&text, APP_SERVICE, &waits);
    let capacity = format!(
        "  # ECS takes a capacity provider from a cluster only when no service uses it:
  # the services go first.

  ClusterCapacity:
    Type: AWS::ECS::ClusterCapacityProviderAssociations
    Properties:
      Cluster:
        Fn::ImportValue: !Sub '${{EnvironmentName}}:ECSCluster'
      CapacityProviders: [{provider}]
      DefaultCapacityProviderStrategy: []

"
    );
    before_outputs(&text, &capacity)
}

/// One resource more.
fn before_outputs(text: &str, resources: &str) -> String {
    cut(text, OUTPUTS, &[resources, OUTPUTS].concat())
}

const OUTPUTS: &str = "Outputs:\n";

const APP_SERVICE: &str = "  ColorTellerWhiteService:
    Type: AWS::ECS::Service
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

const GATEWAY_WAITS: &str = "    DependsOn: ReadinessIngress\n";

/// What the gateway's service waits for besides the load balancer's rule.
fn gateway_waits(text: &str, config: &Config) -> String {
    let mut waits = vec!["ReadinessIngress"];
    if config.mesh.redirect == Redirect::Ports {
        waits.extend(["EnvoyIngress", "EnvoyEgress"]);
    }
    if config.capacity_provider.is_some() {
        waits.push("ClusterCapacity");
    }
    match waits.as_slice() {
        [_] => text.to_owned(),
        all => {
            let lines = format!("    DependsOn: [{}]\n", all.join(", "));
            cut(text, GATEWAY_WAITS, &lines)
        }
    }
}

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

/// How many files the app's Envoy may have open: each of its two workers has a
/// socket for each port on loopback, of which there may be ten thousand.
const DESCRIPTORS: &str = "              HardLimit: 15000
              SoftLimit: 15000
";
const MORE_DESCRIPTORS: &str = "              HardLimit: 35000
              SoftLimit: 35000
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
