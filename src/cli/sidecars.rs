//! The mesh without App Mesh: the mesh stack as it would be is evaluated and
//! compiled here, and each Envoy gets its configuration by its task
//! definition, or by an image of ours where it is too long for that.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use serde_json::{Map, Value, json};

use super::mesh_runtime::Runtime;
use super::settings;
use crate::config::{Config, Redirect, Target};
use crate::diag::Source;
use crate::envoy::{LocalPorts, TaskPlacement, compile_task};
use crate::image::{Base, Derived, Digest, derive};
use crate::mesh::{Mesh, ProxyId, Resource};
use crate::stack::{self, CONFIGURATION_FILE, Carrier, RenderedStack, Role, Sidecar, Sidecars};
use crate::template::{Form, LogicalId, Scope, StaticScope, Template};

/// The longest configuration in a task definition, in bytes. ECS takes 64 KB
/// of one, in which each quotation mark counts twice.
const LONGEST_COMMAND: usize = 30 * 1024;
/// What is left free of a template.
const MARGIN: usize = 1024;

const TELLER: &str = "virtualNode/ColorTellerWhite";
const GATEWAY: &str = "virtualGateway/ColorGateway";

/// The stacks of an environment whose mesh is run in this way, and the images
/// that have to be pushed for them; refused where AWS would refuse them for
/// their size.
pub(crate) fn stacks(
    config: &Config,
    runtime: Runtime,
    base: Option<&Base>,
) -> Result<(Vec<RenderedStack>, Vec<Derived>)> {
    let (stacks, images) = stacks_of_any_size(config, runtime, base)?;
    if config.target == Target::Aws {
        let bucket = config.stacks.s3_bucket.as_ref();
        stack::check_limits(&stacks, bucket).map_err(|mistakes| settings::refused(&mistakes))?;
    }
    Ok((stacks, images))
}

/// The same without a look at their size.
pub(crate) fn stacks_of_any_size(
    config: &Config,
    runtime: Runtime,
    base: Option<&Base>,
) -> Result<(Vec<RenderedStack>, Vec<Derived>)> {
    let mut stacks = rendered(config)?;
    let images = match runtime {
        Runtime::AppMesh => Vec::new(),
        Runtime::Envoy => {
            let compiled = compile(&stacks, config, base)?;
            for stack in &mut stacks {
                stack.take_sidecars(&compiled.sidecars);
            }
            compiled.images
        }
    };
    Ok((stacks, images))
}

/// The stacks as the templates have them.
pub(crate) fn rendered(config: &Config) -> Result<Vec<RenderedStack>> {
    stack::render(config).map_err(|mistakes| settings::refused(&mistakes).into())
}

/// The configurations, and the images that have to be pushed for them.
struct Compiled {
    sidecars: Sidecars,
    images: Vec<Derived>,
}

/// Compiles the mesh of the rendered mesh stack. `base` is the image that
/// Envoy is in; without one, an image of ours has the configuration alone.
fn compile(stacks: &[RenderedStack], config: &Config, base: Option<&Base>) -> Result<Compiled> {
    let stack = stacks.iter().find(|stack| stack.role == Role::Mesh);
    let resources = evaluate(stack.context("there is no mesh stack")?)?;
    let meshes = Mesh::from_resources(&resources)
        .map_err(|problems| anyhow!("the mesh does not hold together: {problems:?}"))?;
    let mesh = meshes.values().next().context("there is no mesh")?;
    let mut images = Vec::new();
    let mut carried = |text: String, room| carried(text, room, config, base, &mut images);
    let (gateway, _) = configurations(mesh, GATEWAY, config)?;
    let room = room(stacks).saturating_sub(gateway.len());
    let gateway = carried(gateway, LONGEST_COMMAND);
    let (own, shared) = configurations(mesh, TELLER, config)?;
    let teller = if own.len() <= room { own } else { shared };
    let teller = carried(teller, room);
    let mesh = record(&resources);
    Ok(Compiled {
        sidecars: Sidecars {
            teller,
            gateway,
            mesh,
        },
        images,
    })
}

