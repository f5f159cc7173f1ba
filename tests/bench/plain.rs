//! The least an Envoy can be: it listens in the app's namespace and passes
//! every connection on to one address.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use colormesh::runtime::isolate;
use serde_json::json;

use crate::outside;

/// Where it listens. Loopback is not redirected in an app's namespace.
pub(crate) const ADDRESS: &str = "127.0.0.1:15999";

/// A running plain Envoy; killed when this goes.
#[derive(Debug)]
pub(crate) struct Plain {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) process: u32,
}

// === impl Plain ===

impl Plain {
    pub(crate) fn start(envoy: &Path, folder: &Path, app: &Path) -> Result<Self> {
        let file = folder.join("plain.json");
        std::fs::write(&file, configuration(app)?.to_string())?;
        let log = std::fs::File::create(folder.join("plain.log"))?;
        // As the runtime starts ours.
        let mut command = Command::new(envoy);
        command.arg("--config-path").arg(file);
        command.args(["--disable-hot-restart", "--use-dynamic-base-id"]);
        command.args(["--concurrency", "2", "--log-level", "warning"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().context("cannot start the plain Envoy")?;
        let process = isolate::outside_number(child.id()).context("the plain Envoy ended")?;
        Ok(Self {
            child,
            address: ADDRESS.parse()?,
            process,
        })
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

fn configuration(app: &Path) -> Result<serde_json::Value> {
    let at = |address: SocketAddr| json!({"address": address.ip(), "port_value": address.port()});
    let mut here = at(ADDRESS.parse()?);
    here["network_namespace_filepath"] = json!(app);
    let proxy = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": "plain", "cluster": "outside"});
    let endpoint = json!({"endpoint": {"address": {"socket_address": at(outside::ADDRESS)}}});
    Ok(json!({"static_resources": {
        "listeners": [{
            "name": "plain",
            "address": {"socket_address": here},
            "filter_chains": [{"filters": [
                {"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}]}]}],
        "clusters": [{
            "name": "outside",
            "type": "STATIC",
            "load_assignment": {"cluster_name": "outside", "endpoints": [
                {"lb_endpoints": [endpoint]}]}}]}}))
}
