//! The rendered task definitions, run as ECS runs them: their own command, as
//! their own user, behind the redirection that ECS installs.

use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, ErrorKind};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use colormesh::envoy::log::{Allowed, Attempt, Denied};
use serde_json::Value;

use super::{envoy, words};
use crate::live::TELLER;
use crate::live::client::Client;
use crate::live::netns::Netns;
use crate::live::outside::{self, Outside};
use crate::templates::evaluated::made;

const SETTINGS: &str = "\
mesh: { runtime: envoy }
services_domain: internal
external_services:
  - { name: github, host: github.com }
  - { name: godev, host: go.dev, via_port: 444 }
  - { name: mysql, host: mysql.example, port: 3306 }
  - { name: a, host: a.example, port: 80, protocol: http }
  - { name: wild, host: '*.wild.example' }
";

const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 11, 5);
/// Who may pass by the redirection.
const ENVOY_USER: &str = "1337";

/// A network with the outside world behind it, and a container in it.
struct Task {
    netns: Netns,
    container: Option<Container>,
}

struct Container {
    process: Child,
    folder: tempfile::TempDir,
}

// === impl Task ===

impl Task {
    /// At an address, connected to the outside world.
    fn new(world: &Netns, address: Ipv4Addr) -> Self {
        let netns = Netns::new();
        let [a, b, c, _] = address.octets();
        let (name, process) = (format!("veth{c}"), netns.process());
        world.shell(&format!(
            "ip link add {name} type veth peer name eth0 netns {process}
            ip addr add {a}.{b}.{c}.1/24 dev {name}; ip link set {name} up
            sysctl -qw net.ipv4.ip_forward=1"
        ));
        netns.shell(&format!(
            "ip addr add {address}/24 dev eth0; ip link set eth0 up
            ip route add default via {a}.{b}.{c}.1
            sysctl -qw net.ipv4.ip_unprivileged_port_start=0"
        ));
        let resolver = Ipv4Addr::new(a, b, c, 1);
        let socket = world.run(|| UdpSocket::bind((resolver, 53)).unwrap());
        thread::spawn(move || outside::names(&socket));
        Self {
            netns,
            container: None,
        }
    }

    /// What ECS installs for a `ProxyConfiguration`.
    fn redirect(&self, proxy: &Value) {
        let property = |name: &str| {
            let mut all = proxy["ProxyConfigurationProperties"]
                .as_array()
                .unwrap()
                .iter();
            let found = all.find(|each| each["Name"] == name).unwrap();
            found["Value"].to_string().replace('"', "")
        };
        let (user, apps) = (property("IgnoredUID"), property("AppPorts"));
        let (egress, ingress) = (property("ProxyEgressPort"), property("ProxyIngressPort"));
        let ignored = property("EgressIgnoredIPs").replace(',', ", ");
        self.netns.shell(&format!(
            "nft -f - <<'END'
            table ip mesh {{
              chain output {{
                type nat hook output priority -100; policy accept;
                fib daddr type local accept
                meta skuid {user} accept
                ip daddr {{ {ignored} }} accept
                meta l4proto tcp redirect to :{egress}
              }}
              chain prerouting {{
                type nat hook prerouting priority -100; policy accept;
                fib saddr type local accept
                tcp dport {{ {apps} }} redirect to :{ingress}
              }}
            }}
END"
        ));
    }

