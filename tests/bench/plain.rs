//! The least an Envoy can be: it listens in the app's namespace, where
//! connections are redirected to it as they are to ours, and passes every one
//! on to one address.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, anyhow};
use colormesh::runtime::isolate;
use serde_json::json;

use crate::{mesh, outside, scene};

/// Which connections it passes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passes {
    /// Every one, without a look.
    All,
    /// Those that name the server: what keeping others out costs by itself.
    Named,
}

/// A running plain Envoy; killed when this goes.
#[derive(Debug)]
pub(crate) struct Plain {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) process: u32,
}

// === impl Passes ===

impl Passes {
    /// Where it listens.
    fn address(self) -> SocketAddr {
        let port = match self {
            Self::All => 15999,
            Self::Named => 15998,
        };
        (Ipv4Addr::LOCALHOST, port).into()
    }

    /// Where the app connects to.
    fn destination(self) -> SocketAddr {
        let last = match self {
            Self::All => 2,
            Self::Named => 3,
        };
        (Ipv4Addr::new(203, 0, 113, last), 443).into()
    }

    /// The listener's filters and the condition of its chain.
    fn look(self) -> (serde_json::Value, serde_json::Value) {
        match self {
            Self::All => (json!([]), json!({})),
            Self::Named => {
                let filter = json!({
                    "name": "envoy.filters.listener.tls_inspector",
                    "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.\
                                               listener.tls_inspector.v3.TlsInspector"}});
                (json!([filter]), json!({"server_names": [mesh::host(0)]}))
            }
        }
    }
}

// === impl Plain ===

impl Plain {
    pub(crate) fn start(envoy: &Path, folder: &Path, app: &Path, passes: Passes) -> Result<Self> {
        let file = folder.join(format!("plain-{passes:?}.json"));
        std::fs::write(&file, configuration(app, passes).to_string())?;
        let log = std::fs::File::create(file.with_extension("log"))?;
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
        redirect(app, passes)?;
        let process = isolate::outside_number(child.id()).context("the plain Envoy ended")?;
        Ok(Self {
            child,
            address: passes.destination(),
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
fn redirect(app: &Path, passes: Passes) -> Result<()> {
    let (to, port) = (passes.destination().ip(), passes.address().port());
    let rules = format!(
        "table ip plain{port} {{ chain output {{ type nat hook output priority -110; \
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

fn configuration(app: &Path, passes: Passes) -> serde_json::Value {
    let at = |address: SocketAddr| json!({"address": address.ip(), "port_value": address.port()});
    let mut here = at(passes.address());
    here["network_namespace_filepath"] = json!(app);
    let (listener_filters, condition) = passes.look();
    let proxy = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": "plain", "cluster": "outside"});
    let endpoint = json!({"endpoint": {"address": {"socket_address": at(outside::ADDRESS)}}});
    json!({"static_resources": {
        "listeners": [{
            "name": "plain",
            "address": {"socket_address": here},
            "listener_filters": listener_filters,
            "filter_chains": [{"filter_chain_match": condition, "filters": [
                {"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}]}]}],
        "clusters": [{
            "name": "outside",
            "type": "STATIC",
            "load_assignment": {"cluster_name": "outside", "endpoints": [
                {"lb_endpoints": [endpoint]}]}}]}})
}
