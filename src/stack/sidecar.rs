//! The stacks of a mesh without App Mesh: each Envoy has its configuration in
//! its task definition, or in an image of ours where it is too long for that.
//!
//! What the configurations are is compiled by others, from the mesh stack as
//! it would be with App Mesh.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::section;
use super::{ParameterValue, RenderedStack, Role};

/// Where an image of ours has the configuration.
pub const CONFIGURATION_FILE: &str = "/etc/colormesh/envoy.json";

/// The longest mesh that stands in the mesh stack's template, in bytes. It
/// leaves a third of the longest template, for what is around it.
const LONGEST_RECORD: usize = 32 * 1024;

/// How the Envoys of the service stack come to their configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sidecars {
    /// Beside the colour teller.
    pub teller: Sidecar,
    /// The gateway.
    pub gateway: Sidecar,
    /// What they were compiled from: resources of App Mesh by logical id.
    pub mesh: Json,
}

/// One Envoy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sidecar {
    /// The digest of its configuration.
    pub digest: String,
    /// Where the configuration is.
    pub carrier: Carrier,
}

/// What brings a configuration into a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carrier {
    /// The task definition: the configuration as one line of JSON.
    Command(String),
    /// An image of ours, by its digest.
    Image(String),
}

/// The Envoys of the service stack.
#[derive(Clone, Copy)]
enum Proxy {
    Teller,
    Gateway,
}

// === impl RenderedStack ===

impl RenderedStack {
    /// Takes the configurations, in place of what App Mesh would tell the
    /// Envoys.
    pub fn take_sidecars(&mut self, sidecars: &Sidecars) {
        match self.role {
            Role::Mesh => self.take_record(sidecars),
            Role::EcsService => self.take_configurations(sidecars),
            Role::EcsCluster => self.leave_app_mesh_out(),
            Role::Vpc | Role::EcrRepositories | Role::Ingress | Role::Nat => {}
        }
    }

    /// Nobody asks App Mesh for anything.
    fn leave_app_mesh_out(&mut self) {
        self.parameters.remove("AppMeshMeshName");
        for name in ["app mesh parameters", "app mesh names", "app mesh policy"] {
            self.template = section::replace(&self.template, name, "");
        }
    }

    fn take_record(&mut self, sidecars: &Sidecars) {
        let template = include_str!("../../templates/mesh-envoy.yaml");
        let text = section::replace(template, "mesh", &record(&sidecars.mesh));
        self.template = section::replace(&text, "digests", &digests(sidecars));
        self.parameters.retain(|name, _| name == "MeshName");
    }

    fn take_configurations(&mut self, sidecars: &Sidecars) {
        let mut declared = String::new();
        self.parameters.remove("AppMeshMeshName");
        let image = self.parameters.remove("EnvoyImage");
        for (proxy, sidecar) in sidecars.both() {
            match &sidecar.carrier {
                Carrier::Command(_) if declared.contains("  EnvoyImage:\n") => {}
                Carrier::Command(_) => {
                    let text = parameter("EnvoyImage", "Image of the Envoy containers");
                    declared.insert_str(0, &text);
                    if let Some(image) = &image {
                        self.parameters
                            .insert("EnvoyImage".to_owned(), image.clone());
                    }
                }
                Carrier::Image(digest) => {
                    let name = proxy.image_parameter();
                    declared.push_str(&parameter(name, "Image with Envoy and its configuration"));
                    let value = ParameterValue::PushedImage(digest.clone());
                    self.parameters.insert(name.to_owned(), value);
                }
            }
            let lines = container(proxy, &sidecar.carrier);
            self.template = section::replace(&self.template, proxy.section(), &lines);
        }
        self.template = section::replace(&self.template, "sidecar parameters", &declared);
    }
}

// === impl Sidecars ===

impl Sidecars {
    fn both(&self) -> [(Proxy, &Sidecar); 2] {
        [
            (Proxy::Teller, &self.teller),
            (Proxy::Gateway, &self.gateway),
        ]
    }
}

// === impl Proxy ===

impl Proxy {
    fn section(self) -> &'static str {
        match self {
            Self::Teller => "colour teller sidecar",
            Self::Gateway => "gateway sidecar",
        }
    }

    fn image_parameter(self) -> &'static str {
        match self {
            Self::Teller => "ColorTellerEnvoyImage",
            Self::Gateway => "ColorGatewayEnvoyImage",
        }
    }

    fn output(self) -> &'static str {
        match self {
            Self::Teller => "ColorTellerWhiteConfiguration",
            Self::Gateway => "ColorGatewayConfiguration",
        }
    }
}

fn parameter(name: &str, description: &str) -> String {
    format!("  {name}:\n    Type: String\n    Description: {description}\n\n")
}

/// The lines of a container that say what it runs. The image's own entry point
/// would change the user, which only root can.
fn container(proxy: Proxy, carrier: &Carrier) -> String {
    let (image, source) = match carrier {
        Carrier::Command(json) => ("EnvoyImage", ["--config-yaml".to_owned(), quoted(json)]),
        Carrier::Image(_) => (
            proxy.image_parameter(),
            ["-c".to_owned(), CONFIGURATION_FILE.to_owned()],
        ),
    };
    let mut lines = format!(
        "          Image: !Ref {image}
          EntryPoint: [envoy]
          Command:
"
    );
    let rest = ARGUMENTS.iter().map(|word| quoted(word));
    for word in source.into_iter().chain(rest) {
        writeln!(lines, "            - {word}").expect("writing to a string succeeds");
    }
    lines
}

/// What Envoy is told besides. Two containers of a host would share what a hot
/// restart needs.
const ARGUMENTS: [&str; 7] = [
    "--concurrency",
    "2",
    "--disable-hot-restart",
    "--file-flush-interval-msec",
    "1000",
    "--log-level",
    "warning",
];

fn quoted(text: &str) -> String {
    if text.starts_with("--") || text.starts_with('/') || text == "warning" {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// The mesh, or how many resources it has where it is too long.
fn record(mesh: &Json) -> String {
    let text = serde_json::to_string_pretty(mesh).expect("JSON is written without failing");
    if text.len() <= LONGEST_RECORD {
        return format!("      Resources: {}\n", text.replace('\n', "\n      "));
    }
    let count = mesh.as_object().map_or(0, serde_json::Map::len);
    format!("      NumberOfResources: {count}\n")
}

fn digests(sidecars: &Sidecars) -> String {
    let output = |(proxy, sidecar): (Proxy, &Sidecar)| {
        let (name, digest) = (proxy.output(), &sidecar.digest);
        format!("  {name}:\n    Description: Digest of the configuration\n    Value: {digest}\n\n")
    };
    sidecars.both().map(output).concat()
}
