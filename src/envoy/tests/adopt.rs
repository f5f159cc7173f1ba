//! What a container carries, at a place on this machine.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::live::assert_valid;
use super::meshes::{External, external_http, external_tcp, mesh};
use super::{GATEWAY, TELLER, cluster, listener};
use crate::envoy::{
    AppPlacement, Carried, InvalidCarried, Placement, Reachable, Spoken, TaskPlacement,
    compile_task,
};
use crate::mesh::{Mesh, ProxyId};

const NETWORK: &str = "network_namespace_filepath";

fn services() -> Vec<External> {
    vec![
        external_tcp("github", "github.com", 443, None),
        external_tcp("godev", "go.dev", 443, Some(444)),
        external_tcp("db", "db.test", 3306, None),
        external_http("web", "web.test", 80),
        external_http("wild", "*.wild.test", 80),
        external_tcp("names", "*.names.test", 443, None),
    ]
}

/// What a task on ECS gets, read as its container's.
fn carried(egress: &str, proxy: &str, shares_chains: bool) -> Carried {
    let meshes = Mesh::from_resources(&mesh(egress, &services())).unwrap();
    let (name, id) = ProxyId::parse(&format!("mesh/m/{proxy}")).unwrap();
    let placement = TaskPlacement {
        private_domains: vec!["mesh.local".to_owned()],
        shares_chains,
        local_ports: None,
    };
    let text = compile_task(&meshes[&name], &id, &placement)
        .unwrap()
        .whole();
    let ports = (proxy == TELLER).then_some((15001, 15000));
    let (egress, ingress) = ports.unzip();
    Carried::parse(&text, egress, ingress).unwrap()
}

fn placement(app: bool) -> Placement {
    Placement {
        address: [10, 0, 64, 5].into(),
        network: Some("/run/vpc".into()),
        app: app.then(|| AppPlacement {
            network: "/run/app".into(),
            address: [127, 0, 0, 1].into(),
            egress_port: 15001,
            plain_egress_port: 15002,
            shared: None,
        }),
        private_domains: vec!["mesh.local".to_owned()],
        resolver: ([127, 0, 0, 1], 5353).into(),
        admin: "admin".into(),
        logs: "/var/log/task".into(),
        xds: "/unused".into(),
        readiness_port: 9901,
    }
}

fn placed(proxy: &str, shares_chains: bool) -> Value {
    let text = carried("DROP_ALL", proxy, shares_chains).at(&placement(proxy == TELLER));
    serde_json::from_str(&text).unwrap()
}

/// Its listeners for an application stood in the proxy's own network, which may
/// be the machine's, open to whoever asked.
#[test]
fn without_an_app_nothing_listens_in_the_proxys_own_network() {
    let text = carried("DROP_ALL", TELLER, false).at(&placement(false));
    let whole: Value = serde_json::from_str(&text).unwrap();
    let listeners = whole["static_resources"]["listeners"].as_array().unwrap();
    assert!(!listeners.is_empty());
    for listener in listeners {
        let socket = &listener["address"]["socket_address"];
        assert_eq!(socket["address"], "10.0.64.5");
        assert_eq!(socket[NETWORK], "/run/vpc");
    }
}

#[test]
fn only_what_the_app_sends_arrives_in_its_own_network() {
    let whole = placed(TELLER, false);
    for (name, address, network) in [
        ("readiness", "10.0.64.5", "/run/vpc"),
        ("lds_ingress_0.0.0.0_15000", "10.0.64.5", "/run/vpc"),
        ("lds_egress_0.0.0.0_15001", "0.0.0.0", "/run/app"),
    ] {
        let socket = &listener(&whole, name)["address"]["socket_address"];
        assert_eq!(socket["address"], address, "{name}");
        assert_eq!(socket[NETWORK], network, "{name}");
    }
}

