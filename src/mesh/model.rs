//! The mesh as a whole, and how it is read from resources.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::read::{Fields, Log, Reader};
use super::tags::Tags;
use super::{
    GatewayRoute, GatewayRouteName, IpPreference, MeshName, Problem, Problems, ProxyId, Resource,
    Route, RouteName, Severity, VirtualGateway, VirtualGatewayName, VirtualNode, VirtualNodeName,
    VirtualRouter, VirtualRouterName, VirtualService, VirtualServiceName,
};

/// Everything that belongs to one mesh.
#[derive(Clone, Debug, PartialEq)]
pub struct Mesh {
    /// Its name.
    pub name: MeshName,
    /// What may leave it.
    pub egress: EgressFilter,
    /// How its connections are told apart.
    pub matching: Matching,
    /// Which addresses its nodes use, unless they say otherwise.
    pub ip_preference: Option<IpPreference>,
    /// Its nodes.
    pub nodes: BTreeMap<VirtualNodeName, VirtualNode>,
    /// Its services.
    pub services: BTreeMap<VirtualServiceName, VirtualService>,
    /// Its routers.
    pub routers: BTreeMap<VirtualRouterName, VirtualRouter>,
    /// Its routes, whose names are unique for a router.
    pub routes: BTreeMap<(VirtualRouterName, RouteName), Route>,
    /// Its gateways.
    pub gateways: BTreeMap<VirtualGatewayName, VirtualGateway>,
    /// Its gateways' routes, whose names are unique for a gateway.
    pub gateway_routes: BTreeMap<(VirtualGatewayName, GatewayRouteName), GatewayRoute>,
}

/// What may leave a mesh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EgressFilter {
    /// Connections to modelled services.
    #[default]
    DropAll,
    /// Everything.
    AllowAll,
}

/// How connections to `tcp` services are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Matching {
    /// By TLS server name, and by address where it is not TLS.
    #[default]
    ServerName,
    /// By port alone, as App Mesh did: whatever goes to a service's port goes
    /// to the service.
    Port,
}

// === impl Mesh ===

impl Mesh {
    /// Reads each mesh of the resources; the order of the resources does not matter.
    pub fn from_resources<R: Borrow<Resource>>(
        resources: &[R],
    ) -> Result<BTreeMap<MeshName, Self>, Problems> {
        let mut meshes = BTreeMap::new();
        let mut problems = Vec::new();
        let (roots, members): (Vec<_>, Vec<_>) = resources
            .iter()
            .map(Borrow::borrow)
            .partition(|resource: &&Resource| resource.resource_type == "AWS::AppMesh::Mesh");
        for resource in roots {
            let log = Log::new(&resource.logical_id);
            if let Some(mesh) = Self::read(resource, &log) {
                meshes.insert(mesh.name.clone(), mesh);
            }
            problems.extend(log.into_problems());
        }
        for resource in members {
            let log = Log::new(&resource.logical_id);
            read_member(resource, &mut meshes, &log);
            problems.extend(log.into_problems());
        }
        if problems.is_empty() {
            Ok(meshes)
        } else {
            Err(Problems(problems))
        }
    }

    fn new(name: MeshName) -> Self {
        Self {
            name,
            egress: EgressFilter::default(),
            matching: Matching::default(),
            ip_preference: None,
            nodes: BTreeMap::new(),
            services: BTreeMap::new(),
            routers: BTreeMap::new(),
            routes: BTreeMap::new(),
            gateways: BTreeMap::new(),
            gateway_routes: BTreeMap::new(),
        }
    }

    fn read(resource: &Resource, log: &Log) -> Option<Self> {
        let mut fields = Reader::new(&resource.properties, log).object()?;
        let name = own_name(&mut fields, "MeshName", resource);
        let tags = common(&mut fields);
        let spec = fields.optional("Spec");
        fields.finish();
        let mut mesh = Self::new(MeshName::new(name?));
        mesh.matching = tags.matching.unwrap_or_default();
        if let Some(spec) = spec {
            mesh.read_spec(&spec);
        }
        Some(mesh)
    }

