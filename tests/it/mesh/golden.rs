//! Pairs of files: each folder beside this one holds a
//! `mesh.yaml` and, for each of its proxies, what must come out.
//!
//! `COLORMESH_BLESS=1` writes what comes out into the folder; the facts below
//! are what a reader should hold it against.

use std::fs;
use std::process::Command;

use colormesh::mesh::ProxyId;
use serde_json::{Value, json};

use super::{
    cluster, compile, filter, folder, gateway, listener, mesh, named, names, node, resources,
};

/// The configuration of a case's proxy, after comparing it with its file.
fn golden(case: &str, proxy: &ProxyId) -> Value {
    let configuration = compile(&mesh(&resources(case)), proxy);
    let text = configuration.static_rendering();
    let file = folder(case).join(format!("{}.envoy.json", proxy.name()));
    if std::env::var_os("COLORMESH_BLESS").is_some() {
        fs::write(&file, &text).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap();
    assert!(
        text == expected,
        "{} differs from what is compiled",
        file.display()
    );
    serde_json::from_str(&text).unwrap()
}

#[test]
fn walkthrough_teller_reaches_two_tls_services_by_name() {
    let config = golden("walkthrough", &node("ColorTellerWhite"));
    let egress = listener(&config, "lds_egress_0.0.0.0_15001");
    let chains = &egress["filter_chains"];
    assert_eq!(names(chains), ["tcp_github.com_443", "tcp_go.dev_444"]);
    assert_eq!(
        named(chains, "tcp_go.dev_444")["filter_chain_match"],
        json!({"destination_port": 444, "server_names": ["go.dev"], "transport_protocol": "tls"}),
    );
    let proxy = filter(named(chains, "tcp_go.dev_444"));
    assert_eq!(
        proxy["cluster"],
        "cds_egress_ColorApp_ExternalService2_tcp_443"
    );
    assert_eq!(proxy["stat_prefix"], "egress");

    let refusal = filter(&egress["default_filter_chain"]);
    let nowhere = cluster(&config, refusal["cluster"].as_str().unwrap());
    assert!(nowhere.get("load_assignment").is_none());
    assert_eq!(
        refusal["access_log"][0]["typed_config"]["path"],
        "/run/task/logs/denied.log"
    );

    let github = cluster(&config, "cds_egress_ColorApp_ExternalService_tcp_443");
    let dns = &github["cluster_type"]["typed_config"];
    assert_eq!(dns["dns_lookup_family"], "V4_ONLY");
    assert_eq!(dns["all_addresses_in_single_endpoint"], true);
    // The world is outside of the tasks' network.
    assert!(github.get("upstream_bind_config").is_none());

    let app = cluster(&config, "cds_ingress_ColorApp_ColorTellerWhite_http_80");
    let from = &app["upstream_bind_config"]["source_address"];
    assert_eq!(from["network_namespace_filepath"], "/run/task/app");
}

#[test]
fn walkthrough_gateway_checks_and_calls_the_teller_inside() {
    let config = golden("walkthrough", &gateway("ColorGateway"));
    let clusters = &config["static_resources"]["clusters"];
    let teller = named(clusters, "cds_egress_ColorApp_ColorTellerWhite_http_80");
    let from = &teller["upstream_bind_config"]["source_address"];
    assert_eq!(from["network_namespace_filepath"], "/run/vpc");
    let check = &teller["health_checks"][0];
    assert_eq!(check["http_health_check"]["path"], "/ping");
    assert_eq!(check["interval"], "5s");
    assert_eq!(check["no_traffic_interval"], "5s");
    assert_eq!(check["healthy_threshold"], 2);
    assert_eq!(check["unhealthy_threshold"], 3);
    let chain = &listener(&config, "lds_ingress_0.0.0.0_80")["filter_chains"][0];
    let route = &filter(chain)["route_config"]["virtual_hosts"][0]["routes"][0];
    assert_eq!(route["match"], json!({"prefix": "/"}));
    assert_eq!(
        route["route"]["host_rewrite_literal"],
        "colorteller.default.svc.cluster.local"
    );
    assert_eq!(route["route"]["timeout"], "15s");
    // No trace of services that the gateway does not lead to.
    assert_eq!(clusters.as_array().unwrap().len(), 2);
}

#[test]
fn services_that_are_not_tls_are_told_apart_by_address() {
    let config = golden("http_and_plain", &node("app"));
    let compiled = compile(&mesh(&resources("http_and_plain")), &node("app"));
    let addresses = compiled.names();
    assert_eq!(addresses.len(), 5);

    let plain = listener(&config, "lds_egress_0.0.0.0_15002");
    let chains = &plain["filter_chains"];
    for name in ["mysql1.example", "mysql2.example"] {
        let matching = &named(chains, &format!("tcp_{name}_3306"))["filter_chain_match"];
        let address = addresses[name].to_string();
        assert_eq!(
            matching["prefix_ranges"][0]["address_prefix"],
            json!(address)
        );
        assert!(matching.get("transport_protocol").is_none());
    }
    // Nothing waits for the client's first bytes there.
    assert_eq!(
        names(&plain["listener_filters"]),
        ["envoy.filters.listener.original_dst"]
    );
    // A host with both kinds has one address, whose port 22 leads there.
    named(chains, "tcp_code.example_22");
    let plain: Vec<_> = ["code.example", "mysql1.example", "mysql2.example"]
        .map(|name| {
            (
                addresses[name],
                if name == "code.example" { 22 } else { 3306 },
            )
        })
        .into();
    assert_eq!(*compiled.plain(), plain.into_iter().collect());
    let by_name = listener(&config, "lds_egress_0.0.0.0_15001");
    assert_eq!(
        names(&by_name["filter_chains"]),
        ["tcp_code.example_443", "http_80"]
    );
}

#[test]
fn http_services_share_a_port_by_host_name() {
    let config = golden("http_and_plain", &node("app"));
    let chains = &listener(&config, "lds_egress_0.0.0.0_15001")["filter_chains"];
    let manager = filter(named(chains, "http_80"));
    let hosts = manager["route_config"]["virtual_hosts"].as_array().unwrap();
    let domains: Vec<&Value> = hosts.iter().map(|host| &host["domains"]).collect();
    assert_eq!(
        domains,
        [
            &json!(["a.example", "a.example:80"]),
            &json!(["b.example", "b.example:80"])
        ]
    );
    assert_eq!(hosts[0]["routes"][0]["route"]["timeout"], "60s");
    let all = cluster(&config, "cds_egress_m_b_http_80");
    let dns = &all["cluster_type"]["typed_config"];
    assert_eq!(dns["all_addresses_in_single_endpoint"], false);
    assert_eq!(dns["dns_lookup_family"], "AUTO");
    let app = cluster(&config, "cds_ingress_m_app_http2_8080");
    assert!(
        app["typed_extension_protocol_options"]
            .to_string()
            .contains("http2_protocol_options")
    );
}

#[test]
fn allow_all_passes_the_rest_on_to_where_it_meant_to_go() {
    let config = golden("allow_all", &node("app"));
    let egress = listener(&config, "lds_egress_0.0.0.0_15001");
    let rest = filter(&egress["default_filter_chain"]);
    assert_eq!(rest["cluster"], "cds_egress_m_mesh-allow-all");
    assert_eq!(
        cluster(&config, "cds_egress_m_mesh-allow-all")["type"],
        "ORIGINAL_DST"
    );
    let manager = filter(named(&egress["filter_chains"], "http_80"));
    let hosts = &manager["route_config"]["virtual_hosts"];
    assert_eq!(named(hosts, "mesh-allow-all")["domains"], json!(["*"]));
    // Names whose services are told apart by server name keep their addresses.
    let compiled = compile(&mesh(&resources("allow_all")), &node("app"));
    let names: Vec<&str> = compiled.names().keys().map(String::as_str).collect();
    assert_eq!(names, ["code.example", "mysql1.example", "mysql2.example"]);
}

#[test]
fn a_wildcard_resolves_what_the_client_names_on_the_node_s_port() {
    let config = golden("wildcards", &node("app"));
    let chains = &listener(&config, "lds_egress_0.0.0.0_15001")["filter_chains"];
    let any = named(chains, "tcp_*.a.example_444");
    assert_eq!(
        any["filter_chain_match"]["server_names"],
        json!(["*.a.example"])
    );
    assert_eq!(
        names(&any["filters"]),
        [
            "envoy.filters.network.sni_dynamic_forward_proxy",
            "envoy.filters.network.tcp_proxy"
        ]
    );
    let resolving = filter(any);
    assert_eq!(resolving["port_value"], 443);
    let cluster_name = any["filters"][1]["typed_config"]["cluster"].as_str();
    let forward = cluster(&config, cluster_name.unwrap());
    let cache = &forward["cluster_type"]["typed_config"]["dns_cache_config"];
    assert_eq!(cache["dns_lookup_family"], "V4_PREFERRED");
    // Envoy refuses two caches of a name that differ.
    assert_eq!(*cache, resolving["dns_cache_config"]);

    // The backend's name brought the nearer service with it, told by its tag.
    let one = named(chains, "tcp_one.a.example_444");
    assert_eq!(one["filter_chain_match"]["transport_protocol"], "tls");

    let http = named(chains, "http_8080");
    let filters = &filter(http)["http_filters"];
    assert_eq!(
        names(filters),
        [
            "envoy.filters.http.dynamic_forward_proxy",
            "envoy.filters.http.router"
        ]
    );
    let host = &filter(http)["route_config"]["virtual_hosts"][0];
    // Without its port, the host would be resolved on port 80.
    assert_eq!(host["domains"], json!(["*.a.example:8080"]));
    let condition = &host["routes"][0]["match"]["headers"][0];
    assert_eq!(condition["name"], ":authority");
    let compiled = compile(&mesh(&resources("wildcards")), &node("app"));
    let names: Vec<&str> = compiled.names().keys().map(String::as_str).collect();
    assert_eq!(names, ["*.a.example", "one.a.example"]);
}

#[test]
fn by_port_alone_a_port_is_one_service_s_whatever_is_asked_for() {
    let config = golden("by_port", &node("app"));
    let by_name = &listener(&config, "lds_egress_0.0.0.0_15001")["filter_chains"];
    let all = ["tcp_github.com_443", "tcp_mysql.example_3306", "http_80"];
    assert_eq!(names(by_name), all);
    for (chain, port) in all.into_iter().zip([443, 3306, 80]) {
        let matching = &named(by_name, chain)["filter_chain_match"];
        assert_eq!(*matching, json!({"destination_port": port}));
    }
    // Where we own DNS, the server may still speak first.
    let plain = &listener(&config, "lds_egress_0.0.0.0_15002")["filter_chains"];
    assert_eq!(names(plain), ["tcp_mysql.example_3306"]);
}

#[test]
fn a_gateway_route_and_the_service_s_routes_become_one() {
    let config = golden("gateway_routes", &gateway("edge"));
    let chain = &listener(&config, "lds_ingress_0.0.0.0_8080")["filter_chains"][0];
    let hosts = &filter(chain)["route_config"]["virtual_hosts"];
    assert_eq!(names(hosts), ["*.example.com", "*"]);

    let routes = named(hosts, "*")["routes"].as_array().unwrap();
    let ways: Vec<(Value, Value)> = routes
        .iter()
        .map(|route| {
            let matching = &route["match"];
            let path = matching.get("path").or(matching.get("prefix")).unwrap();
            (path.clone(), route["route"]["prefix_rewrite"].clone())
        })
        .collect();
    // `/health` becomes `/paint`, which both routes of the service take;
    // `/colours/paint` becomes `/paint` for the first, all else `/` for the second.
    let expected = [
        ("/health", Value::Null),
        ("/colours/paint", json!("/paint")),
        ("/colourspaint", json!("/paint")),
        ("/colours/", json!("/")),
        ("/colours", json!("/")),
    ];
    for (path, rewrite) in &expected {
        assert!(
            ways.contains(&(json!(path), rewrite.clone())),
            "{path} in {ways:?}"
        );
    }
    let canary = &routes
        .iter()
        .find(|route| route["match"]["prefix"] == "/colours/paint")
        .unwrap();
    assert_eq!(canary["route"]["timeout"], "0s");
    assert_eq!(canary["route"]["retry_policy"]["num_retries"], 4);
    assert_eq!(canary["match"]["headers"].as_array().unwrap().len(), 4);

    // The host that is narrower also has the routes of the wider, after its own.
    let narrow = named(hosts, "*.example.com")["routes"].as_array().unwrap();
    assert!(narrow.len() > routes.len());
    assert!(narrow[0]["route"].get("host_rewrite_literal").is_none());
    let shares = &narrow.last().unwrap()["route"]["weighted_clusters"]["clusters"];
    assert_eq!(shares[0]["weight"], 90);
    let blue = cluster(&config, "cds_egress_m_blue_http_9080");
    assert_eq!(
        blue["circuit_breakers"]["thresholds"][0]["max_connections"],
        10
    );
    assert_eq!(blue["outlier_detection"]["base_ejection_time"], "1.500s");
}

#[test]
#[ignore = "needs Envoy"]
fn envoy_takes_every_golden_file() {
    let envoy = std::env::var_os("COLORMESH_ENVOY").unwrap_or_else(|| "envoy".into());
    let cases = [
        ("walkthrough", node("ColorTellerWhite")),
        ("walkthrough", gateway("ColorGateway")),
        ("http_and_plain", node("app")),
        ("allow_all", node("app")),
        ("gateway_routes", gateway("edge")),
        ("wildcards", node("app")),
        ("by_port", node("app")),
    ];
    let scratch = tempfile::tempdir().unwrap();
    for (case, proxy) in cases {
        golden(case, &proxy);
        let file = folder(case).join(format!("{}.envoy.json", proxy.name()));
        // Validation opens the log files, so they must lie where it may.
        let text = fs::read_to_string(file).unwrap();
        let text = text.replace("/run/task/logs", scratch.path().to_str().unwrap());
        let copy = scratch.path().join("envoy.json");
        fs::write(&copy, text).unwrap();
        let output = Command::new(&envoy)
            .args(["--mode", "validate", "-l", "warn", "-c"])
            .arg(&copy)
            .output()
            .expect("Envoy is on PATH or in COLORMESH_ENVOY");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{case} {proxy}: {said}");
        assert!(!said.contains("deprecated"), "{case} {proxy}: {said}");
    }
}
