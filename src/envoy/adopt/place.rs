//! What a task on this machine has elsewhere than one on ECS.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{Carried, endpoints, is_loopback, text};
use crate::envoy::log::{ACCESS_LOG, DENIED_LOG, MESH_LOG};
use crate::envoy::surroundings::is_under;
use crate::envoy::{AppPlacement, Placement};

/// Where a container's logs go on ECS.
const OUTPUTS: &[&str] = &["/dev/stdout", "/dev/stderr"];
const RESOLVER: &str = "typed_dns_resolver_config";

pub(super) fn placed(carried: &Carried, placement: &Placement) -> Value {
    let mut whole = carried.whole.clone();
    let admin = whole.pointer("/admin/address").cloned();
    let here = json!({"pipe": {"path": placement.admin, "mode": 0o600}});
    for listener in items(&mut whole, "listeners") {
        match &placement.app {
            Some(app) if carried.is_for_application(listener) => {
                in_applications_network(listener, &app.network);
            }
            // Without an application nothing listens for it, least of all in
            // the proxy's own network, which may be this machine's.
            Some(_) | None => at_task(listener, placement),
        }
    }
    for cluster in items(&mut whole, "clusters") {
        place_cluster(cluster, placement);
        if let Some(admin) = &admin {
            replace(cluster, admin, &json!({"pipe": {"path": placement.admin}}));
        }
    }
    if let Some(whole) = whole.as_object_mut() {
        whole.insert("admin".to_owned(), json!({"address": here}));
        whole.insert(RESOLVER.to_owned(), resolver(placement));
    }
    walk(&mut whole, &mut |object| {
        if object.contains_key(RESOLVER) {
            object.insert(RESOLVER.to_owned(), resolver(placement));
        }
        place_log(object, placement);
    });
    whole
}

fn items<'a>(whole: &'a mut Value, kind: &str) -> impl Iterator<Item = &'a mut Value> + use<'a> {
    let found = whole.pointer_mut(&format!("/static_resources/{kind}"));
    found.and_then(Value::as_array_mut).into_iter().flatten()
}

/// Calls something with every object, the outer ones first.
fn walk(value: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            change(object);
            object.values_mut().for_each(|inner| walk(inner, change));
        }
        Value::Array(list) => list.iter_mut().for_each(|inner| walk(inner, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Puts a value wherever another stands: without its mode, an admin socket is
/// an endpoint's address too.
fn replace(value: &mut Value, old: &Value, new: &Value) {
    let path = |value: &Value| value.pointer("/pipe/path").cloned();
    let same = value == old || path(value).is_some_and(|it| Some(it) == path(old));
    match value {
        _ if same => *value = new.clone(),
        Value::Object(object) => object.values_mut().for_each(|it| replace(it, old, new)),
        Value::Array(list) => list.iter_mut().for_each(|it| replace(it, old, new)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What the application sends arrives in its own namespace, at whatever
/// address a redirection leads it to, or at loopback.
fn in_applications_network(listener: &mut Value, network: &Path) {
    for socket in sockets(listener) {
        let own = socket.get("address").and_then(Value::as_str);
        if !own.is_some_and(is_loopback) {
            socket.insert("address".to_owned(), json!("0.0.0.0"));
        }
        within(socket, Some(network));
    }
}

/// All else arrives in the namespace of the tasks, at the task's address.
fn at_task(listener: &mut Value, placement: &Placement) {
    for socket in sockets(listener) {
        let address = json!(placement.address.to_string());
        socket.insert("address".to_owned(), address);
        within(socket, placement.network.as_deref());
    }
}

/// The addresses of a listener.
fn sockets(listener: &mut Value) -> Vec<&mut Map<String, Value>> {
    let Some(listener) = listener.as_object_mut() else {
        return Vec::new();
    };
    let mut addresses = Vec::new();
    for (name, value) in listener {
        match (name.as_str(), value) {
            ("address", value) => addresses.push(value),
            ("additional_addresses", Value::Array(more)) => {
                addresses.extend(more.iter_mut().filter_map(|it| it.get_mut("address")));
            }
            _ => {}
        }
    }
    let sockets = addresses.into_iter();
    sockets
        .filter_map(|address| address.get_mut("socket_address")?.as_object_mut())
        .collect()
}

fn within(socket: &mut Map<String, Value>, network: Option<&Path>) {
    if let Some(network) = network {
        socket.insert("network_namespace_filepath".to_owned(), json!(network));
    }
}

/// Nodes inside are dialled in the tasks' namespace, the application in its
/// own, all others from the proxy's.
fn place_cluster(cluster: &mut Value, placement: &Placement) {
    let app = placement.app.as_ref();
    let network = endpoints(cluster).find_map(|endpoint| {
        let host = text(endpoint, "address")?;
        if is_loopback(host) {
            return app.map(|app| app.network.as_path());
        }
        let network = placement.network.as_deref();
        network.filter(|_| is_under(host, &placement.private_domains))
    });
    let Some(network) = network else { return };
    let to_app = app.is_some_and(|app| app.network == network);
    if let Some(cluster) = cluster.as_object_mut() {
        let mut source = Map::new();
        source.insert("address".to_owned(), json!("0.0.0.0"));
        source.insert("port_value".to_owned(), json!(0));
        within(&mut source, Some(network));
        cluster.insert(
            "upstream_bind_config".to_owned(),
            json!({ "source_address": source }),
        );
    }
    if let Some(app) = app.filter(|_| to_app) {
        at_application(cluster, app);
    }
}

fn at_application(cluster: &mut Value, app: &AppPlacement) {
    walk(cluster, &mut |object| {
        let address = object.get("address").and_then(Value::as_str);
        if object.contains_key("port_value") && address.is_some_and(is_loopback) {
            object.insert("address".to_owned(), json!(app.address.to_string()));
        }
    });
}

fn resolver(placement: &Placement) -> Value {
    let (address, port) = (placement.resolver.ip(), placement.resolver.port());
    json!({
        "name": "envoy.network.dns_resolver.cares",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
            "resolvers": [{"socket_address": {"address": address, "port_value": port}}],
            "query_timeout_seconds": 1,
            "query_tries": 2,
            "dns_resolver_options": {"no_default_search_domain": true},
        },
    })
}

/// What goes to a container's output stands in files here: what was refused,
/// what was let through, and what else the mesh asks for.
fn place_log(object: &mut Map<String, Value>, placement: &Placement) {
    let path = object.get("path").and_then(Value::as_str);
    if !path.is_some_and(|path| OUTPUTS.contains(&path)) {
        return;
    }
    let format = object
        .get("log_format")
        .and_then(|format| format.get("json_format"));
    let has = |field: &str| format.is_some_and(|format| format.get(field).is_some());
    let name = if has("event") {
        ACCESS_LOG
    } else if has("protocol") {
        DENIED_LOG
    } else {
        MESH_LOG
    };
    object.insert("path".to_owned(), json!(placement.logs.join(name)));
}
