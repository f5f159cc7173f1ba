//! An Envoy that runs a compiled configuration.

use std::fs;
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use colormesh::envoy::{self, AppPlacement, Configuration, Placement};
use colormesh::mesh::{Mesh, ProxyId, Resource};
use serde::de::DeserializeOwned;

use super::netns::Netns;

/// What Envoy tells of connections over shared chains.
pub(crate) const SHARED: &str = "shared.log";

/// Envoy, and where its files are.
pub(crate) struct Proxy {
    pub(crate) configuration: Configuration,
    pub(crate) address: Ipv4Addr,
    pub(crate) admin: PathBuf,
    id: ProxyId,
    placement: Placement,
    process: Child,
    _folder: tempfile::TempDir,
}

impl Proxy {
    pub(crate) fn start(
        world: &Netns,
        resources: &[Resource],
        id: ProxyId,
        address: Ipv4Addr,
        vpc: &Netns,
        app: Option<(&Netns, bool)>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let placement = Placement {
            address,
            network: Some(vpc.path()),
            app: app.map(|(app, shares)| AppPlacement {
                network: app.path(),
                address: Ipv4Addr::LOCALHOST,
                egress_port: 15001,
                plain_egress_port: 15002,
                shared: shares.then(|| path.join(SHARED)),
            }),
            private_domains: vec!["internal".to_owned()],
            resolver: "127.0.0.1:5353".parse().unwrap(),
            admin: path.join("admin"),
            logs: path.to_owned(),
            xds: path.join("xds"),
            readiness_port: 9901,
        };
        let configuration = compile(resources, &id, &placement);
        let bootstrap = configuration.write(&placement.xds).unwrap();
        let envoy = std::env::var_os("COLORMESH_ENVOY").unwrap_or_else(|| "envoy".into());
        let log = fs::File::create(path.join("envoy.log")).unwrap();
        let process = world
            .command(envoy)
            .arg("-c")
            .arg(bootstrap)
            .args(["--use-dynamic-base-id", "--concurrency", "1", "-l", "warn"])
            .args(["--drain-time-s", "0", "--file-flush-interval-msec", "100"])
            .arg("--reject-unknown-dynamic-fields")
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let admin = placement.admin.clone();
        let mut proxy = Self {
            configuration,
            address,
            admin,
            id,
            placement,
            process,
            _folder: folder,
        };
        proxy.wait();
        proxy
    }

    fn wait(&mut self) {
        let end = Instant::now() + Duration::from_secs(10);
        while !self.ask("/ready").contains("LIVE") {
            let said = fs::read_to_string(self.placement.logs.join("envoy.log")).unwrap();
            assert!(self.process.try_wait().unwrap().is_none(), "{said}");
            assert!(Instant::now() < end, "{said}");
            thread::sleep(Duration::from_millis(10));
        }
        self.wait_for_look_ups();
    }

    /// It serves before its first look-ups are answered, and resets what comes
    /// until then. A name server may be silent on purpose.
    fn wait_for_look_ups(&self) {
        let end = Instant::now() + Duration::from_secs(5);
        let count = |what: &str| -> u64 {
            let stats = self.ask(&format!("/stats?filter=^cluster\\..*\\.update_{what}$"));
            let values = stats.lines().filter_map(|line| line.rsplit(": ").next());
            values.filter_map(|value| value.parse::<u64>().ok()).sum()
        };
        while count("attempt") > count("success") + count("failure") && Instant::now() < end {
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Hands a changed mesh over.
    pub(crate) fn update(&mut self, resources: &[Resource]) {
        let next = compile(resources, &self.id, &self.placement);
        assert!(next.can_follow(&self.configuration));
        next.update(&self.configuration, &self.placement.xds)
            .unwrap();
        self.configuration = next;
    }

    /// The lines of a log, once there are that many.
    pub(crate) fn log<T: DeserializeOwned>(&self, file: &str, lines: usize) -> Vec<T> {
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            let text = fs::read_to_string(self.placement.logs.join(file)).unwrap_or_default();
            if text.lines().count() >= lines {
                let read =
                    |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
                return text.lines().map(read).collect();
            }
            assert!(Instant::now() < end, "{file} has only {text}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn counter(&self, name: &str) -> u64 {
        let stats = self.ask(&format!("/stats?filter=^{name}$"));
        let value = stats.rsplit(": ").next().unwrap();
        value.trim().parse().unwrap()
    }

    fn ask(&self, path: &str) -> String {
        let mut answer = String::new();
        if let Ok(mut stream) = UnixStream::connect(&self.admin) {
            let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).unwrap();
            let _ = stream.read_to_string(&mut answer);
        }
        answer.replace("\r\n0\r\n\r\n", "")
    }
}

#[expect(
    clippy::print_stderr,
    reason = "what Envoy said belongs to the failure"
)]
impl Drop for Proxy {
    fn drop(&mut self) {
        if thread::panicking() {
            let said = fs::read_to_string(self.placement.logs.join("envoy.log"));
            eprintln!("{}", said.unwrap_or_default());
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn compile(resources: &[Resource], id: &ProxyId, placement: &Placement) -> Configuration {
    let meshes = Mesh::from_resources(resources).unwrap_or_else(|problems| panic!("{problems}"));
    envoy::compile(meshes.values().next().unwrap(), id, placement).unwrap()
}
