//! The walkthrough's app, examined.

use crate::project::Project;

const SETTINGS: &str = "internet: stand-in\n";

#[test]
#[ignore = "needs root and Envoy"]
fn nothing_gets_out_of_an_app_and_it_goes_on_unharmed() {
    let project = Project::new().file("colormesh.yaml", SETTINGS);
    let up = project.run(&["up", "--output", "json"]).code(0).json();
    let before = project.tasks();
    let report = project
        .run(&[
            "verify",
            "--egress",
            "--output",
            "json",
            "--junit",
            "junit.xml",
        ])
        .code(0)
        .json();
    assert_eq!(report["passed"], true);
    // Two users and root without a filter, and the witnesses.
    let checks = report["checks"].as_array().unwrap();
    for user in ["app: ", "root: ", "root, unfiltered: ", "witness: "] {
        let names = checks.iter().map(|check| check["name"].as_str().unwrap());
        assert!(
            names.filter(|name| name.starts_with(user)).count() > 1,
            "{user}"
        );
    }
    assert!(report["seconds"].as_f64().unwrap() < 15.0);
    let junit = std::fs::read_to_string(project.path().join("junit.xml")).unwrap();
    assert!(junit.contains("failures=\"0\""), "{junit}");
    // Nobody asked a stand-in for a name that a probe made up.
    let witness = std::fs::read_to_string(project.state().join("runtime/stand-ins.log")).unwrap();
    assert!(!witness.contains("egress-probe"), "{witness}");

    assert_eq!(project.tasks(), before);
    let endpoint = up["endpoint"].as_str().unwrap();
    assert_eq!(crate::walkthrough::get(endpoint, "/external_github").0, 200);
    project.run(&["verify"]).code(0);
    project.run(&["down"]).code(0);
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_way_out_is_told_with_the_line_to_look_at() {
    let project = Project::new().file("colormesh.yaml", SETTINGS);
    project.run(&["up", "--egress", "ALLOW_ALL"]).code(0);
    let said = project.run(&["verify", "--egress"]).code(5);
    let line = said
        .stdout
        .lines()
        .find(|line| line.starts_with("look at: app: TLS, foreign name:"));
    let line = line.unwrap_or_else(|| panic!("{}", said.stdout));
    assert!(line.contains("witness in world: "), "{line}");
    project.run(&["down"]).code(0);
}

#[test]
fn egress_needs_a_value_where_nothing_is_tried() {
    let said = Project::new().run(&["plan", "--egress"]).code(2);
    assert!(said.stderr.contains("DROP_ALL"), "{}", said.stderr);
}
