//! An image of the user's own instead of the colour app: out of a registry,
//! unpacked, run as its own user, behind the gateway.

pub(crate) mod image;
mod refused;
pub(crate) mod registry;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::project::Project;
use crate::walkthrough::{check, get};
use image::{Image, Layer};
use registry::{Registry, Token};

/// Tells what it finds, then becomes the server that answers it.
const START: &str = r#"#!/bin/sh
seen="cwd=$(pwd) greeting=$GREETING arguments=$*"
while read -r name one rest; do
  case $name in Uid:) seen="$seen uid=$one";; Gid:) seen="$seen gid=$one";; esac
done < /proc/self/status
for path in /etc/secret /data/old /data/new /linked/new /etc/greeting /etc/twin; do
  [ -e "$path" ] && seen="$seen $path"
done
echo kept > /var/lib/app/state && read -r state < /var/lib/app/state && seen="$seen state=$state"
(: > /usr/mine) 2> /dev/null && seen="$seen wrote-to-usr"
read -r resolver rest < /etc/resolv.conf && seen="$seen $resolver"
COLOR=$seen exec /srv/server
"#;

/// A shell with the libraries it needs, a server, and what layers do to each
/// other.
fn image() -> Image {
    let base = shell(Layer::new())
        .symlink("lib", "usr/lib")
        .file(
            "etc/passwd",
            0o644,
            b"root:x:0:0::/:/bin/sh\nteller:x:4242:4243::/:/bin/sh\n",
        )
        .file("etc/secret", 0o644, b"of the lower layer")
        .folder("data", 0)
        .file("data/old", 0o644, b"")
        .file("etc/greeting", 0o644, b"hello")
        // Leads to where nothing is, as in many distributions.
        .symlink("etc/resolv.conf", "../run/resolver/resolv.conf");
    let middle = Layer::new()
        .file("etc/.wh.secret", 0o644, b"")
        .file("data/.wh..wh..opq", 0o644, b"")
        .file("data/new", 0o644, b"")
        .symlink("linked", "/data")
        .hard_link("etc/twin", "etc/greeting");
    let top = Layer::new()
        .folder("var/lib/app", 4242)
        .file("srv/server", 0o755, &std::fs::read(server()).unwrap())
        .file("srv/start.sh", 0o755, START.as_bytes());
    let process = json!({
        "User": "teller", "WorkingDir": "/srv/made/by/the/engine",
        "Env": [
            "GREETING=good day", "PATH=/srv:/bin",
            "EXTERNAL_SERVICES=mine=https://github.com/",
        ],
        "Entrypoint": ["start.sh"], "Cmd": ["one", "two"],
    });
    Image::new(vec![base, middle, top], &process)
}

/// The machine's shell and what it is linked with.
fn shell(layer: Layer) -> Layer {
    let shell = std::fs::canonicalize("/bin/sh").unwrap();
    let listed = Command::new("ldd").arg(&shell).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let libraries = listed
        .split_whitespace()
        .filter(|word| word.starts_with('/'));
    let layer = layer.file("usr/bin/sh", 0o755, &std::fs::read(&shell).unwrap());
    libraries.fold(layer.symlink("bin", "usr/bin"), |layer, library| {
        let path = library.trim_start_matches('/');
        let path = path.strip_prefix("lib/").map_or_else(
            || path.to_owned(),
            // `lib` becomes a link, as on most machines.
            |rest| format!("usr/lib/{rest}"),
        );
        layer.file(&path, 0o755, &std::fs::read(library).unwrap())
    })
}

/// An image with nothing but the colour app, told of no service.
pub(crate) fn bare() -> Image {
    let layer = Layer::new().file("server", 0o755, &std::fs::read(server()).unwrap());
    Image::new(
        vec![layer],
        &json!({ "Entrypoint": ["/server"], "User": "7:7" }),
    )
}

/// The colour app, which has to be built: `cargo app`.
fn server() -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_colormesh"))
        .ancestors()
        .nth(2)
        .unwrap();
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    target.join(triple).join("app/colorteller")
}

fn settings(image: &str, services: &str) -> String {
    format!(
        "internet: stand-in\napp: {{ image: '{image}', health_path: /ping }}\n\
         external_services:\n  - {{ name: github, host: github.com }}\n{services}"
    )
}

