//! What the settings are once they are checked, and the walkthrough as their default.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::words::words;
use super::{
    AccountId, Caller, CapacityProviderName, Cidr, Color, DomainName, EnvironmentName,
    ExternalService, ImageName, ImageReference, IpPreference, KeyPairName, MeshName, ProfileName,
    Protocol, Region, StacksConfig, UrlPath,
};

/// Everything that the other rooms ask of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// What the stacks' names start with.
    pub environment: EnvironmentName,
    /// Where it is deployed.
    pub target: Target,
    /// The AWS region.
    pub region: Region,
    /// The account that the caller's must be, when it is given.
    pub account_id: Option<AccountId>,
    /// The accounts one of which the caller's must be; any when it is empty.
    pub allowed_accounts: Vec<AccountId>,
    /// The profile of the AWS configuration to take credentials from.
    pub profile: Option<ProfileName>,
    /// The mesh.
    pub mesh: MeshConfig,
    /// The private DNS domain of the mesh's own services.
    pub services_domain: DomainName,
    /// The app behind the gateway.
    pub app: App,
    /// The services outside that the app may reach.
    pub external_services: Vec<ExternalService>,
    /// The key pair of the bastion; `None` for no key at all.
    pub key_pair: Option<KeyPairName>,
    /// The capacity provider whose EC2 instances run the tasks; Fargate when
    /// there is none.
    pub capacity_provider: Option<CapacityProviderName>,
    /// The image of the sidecars.
    pub envoy_image: ImageReference,
    /// The host through which the private subnets are reached.
    pub bastion: Bastion,
    /// The network.
    pub vpc: Vpc,
    /// What is asked of CloudFormation for each stack.
    pub stacks: StacksConfig,
    /// The user's tags of everything.
    pub tags: BTreeMap<String, String>,
    /// What the outside world is on the local target.
    pub internet: Internet,
}

/// Settings of the mesh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeshConfig {
    /// Its name.
    pub name: MeshName,
    /// What becomes of connections to a host that is not modelled.
    pub egress: Egress,
    /// How `tcp` services are told apart.
    pub matching: Matching,
    /// Who runs the mesh.
    pub runtime: MeshRuntime,
    /// How the app's connections come to its Envoy.
    pub redirect: Redirect,
    /// The image of the container that redirects them, where one does.
    pub redirect_image: ImageReference,
}

/// Settings of the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// The ECR repository that its image is pushed to.
    pub image_name: ImageName,
    /// An image of the user's own instead of the colour app.
    pub image: Option<ImageReference>,
    /// The port that it listens on.
    pub port: u16,
    /// The path that answers 200 when it is healthy.
    pub health_path: UrlPath,
    /// What the colour app answers.
    pub color: Color,
}

/// Settings of the bastion host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bastion {
    /// Whether there is one.
    pub enabled: bool,
    /// Who may open SSH to it; nobody when `None`, and Session Manager is the way in.
    pub ssh_from: Option<Cidr>,
}

/// Settings of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vpc {
    /// Its addresses.
    pub cidr: Cidr,
    /// How the private subnets reach the internet.
    pub nat: Nat,
}

words! {
    /// Where the environment is deployed.
    Target is "a target" {
        /// This machine.
        Local = "local",
        /// AWS, or what answers in its place.
        Aws = "aws",
    }
}

words! {
    /// What becomes of connections to a host that is not modelled, in App Mesh's words.
    Egress is "an egress filter" {
        /// They are refused and logged.
        DropAll = "DROP_ALL",
        /// They pass.
        AllowAll = "ALLOW_ALL",
    }
}

words! {
    /// How `tcp` services are told apart.
    Matching is "a way of matching" {
        /// By port and, where it is TLS, by server name.
        Sni = "sni",
        /// By port alone, as App Mesh did.
        Port = "port",
    }
}

words! {
    /// Who runs the mesh.
    MeshRuntime is "a mesh runtime" {
        /// App Mesh where it answers, else Envoy.
        Auto = "auto",
        /// App Mesh's control plane.
        AppMesh = "app-mesh",
        /// Envoys with the configuration that is compiled here.
        Envoy = "envoy",
    }
}

words! {
    /// How the app's connections come to its Envoy on ECS.
    Redirect is "a way to Envoy" {
        /// ECS redirects them, by the task definition's `ProxyConfiguration`.
        ProxyConfiguration = "proxy-configuration",
        /// A container that comes first installs what ECS would; it needs a
        /// capability that Fargate gives nobody.
        InitContainer = "init-container",
        /// Not at all: the app connects to a port on loopback for each service.
        Ports = "ports",
    }
}

words! {
    /// How the private subnets reach the internet.
    Nat is "a number of NAT gateways" {
        /// One NAT gateway for all zones.
        One = "one",
        /// A NAT gateway in each zone.
        PerZone = "per_zone",
        /// Not at all.
        None = "none",
    }
}

words! {
    /// What the outside world is on the local target.
    Internet is "a kind of internet" {
        /// The real one where it can be reached, else stand-ins.
        Auto = "auto",
        /// The real one.
        Real = "real",
        /// A server on this machine for each modelled host and for one that is not.
        StandIn = "stand-in",
    }
}

/// AWS's own image for that, which only its registry in this region is known
/// to have.
const ROUTE_MANAGER: &str =
    "840364872350.dkr.ecr.us-west-2.amazonaws.com/aws-appmesh-proxy-route-manager:v7-prod";

// === impl MeshConfig ===

impl MeshConfig {
    /// The image of the container that redirects, where one does.
    pub fn redirecting_image(&self) -> Option<&ImageReference> {
        (self.redirect == Redirect::InitContainer).then_some(&self.redirect_image)
    }
}

// === impl Config ===

/// The walkthrough.
impl Default for Config {
    fn default() -> Self {
        Self {
            environment: known("AppMeshExternalExample"),
            target: Target::Local,
            region: known("us-west-2"),
            account_id: None,
            allowed_accounts: Vec::new(),
            profile: None,
            mesh: MeshConfig {
                name: known("ColorApp-External-Traffic"),
                egress: Egress::DropAll,
                matching: Matching::Sni,
                runtime: MeshRuntime::Auto,
                redirect: Redirect::ProxyConfiguration,
                redirect_image: known(ROUTE_MANAGER),
            },
            services_domain: known("default.svc.cluster.local"),
            app: App {
                image_name: known("colorteller"),
                image: None,
                port: 80,
                health_path: known("/ping"),
                color: known("white"),
            },
            external_services: vec![
                walkthrough_service("github", "github.com", None),
                walkthrough_service("godev", "go.dev", Some(444)),
            ],
            key_pair: Some(known("color-app")),
            capacity_provider: None,
            envoy_image: known("docker.io/envoyproxy/envoy:v1.40.0"),
            bastion: Bastion {
                enabled: true,
                ssh_from: None,
            },
            vpc: Vpc {
                cidr: known("10.0.0.0/16"),
                nat: Nat::PerZone,
            },
            stacks: StacksConfig::default(),
            tags: BTreeMap::new(),
            internet: Internet::Auto,
        }
    }
}

fn walkthrough_service(name: &str, host: &str, via_port: Option<u16>) -> ExternalService {
    ExternalService {
        name: known(name),
        host: known(host),
        port: 443,
        protocol: Protocol::Tcp,
        tls: true,
        ip_preference: IpPreference::Ipv4Only,
        via_port,
        local_port: None,
        nodes: [Caller::App].into(),
    }
}

/// A value of ours that its own type accepts.
fn known<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("the defaults pass their own checks")
}
