//! Services that share a filter chain, and those that cannot.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::live::assert_valid;
use super::meshes::{External, external_http, external_tcp, mesh};
use super::{TELLER, chains, listener, placement};
use crate::envoy::{Configuration, compile};
use crate::mesh::{Mesh, ProxyId, Resource};

fn compiled(resources: &[Resource]) -> Configuration {
    let meshes = Mesh::from_resources(resources).unwrap();
    let (name, proxy) = ProxyId::parse(&format!("mesh/m/{TELLER}")).unwrap();
    let mut placement = placement(true);
    if let Some(app) = &mut placement.app {
        app.shared = Some("/tmp/shared.log".into());
    }
    compile(&meshes[&name], &proxy, &placement).unwrap()
}

fn rendered(configuration: &Configuration) -> Value {
    serde_json::from_str(&configuration.static_rendering()).unwrap()
}

fn egress(whole: &Value) -> &Value {
    listener(whole, "lds_egress_0.0.0.0_15001")
}

fn names(values: &Value) -> BTreeSet<&str> {
    let values = values.as_array().unwrap().iter();
    values
        .map(|value| value["name"].as_str().unwrap())
        .collect()
}

fn hosts(count: usize) -> Vec<External> {
    let host = |number| external_tcp(&format!("s{number}"), &format!("s{number}.test"), 443, None);
    (0..count).map(host).collect()
}

/// Where the tree leads TLS connections, by name.
fn tree(whole: &Value, port: &str) -> Value {
    let map = |matcher: &Value| matcher["matcher_tree"]["exact_match_map"]["map"].clone();
    let port = map(&egress(whole)["filter_chain_matcher"])[port]["matcher"].clone();
    map(&map(&port)["tls"]["matcher"])
}

fn leads_to<'a>(tree: &'a Value, name: &str) -> &'a Value {
    &tree[name]["action"]["typed_config"]["value"]
}

#[test]
fn five_thousand_services_can_share_a_chain_and_a_cluster() {
    let configuration = compiled(&mesh("DROP_ALL", &hosts(5000)));
    let whole = rendered(&configuration);
    assert_eq!(
        names(&egress(&whole)["filter_chains"]),
        ["shared_443_to_443_v4"].into()
    );
    assert_eq!(
        names(&whole["static_resources"]["clusters"]),
        [
            "cds_egress_m_drop-all",
            "cds_egress_m_shared_V4_ONLY",
            "cds_ingress_m_ColorTellerWhite_http_80",
            "static_cluster_admin",
        ]
        .into()
    );
    let tree = tree(&whole, "443");
    assert_eq!(tree.as_object().unwrap().len(), 5000);
    assert_eq!(leads_to(&tree, "s4999.test"), "shared_443_to_443_v4");
    assert_eq!(configuration.names().len(), 5000);
    assert_eq!(configuration.shared().len(), 5000);
}

#[test]
fn one_service_more_changes_nothing_but_the_tree() {
    let whole = |count| {
        let mut whole = rendered(&compiled(&mesh("DROP_ALL", &hosts(count))));
        let listeners = whole["static_resources"]["listeners"]
            .as_array_mut()
            .unwrap();
        for listener in listeners {
            listener
                .as_object_mut()
                .unwrap()
                .remove("filter_chain_matcher");
        }
        whole
    };
    assert_eq!(whole(3), whole(4));
}

/// The mesh of one service with something changed in its node.
fn changed(change: impl Fn(&mut Value)) -> Vec<Resource> {
    let mut resources = mesh("DROP_ALL", &hosts(1));
    let node = resources
        .iter_mut()
        .find(|resource| resource.logical_id == "s0Node");
    change(&mut node.unwrap().properties["Spec"]);
    resources
}

#[test]
fn what_differs_in_more_than_its_name_keeps_a_chain_of_its_own() {
    let discovery = |field: &'static str, value: &'static str| {
        changed(move |spec| spec["ServiceDiscovery"]["DNS"][field] = json!(value))
    };
    let check = json!({"Protocol": "tcp", "HealthyThreshold": 2, "UnhealthyThreshold": 2,
        "TimeoutMillis": 2000, "IntervalMillis": 5000});
    let own = [
        discovery("Hostname", "elsewhere.test"),
        discovery("Hostname", "*.s0.test"),
        discovery("ResponseType", "ENDPOINTS"),
        changed(|spec| spec["Listeners"][0]["HealthCheck"] = check.clone()),
    ];
    for resources in own {
        let configuration = compiled(&resources);
        let whole = rendered(&configuration);
        assert_eq!(
            names(&egress(&whole)["filter_chains"]),
            ["tcp_s0.test_443"].into()
        );
        assert_eq!(leads_to(&tree(&whole, "443"), "s0.test"), "tcp_s0.test_443");
        assert!(configuration.shared().is_empty());
    }
    let shared = changed(|spec| spec["ServiceDiscovery"]["DNS"]["Hostname"] = json!("S0.test."));
    assert_eq!(compiled(&shared).shared().len(), 1, "it is the same host");
}

#[test]
fn a_host_at_another_port_or_of_other_addresses_shares_another_chain() {
    let services = [
        external_tcp("a", "a.test", 443, None),
        external_tcp("b", "b.test", 443, Some(444)),
        external_tcp("c", "c.test", 8443, None),
    ];
    let mut resources = mesh("DROP_ALL", &services);
    let mut preferring = mesh("DROP_ALL", &hosts(1));
    for resource in &mut preferring {
        if resource.logical_id == "s0Node" {
            resource.properties["Spec"]["ServiceDiscovery"]["DNS"]["IpPreference"] =
                json!("IPv6_ONLY");
        }
    }
    let whole = rendered(&compiled(&resources));
    assert_eq!(
        names(&egress(&whole)["filter_chains"]),
        [
            "shared_443_to_443_v4",
            "shared_444_to_443_v4",
            "shared_8443_to_8443_v4"
        ]
        .into()
    );
    assert_eq!(
        leads_to(&tree(&whole, "444"), "b.test"),
        "shared_444_to_443_v4"
    );
    for chain in chains(egress(&whole)) {
        let port = if chain["name"] == "shared_8443_to_8443_v4" {
            8443
        } else {
            443
        };
        assert_eq!(chain["filters"][0]["typed_config"]["port_value"], port);
    }
    resources = preferring;
    let whole = rendered(&compiled(&resources));
    assert_eq!(
        names(&egress(&whole)["filter_chains"]),
        ["shared_443_to_443_v6"].into()
    );
}

#[test]
#[ignore = "needs Envoy"]
fn envoy_accepts_services_that_share_a_chain() {
    let services = [
        external_tcp("a", "a.test", 443, None),
        external_tcp("b", "b.test", 443, Some(444)),
        external_tcp("db", "db.test", 5432, None),
        external_http("web", "web.test", 80),
    ];
    for egress in ["DROP_ALL", "ALLOW_ALL"] {
        let rendering = compiled(&mesh(egress, &services)).static_rendering();
        assert_valid(egress, &rendering);
    }
    let none = compiled(&mesh("DROP_ALL", &[])).static_rendering();
    assert_valid("no services", &none);
}
