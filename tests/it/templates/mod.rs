//! The templates, as others read them: the linters, a security review, and
//! CloudFormation, which evaluates them.

mod checkov;
pub(crate) mod evaluated;
mod guard;
mod lint;
mod tasks;
mod way_out;

use std::path::PathBuf;

use crate::project::Project;

/// The stacks by the names of their files.
const STACKS: [&str; 7] = [
    "vpc",
    "ingress",
    "nat",
    "ecs-cluster",
    "ecr-repositories",
    "mesh",
    "ecs-service",
];

/// Settings that between them reach every branch of the templates.
const SETTINGS: [(&str, &str); 8] = [
    ("the walkthrough", ""),
    ("no services", "external_services: []\n"),
    ("many kinds", MIXED),
    ("everything let out", "mesh: { egress: ALLOW_ALL }\n"),
    ("without App Mesh", "mesh: { runtime: envoy }\n"),
    ("ports on loopback", "mesh: { redirect: ports }\n"),
    (
        "an init container",
        "mesh: { redirect: init-container }\ncapacity_provider: own\n",
    ),
    ("images by digest and no bastion", PINNED),
];

const MIXED: &str = "\
external_services:
  - { name: github, host: github.com }
  - { name: godev, host: go.dev, via_port: 444 }
  - { name: plain, host: example.org, port: 80, protocol: http }
  - { name: other, host: example.net, port: 80, protocol: http }
  - { name: database, host: db.example.org, port: 5432 }
  - { name: odd, host: odd.example.org, port: 5432, tls: true }
  - { name: any, host: '*.example.com' }
  - { name: pages, host: '*.example.com', port: 8080, protocol: http }
vpc: { nat: none }
bastion: { ssh_from: 192.0.2.0/24 }
";

const PINNED: &str = "\
app:
  image: ghcr.io/example/app@sha256:1111111111111111111111111111111111111111111111111111111111111111
  port: 8080
envoy_image: docker.io/envoyproxy/envoy@sha256:2222222222222222222222222222222222222222222222222222222222222222
vpc: { nat: one }
bastion: { enabled: false }
";

/// A project with these settings, rendered, and the files.
fn rendered(settings: &str) -> (Project, Vec<PathBuf>) {
    let project = Project::new().file("colormesh.yaml", settings);
    project.run(&["render", "--output-dir", "out"]).code(0);
    let folder = project.path().join("out");
    let files = STACKS.map(|name| folder.join(format!("{name}.yaml")));
    // Some settings leave a stack out.
    let files = files.into_iter().filter(|file| file.is_file()).collect();
    (project, files)
}

#[test]
fn render_writes_the_templates_as_they_stand() {
    let (_project, files) = rendered("");
    assert_eq!(files.len(), STACKS.len());
    for (name, file) in STACKS.iter().zip(files) {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
        let ours = std::fs::read_to_string(format!("{root}/{name}.yaml")).unwrap();
        assert_eq!(std::fs::read_to_string(file).unwrap(), ours, "{name}");
    }
}
