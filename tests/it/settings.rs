//! Mistakes in the settings: all at once, with their places, before anything
//! is touched.

use crate::project::Project;

#[test]
fn every_mistake_is_shown_with_its_place_and_nothing_is_started() {
    let project = Project::new().file(
        "colormesh.yaml",
        "enviroment: Typo\nmesh:\n  egress: DROP\nexternal_services:\n  - { name: a, host: https://a.test }\n",
    );
    let said = project.run(&["up"]).code(2);
    assert_eq!(said.stdout, "");
    for expected in [
        "colormesh.yaml:1:1",
        "colormesh.yaml:3:11",
        "colormesh.yaml:5:22",
        "environment",
        "DROP_ALL",
        "3 mistakes in the settings; nothing was changed",
    ] {
        assert!(
            said.stderr.contains(expected),
            "{expected} in\n{}",
            said.stderr
        );
    }
    assert!(!project.state().exists());
}

#[test]
fn a_settings_file_that_is_not_there_is_wrong_usage() {
    let said = Project::new()
        .run(&["plan", "--file", "absent.yaml"])
        .code(2);
    assert!(said.stderr.contains("`absent.yaml`"), "{}", said.stderr);
}

#[test]
fn the_environments_own_variables_count() {
    let project = Project::new();
    let output = project
        .command()
        .env("ENVIRONMENT_NAME", "Other")
        .args(["render", "vpc", "--output", "json"])
        .output()
        .unwrap();
    let stacks: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(stacks[0]["stack"], "Other-vpc");
}

#[test]
fn wrong_usage_is_code_2_and_says_what_is_right() {
    let said = Project::new().run(&["verfiy"]).code(2);
    assert!(said.stderr.contains("verify"), "{}", said.stderr);
}

#[test]
fn the_readme_has_the_table_of_settings() {
    let readme = include_str!("../../README.md");
    let table = colormesh::config::markdown();
    assert!(
        readme.contains(&table),
        "put this into the README:\n{table}"
    );
}

/// Without App Mesh the mesh is in no template, so that AWS takes more services;
/// what it does not take is refused before anybody is asked.
#[test]
fn too_many_services_for_aws_are_refused_before_anybody_is_asked() {
    let plan = |services: usize, runtime: &str| {
        let services: String = (0..services)
            .map(|n| format!("  - {{ name: s{n}, host: h{n}.example.com }}\n"))
            .collect();
        let project = Project::new();
        project.write("colormesh.yaml", &format!("external_services:\n{services}"));
        let arguments = ["plan", "--target", "aws", "--mesh-runtime", runtime];
        project.run(&arguments).stderr
    };
    let too_long = plan(300, "app-mesh");
    assert!(too_long.contains("-mesh` has"), "{too_long}");
    let passes = plan(300, "envoy");
    assert!(!passes.contains("AWS takes"), "{passes}");
    let too_long = plan(3000, "envoy");
    assert!(
        too_long.contains("-ecs-cluster` has a template of"),
        "{too_long}"
    );
}