    fn read_spec(&mut self, spec: &Reader<'_>) {
        let Some(mut fields) = spec.object() else {
            return;
        };
        let filter = fields.optional("EgressFilter").and_then(|r| r.object());
        let discovery = fields.optional("ServiceDiscovery").and_then(|r| r.object());
        fields.finish();
        if let Some(mut filter) = filter {
            let words = [
                ("DROP_ALL", EgressFilter::DropAll),
                ("ALLOW_ALL", EgressFilter::AllowAll),
            ];
            let egress = filter.required("Type").and_then(|r| r.choice(&words));
            filter.finish();
            self.egress = egress.unwrap_or_default();
        }
        if let Some(mut discovery) = discovery {
            let preference = discovery.optional("IpPreference");
            discovery.finish();
            self.ip_preference = preference.and_then(|r| IpPreference::read(&r));
        }
    }

    /// The virtual services that a backend's name stands for: the one of that
    /// name, and for `*.example.com` also those whose names are below it.
    pub fn services_of<'a>(
        &'a self,
        backend: &'a VirtualServiceName,
    ) -> impl Iterator<Item = &'a VirtualService> {
        let below = backend.as_str().strip_prefix('*');
        let others = below.into_iter().flat_map(|ending| {
            self.services
                .values()
                .filter(move |service| service.name.as_str().ends_with(ending))
        });
        let exact = below.is_none().then(|| self.services.get(backend));
        exact.flatten().into_iter().chain(others)
    }

    /// How many virtual services a proxy's application may reach.
    pub fn reach_of(&self, proxy: &ProxyId) -> usize {
        let node = match proxy {
            ProxyId::VirtualNode(name) => self.nodes.get(name),
            ProxyId::VirtualGateway(_) => None,
        };
        let backends = node.map(|node| node.backends.iter()).into_iter().flatten();
        backends
            .flat_map(|backend| self.services_of(backend))
            .count()
    }

    /// The routes of a router in the order in which they are tried.
    pub fn routes_of<'a>(&'a self, router: &'a VirtualRouterName) -> Vec<&'a Route> {
        let first = (router.clone(), RouteName::new(""));
        let mut found: Vec<&Route> = self
            .routes
            .range(first..)
            .map(|(_, route)| route)
            .take_while(|route| route.router == *router)
            .collect();
        found.sort_by_key(|route| super::rules::order(route.priority, &route.matching));
        found
    }

    /// The routes of a gateway in the order in which they are tried.
    pub fn gateway_routes_of(&self, gateway: &VirtualGatewayName) -> Vec<&GatewayRoute> {
        let mut routes: Vec<&GatewayRoute> = self
            .gateway_routes
            .values()
            .filter(|route| route.gateway == *gateway)
            .collect();
        routes.sort_by_key(|route| super::rules::gateway_order(route));
        routes
    }
}

fn read_member(resource: &Resource, meshes: &mut BTreeMap<MeshName, Mesh>, log: &Log) {
    let reader = Reader::new(&resource.properties, log);
    let Some(mut fields) = reader.object() else {
        return;
    };
    let mesh_name = fields.required("MeshName").and_then(|r| r.text(1..=255));
    let tags = common(&mut fields);
    let spec = fields.required("Spec");
    let Some(mut member) = Member::read(resource, &mut fields, spec.as_ref()) else {
        return;
    };
    if let (Member::Node(node), Some(transport)) = (&mut member, tags.transport) {
        node.set_transport(transport);
    }
    fields.finish();
    let Some(mesh_name) = mesh_name.map(MeshName::new) else {
        return;
    };
    // A mesh that another template or account owns is known by name only.
    let mesh = meshes
        .entry(mesh_name.clone())
        .or_insert_with(|| Mesh::new(mesh_name));
    if !member.insert_into(mesh) {
        reader.error("there is another resource of that type and name");
    }
}

