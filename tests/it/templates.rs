//! The templates, as others read them.

use std::process::Command;

use crate::project::Project;

#[test]
fn render_writes_the_five_templates_as_they_stand() {
    let project = Project::new();
    project.run(&["render", "--output-dir", "out"]).code(0);
    for name in [
        "vpc",
        "ecs-cluster",
        "ecr-repositories",
        "mesh",
        "ecs-service",
    ] {
        let file = format!("{name}.yaml");
        let rendered = std::fs::read_to_string(project.path().join("out").join(&file)).unwrap();
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
        let ours = std::fs::read_to_string(format!("{root}/{file}")).unwrap();
        assert_eq!(rendered, ours, "{file}");
    }
}

/// No finding but W3696: App Mesh has been shut down.
#[test]
#[ignore = "needs cfn-lint"]
fn cfn_lint_finds_nothing_but_the_end_of_app_mesh() {
    for services in ["", "external_services: []\n", MIXED] {
        let project = Project::new().file("colormesh.yaml", services);
        project.run(&["render", "--output-dir", "out"]).code(0);
        let files = [
            "vpc",
            "ecs-cluster",
            "ecr-repositories",
            "mesh",
            "ecs-service",
        ];
        let files = files.map(|name| project.path().join(format!("out/{name}.yaml")));
        let output = Command::new("cfn-lint")
            .args(["--regions", "us-west-2", "--ignore-checks", "W3696", "--"])
            .args(files)
            .output()
            .expect("cfn-lint is installed");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
    }
}

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
";
