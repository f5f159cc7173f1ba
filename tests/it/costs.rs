//! What `plan` and `up` say of the cost.

use crate::local::Local;
use crate::pipeline::alone::run;
use crate::project::{Project, said};

#[tokio::test(flavor = "multi_thread")]
async fn plan_says_what_it_costs_and_what_would_make_it_cheaper() {
    let (project, local) = (Project::new(), Local::start().await);
    project.write("colormesh.yaml", "region: us-east-1\n");
    let said = run(&project, &local, &["plan"]).await.code(0);
    let words: Vec<&str> = said.stdout.split_whitespace().collect();
    let words = words.join(" ");
    for text in [
        " an hour, $",
        " a month, by the list prices of us-east-1",
        "NAT gateways 2 $0.0900 an hour $65.70 a month",
        "public IPv4 addresses 5 $0.0250 an hour",
        "not counted: traffic",
        "`vpc.nat: one` saves $36.50 a month",
        "`vpc.nat: none` saves",
        "`bastion.enabled: false` saves",
    ] {
        assert!(words.contains(text), "{text}: {}", said.stdout);
    }
    let document = run(&project, &local, &["plan", "--output", "json"]).await;
    let cost = document.code(0).json()["cost"].clone();
    assert_eq!(cost["region"], "us-east-1");
    assert_eq!(cost["is_complete"], true);
    let lines = cost["lines"].as_array().unwrap();
    let gateways = lines.iter().find(|line| line["what"] == "NAT gateways");
    assert_eq!(gateways.unwrap()["count"], 2);
    assert_eq!(gateways.unwrap()["hourly"], 0.09);
    assert_eq!(gateways.unwrap()["monthly"], 65.7);
    let sum: f64 = lines
        .iter()
        .map(|line| line["monthly"].as_f64().unwrap())
        .sum();
    assert!((sum - cost["monthly"].as_f64().unwrap()).abs() < 0.001);
    assert_eq!(cost["savings"][1]["setting"], "vpc.nat: one");

    // Before it is agreed to.
    let asked = run(&project, &local, &["up"]).await.code(2);
    assert!(asked.stderr.contains("NAT gateways"), "{}", asked.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_summary_of_a_job_says_what_it_costs() {
    let (project, local) = (Project::new(), Local::start().await);
    let plan = ["plan", "--summary", "summary.md"];
    run(&project, &local, &plan).await.code(0);
    let summary = std::fs::read_to_string(project.path().join("summary.md")).unwrap();
    let (_, cost) = summary.split_once("#### Cost\n\n").unwrap();
    for text in [
        "it costs $",
        " a month, by the list prices of us-west-2",
        "| what | count | an hour | a month |",
        "| NAT gateways | 2 | $0.0900 | $65.70 |",
        "- not counted: traffic",
        "- `vpc.nat: one` saves $36.50 a month",
    ] {
        assert!(cost.contains(text), "{text}: {summary}");
    }
}

#[test]
#[ignore = "needs root and Envoy"]
fn up_says_what_it_costs_where_machines_and_jobs_read_it() {
    let project = Project::new().file("colormesh.yaml", "internet: stand-in\n");
    let url = project.run(&["local", "start"]).code(0).stdout;
    let run = |arguments: &[&str]| {
        let mut command = project.command();
        command
            .args([
                "--target",
                "aws",
                "--output",
                "json",
                "--endpoint-url",
                url.trim(),
            ])
            .args(arguments)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test");
        said(command.output().unwrap()).code(0)
    };
    let planned = run(&["plan"]).json()["cost"].clone();
    assert!(planned["monthly"].as_f64().unwrap() > 50.0, "{planned}");
    let up = run(&["up", "--yes", "--summary", "summary.md"]).json();
    assert_eq!(up["cost"], planned);
    let summary = std::fs::read_to_string(project.path().join("summary.md")).unwrap();
    let cost = summary.find("#### Cost\n\nit costs $");
    assert!(cost < summary.find("up in "), "{summary}");
    assert!(cost.is_some(), "{summary}");
    run(&["down", "--yes"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_price_is_unknown_it_says_so() {
    let (project, local) = (Project::new(), Local::start().await);
    project.write("colormesh.yaml", "region: ap-southeast-4\n");
    let said = run(&project, &local, &["plan"]).await.code(0);
    let unknown = said.stdout.lines().filter(|line| line.contains("unknown"));
    assert_eq!(unknown.count(), 6, "{}", said.stdout);
    assert!(!said.stdout.contains("saves"), "{}", said.stdout);
    let document = run(&project, &local, &["plan", "--output", "json"]).await;
    let cost = document.code(0).json()["cost"].clone();
    assert_eq!(cost["is_complete"], false);
    let lines = cost["lines"].as_array().unwrap();
    assert!(lines.iter().any(|line| line["hourly"].is_null()));
}

#[test]
#[ignore = "needs root and Envoy"]
fn on_this_machine_nothing_costs() {
    let project = Project::new().file("colormesh.yaml", "internet: stand-in\n");
    let said = project.run(&["plan", "--output", "json"]).code(0);
    assert_eq!(said.json().get("cost"), None);
    let said = project.run(&["plan"]).code(0);
    assert!(!said.stdout.contains("a month"), "{}", said.stdout);
}