/// A resource that belongs to a mesh.
enum Member {
    Node(VirtualNode),
    Service(VirtualService),
    Router(VirtualRouter),
    Route(Route),
    Gateway(VirtualGateway),
    GatewayRoute(GatewayRoute),
}

// === impl Member ===

impl Member {
    /// Reads the names that the type has, and its spec.
    fn read(
        resource: &Resource,
        fields: &mut Fields<'_>,
        spec: Option<&Reader<'_>>,
    ) -> Option<Self> {
        let Some(kind) = resource.resource_type.strip_prefix("AWS::AppMesh::") else {
            fields.error(format!(
                "`{}` is not a type of App Mesh",
                resource.resource_type
            ));
            return None;
        };
        let mut name = |key| own_name(fields, key, resource);
        match kind {
            "VirtualNode" => {
                let name = name("VirtualNodeName")?;
                VirtualNode::read(&name, spec?).map(Self::Node)
            }
            "VirtualService" => {
                let name = fields
                    .required("VirtualServiceName")
                    .and_then(|r| r.text(1..=255))?;
                VirtualService::read(&name, spec?).map(Self::Service)
            }
            "VirtualRouter" => {
                let name = name("VirtualRouterName")?;
                VirtualRouter::read(&name, spec?).map(Self::Router)
            }
            "Route" => {
                let name = name("RouteName")?;
                let router = fields
                    .required("VirtualRouterName")
                    .and_then(|r| r.string())?;
                Route::read(&name, &router, spec?).map(Self::Route)
            }
            "VirtualGateway" => {
                let name = name("VirtualGatewayName")?;
                VirtualGateway::read(&name, spec?).map(Self::Gateway)
            }
            "GatewayRoute" => {
                let name = name("GatewayRouteName")?;
                let gateway = fields
                    .required("VirtualGatewayName")
                    .and_then(|r| r.string())?;
                GatewayRoute::read(&name, &gateway, spec?).map(Self::GatewayRoute)
            }
            _ => {
                fields.error(format!(
                    "`{}` is not a type of App Mesh",
                    resource.resource_type
                ));
                None
            }
        }
    }

    /// Says whether the name was free.
    fn insert_into(self, mesh: &mut Mesh) -> bool {
        match self {
            Self::Node(node) => mesh.nodes.insert(node.name.clone(), node).is_none(),
            Self::Service(service) => mesh
                .services
                .insert(service.name.clone(), service)
                .is_none(),
            Self::Router(router) => mesh.routers.insert(router.name.clone(), router).is_none(),
            Self::Route(route) => {
                let key = (route.router.clone(), route.name.clone());
                mesh.routes.insert(key, route).is_none()
            }
            Self::Gateway(gateway) => mesh
                .gateways
                .insert(gateway.name.clone(), gateway)
                .is_none(),
            Self::GatewayRoute(route) => {
                let key = (route.gateway.clone(), route.name.clone());
                mesh.gateway_routes.insert(key, route).is_none()
            }
        }
    }
}

fn own_name(fields: &mut Fields<'_>, key: &'static str, resource: &Resource) -> Option<String> {
    match fields.optional(key) {
        Some(name) => name.text(1..=255),
        None => Some(resource.logical_id.clone()),
    }
}

/// The properties that every type has, of which only our own tags matter.
fn common(fields: &mut Fields<'_>) -> Tags {
    fields.optional("MeshOwner");
    let tags = fields.optional("Tags");
    tags.map(|reader| Tags::read(&reader)).unwrap_or_default()
}

impl Resource {
    /// A resource with its properties as JSON.
    pub fn new(logical_id: &str, resource_type: &str, properties: Value) -> Self {
        Self {
            logical_id: logical_id.to_owned(),
            resource_type: resource_type.to_owned(),
            properties,
        }
    }
}

impl Problem {
    pub(super) fn warning(resource: &str, message: String) -> Self {
        Self {
            severity: Severity::Warning,
            resource: resource.to_owned(),
            path: String::new(),
            message,
            help: None,
        }
    }
}
