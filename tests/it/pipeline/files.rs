//! The files for the job: summary and outputs, from a real `up` to `down`.

use super::alone::run;
use crate::local::Local;
use crate::project::Project;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_written_is_known_before_anything_is_changed() {
    let (project, local) = (Project::new(), Local::start().await);
    for flag in ["--summary", "--outputs"] {
        let said = run(&project, &local, &["up", "--yes", flag, "absent/file"]).await;
        let said = said.code(2);
        let words = "cannot write `absent/file`";
        assert!(said.stderr.contains(words), "{}", said.stderr);
    }
    run(&project, &local, &["plan", "--exit-code"])
        .await
        .code(3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_summed_up_and_its_answer_given_to_the_next_step() {
    let (project, local) = (Project::new(), Local::start().await);
    project.write("summary.md", "# before\n");
    let arguments = ["plan", "--summary", "summary.md", "--outputs", "outputs"];
    run(&project, &local, &arguments).await.code(0);
    let read = |name| std::fs::read_to_string(project.path().join(name)).unwrap();
    assert_eq!(read("outputs"), "changes=true\n");
    let summary = read("summary.md");
    assert!(summary.starts_with("# before\n### colormesh plan: `AppMeshExternalExample` on `aws`"));
    assert!(
        summary.contains("\n| `AppMeshExternalExample-vpc` | create |\n"),
        "{summary}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn why_there_is_no_plan_is_in_the_summary() {
    let (project, local) = (Project::new(), Local::start().await);
    let arguments = [
        "up",
        "--yes",
        "--account-id",
        "999999999999",
        "--summary",
        "s.md",
    ];
    run(&project, &local, &arguments).await.code(2);
    let summary = std::fs::read_to_string(project.path().join("s.md")).unwrap();
    assert!(
        summary.contains("failed: these credentials are for account"),
        "{summary}"
    );
}

#[test]
#[ignore = "needs root and Envoy"]
fn each_command_of_a_job_adds_to_the_summary() {
    let project = Project::new().file("colormesh.yaml", "internet: stand-in\n");
    let read = |name| std::fs::read_to_string(project.path().join(name)).unwrap_or_default();
    let step = |arguments: &[&str], code| {
        let before = (read("summary.md"), read("outputs"));
        let files = ["--summary", "summary.md", "--outputs", "outputs"];
        project.run(&[arguments, &files].concat()).code(code);
        let after = (read("summary.md"), read("outputs"));
        let added = |after: &str, before: &str| after.strip_prefix(before).unwrap().to_owned();
        (added(&after.0, &before.0), added(&after.1, &before.1))
    };
    let (summary, outputs) = step(&["up"], 0);
    assert!(summary.contains("#### Plan\n"), "{summary}");
    for end in [
        "vpc",
        "ecs-cluster",
        "mesh",
        "ecr-repositories",
        "ecs-service",
    ] {
        let row = format!("| `AppMeshExternalExample-{end}` | created | ");
        assert!(summary.contains(&row), "{row} in\n{summary}");
    }
    let endpoint = outputs
        .lines()
        .find_map(|line| line.strip_prefix("endpoint="));
    let endpoint = endpoint.unwrap();
    assert_eq!(crate::walkthrough::get(endpoint, "/ping").0, 200);
    assert!(outputs.contains("changes=true\n"), "{outputs}");

    let (summary, outputs) = step(&["verify"], 0);
    assert!(
        summary.contains("| ✅ | external github | github.com:443 answers | 200 |"),
        "{summary}"
    );
    assert!(outputs.contains("passed=true\nfailed=0\n"), "{outputs}");

    let (summary, _) = step(&["verify", "--egress"], 0);
    assert!(summary.contains("colormesh verify --egress"), "{summary}");
    let probes = summary.lines().filter(|line| line.starts_with("| ✅ |"));
    assert!(probes.count() > 20, "{summary}");

    let (summary, outputs) = step(&["verify", "--timeout", "1s", "--egress", "ALLOW_ALL"], 5);
    assert!(summary.contains("| ❌ failed | unmodelled "), "{summary}");
    assert!(outputs.contains("passed=false\nfailed=1\n"), "{outputs}");

    let (summary, _) = step(&["up"], 0);
    assert!(summary.contains("Nothing would change."), "{summary}");

    let (summary, outputs) = step(&["down"], 0);
    let row = "| `AppMeshExternalExample-vpc` | deleted | ";
    assert!(summary.contains(row), "{summary}");
    assert_eq!(outputs, "changes=true\n");
    let (summary, outputs) = step(&["down"], 0);
    assert!(summary.contains("nothing is deployed"), "{summary}");
    assert_eq!(outputs, "changes=false\n");
}
