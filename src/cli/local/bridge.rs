//! Between the account, which says what should be, and the runtime, which
//! makes it so. Carries wishes one way and what is seen the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::balancers::balancers;
use super::carried;
use super::images::Images;
use crate::account::Account;
use crate::account::desired::{
    Desired, DesiredContainer, DesiredTask, DnsName, MeshResource, Observed, ObservedContainer,
    ObservedTask, TaskStatus,
};
use crate::image::Owner;
use crate::mesh::{MeshName, ProxyId, Resource};
use crate::runtime::{
    self, AppSpec, CarriedProxy, NetworkId, Runtime, SidecarState, TargetHealth, TaskId, TaskSpec,
    TaskState,
};

/// How long ECS lets a container end by itself when the task does not say.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// Where every container engine looks for programs.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The names of a network, and the tasks behind them.
type Names = BTreeMap<String, BTreeSet<TaskId>>;

/// What could not be handed to the runtime, by task: why.
type Refused = BTreeMap<String, String>;

/// Carries until the account is gone.
pub(super) async fn run(account: Account, runtime: Arc<Runtime>, images: Images) {
    let mut desired = account.desired();
    let mut observed = runtime.observed();
    let mut refused = Refused::new();
    let mut resources = Resources::default();
    desired.mark_changed();
    loop {
        tokio::select! {
            changed = desired.changed() => {
                if changed.is_err() { return }
                let now = Arc::clone(&desired.borrow_and_update());
                refused = hand_over(&now, &runtime, &images, &mut resources).await;
            }
            changed = observed.changed() => {
                if changed.is_err() { return }
            }
        }
        let seen = Arc::clone(&observed.borrow_and_update());
        let wanted = Arc::clone(&desired.borrow());
        account.observe(report(&wanted, &seen, &refused));
    }
}

/// Gives the runtime everything that can be run; says what cannot, and why.
async fn hand_over(
    desired: &Desired,
    runtime: &Runtime,
    images: &Images,
    resources: &mut Resources,
) -> Refused {
    let mut refused = Refused::new();
    let mut tasks = Vec::new();
    for task in &desired.tasks {
        match task_spec(task, images).await {
            Ok(spec) => tasks.push(spec),
            Err(reason) => {
                refused.insert(task.task_arn.clone(), reason);
            }
        }
    }
    let load_balancers = desired
        .load_balancers
        .iter()
        .flat_map(|balancer| balancers(balancer));
    runtime.apply(runtime::Desired {
        tasks,
        load_balancers: load_balancers.collect(),
        mesh: resources.of(desired),
        mesh_version: desired.mesh_version,
        names: names(desired),
        domains: domains(desired),
    });
    refused
}

async fn task_spec(task: &DesiredTask, images: &Images) -> Result<TaskSpec, String> {
    let carried = match &task.mesh_resource {
        Some(_) => None,
        None => carried::proxy(task, images).await?,
    };
    let (mesh, proxy) = identity(task, carried.as_ref())?;
    let is_app = |container: &&DesiredContainer| {
        let others = [&task.proxy_container, &task.redirecting_container];
        !others.contains(&&Some(container.name.clone()))
    };
    let mut apps = task.containers.iter().filter(is_app);
    let app = match apps.next() {
        Some(container) => Some(app_spec(container, images).await?),
        None => None,
    };
    if let Some(second) = apps.next() {
        return Err(format!(
            "container `{}`: the local target runs one container beside the proxy",
            second.name
        ));
    }
    Ok(TaskSpec {
        id: TaskId::new(&task.task_arn),
        mesh,
        proxy,
        network: NetworkId::new(&task.vpc),
        address: task.address,
        app,
        carried: carried.map(Arc::new),
    })
}

/// The node or gateway that a task is.
fn identity(
    task: &DesiredTask,
    carried: Option<&CarriedProxy>,
) -> Result<(MeshName, ProxyId), String> {
    let resource = match (&task.mesh_resource, carried) {
        (Some(resource), _) => resource.clone(),
        (None, Some(carried)) => match carried.configuration.identity() {
            Some(identity) => return Ok(identity),
            None => format!("mesh/{}/virtualNode/{}", task.cluster, task.service_name),
        },
        (None, None) => {
            return Err("no container is a proxy: one names its part of the mesh \
                 (`APPMESH_RESOURCE_ARN`), or has `EntryPoint: [envoy]` and its configuration"
                .to_owned());
        }
    };
    ProxyId::parse(&resource).map_err(|error| error.to_string())
}

async fn app_spec(container: &DesiredContainer, images: &Images) -> Result<AppSpec, String> {
    let image = images.unpacked(&container.image).await;
    let image =
        image.map_err(|why| format!("CannotPullContainerError: {}: {why}", container.image))?;
    let process = &image.config.config;
    let entry_point = if container.entry_point.is_empty() {
        &process.entrypoint
    } else {
        &container.entry_point
    };
    let command = match (
        container.command.is_empty(),
        container.entry_point.is_empty(),
    ) {
        (false, _) => container.command.as_slice(),
        (true, true) => process.cmd.as_slice(),
        // An entry point of the task's own takes the image's arguments away.
        (true, false) => &[],
    };
    let user = container.user.as_deref().unwrap_or(&process.user);
    let owner = Owner::find(user, &image.root).map_err(|error| error.to_string())?;
    let directory = Some(process.working_dir.as_str()).filter(|directory| !directory.is_empty());
    Ok(AppSpec {
        rootfs: image.root.clone(),
        command: entry_point.iter().chain(command).cloned().collect(),
        environment: environment(&process.env, &container.environment),
        working_directory: directory.map(Into::into),
        user: owner.user,
        group: owner.group,
        read_only: container.read_only,
        port: container.ports.first().copied().unwrap_or(80),
        stop_timeout: container
            .stop_timeout
            .map_or(STOP_TIMEOUT, |seconds| Duration::from_secs(seconds.into())),
    })
}