    /// Runs the container's command as its user, with a memory file system of
    /// its own and nothing else that it may write to.
    fn run(&mut self, container: &Value) {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let path = |name: &str| folder.path().join(name);
        let gateway = self
            .netns
            .command("ip")
            .args(["route", "show", "default"])
            .output();
        let gateway = String::from_utf8(gateway.unwrap().stdout).unwrap();
        let gateway = gateway.split(' ').nth(2).unwrap();
        fs::write(path("resolv.conf"), format!("nameserver {gateway}\n")).unwrap();
        let open = |name: &str| {
            let file = File::create(path(name)).unwrap();
            file.set_permissions(Permissions::from_mode(0o666)).unwrap();
            file
        };
        assert_eq!(container["User"], ENVOY_USER);
        assert_eq!(words(&container["EntryPoint"]), ["envoy"]);
        let program = std::env::var("COLORMESH_ENVOY").unwrap_or_else(|_| "envoy".to_owned());
        let script =
            "mount -t tmpfs -o mode=1777 shm /dev/shm; mount --bind \"$1\" /etc/resolv.conf
            shift; exec setpriv --reuid 1337 --regid 1337 --clear-groups --no-new-privs \
            --bounding-set -all --inh-caps -all \"$@\"";
        let process = self
            .netns
            .command("unshare")
            .args(["--mount", "sh", "-ec", script, "sh"])
            .arg(path("resolv.conf"))
            .arg(program)
            .args(words(&container["Command"]))
            .stdin(Stdio::null())
            .stdout(open("stdout"))
            .stderr(open("stderr"))
            .spawn()
            .unwrap();
        self.container = Some(Container { process, folder });
        self.wait(container);
    }

