//! From settings to stacks as CloudFormation takes them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{
    Capability, ParameterValue, Processor, Role, StackName, environment, external, links,
    parameters, redirect, section, way_out,
};
use crate::config::{Config, Nat};
use crate::diag::{Diagnostic, Diagnostics, Source};
use crate::yaml;

/// The tag of all that is ours; its value is the environment.
pub const OWNER_TAG: &str = "colormesh:environment";
/// The tag with the version that changed a stack last. Another version alone is
/// no reason to change it.
pub const VERSION_TAG: &str = "colormesh:version";

/// A stack with everything that CloudFormation is to be told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedStack {
    /// Its name.
    pub name: StackName,
    /// What it is for.
    pub role: Role,
    /// The template's text, for people. [`RenderedStack::minified`] is shorter.
    pub template: String,
    /// What the template is told. Parameters that keep their default may be absent.
    pub parameters: BTreeMap<String, ParameterValue>,
    /// What CloudFormation wants to be told that the template does.
    pub capabilities: Vec<Capability>,
    /// Tags of the stack, which its resources inherit.
    pub tags: BTreeMap<String, String>,
    /// Whether it is protected from deletion; `None` leaves that as it is.
    pub termination_protection: Option<bool>,
    /// Names of the values that it exports.
    pub exports: BTreeSet<String>,
    /// Names of the values that it imports.
    pub imports: BTreeSet<String>,
}

/// The stacks of an environment, each after those that it needs.
pub fn render(config: &Config) -> Result<Vec<RenderedStack>, Diagnostics> {
    check_names(config)?;
    Role::ALL
        .into_iter()
        .filter(|role| role.is_wanted(config))
        .map(|role| rendered(role, config))
        .collect()
}

/// The stacks that these settings do not want and other settings made, if they
/// are there: what goes.
pub fn unwanted(config: &Config) -> Result<Vec<RenderedStack>, Diagnostics> {
    let mut once = config.clone();
    once.vpc.nat = Nat::PerZone;
    Role::ALL
        .into_iter()
        .filter(|role| !role.is_wanted(config))
        .map(|role| rendered(role, &once))
        .collect()
}

fn rendered(role: Role, config: &Config) -> Result<RenderedStack, Diagnostics> {
    let template = text(role, config)?;
    let mut parameters = parameters::parameters(role, config)?;
    let links = links::links(role, &parameters)?;
    if role == Role::EcsCluster {
        let names = way_out::lists(config)?;
        let names = way_out::values(&names);
        parameters.extend(names.map(|(name, value)| (name, ParameterValue::Known(value))));
    }
    Ok(RenderedStack {
        name: role.stack_name(config),
        role,
        template,
        parameters,
        capabilities: role.capabilities(),
        tags: tags(config),
        termination_protection: config.stacks.termination_protection,
        exports: links.exports,
        imports: links.imports,
    })
}

/// Ours, and the user's.
fn tags(config: &Config) -> BTreeMap<String, String> {
    let ours = [
        (OWNER_TAG, config.environment.to_string()),
        (VERSION_TAG, env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let ours = ours.map(|(name, value)| (name.to_owned(), value));
    config.tags.clone().into_iter().chain(ours).collect()
}

/// The template with the external services written into it.
fn text(role: Role, config: &Config) -> Result<String, Diagnostics> {
    let template = role.template();
    let services = config.external_services.as_slice();
    Ok(match role {
        Role::Mesh => {
            let text = section::replace(template, "backends", &external::backends(services));
            section::replace(&text, "external services", &external::resources(services))
        }
        Role::EcsService => {
            let text = redirect::service(template, config);
            section::replace(&text, "external services", &told(config))
        }
        Role::EcsCluster => cluster(template, config)?,
        Role::Vpc | Role::EcrRepositories | Role::Ingress | Role::Nat => template.to_owned(),
    })
}

/// The cluster's template with the ports and names that may be left for, and
/// what may be pulled.
fn cluster(template: &str, config: &Config) -> Result<String, Diagnostics> {
    let lists = way_out::lists(config)?;
    let template = redirect::cluster(template, config);
    let text = section::replace(&template, "egress ports", &way_out::ports(config));
    let text = section::replace(&text, "image repositories", &repositories(config));
    let text = section::replace(&text, "name parameters", &way_out::declarations(&lists));
    let text = section::replace(&text, "name lists", &way_out::resources(&lists));
    Ok(section::replace(
        &text,
        "name rules",
        &way_out::rules(&lists),
    ))
}

/// The repositories that tasks pull from besides the environment's own, as
/// lines of a list.
fn repositories(config: &Config) -> String {
    let arns = parameters::image_repositories(config);
    arns.iter()
        .map(|arn| format!("                  - {}\n", section::scalar(arn)))
        .collect()
}

/// What the app is told of the services. An image of the user's own knows by
/// itself whom it calls: its task stays when the list changes, unless it has to
/// know the services' ports.
fn told(config: &Config) -> String {
    match config.app.image {
        None => environment::lines(config),
        Some(_) => environment::port_lines(config),
    }
}

/// The app's own virtual node, as the mesh template names it.
const APP_NODE: &str = "ColorTellerWhite";

/// A service's node is called by the service's name, which the app's node has not to lose.
fn check_names(config: &Config) -> Result<(), Diagnostics> {
    let taken = config
        .external_services
        .iter()
        .any(|service| service.name == APP_NODE);
    if !taken {
        return Ok(());
    }
    Err(
        Diagnostic::error(format!("`{APP_NODE}` is the app's own name in the mesh"))
            .help("give the external service another name")
            .into(),
    )
}

// === impl RenderedStack ===

impl RenderedStack {
    /// Takes what a registry says of an image of the user's own.
    pub fn take_image(&mut self, image: &str, processor: Processor) {
        if self.role == Role::EcsService {
            for (name, value) in parameters::of_image(image, processor) {
                self.parameters.insert(name.to_owned(), value);
            }
        }
    }

    /// The parameters whose values are known before anything is deployed.
    pub fn known_parameters(&self) -> BTreeMap<String, String> {
        let known = |(name, value): (&String, &ParameterValue)| match value {
            ParameterValue::Known(value) => Some((name.clone(), value.clone())),
            ParameterValue::AppImage | ParameterValue::PushedImage(_) => None,
        };
        self.parameters.iter().filter_map(known).collect()
    }

    /// The template as JSON without a space too many, for requests with a
    /// limit.
    pub fn minified(&self) -> String {
        yaml::to_json(&self.tree()).to_string()
    }

    /// The types of its resources, and of the parameters that are looked up.
    pub fn types(&self) -> BTreeSet<String> {
        let tree = self.tree();
        let sections = ["Resources", "Parameters"].iter();
        let typed = sections
            .filter_map(|section| tree.get(section))
            .flat_map(yaml::Node::entries);
        typed
            .filter_map(|(_, each)| each.get("Type")?.as_str())
            .filter(|name| name.starts_with("AWS::"))
            .map(str::to_owned)
            .collect()
    }

    fn tree(&self) -> yaml::Node {
        let source = Arc::new(Source::new(self.role.file_name(), self.template.as_str()));
        yaml::parse(&source).expect("a rendered template is YAML")
    }
}
