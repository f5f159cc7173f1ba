//! The least an Envoy can be: it listens in the app's namespace, where
//! connections are redirected to it as they are to ours, and passes every one
//! on to one address.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, anyhow};
use colormesh::runtime::isolate;
use serde_json::json;

use crate::{outside, scene};

/// Where it listens.
const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 15999);
/// Where the app connects to.
const DESTINATION: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 2)), 443);

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
        std::fs::write(&file, configuration(app).to_string())?;
        let log = std::fs::File::create(folder.join("plain.log"))?;
        // As the runtime starts ours.
        let mut command = Command::new(envoy);
        command.arg("--config-path").arg(file);
        command.args(["--disable-hot-restart", "--use-dynamic-base-id"]);
        command.args(["--concurrency", "2", "--log-level", "warning"]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let child = command.spawn().context("cannot start the plain Envoy")?;
        redirect(app)?;
        let process = isolate::outside_number(child.id()).context("the plain Envoy ended")?;
        Ok(Self {
            child,
            address: DESTINATION,
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

/// Sends the app's connections there, before the runtime's own rules.
fn redirect(app: &Path) -> Result<()> {
    let (to, port) = (DESTINATION.ip(), ADDRESS.port());
    let rules = format!(
        "table ip plain {{ chain output {{ type nat hook output priority -110; \
         ip daddr {to} meta l4proto tcp redirect to :{port}; }}; }}\n"
    );
    let app = app.to_owned();
    let inside = std::thread::spawn(move || {
        scene::enter(&app)?;
        scene::run_with("nft", &["-f", "-"], &rules)
    });
    inside
        .join()
        .map_err(|_| anyhow!("the redirection was lost"))?
}

fn configuration(app: &Path) -> serde_json::Value {
    let at = |address: SocketAddr| json!({"address": address.ip(), "port_value": address.port()});
    let mut here = at(ADDRESS);
    here["network_namespace_filepath"] = json!(app);
    let proxy = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": "plain", "cluster": "outside"});
    let endpoint = json!({"endpoint": {"address": {"socket_address": at(outside::ADDRESS)}}});
    json!({"static_resources": {
        "listeners": [{
            "name": "plain",
            "address": {"socket_address": here},
            "filter_chains": [{"filters": [
                {"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}]}]}],
        "clusters": [{
            "name": "outside",
            "type": "STATIC",
            "load_assignment": {"cluster_name": "outside", "endpoints": [
                {"lb_endpoints": [endpoint]}]}}]}})
}
