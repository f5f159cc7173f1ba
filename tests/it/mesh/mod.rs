//! Meshes in, Envoy configurations out.

mod golden;
mod growth;
mod templates;

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use colormesh::envoy::{self, AppPlacement, Configuration, Placement};
use colormesh::mesh::{Mesh, ProxyId, Resource, VirtualGatewayName, VirtualNodeName};
use serde_json::Value;

fn folder(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/mesh")
        .join(case)
}

fn resources(case: &str) -> Vec<Resource> {
    let text = fs::read_to_string(folder(case).join("mesh.yaml")).unwrap();
    let resources: serde_json::Map<String, Value> = serde_yaml::from_str(&text).unwrap();
    let resource = |(name, body): (String, Value)| {
        Resource::new(
            &name,
            body["Type"].as_str().unwrap(),
            body["Properties"].clone(),
        )
    };
    resources.into_iter().map(resource).collect()
}

fn mesh(resources: &[Resource]) -> Mesh {
    let meshes = Mesh::from_resources(resources).unwrap_or_else(|problems| panic!("{problems}"));
    meshes.into_values().next().unwrap()
}

fn node(name: &str) -> ProxyId {
    ProxyId::VirtualNode(VirtualNodeName::new(name))
}

fn gateway(name: &str) -> ProxyId {
    ProxyId::VirtualGateway(VirtualGatewayName::new(name))
}

fn placement(proxy: &ProxyId) -> Placement {
    let app = AppPlacement {
        network: "/run/task/app".into(),
        address: Ipv4Addr::LOCALHOST,
        egress_port: 15001,
        plain_egress_port: 15002,
        shared: None,
    };
    Placement {
        address: Ipv4Addr::new(10, 0, 10, 5),
        network: Some("/run/vpc".into()),
        app: matches!(proxy, ProxyId::VirtualNode(_)).then_some(app),
        private_domains: vec!["default.svc.cluster.local".to_owned()],
        resolver: "127.0.0.1:5353".parse().unwrap(),
        admin: "/run/task/admin".into(),
        logs: "/run/task/logs".into(),
        xds: "/run/task/xds".into(),
        readiness_port: 9901,
    }
}

fn compile(mesh: &Mesh, proxy: &ProxyId) -> Configuration {
    let compiled = envoy::compile(mesh, proxy, &placement(proxy));
    compiled.unwrap_or_else(|error| panic!("{error}"))
}

/// The item of a list with that name.
fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let mut items = list.as_array().unwrap().iter();
    items
        .find(|item| item["name"] == name)
        .unwrap_or_else(|| panic!("no `{name}`"))
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect()
}

fn listener<'a>(config: &'a Value, name: &str) -> &'a Value {
    named(&config["static_resources"]["listeners"], name)
}

fn cluster<'a>(config: &'a Value, name: &str) -> &'a Value {
    named(&config["static_resources"]["clusters"], name)
}

fn filter(chain: &Value) -> &Value {
    &chain["filters"][0]["typed_config"]
}
