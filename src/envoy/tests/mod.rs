//! The compiler, from resources to what Envoy is told.
#![expect(clippy::unwrap_used, reason = "tests")]

mod adopt;
mod live;
mod meshes;
mod sharing;
mod task;

use std::net::Ipv4Addr;
use std::path::PathBuf;

use serde_json::Value;

use self::meshes::{external_http, external_tcp, mesh};
use super::{ADDRESSES, AppPlacement, Configuration, Placement, compile};
use crate::mesh::{Mesh, ProxyId, Resource};

fn placement(app: bool) -> Placement {
    let app = app.then(|| AppPlacement {
        network: "/proc/self/ns/net".into(),
        address: Ipv4Addr::LOCALHOST,
        egress_port: 15001,
        plain_egress_port: 15002,
        shared: None,
    });
    Placement {
        address: Ipv4Addr::new(10, 0, 10, 5),
        network: Some(PathBuf::from("/proc/self/ns/net")),
        app,
        private_domains: vec!["mesh.local".to_owned()],
        resolver: "127.0.0.1:5300".parse().unwrap(),
        admin: "/tmp/admin".into(),
        logs: "/tmp".into(),
        xds: "/tmp/xds".into(),
        readiness_port: 9901,
    }
}

fn compiled(resources: &[Resource], proxy: &str) -> Configuration {
    let meshes = Mesh::from_resources(resources).unwrap();
    let (name, proxy) = ProxyId::parse(&format!("mesh/m/{proxy}")).unwrap();
    let app = matches!(proxy, ProxyId::VirtualNode(_));
    compile(&meshes[&name], &proxy, &placement(app)).unwrap()
}

/// The static rendering as JSON.
fn rendered(resources: &[Resource], proxy: &str) -> Value {
    serde_json::from_str(&compiled(resources, proxy).static_rendering()).unwrap()
}

fn listener<'a>(whole: &'a Value, name: &str) -> &'a Value {
    let listeners = whole["static_resources"]["listeners"].as_array().unwrap();
    listeners
        .iter()
        .find(|listener| listener["name"] == name)
        .unwrap()
}

fn cluster<'a>(whole: &'a Value, name: &str) -> &'a Value {
    let clusters = whole["static_resources"]["clusters"].as_array().unwrap();
    clusters
        .iter()
        .find(|cluster| cluster["name"] == name)
        .unwrap()
}

fn chains(listener: &Value) -> &Vec<Value> {
    listener["filter_chains"].as_array().unwrap()
}

const TELLER: &str = "virtualNode/ColorTellerWhite";
const GATEWAY: &str = "virtualGateway/ColorGateway";