/// The image's variables with the task's over them; programs are looked for
/// at the usual places when neither says where.
fn environment(image: &[String], task: &[(String, String)]) -> Vec<(String, String)> {
    let usual = [("PATH".to_owned(), PATH.to_owned())];
    let image = image
        .iter()
        .filter_map(|variable| variable.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let variables = usual.into_iter().chain(image).chain(task.iter().cloned());
    let variables: BTreeMap<String, String> = variables.collect();
    variables.into_iter().collect()
}

/// The mesh's resources as the runtime knows them, each read once: a mesh of
/// thousands changes a few at a time.
#[derive(Default)]
struct Resources(BTreeMap<String, (Arc<MeshResource>, Arc<Resource>)>);

impl Resources {
    fn of(&mut self, desired: &Desired) -> Vec<Arc<Resource>> {
        let mut before = std::mem::take(&mut self.0);
        let mut all = Vec::with_capacity(desired.meshes.len());
        for resource in &desired.meshes {
            let made = match before.remove(&resource.arn) {
                Some((of, made)) if Arc::ptr_eq(&of, resource) => made,
                _ => Arc::new(mesh_resource(resource)),
            };
            all.push(Arc::clone(&made));
            self.0
                .insert(resource.arn.clone(), (Arc::clone(resource), made));
        }
        all
    }
}

fn mesh_resource(resource: &MeshResource) -> Resource {
    Resource {
        logical_id: resource
            .arn
            .rsplit(':')
            .next()
            .unwrap_or_default()
            .to_owned(),
        resource_type: resource.resource_type.clone(),
        properties: resource.properties.clone(),
    }
}

fn names(desired: &Desired) -> BTreeMap<NetworkId, Names> {
    let mut names: BTreeMap<NetworkId, Names> = BTreeMap::new();
    let mut add = |name: DnsName, task: Option<TaskId>| {
        let network = names.entry(NetworkId::new(name.vpc)).or_default();
        network.entry(name.name).or_default().extend(task);
    };
    for name in desired.dns.keys() {
        add(name.clone(), None);
    }
    for task in &desired.tasks {
        let id = TaskId::new(&task.task_arn);
        task.names().for_each(|name| add(name, Some(id.clone())));
    }
    names
}

/// What follows the first label of a registered name is its namespace.
fn domains(desired: &Desired) -> BTreeSet<String> {
    let registered = desired.tasks.iter().flat_map(|task| task.names());
    let names = desired.dns.keys().cloned().chain(registered);
    names
        .filter_map(|name| Some(name.name.split_once('.')?.1.to_owned()))
        .collect()
}

fn report(desired: &Desired, seen: &runtime::Observed, refused: &Refused) -> Observed {
    let mut observed = Observed::default();
    for (id, state) in &seen.tasks {
        let wanted = desired
            .tasks
            .iter()
            .find(|task| task.task_arn == id.as_str());
        observed
            .tasks
            .insert(id.to_string(), task(state, wanted.map(Arc::as_ref)));
    }
    for (arn, reason) in refused {
        let stopped = ObservedTask {
            status: TaskStatus::Stopped,
            reason: Some(reason.clone()),
            ..ObservedTask::default()
        };
        observed.tasks.insert(arn.clone(), stopped);
    }
    for balancer in seen.load_balancers.values() {
        for ((group, task), health) in &balancer.targets {
            let healthy = *health == TargetHealth::Healthy;
            observed
                .targets
                .insert((group.to_string(), task.to_string()), healthy);
        }
    }
    observed
}

fn task(state: &TaskState, wanted: Option<&DesiredTask>) -> ObservedTask {
    let (status, reason) = match &state.status {
        runtime::TaskStatus::Provisioning => (TaskStatus::Pending, None),
        runtime::TaskStatus::Running => (TaskStatus::Running, None),
        runtime::TaskStatus::Stopped { reason } => (TaskStatus::Stopped, Some(reason.clone())),
    };
    let refusal = match &state.mesh {
        runtime::MeshState::Refused { reason } => Some(reason.clone()),
        runtime::MeshState::Pending | runtime::MeshState::Applied => None,
    };
    let containers = wanted
        .map(|wanted| containers(state, wanted))
        .unwrap_or_default();
    ObservedTask {
        status,
        healthy: state.healthy,
        reason: reason.or(refusal),
        containers,
    }
}

fn containers(state: &TaskState, wanted: &DesiredTask) -> BTreeMap<String, ObservedContainer> {
    let container = |container: &DesiredContainer| {
        let is_proxy = Some(&container.name) == wanted.proxy_container.as_ref();
        let redirects = Some(&container.name) == wanted.redirecting_container.as_ref();
        // The runtime redirects before it starts anything, and it is done.
        let redirected = redirects && state.processes.sidecar.is_some();
        let (running, healthy) = if redirects {
            (false, None)
        } else if is_proxy {
            let live = state.sidecar == SidecarState::Live;
            (state.processes.sidecar.is_some(), Some(live))
        } else {
            let healthy = container.health_check.is_some().then_some(state.healthy);
            (state.processes.app.is_some(), healthy)
        };
        let observed = ObservedContainer {
            running,
            healthy,
            exit_code: redirected.then_some(0),
            image_digest: digest(container),
        };
        (container.name.clone(), observed)
    };
    wanted.containers.iter().map(container).collect()
}

fn digest(container: &DesiredContainer) -> Option<String> {
    container
        .image
        .split_once('@')
        .map(|(_, digest)| digest.to_owned())
}