#[test]
#[ignore = "needs root and Envoy"]
fn an_image_of_the_users_own_runs_as_it_says_behind_the_gateway() {
    let registry = Registry::start(Token::Wanted, vec![("team/app:v1", image())]);
    let named = registry.image("team/app:v1");
    let project = Project::new().file("colormesh.yaml", &settings(&named, ""));
    let up = project.run(&["up", "--output", "json"]).code(0).json();
    let endpoint = up["endpoint"].as_str().unwrap().to_owned();
    assert_eq!(
        get(&endpoint, "/"),
        (
            200,
            "cwd=/srv/made/by/the/engine greeting=good day arguments=one two uid=4242 gid=4243 \
             /data/new /linked/new /etc/greeting /etc/twin state=kept nameserver"
                .to_owned()
        )
    );
    assert_eq!(get(&endpoint, "/external_mine").0, 200);
    assert_eq!(get(&endpoint, "/egress_denied").0, 502);

    let report = project.run(&["verify", "--output", "json"]).code(0).json();
    for (name, verdict) in [
        ("gateway", "passed"),
        ("app /ping", "passed"),
        ("external github", "skipped"),
        ("refusal logged", "skipped"),
    ] {
        assert_eq!(check(&report, name)["verdict"], verdict, "{name}");
    }

    // It calls whom it calls by itself: a service more is the business of the
    // mesh, and of the firewall of names beside the cluster.
    let task = |status: &serde_json::Value| status["local"]["tasks"].clone();
    let before = project.run(&["status", "--output", "json"]).code(0).json();
    let more = "  - { name: godev, host: go.dev, via_port: 444 }\n";
    project.write("colormesh.yaml", &settings(&named, more));
    let up = project.run(&["up", "--output", "json"]).code(0).json();
    for step in up["finished"].as_array().unwrap() {
        let name = step["step"].as_str().unwrap();
        let told = name.ends_with("-mesh") || name.ends_with("-ecs-cluster");
        let outcome = if told { "updated" } else { "unchanged" };
        assert!(step["outcome"] == outcome || !name.contains('-'), "{step}");
    }
    let after = project.run(&["status", "--output", "json"]).code(0).json();
    assert_eq!(task(&after), task(&before));

    // The registry is not needed again for what is deployed.
    drop(registry);
    project.run(&["plan", "--exit-code"]).code(0);
    project.run(&["down"]).code(0);
}

#[test]
#[ignore = "needs root and Envoy"]
fn an_image_in_the_local_registry_is_taken_by_its_digest() {
    let project = Project::new().file("colormesh.yaml", "internet: stand-in\n");
    let endpoint = project.run(&["local", "start"]).code(0).stdout;
    let endpoint = endpoint.trim();
    let image = image();
    let ecr = r#"{"repositoryName":"team/app"}"#;
    curl(&[
        "-H",
        "x-amz-target: AmazonEC2ContainerRegistry_V20150921.CreateRepository",
        "-H",
        "content-type: application/x-amz-json-1.1",
        "-d",
        ecr,
        endpoint,
    ]);
    let file = project.path().join("blob");
    let from = format!("@{}", file.display());
    for (digest, blob) in &image.blobs {
        std::fs::write(&file, blob).unwrap();
        let upload = format!("{endpoint}/v2/team/app/blobs/uploads/?digest={digest}");
        curl(&["--data-binary", &from, &upload]);
    }
    std::fs::write(&file, &image.manifest).unwrap();
    let kind = format!("content-type: {}", colormesh::image::media::MANIFEST);
    let manifest = format!("{endpoint}/v2/team/app/manifests/latest");
    curl(&["-X", "PUT", "-H", &kind, "--data-binary", &from, &manifest]);

    let host = endpoint.trim_start_matches("http://");
    let named = format!("{host}/team/app@{}", image.digest());
    let up = project.run(&["up", "--image", &named, "--output", "json"]);
    let up = up.code(0).json();
    let (status, seen) = get(up["endpoint"].as_str().unwrap(), "/");
    assert!(status == 200 && seen.contains("uid=4242"), "{seen}");
    project.run(&["down"]).code(0);
}

fn curl(arguments: &[&str]) {
    let output = Command::new("curl")
        .args(["-sSf", "-m", "15"])
        .args(arguments)
        .output();
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
