//! What is refused, and in which words.

#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};

use super::*;

fn resource(kind: &str, mut properties: Value) -> Resource {
    properties["MeshName"] = json!("m");
    Resource::new("Thing", &format!("AWS::AppMesh::{kind}"), properties)
}

fn refusals(kind: &str, properties: Value) -> Vec<String> {
    let problems = Mesh::from_resources(&[resource(kind, properties)]).unwrap_err();
    problems.0.iter().map(ToString::to_string).collect()
}

fn listener(port: &Value) -> Value {
    json!({"PortMapping": {"Port": port, "Protocol": "http"}})
}

#[test]
fn all_mistakes_of_a_resource_are_told_with_their_paths() {
    let found = refusals(
        "VirtualNode",
        json!({"Spec": {
            "Listeners": [
                listener(&json!(0)),
                {"PortMapping": {"Port": "eighty", "Protocol": "https"}, "HealthCheck": {
                    "Protocol": "tcp", "Path": "/", "HealthyThreshold": 1, "UnhealthyThreshold": 2,
                    "IntervalMillis": 5000}},
            ],
            "Backend": [],
            "serviceDiscovery": {},
        }}),
    );
    let expected = [
        "resource `Thing`, `Spec.Listeners[0].PortMapping.Port`: 0 is not between 1 and 65535",
        "resource `Thing`, `Spec.Listeners[1].PortMapping.Port`: expected a whole number, found text",
        "resource `Thing`, `Spec.Listeners[1].PortMapping.Protocol`: `https` is not one of `http`, `http2`, `grpc`, `tcp`",
        "resource `Thing`, `Spec.Listeners[1].HealthCheck.HealthyThreshold`: 1 is not between 2 and 10",
        "resource `Thing`, `Spec.Listeners[1].HealthCheck`: `TimeoutMillis` is missing",
        "resource `Thing`, `Spec.Listeners[1].HealthCheck.Path`: only `http` and `http2` checks have a path",
        "resource `Thing`, `Spec`: there is no property `Backend` here (help: there are BackendDefaults, Backends, Listeners, Logging, ServiceDiscovery)",
        "resource `Thing`, `Spec`: there is no property `serviceDiscovery` here (help: did you mean `ServiceDiscovery`)",
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_cannot_be_run_yet_is_named() {
    let tls = json!({"Mode": "STRICT", "Certificate": {}});
    let found = refusals(
        "VirtualNode",
        json!({"Spec": {
            "Listeners": [{"PortMapping": {"Port": 80, "Protocol": "http"}, "TLS": tls}],
            "ServiceDiscovery": {"AWSCloudMap": {"NamespaceName": "n", "ServiceName": "s"}},
            "BackendDefaults": {"ClientPolicy": {"TLS": {}}},
        }}),
    );
    assert_eq!(found.len(), 3);
    assert!(
        found[0].contains("`Spec.Listeners[0].TLS`: `TLS` is not supported yet"),
        "{found:?}"
    );
    assert!(
        found.iter().any(|text| text.contains("use `DNS`")),
        "{found:?}"
    );
}

#[test]
fn an_empty_client_policy_and_empty_logging_are_nothing() {
    let node = json!({"Spec": {
        "Backends": [{"VirtualService": {"VirtualServiceName": "a", "ClientPolicy": {}}}],
        "Logging": {},
    }});
    let meshes = Mesh::from_resources(&[resource("VirtualNode", node)]).unwrap();
    let node = &meshes[&MeshName::new("m")].nodes[&VirtualNodeName::new("Thing")];
    assert_eq!(node.backends, [VirtualServiceName::new("a")]);
    assert_eq!(node.access_log, None);
}

#[test]
fn tags_say_what_properties_cannot() {
    let node = |port: u16, tags: Value| {
        let node = json!({"Tags": tags, "Spec": {"Listeners": [
            {"PortMapping": {"Port": port, "Protocol": "tcp"}},
            {"PortMapping": {"Port": 8080, "Protocol": "http"}}]}});
        let meshes = Mesh::from_resources(&[resource("VirtualNode", node)])?;
        let node = &meshes[&MeshName::new("m")].nodes[&VirtualNodeName::new("Thing")];
        assert_eq!(node.listeners[1].transport, Transport::Plain);
        Ok::<_, Problems>(node.listeners[0].transport)
    };
    let tls = |value: Value| json!([{"Key": "colormesh:tls", "Value": value}]);
    assert_eq!(node(443, json!([])), Ok(Transport::Tls));
    assert_eq!(node(5432, json!([])), Ok(Transport::Plain));
    assert_eq!(node(443, tls(json!("false"))), Ok(Transport::Plain));
    assert_eq!(node(5432, tls(json!(true))), Ok(Transport::Tls));
    let owner = json!([{"Key": "owner", "Value": "me"}]);
    assert_eq!(node(443, owner), Ok(Transport::Tls));
    for (key, value, said) in [
        (
            "colormesh:tls",
            "perhaps",
            "`Tags[0].Value`: expected `true` or `false`",
        ),
        (
            "colormesh:matching",
            "host",
            "`host` is not one of `sni`, `port`",
        ),
        ("colormesh:tsl", "true", "there is no tag `colormesh:tsl`"),
    ] {
        let refused = node(443, json!([{"Key": key, "Value": value}])).unwrap_err();
        assert!(refused.to_string().contains(said), "{refused}");
    }
}

#[test]
fn a_wildcard_backend_stands_for_the_services_below_it() {
    let service = |name: &str| {
        let mut service = resource(
            "VirtualService",
            json!({"VirtualServiceName": name, "Spec": {}}),
        );
        service.logical_id = name.to_owned();
        service
    };
    let names = ["*.a.test", "x.a.test", "y.x.a.test", "a.test", "xa.test"];
    let resources: Vec<Resource> = names.into_iter().map(service).collect();
    let meshes = Mesh::from_resources(&resources).unwrap();
    let mesh = &meshes[&MeshName::new("m")];
    let found = |backend: &str| -> Vec<String> {
        let backend = VirtualServiceName::new(backend);
        let services = mesh.services_of(&backend);
        services.map(|service| service.name.to_string()).collect()
    };
    assert_eq!(found("*.a.test"), ["*.a.test", "x.a.test", "y.x.a.test"]);
    assert_eq!(found("*.x.a.test"), ["y.x.a.test"]);
    assert_eq!(found("a.test"), ["a.test"]);
    assert_eq!(found("*.b.test"), [""; 0]);
}

#[test]
fn unions_hold_one() {
    let found = refusals(
        "Route",
        json!({"VirtualRouterName": "r", "Spec": {
            "HttpRoute": {"Match": {"Prefix": "/"}, "Action": {"WeightedTargets": [
                {"VirtualNode": "a", "Weight": 60}, {"VirtualNode": "b", "Weight": 50}]}},
            "TcpRoute": {},
        }}),
    );
    assert_eq!(
        found,
        [
            "resource `Thing`, `Spec`: `HttpRoute` and `TcpRoute` exclude each other",
            "resource `Thing`, `Spec.HttpRoute.Action.WeightedTargets`: the weights add up to 110, more than 100",
        ],
    );
    let found = refusals(
        "VirtualService",
        json!({"VirtualServiceName": "s", "Spec": {"Provider": {
        "VirtualNode": {"VirtualNodeName": "n"}, "VirtualRouter": {"VirtualRouterName": "r"}}}}),
    );
    assert_eq!(found.len(), 1);
}

#[test]
fn a_listener_s_pool_and_timeout_stand_under_its_protocol() {
    let found = refusals(
        "VirtualNode",
        json!({"Spec": {"Listeners": [{
            "PortMapping": {"Port": 80, "Protocol": "http2"},
            "ConnectionPool": {"HTTP": {"MaxRequests": 1}},
            "Timeout": {"HTTP2": {"PerRequest": {"Unit": "m", "Value": 1}}},
        }]}}),
    );
    assert_eq!(
        found,
        [
            "resource `Thing`, `Spec.Listeners[0].Timeout.HTTP2.PerRequest.Unit`: `m` is not one of `s`, `ms`",
            "resource `Thing`, `Spec.Listeners[0].ConnectionPool.HTTP`: the listener speaks `http2`, so this must stand under its name",
        ],
    );
}

#[test]
fn a_gateway_speaks_no_tcp() {
    let found = refusals(
        "VirtualGateway",
        json!({"Spec": {"Listeners": [{"PortMapping": {"Port": 80, "Protocol": "tcp"}}]}}),
    );
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("`http`, `http2` or `grpc`"), "{found:?}");
}

#[test]
fn two_of_a_name_are_refused() {
    let node = resource("VirtualNode", json!({"VirtualNodeName": "n", "Spec": {}}));
    let problems = Mesh::from_resources(&[node.clone(), node]).unwrap_err();
    assert!(
        problems
            .to_string()
            .contains("another resource of that type and name")
    );
}

#[test]
fn names_that_lead_nowhere_are_warnings() {
    let resources = [
        resource(
            "VirtualNode",
            json!({"VirtualNodeName": "n", "Spec": {
            "Listeners": [listener(&json!("80"))],
            "Backends": [{"VirtualService": {"VirtualServiceName": "missing"}}]}}),
        ),
        resource(
            "Route",
            json!({"RouteName": "r", "VirtualRouterName": "none", "Spec": {
            "TcpRoute": {"Action": {"WeightedTargets": [
                {"VirtualNode": "n", "Weight": 1}, {"VirtualNode": "gone", "Weight": 1}]}}}}),
        ),
    ];
    let meshes = Mesh::from_resources(&resources).unwrap();
    let found: Vec<String> = meshes[&MeshName::new("m")]
        .check()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        found,
        [
            "resource `n`: backend `missing` is not a virtual service of the mesh",
            "resource `r`: there is no virtual router `none`",
            "resource `r`: virtual node `n` speaks `http`, the route `tcp`",
            "resource `r`: there is no virtual node `gone`",
        ],
    );
}

