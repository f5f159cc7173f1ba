//! What a task on ECS gets.

use std::collections::BTreeSet;

use serde_json::Value;

use super::live::assert_valid;
use super::meshes::{External, external_http, external_tcp, mesh};
use super::{GATEWAY, TELLER, chains, cluster, listener};
use crate::envoy::{Carried, CompileError, Configuration, LocalPorts, TaskPlacement, compile_task};
use crate::mesh::{Mesh, ProxyId, Resource};

fn compiled(
    resources: &[Resource],
    proxy: &str,
    shares_chains: bool,
) -> Result<Configuration, CompileError> {
    compiled_with(resources, proxy, shares_chains, None)
}

fn compiled_with(
    resources: &[Resource],
    proxy: &str,
    shares_chains: bool,
    local_ports: Option<LocalPorts>,
) -> Result<Configuration, CompileError> {
    let meshes = Mesh::from_resources(resources).unwrap();
    let (name, proxy) = ProxyId::parse(&format!("mesh/m/{proxy}")).unwrap();
    let placement = TaskPlacement {
        private_domains: vec!["mesh.local".to_owned()],
        shares_chains,
        local_ports,
    };
    compile_task(&meshes[&name], &proxy, &placement)
}

fn whole(resources: &[Resource], proxy: &str) -> Value {
    let text = compiled(resources, proxy, false).unwrap().whole();
    serde_json::from_str(&text).unwrap()
}

fn several() -> Vec<External> {
    vec![
        external_tcp("github", "github.com", 443, None),
        external_tcp("godev", "go.dev", 443, Some(444)),
        external_tcp("db", "db.test", 3306, None),
        external_tcp("mail", "mail.test", 25, None),
        external_http("web", "web.test", 80),
        external_http("wild", "*.wild.test", 80),
        external_tcp("names", "*.names.test", 443, None),
    ]
}