    /// Until it is healthy, as ECS would find out.
    fn wait(&mut self, container: &Value) {
        let command = words(&container["HealthCheck"]["Command"]);
        let ("CMD", command) = (command[0], &command[1..]) else {
            panic!("{command:?}")
        };
        let end = Instant::now() + Duration::from_secs(15);
        loop {
            let mut check = self.netns.command(command[0]);
            let check = check.args(&command[1..]).stderr(Stdio::null());
            if check.status().unwrap().success() {
                return;
            }
            let container = self.container.as_mut().unwrap();
            let said = fs::read_to_string(container.folder.path().join("stderr")).unwrap();
            assert!(container.process.try_wait().unwrap().is_none(), "{said}");
            assert!(Instant::now() < end, "{said}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// The lines of its output that are of this form, once there is one that
    /// is looked for.
    fn line<T: serde::de::DeserializeOwned>(&self, is_it: impl Fn(&T) -> bool) -> T {
        let end = Instant::now() + Duration::from_secs(10);
        let path = self
            .container
            .as_ref()
            .unwrap()
            .folder
            .path()
            .join("stdout");
        loop {
            let text = fs::read_to_string(&path).unwrap();
            let mut lines = text
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok());
            if let Some(found) = lines.find(&is_it) {
                return found;
            }
            assert!(Instant::now() < end, "{text}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn refused(error: &std::io::Error) -> bool {
    let kinds = [ErrorKind::ConnectionReset, ErrorKind::UnexpectedEof];
    kinds.contains(&error.kind()) || error.to_string().contains("close_notify")
}

/// The teller's task of these settings, with its app.
fn teller(world: &Netns, settings: &str) -> Task {
    let made = made(settings);
    let mut task = Task::new(world, TELLER);
    let definition = crate::templates::evaluated::named(&made, "ColorTellerWhiteTaskDefinition");
    task.redirect(&definition.properties["ProxyConfiguration"]);
    outside::application(&task.netns);
    task.run(envoy(&made, "ColorTellerWhiteTaskDefinition"));
    task
}

fn check_egress(task: &Task, outside: &Outside) {
    let client = Client {
        app: &task.netns,
        roots: outside.roots.clone(),
    };
    let at = outside::address;
    for (host, port) in [
        ("github.com", 443),
        ("go.dev", 444),
        ("a.wild.example", 443),
    ] {
        let page = client.eventually(|client| client.https(host, at(host), port)?.get("/"));
        assert_eq!(page, format!("hello from {host}"));
    }
    let open: Allowed = task.line(|line: &Allowed| line.server_name.as_deref() == Some("go.dev"));
    assert_eq!(open.destination.as_deref(), Some("198.51.100.20:444"));
    assert_eq!(open.upstream.as_deref(), Some("198.51.100.20:443"));

    // A name that is not modelled, at whatever address; no name; another port.
    for (host, address) in [
        ("example.com", "example.com"),
        ("example.com", "github.com"),
    ] {
        let mut connection = client.https(host, at(address), 443).unwrap();
        assert!(
            refused(&connection.get("/").unwrap_err()),
            "{host} at {address}"
        );
    }
    let denied: Denied = task.line(|line: &Denied| line.server_name.is_some());
    assert_eq!(
        (denied.name(), denied.attempt()),
        (Some("example.com"), Attempt::Tls)
    );
    let mut other_port = client.https("github.com", at("github.com"), 8443).unwrap();
    assert!(refused(&other_port.get("/").unwrap_err()));
    assert!(refused(
        &client
            .http("a.example", at("github.com"), 443)
            .unwrap()
            .get("/")
            .unwrap_err()
    ));
    // Envoy resolves by itself: the modelled name at another address.
    let page = client
        .https("github.com", at("example.com"), 443)
        .unwrap()
        .get("/");
    assert_eq!(page.unwrap(), "hello from github.com");

    let page = client
        .http("a.example", at("a.example"), 80)
        .unwrap()
        .get("/")
        .unwrap();
    assert_eq!(page, "hello from a.example");
    assert_eq!(
        client
            .http("b.example", at("a.example"), 80)
            .unwrap()
            .status("/")
            .unwrap(),
        404
    );

    // Where the server speaks first nobody waits for the client, which would
    // take five seconds.
    let greeting = client.eventually(|client| {
        let stream = client.connect(at("mysql.example"), 3306)?;
        stream.set_read_timeout(Some(Duration::from_secs(3)))?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(line)
    });
    assert_eq!(greeting, "hello from mysql.example\n");
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_task_as_ecs_makes_it_lets_out_what_is_modelled_and_nothing_else() {
    let world = Netns::new();
    let outside = Outside::start(&world);
    let task = teller(&world, SETTINGS);
    check_egress(&task, &outside);
}

/// With more services than a task definition has room for chains, they share.
#[test]
#[ignore = "needs root and Envoy"]
fn a_task_whose_services_share_a_chain_does_the_same() {
    let world = Netns::new();
    let outside = Outside::start(&world);
    let more: String = (0..40)
        .map(|number| format!("  - {{ name: s{number}, host: s{number}.example.net }}\n"))
        .collect();
    let task = teller(&world, &format!("{SETTINGS}{more}"));
    let made = made(&format!("{SETTINGS}{more}"));
    let command = words(&envoy(&made, "ColorTellerWhiteTaskDefinition")["Command"])[1].to_owned();
    assert!(command.contains("shared_443_to_443_v4"), "{command}");
    check_egress(&task, &outside);
}

#[test]
#[ignore = "needs root and Envoy"]
fn the_gateway_reaches_the_app_through_its_sidecar() {
    let world = Netns::new();
    let _outside = Outside::start(&world);
    let teller = teller(&world, SETTINGS);
    let mut gateway = Task::new(&world, GATEWAY);
    gateway.run(envoy(&made(SETTINGS), "ColorGatewayTaskDefinition"));
    let get = |path: &str| {
        let mut curl = Command::new("nsenter");
        let curl = curl.arg(format!("--net={}", world.path().display()));
        let output = curl
            .args(["curl", "-sS", "-m", "5", path])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let end = Instant::now() + Duration::from_secs(20);
    let url = format!("http://{GATEWAY}/anything");
    while get(&url) != "hello from teller.internal" {
        assert!(Instant::now() < end, "{}", get(&url));
        thread::sleep(Duration::from_millis(100));
    }
    let came: Allowed = teller.line(|line: &Allowed| line.path.as_deref() == Some("/anything"));
    assert_eq!(came.upstream.as_deref(), Some("127.0.0.1:80"));
    // The load balancer's look at readiness; and what it may not do.
    assert!(get(&format!("http://{GATEWAY}:9901/ready")).contains("LIVE"));
    assert_eq!(get(&format!("http://{GATEWAY}:9901/config_dump")), "");
    // What is dialled at Envoy's own port, as with `mesh.redirect: ports`, can
    // only be for the one listener that there is.
    let dialled = get(&format!("http://{TELLER}:15000/"));
    assert_eq!(dialled, "hello from teller.internal");
}