/// How long the configurations of the service stack may be together, so that
/// CloudFormation takes its template as it stands.
fn room(stacks: &[RenderedStack]) -> usize {
    let service = stacks.iter().find(|stack| stack.role == Role::EcsService);
    let taken = service.map_or(0, |stack| stack.template.len()) + MARGIN;
    stack::LONGEST_TEMPLATE
        .saturating_sub(taken)
        .min(LONGEST_COMMAND)
}

fn carried(
    text: String,
    room: usize,
    config: &Config,
    base: Option<&Base>,
    images: &mut Vec<Derived>,
) -> Sidecar {
    let digest = Digest::of(text.as_bytes()).to_string();
    let carrier = if text.len() <= room {
        Carrier::Command(text)
    } else {
        let file = CONFIGURATION_FILE.trim_start_matches('/');
        let image = derive(base, config.envoy_image.as_str(), file, text.as_bytes());
        let digest = image.digest().to_string();
        images.push(image);
        Carrier::Image(digest)
    };
    Sidecar { digest, carrier }
}

/// With a chain and a cluster for each service, and with those that services
/// can have together, which is shorter.
fn configurations(mesh: &Mesh, proxy: &str, config: &Config) -> Result<(String, String)> {
    let (_, proxy) = ProxyId::parse(&format!("mesh/{}/{proxy}", mesh.name))
        .context("the proxy's name is ours")?;
    let whole = |shares_chains| -> Result<String> {
        let placement = TaskPlacement {
            private_domains: vec![config.services_domain.to_string()],
            shares_chains,
            local_ports: local_ports(config),
        };
        let compiled = compile_task(mesh, &proxy, &placement);
        Ok(compiled.context("the mesh cannot be compiled")?.whole())
    };
    Ok((whole(false)?, whole(true)?))
}

/// Where the app finds each service when nothing leads it there.
fn local_ports(config: &Config) -> Option<LocalPorts> {
    let services = config.external_services.iter();
    let ports = services.filter_map(|service| {
        let called_at = (service.host.to_string(), service.listen_port());
        Some((called_at, service.local_port?))
    });
    (config.mesh.redirect == Redirect::Ports).then(|| ports.collect())
}

/// The resources of the mesh stack, their properties evaluated.
fn evaluate(stack: &RenderedStack) -> Result<Vec<Resource>> {
    let source = Arc::new(Source::new(stack.role.file_name(), stack.template.as_str()));
    let template = Template::parse(&source).map_err(|found| anyhow!("{found}"))?;
    let bound = template
        .check_parameters(&stack.known_parameters())
        .context("the mesh stack's parameters")?;
    let names = Names {
        template: &template,
        fixed: StaticScope::new(&bound),
    };
    let mut resources = Vec::new();
    for (id, resource) in &template.resources {
        let properties = template
            .evaluate(&resource.properties, &names)
            .with_context(|| format!("the mesh stack's `{id}`"))?;
        resources.push(Resource::new(
            id.as_str(),
            &resource.resource_type,
            properties,
        ));
    }
    Ok(resources)
}

/// The mesh for people, and to be compared with.
fn record(resources: &[Resource]) -> Value {
    let entry = |resource: &Resource| {
        let value = json!({
            "Type": resource.resource_type,
            "Properties": resource.properties,
        });
        (resource.logical_id.clone(), value)
    };
    Value::Object(resources.iter().map(entry).collect::<Map<_, _>>())
}

/// A mesh stack by itself: a resource's name is the property of that name.
struct Names<'a> {
    template: &'a Template,
    fixed: StaticScope,
}

impl Scope for Names<'_> {
    fn parameter(&self, name: &str) -> Option<Value> {
        self.fixed.parameter(name)
    }

    fn pseudo(&self, name: &str) -> Option<String> {
        Scope::pseudo(&self.fixed, name)
    }

    fn resource(&self, id: &LogicalId) -> Option<String> {
        Some(id.to_string())
    }

    fn attribute(&self, id: &LogicalId, attribute: &str) -> Option<Value> {
        let resource = self.template.resources.get(id)?;
        let Form::Map(properties) = &resource.properties.form else {
            return None;
        };
        let property = properties.get(attribute)?;
        self.template.evaluate(property, self).ok()
    }

    fn import(&self, _: &str) -> Option<String> {
        None
    }

    fn zones(&self) -> Vec<String> {
        Vec::new()
    }
}