#[test]
fn tls_services_are_told_apart_by_port_and_server_name() {
    let services = [
        external_tcp("github", "github.com", 443, None),
        external_tcp("godev", "go.dev", 443, Some(444)),
    ];
    let whole = rendered(&mesh("DROP_ALL", &services), TELLER);
    let egress = listener(&whole, "lds_egress_0.0.0.0_15001");
    let mut seen: Vec<(u64, String)> = chains(egress)
        .iter()
        .map(|chain| {
            let wanted = &chain["filter_chain_match"];
            assert_eq!(wanted["transport_protocol"], "tls");
            let names = wanted["server_names"].as_array().unwrap();
            (
                wanted["destination_port"].as_u64().unwrap(),
                names[0].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    seen.sort();
    assert_eq!(
        seen,
        [(443, "github.com".to_owned()), (444, "go.dev".to_owned())]
    );
    // The router's port 444 leads to the node's port 443.
    let endpoint = cluster(&whole, "cds_egress_m_godev_tcp_443").to_string();
    assert!(
        endpoint.contains("\"go.dev\"") && endpoint.contains("443"),
        "{endpoint}"
    );
}

#[test]
fn what_is_not_modelled_meets_a_named_chain_with_a_log() {
    let whole = rendered(&mesh("DROP_ALL", &[]), TELLER);
    let egress = listener(&whole, "lds_egress_0.0.0.0_15001");
    assert!(egress["filter_chains"].as_array().is_none_or(Vec::is_empty));
    assert_eq!(egress["default_filter_chain"]["name"], "DROP_ALL");
    assert!(
        egress["default_filter_chain"]
            .to_string()
            .contains("denied.log")
    );
}

#[test]
fn an_open_mesh_passes_what_is_not_modelled() {
    let whole = rendered(&mesh("ALLOW_ALL", &[]), TELLER);
    let name = "cds_egress_m_mesh-allow-all";
    assert_eq!(cluster(&whole, name)["type"], "ORIGINAL_DST");
    let egress = listener(&whole, "lds_egress_0.0.0.0_15001");
    assert!(egress["default_filter_chain"].to_string().contains(name));
}

#[test]
fn http_services_share_a_port_and_are_told_apart_by_host() {
    let services = [
        external_http("a", "a.test", 80),
        external_http("b", "b.test", 80),
    ];
    let whole = rendered(&mesh("DROP_ALL", &services), TELLER);
    let egress = listener(&whole, "lds_egress_0.0.0.0_15001");
    assert_eq!(chains(egress).len(), 1);
    let text = chains(egress)[0].to_string();
    for domain in ["a.test:80", "b.test:80"] {
        assert!(text.contains(domain), "{domain} in {text}");
    }
}

#[test]
fn plain_services_on_one_port_are_told_apart_by_address() {
    let services = [
        external_tcp("one", "one.test", 3306, None),
        external_tcp("two", "two.test", 3306, None),
    ];
    let configuration = compiled(&mesh("DROP_ALL", &services), TELLER);
    let (one, two) = (
        configuration.names()["one.test"],
        configuration.names()["two.test"],
    );
    assert_ne!(one, two);
    assert_eq!(*configuration.plain(), [(one, 3306), (two, 3306)].into());
    let whole: Value = serde_json::from_str(&configuration.static_rendering()).unwrap();
    let plain = listener(&whole, "lds_egress_0.0.0.0_15002").to_string();
    assert!(plain.contains(&one.to_string()) && plain.contains(&two.to_string()));
}

#[test]
fn names_are_those_that_are_modelled() {
    let services = [external_tcp("github", "github.com", 443, None)];
    let configuration = compiled(&mesh("DROP_ALL", &services), TELLER);
    let names: Vec<&String> = configuration.names().keys().collect();
    assert_eq!(names, ["github.com"]);
    assert!(within(configuration.names()["github.com"], ADDRESSES));
    assert!(configuration.plain().is_empty());
}

fn within(address: Ipv4Addr, (first, prefix): (Ipv4Addr, u8)) -> bool {
    u32::from(address) >> (32 - prefix) == u32::from(first) >> (32 - prefix)
}

#[test]
fn a_gateway_checks_the_health_that_the_node_declares() {
    let whole = rendered(&mesh("DROP_ALL", &[]), GATEWAY);
    let teller = cluster(&whole, "cds_egress_m_ColorTellerWhite_http_80");
    let check = &teller["health_checks"][0];
    assert_eq!(check["http_health_check"]["path"], "/ping");
    assert_eq!(
        (&check["interval"], &check["timeout"]),
        (&"5s".into(), &"2s".into())
    );
    assert_eq!(check["healthy_threshold"], 2);
    assert_eq!(check["unhealthy_threshold"], 3);
    listener(&whole, "lds_ingress_0.0.0.0_80");
}

/// Envoy drains every connection of a listener of which another field changes.
#[test]
fn adding_a_service_changes_only_filter_chains_of_listeners() {
    let services = [
        external_tcp("github", "github.com", 443, None),
        external_tcp("db", "db.test", 5432, None),
        external_http("web", "web.test", 80),
    ];
    let before = rendered(&mesh("DROP_ALL", &services[..1]), TELLER);
    let after = rendered(&mesh("DROP_ALL", &services), TELLER);
    let stripped = |whole: &Value| {
        let mut listeners = whole["static_resources"]["listeners"].clone();
        for listener in listeners.as_array_mut().unwrap() {
            listener.as_object_mut().unwrap().remove("filter_chains");
        }
        listeners
    };
    assert_eq!(stripped(&before), stripped(&after));
}

#[test]
fn five_thousand_services_have_a_chain_and_a_cluster_each() {
    let services: Vec<_> = (0..5000)
        .map(|number| external_tcp(&format!("s{number}"), &format!("s{number}.test"), 443, None))
        .collect();
    let configuration = compiled(&mesh("DROP_ALL", &services), TELLER);
    assert_eq!(configuration.names().len(), 5000);
    let whole: Value = serde_json::from_str(&configuration.static_rendering()).unwrap();
    assert_eq!(
        chains(listener(&whole, "lds_egress_0.0.0.0_15001")).len(),
        5000
    );
    let clusters = whole["static_resources"]["clusters"].as_array().unwrap();
    let external = clusters.iter().filter(|cluster| {
        cluster["name"]
            .as_str()
            .unwrap()
            .starts_with("cds_egress_m_s")
    });
    assert_eq!(external.count(), 5000);
}
