//! Namespaces in which nothing holds a probe back, and a world outside that
//! answers everybody and witnesses what arrives.
//!
//! ```text
//! open (10.77.0.1, default route) --veth-- world (10.77.0.2, every address)
//! ```

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixListener};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread;

use colormesh::runtime::prober::{
    ARGUMENT, Attempt, BLOCKS, Counts, Modelled, Orders, Run, Who, Witness,
};
use tempfile::TempDir;

use crate::live::netns::Netns;

pub(crate) const TOKEN: &str = "0123abcd";
/// The name of the abstract socket of a process that is not of the container.
const OUTSIDE: &str = "colormesh-test-outside";

/// A container without protection.
pub(crate) struct Open {
    pub(crate) app: Netns,
    pub(crate) world: Netns,
    folder: TempDir,
    envoy: Child,
    _outside: [UnixListener; 2],
}

impl Open {
    pub(crate) fn new() -> Self {
        let (app, world) = (Netns::new(), Netns::new());
        cable(&app, &world);
        let folder = TempDir::with_prefix("colormesh-test-").unwrap();
        let abstract_name = UnixAddress::from_abstract_name(OUTSIDE).unwrap();
        let outside = app.run(|| UnixListener::bind_addr(&abstract_name).unwrap());
        let admin = UnixListener::bind(folder.path().join("admin")).unwrap();
        let envoy = folder.path().join("envoy");
        std::fs::copy("/bin/sleep", &envoy).unwrap();
        let envoy = world.command(&envoy).arg("60").spawn().unwrap();
        let open = Self {
            app,
            world,
            folder,
            envoy,
            _outside: [outside, admin],
        };
        open.serve();
        open
    }

    /// Whatever is asked, by whomever, is answered.
    fn serve(&self) {
        for port in [22, 25, 53, 80, 443, 853, 8443] {
            let listener = self
                .world
                .run(|| TcpListener::bind(("0.0.0.0", port)).unwrap());
            thread::spawn(move || answer(&listener));
        }
        let admin = self
            .app
            .run(|| TcpListener::bind("127.0.0.1:9901").unwrap());
        thread::spawn(move || answer(&admin));
        // A proxy that lets everything through.
        let proxy = self
            .app
            .run(|| TcpListener::bind("127.0.0.1:15001").unwrap());
        let app = self.app.path();
        thread::spawn(move || forward(&proxy, &app));
    }

    /// Puts the redirection of an app's network into it.
    pub(crate) fn redirect(&self) {
        self.app.shell(
            "nft -f - <<'END'
            table ip colormesh {
              chain output {
                type nat hook output priority -100; policy accept;
                ip daddr 127.0.0.0/8 accept
                meta l4proto tcp redirect to :15009
              }
              chain datagrams {
                type filter hook output priority 0; policy accept;
                udp dport 9 drop
              }
            }
END",
        );
    }

    /// Tries these probes as root, without a filter; and what arrived.
    pub(crate) fn probe(&self, run: Run, only: &[&str]) -> (Vec<Attempt>, Counts) {
        let witness = self.world.run(|| Witness::here(TOKEN).unwrap());
        let orders = Orders {
            // It is started inside.
            network: "/proc/self/ns/net".into(),
            process: None,
            who: Who::Root,
            run,
            token: TOKEN.to_owned(),
            services: vec![Modelled {
                name: "github.com".to_owned(),
                address: Some("10.77.0.2".parse().unwrap()),
                port: 443,
            }],
            sidecars: vec![if run.is_in_copy() { self.envoy.id() } else { 4 }],
            sockets: vec![self.folder.path().join("admin")],
            filtered: false,
            only: only.iter().map(|&name| name.to_owned()).collect(),
        };
        let attempts = self.prober(&orders);
        thread::sleep(std::time::Duration::from_millis(200));
        (attempts, witness.finish())
    }

    /// Runs a prober in mounts and processes of its own, so that what it can
    /// do there does nothing to this machine.
    fn prober(&self, orders: &Orders) -> Vec<Attempt> {
        let told = self.folder.path().join("orders.json");
        std::fs::write(&told, serde_json::to_vec(orders).unwrap()).unwrap();
        let resolver = self.folder.path().join("resolv.conf");
        std::fs::write(&resolver, "nameserver 10.77.0.2\n").unwrap();
        let program = env!("CARGO_BIN_EXE_colormesh");
        // `mount` is process 2; the app is 3 and holds a namespace; Envoy is 4.
        let script = format!(
            "mount --bind {} /etc/resolv.conf
             sleep 60 8</proc/self/ns/net & app=$!
             {} 60 & envoy=$!
             {program} {ARGUMENT} <{}
             code=$?; kill $app $envoy; exit $code",
            resolver.display(),
            self.folder.path().join("envoy").display(),
            told.display()
        );
        let mut command = self.app.command("unshare");
        command.args(["--mount", "--ipc", "--uts"]);
        if !orders.run.is_in_copy() {
            command.args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
        }
        let output = command
            .args(["sh", "-c", &script])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let lines = String::from_utf8(output.stdout).unwrap();
        let attempts = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        attempts.collect()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let _ = self.envoy.kill();
        let _ = self.envoy.wait();
    }
}

fn cable(app: &Netns, world: &Netns) {
    let there = world.path();
    app.shell(&format!(
        "ip link add open0 type veth peer name world0 netns {}
         ip addr add 10.77.0.1/24 dev open0; ip addr add fd77::1/64 dev open0 nodad
         ip link set open0 up",
        there.components().nth(2).unwrap().as_os_str().display()
    ));
    world.shell(
        "ip addr add 10.77.0.2/24 dev world0; ip addr add fd77::2/64 dev world0 nodad
         ip link set world0 up",
    );
    let local = BLOCKS.map(|block| format!("ip route add local {block} dev lo;"));
    world.shell(&local.concat());
    world.shell("ip route add local 169.254.0.0/16 dev lo");
    app.shell("ip route add default via 10.77.0.2; ip route add default via fd77::2");
}

/// Answers every connection as a web server would.
fn answer(listener: &TcpListener) {
    for stream in listener.incoming() {
        thread::spawn(move || {
            let mut stream = stream?;
            let _ = stream.read(&mut [0; 4096])?;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
        });
    }
}

/// Carries every connection to the world.
fn forward(listener: &TcpListener, network: &PathBuf) {
    for stream in listener.incoming() {
        let mut near = stream.unwrap();
        let mut bytes = vec![0; 4096];
        let Ok(count) = near.read(&mut bytes) else {
            continue;
        };
        let file = std::fs::File::open(network).unwrap();
        let connected = thread::spawn(move || {
            let kind = Some(rustix::thread::LinkNameSpaceType::Network);
            rustix::thread::move_into_link_name_space(std::os::fd::AsFd::as_fd(&file), kind)
                .unwrap();
            TcpStream::connect("10.77.0.2:443".parse::<SocketAddr>().unwrap())
        });
        if let Ok(mut far) = connected.join().unwrap() {
            let _ = far.write_all(&bytes[..count]);
        }
    }
}