#[test]
fn tasks_are_dialled_in_their_network_and_all_else_from_outside() {
    let dialled_in = |whole: &Value, name: &str| {
        cluster(whole, name)["upstream_bind_config"]["source_address"][NETWORK].clone()
    };
    let (app, gateway) = (placed(TELLER, false), placed(GATEWAY, false));
    let own = "cds_ingress_m_ColorTellerWhite_http_80";
    assert_eq!(dialled_in(&app, own), "/run/app");
    let teller = "cds_egress_m_ColorTellerWhite_http_80";
    assert_eq!(dialled_in(&gateway, teller), "/run/vpc");
    for outside in ["cds_egress_m_github_tcp_443", "cds_egress_m_db_tcp_3306"] {
        assert_eq!(dialled_in(&app, outside), Value::Null, "{outside}");
    }
}

#[test]
fn resolver_admin_and_logs_are_this_machines() {
    for shares in [false, true] {
        let whole = placed(TELLER, shares);
        assert_eq!(whole["admin"]["address"]["pipe"]["path"], "admin");
        let text = whole.to_string();
        assert!(!text.contains("/dev/"), "{text}");
        let logs: BTreeSet<&str> = text
            .split("/var/log/task/")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert_eq!(logs, ["access.log", "denied.log"].into());
        let resolvers = text.matches("\"typed_dns_resolver_config\"").count();
        assert!(resolvers > 3);
        assert_eq!(text.matches("\"port_value\":5353").count(), resolvers);
    }
}

#[test]
fn what_can_be_reached_is_the_same_however_services_share_chains() {
    let of = |name: &str, port, host: &str, host_port, spoken| Reachable {
        name: name.to_owned(),
        port,
        host: host.to_owned(),
        host_port,
        spoken,
    };
    let expected = [
        of("*.names.test", 443, "*.names.test", 443, Spoken::Tls),
        of("*.wild.test", 80, "*.wild.test", 80, Spoken::Http),
        of("db.test", 3306, "db.test", 3306, Spoken::Tcp),
        of("github.com", 443, "github.com", 443, Spoken::Tls),
        of("go.dev", 444, "go.dev", 443, Spoken::Tls),
        of("web.test", 80, "web.test", 80, Spoken::Http),
    ];
    for shares in [false, true] {
        assert_eq!(carried("DROP_ALL", TELLER, shares).reachable(), expected);
    }
    assert_eq!(carried("DROP_ALL", GATEWAY, false).reachable(), []);
}

#[test]
fn an_app_looks_up_what_it_can_reach_or_all_where_all_is_let_through() {
    let closed = carried("DROP_ALL", TELLER, false);
    assert!(!closed.is_open());
    assert!(closed.names().contains_key("github.com") && closed.names().len() == 6);
    let open = carried("ALLOW_ALL", TELLER, false);
    assert!(open.is_open() && open.names().is_empty());
}

#[test]
fn what_is_not_complete_by_itself_is_refused() {
    let parse = |value: Value| Carried::parse(&value.to_string(), None, None);
    assert_eq!(
        parse(json!({"dynamic_resources": {}})),
        Err(InvalidCarried::NotStatic("dynamic_resources"))
    );
    assert_eq!(parse(json!({})), Err(InvalidCarried::NoListener));
    assert!(matches!(
        Carried::parse("admin: {}", None, None),
        Err(InvalidCarried::NoJson(_))
    ));
    assert!(carried("DROP_ALL", TELLER, false).identity().is_some());
}

/// It opens the logs when it reads a configuration.
#[test]
#[ignore = "needs Envoy"]
fn envoy_accepts_what_was_placed() {
    let folder = tempfile::tempdir().unwrap();
    for egress in ["DROP_ALL", "ALLOW_ALL"] {
        for (proxy, shares) in [(TELLER, false), (TELLER, true), (GATEWAY, false)] {
            let placement = Placement {
                logs: folder.path().to_owned(),
                ..placement(proxy == TELLER)
            };
            let text = carried(egress, proxy, shares).at(&placement);
            assert_valid(&format!("{egress} {proxy} {shares}"), &text);
        }
    }
}