#[test]
fn a_task_has_the_listeners_that_its_redirection_leads_to() {
    let whole = whole(&mesh("DROP_ALL", &several()), TELLER);
    assert!(whole.get("dynamic_resources").is_none());
    let addresses: BTreeSet<(&str, u64)> = whole["static_resources"]["listeners"]
        .as_array()
        .unwrap()
        .iter()
        .map(|listener| {
            let socket = &listener["address"]["socket_address"];
            assert!(socket.get("network_namespace_filepath").is_none());
            (
                socket["address"].as_str().unwrap(),
                socket["port_value"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected = [("0.0.0.0", 9901), ("0.0.0.0", 15000), ("0.0.0.0", 15001)];
    assert_eq!(addresses, expected.into());
    let ingress = listener(&whole, "lds_ingress_0.0.0.0_15000");
    assert_eq!(
        ingress["listener_filters"][0]["name"],
        "envoy.filters.listener.original_dst"
    );
    // The one port is meant, whichever was dialled: a gateway from when
    // nothing was redirected dials 15000.
    assert!(chains(ingress)[0].get("filter_chain_match").is_none());
    let app = cluster(&whole, "cds_ingress_m_ColorTellerWhite_http_80").to_string();
    assert!(
        app.contains("127.0.0.1") && !app.contains("upstream_bind_config"),
        "{app}"
    );
}

#[test]
fn where_the_server_speaks_first_nobody_waits_for_the_client() {
    let whole = whole(&mesh("DROP_ALL", &several()), TELLER);
    let egress = listener(&whole, "lds_egress_0.0.0.0_15001");
    let inspector = &egress["listener_filters"][1];
    assert_eq!(inspector["name"], "envoy.filters.listener.tls_inspector");
    let ports: Vec<u64> = inspector["filter_disabled"]["or_match"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["destination_port_range"]["start"].as_u64().unwrap())
        .collect();
    assert_eq!(ports, [25, 3306]);
    let database = chains(egress)
        .iter()
        .find(|chain| chain["name"] == "tcp_db.test_3306");
    assert_eq!(
        database.unwrap()["filter_chain_match"],
        serde_json::json!({"destination_port": 3306})
    );
}

#[test]
fn a_port_at_which_no_byte_is_looked_is_one_services() {
    let pairs = [
        [
            external_tcp("a", "a.test", 3306, None),
            external_tcp("b", "b.test", 3306, None),
        ],
        [
            external_tcp("a", "a.test", 25, None),
            external_http("b", "b.test", 25),
        ],
        [
            external_tcp("a", "a.test", 443, Some(25)),
            external_tcp("b", "b.test", 25, None),
        ],
    ];
    for pair in pairs {
        let error = compiled(&mesh("DROP_ALL", &pair), TELLER, true).unwrap_err();
        assert!(
            matches!(error, CompileError::PortConflict { .. }),
            "{error}"
        );
    }
    let apart = [
        external_tcp("a", "a.test", 443, None),
        external_tcp("b", "b.test", 443, None),
    ];
    compiled(&mesh("DROP_ALL", &apart), TELLER, true).unwrap();
}

#[test]
fn all_logs_of_a_task_go_to_its_output() {
    for proxy in [TELLER, GATEWAY] {
        let text = whole(&mesh("DROP_ALL", &several()), proxy).to_string();
        assert!(text.contains(r#""path":"/dev/stdout""#));
        assert!(!text.contains("access.log") && !text.contains("denied.log"));
    }
}

/// With everything let through, a connection to the proxy's own port would
/// lead to itself for ever.
#[test]
fn an_open_mesh_does_not_lead_the_proxy_to_itself() {
    for shares in [false, true] {
        let resources = mesh("ALLOW_ALL", &several());
        let text = compiled(&resources, TELLER, shares).unwrap().whole();
        let whole: Value = serde_json::from_str(&text).unwrap();
        let egress = listener(&whole, "lds_egress_0.0.0.0_15001");
        let own = chains(egress)
            .iter()
            .find(|chain| chain["name"] == "OWN_PORT");
        assert!(own.unwrap().to_string().contains("drop-all"));
        let tree = &egress["filter_chain_matcher"]["matcher_tree"]["exact_match_map"]["map"];
        let told: Vec<&String> = match tree.get("15001") {
            Some(branch) => {
                let map = &branch["matcher"]["matcher_tree"]["exact_match_map"]["map"];
                map.as_object().unwrap().keys().collect()
            }
            None => continue,
        };
        assert_eq!(told, ["raw_buffer", "tls"]);
    }
}

#[test]
fn five_thousand_services_in_a_task_share_what_they_can() {
    let services: Vec<_> = (0..5000)
        .map(|number| external_tcp(&format!("s{number}"), &format!("s{number}.test"), 443, None))
        .collect();
    let text = compiled(&mesh("DROP_ALL", &services), TELLER, true)
        .unwrap()
        .whole();
    let whole: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        chains(listener(&whole, "lds_egress_0.0.0.0_15001")).len(),
        1
    );
    assert!(text.contains("s4999.test"));
    assert!(text.len() < 1 << 20, "{} bytes", text.len());
}

#[test]
#[ignore = "needs Envoy"]
fn envoy_accepts_what_a_task_gets() {
    for egress in ["DROP_ALL", "ALLOW_ALL"] {
        for services in [several(), Vec::new(), several().drain(..1).collect()] {
            let resources = mesh(egress, &services);
            for (proxy, shares) in [(TELLER, false), (TELLER, true), (GATEWAY, false)] {
                let text = compiled(&resources, proxy, shares).unwrap().whole();
                assert_valid(&format!("{egress} {proxy} {shares}"), &text);
            }
        }
    }
}

/// The ports on loopback of what [`several`] has.
fn local_ports() -> LocalPorts {
    let services = [
        ("github.com", 443, 20001),
        ("go.dev", 444, 20002),
        ("db.test", 3306, 20003),
        ("mail.test", 25, 20004),
        ("web.test", 80, 20005),
        ("*.wild.test", 80, 20006),
        ("*.names.test", 443, 20007),
    ];
    let port = |(host, port, local): (&str, u16, u16)| ((host.to_owned(), port), local);
    services.map(port).into()
}

fn at_ports(resources: &[Resource], proxy: &str) -> Value {
    let made = compiled_with(resources, proxy, false, Some(local_ports()));
    serde_json::from_str(&made.unwrap().whole()).unwrap()
}

#[test]
fn each_service_has_a_listener_on_loopback_that_takes_nothing_else() {
    let whole = at_ports(&mesh("DROP_ALL", &several()), TELLER);
    let listeners = whole["static_resources"]["listeners"].as_array().unwrap();
    let on_loopback = listeners
        .iter()
        .filter(|it| it["address"]["socket_address"]["address"] == "127.0.0.1");
    assert_eq!(on_loopback.count(), 7);
    for (port, name, cluster) in [
        (20001, "github.com", "cds_egress_m_github_tcp_443"),
        (20002, "go.dev", "cds_egress_m_godev_tcp_443"),
        (20007, "*.names.test", "cds_egress_m_names_tcp_443"),
    ] {
        let listener = listener(&whole, &format!("lds_egress_127.0.0.1_{port}"));
        let [chain] = &chains(listener)[..] else {
            panic!("{listener}")
        };
        let matching = &chain["filter_chain_match"];
        assert_eq!(matching["server_names"], serde_json::json!([name]));
        assert_eq!(matching["transport_protocol"], "tls");
        assert!(chain.to_string().contains(cluster), "{chain}");
        let other = listener["default_filter_chain"].to_string();
        assert!(other.contains("drop-all"), "{other}");
    }
    // Where the server may speak first nobody waits for the client.
    let plain = listener(&whole, "lds_egress_127.0.0.1_20003");
    assert!(plain.get("listener_filters").is_none(), "{plain}");
    assert!(plain.to_string().contains("cds_egress_m_db_tcp_3306"));
    // By host, and by the one that has the port.
    let web = listener(&whole, "lds_egress_127.0.0.1_20005").to_string();
    assert!(
        web.contains("web.test") && !web.contains("wild.test"),
        "{web}"
    );
}

/// Thousands of listeners would cost what thousands of chains do.
#[test]
fn services_that_share_a_chain_have_a_listener_together_at_the_port_of_each() {
    let resources = mesh("DROP_ALL", &several());
    let text = |shares| {
        let made = compiled_with(&resources, TELLER, shares, Some(local_ports()));
        made.unwrap().whole()
    };
    let whole: Value = serde_json::from_str(&text(true)).unwrap();
    let shared = listener(&whole, "lds_egress_127.0.0.1_shared");
    let more = shared["additional_addresses"].as_array().unwrap().iter();
    let more = more.map(|more| &more["address"]);
    let ports = [&shared["address"]].into_iter().chain(more).map(|it| {
        let socket = &it["socket_address"];
        assert_eq!(socket["address"], "127.0.0.1");
        socket["port_value"].as_u64().unwrap()
    });
    assert_eq!(ports.collect::<Vec<_>>(), [20001, 20002]);
    let tree = &shared["filter_chain_matcher"]["matcher_tree"]["exact_match_map"]["map"];
    for (name, port) in [("github.com", "20001"), ("go.dev", "20002")] {
        let at = &tree[name]["matcher"]["matcher_tree"]["exact_match_map"]["map"];
        let ports: Vec<&String> = at.as_object().unwrap().keys().collect();
        assert_eq!(ports, [port], "{name}");
    }
    let other = shared["default_filter_chain"].to_string();
    assert!(other.contains("drop-all"), "{other}");
    // What has more to it than a name has its own, and the app reaches the same.
    listener(&whole, "lds_egress_127.0.0.1_20003");
    let reachable = |text: &str| Carried::parse(text, None, None).unwrap().reachable();
    assert_eq!(reachable(&text(true)), reachable(&text(false)));
}

/// The app has its own port to itself, so the gateway dials its Envoy's.
#[test]
fn the_gateway_dials_the_apps_envoy_where_nothing_is_led_to_it() {
    let resources = mesh("DROP_ALL", &several());
    let app = at_ports(&resources, TELLER);
    let way_in = listener(&app, "lds_ingress_0.0.0.0_15000");
    assert!(
        way_in
            .to_string()
            .contains("cds_ingress_m_ColorTellerWhite_http_80")
    );
    let port = |whole: &Value, name: &str| {
        let text = cluster(whole, name)["load_assignment"].to_string();
        text.split("port_value\":")
            .nth(1)
            .unwrap()
            .split('}')
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(port(&app, "cds_ingress_m_ColorTellerWhite_http_80"), "80");
    let gateway = at_ports(&resources, GATEWAY);
    let teller = "cds_egress_m_ColorTellerWhite_http_80";
    assert_eq!(port(&gateway, teller), "15000");
    assert_eq!(port(&whole(&resources, GATEWAY), teller), "80");
}

#[test]
fn a_service_without_a_port_on_loopback_is_refused() {
    let resources = mesh("DROP_ALL", &several());
    let made = compiled_with(&resources, TELLER, false, Some(LocalPorts::new()));
    assert!(matches!(made, Err(CompileError::NoLocalPort { .. })));
}

#[test]
#[ignore = "needs Envoy"]
fn envoy_accepts_ports_on_loopback() {
    let resources = mesh("DROP_ALL", &several());
    for (proxy, shares) in [(TELLER, false), (TELLER, true), (GATEWAY, false)] {
        let made = compiled_with(&resources, proxy, shares, Some(local_ports()));
        assert_valid(proxy, &made.unwrap().whole());
    }
}