#[test]
fn routes_are_tried_by_priority_then_by_the_longer_path() {
    let route = |name: &str, priority: Value, matching: Value| {
        resource(
            "Route",
            json!({"RouteName": name, "VirtualRouterName": "r", "Spec": {
            "Priority": priority, "HttpRoute": {"Match": matching, "Action": {
                "WeightedTargets": [{"VirtualNode": "n", "Weight": 1}]}}}}),
        )
    };
    let resources = [
        route("all", Value::Null, json!({"Prefix": "/"})),
        route("exact", Value::Null, json!({"Path": {"Exact": "/a"}})),
        route("long", Value::Null, json!({"Prefix": "/a/b"})),
        route(
            "posts",
            Value::Null,
            json!({"Prefix": "/", "Method": "POST"}),
        ),
        route("second", json!(2), json!({"Prefix": "/"})),
        route("first", json!(0), json!({"Prefix": "/"})),
    ];
    let meshes = Mesh::from_resources(&resources).unwrap();
    let router = VirtualRouterName::new("r");
    let routes = meshes[&MeshName::new("m")].routes_of(&router);
    let names: Vec<&str> = routes.iter().map(|route| route.name.as_str()).collect();
    assert_eq!(names, ["first", "second", "exact", "long", "posts", "all"]);
}

#[test]
fn a_proxy_is_read_from_a_name_or_an_arn() {
    let node = ProxyId::VirtualNode(VirtualNodeName::new("n"));
    for text in [
        "mesh/m/virtualNode/n",
        "arn:aws:appmesh:us-west-2:1:mesh/m/virtualNode/n",
    ] {
        assert_eq!(ProxyId::parse(text), Ok((MeshName::new("m"), node.clone())));
    }
    assert!(ProxyId::parse("mesh/m/virtualRouter/r").is_err());
    assert!(ProxyId::parse("mesh/m").is_err());
}
