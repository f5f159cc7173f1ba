//! The colour app's own word, which is all there is on `aws`: here its
//! witness is a mesh whose walls are known.

use std::collections::BTreeMap;
use std::thread;

use crate::project::{Project, Said, said};
use crate::walkthrough::get;

const SETTINGS: &str = "internet: stand-in\n";

/// What was tried, and whether it got out; none where silence leaves it open.
fn told(endpoint: &str) -> BTreeMap<String, Option<bool>> {
    let (status, document) = get(endpoint, "/egress");
    assert_eq!(status, 200, "{document}");
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    let probes = document["probes"].as_array().unwrap().iter();
    probes
        .map(|probe| {
            assert_eq!(probe["expected"], "refused");
            assert!(!probe["seen"].as_str().unwrap().is_empty(), "{probe}");
            let name = probe["probe"].as_str().unwrap().to_owned();
            (name, probe["out"].as_bool())
        })
        .collect()
}

/// The local account as if it were Amazon's: no daemon to ask, no witnesses.
fn on_aws(project: &Project, arguments: &[&str]) -> Said {
    let variables = project.run(&["local", "env"]).code(0).stdout;
    let mut command = project.command();
    for line in variables.lines() {
        let assignment = line.strip_prefix("export ").unwrap();
        let (name, value) = assignment.split_once('=').unwrap();
        if name == "AWS_ENDPOINT_URL" {
            command.args(["--endpoint-url", value]);
        } else {
            command.env(name, value);
        }
    }
    command.args(["--target", "aws", "verify", "--egress"]);
    said(command.args(arguments).output().unwrap())
}

#[test]
#[ignore = "needs root and Envoy"]
fn the_app_says_what_gets_out_and_verify_on_aws_reports_it() {
    let project = Project::new().file("colormesh.yaml", SETTINGS);
    let up = project.run(&["up", "--output", "json"]).code(0).json();
    let endpoint = up["endpoint"].as_str().unwrap();
    let closed = told(endpoint);
    assert!(closed.len() >= 17, "{closed:?}");
    for (name, out) in &closed {
        // A datagram into a network that leads nowhere gets no answer at all.
        let expected = (name != "UDP").then_some(false);
        assert_eq!(*out, expected, "{name}");
    }

    let arguments = ["--output", "json", "--junit", "junit.xml"];
    let said = on_aws(&project, &arguments).code(0);
    assert!(said.stderr.contains("only witness"), "{}", said.stderr);
    let report = said.json();
    assert_eq!(report["target"], "aws");
    let checks = report["checks"].as_array().unwrap();
    assert_eq!(checks.len(), closed.len());
    for check in checks {
        let name = check["name"].as_str().unwrap();
        let verdict = match name {
            "app: UDP" => "skipped",
            _ => "passed",
        };
        assert_eq!(check["verdict"], verdict, "{check}");
        assert!(closed.contains_key(name.strip_prefix("app: ").unwrap()));
    }
    let junit = std::fs::read_to_string(project.path().join("junit.xml")).unwrap();
    assert!(junit.contains("failures=\"0\""), "{junit}");

    project.run(&["up", "--egress", "ALLOW_ALL"]).code(0);
    let open = told(endpoint);
    for name in [
        "TLS, foreign name, where the resolver has it",
        "a name that is not modelled",
        "DNS to a foreign resolver, UDP",
        "DNS to a foreign resolver, TCP",
    ] {
        assert_eq!(open[name], Some(true), "{name}");
    }
    let said = on_aws(&project, &[]).code(5);
    let line = "look at: app: TLS, foreign name, where the resolver has it: ";
    assert!(said.stdout.contains(line), "{}", said.stdout);
    project.run(&["down"]).code(0);
}

/// Each try costs sockets, and anybody may ask.
#[test]
#[ignore = "needs root and Envoy"]
fn the_app_tries_for_one_at_a_time_and_takes_nothing_from_the_request() {
    let project = Project::new().file("colormesh.yaml", SETTINGS);
    let up = project.run(&["up", "--output", "json"]).code(0).json();
    let endpoint = up["endpoint"].as_str().unwrap();
    let path = "/egress?host=go.dev";
    let both = thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| get(endpoint, path)));
        both.map(|one| one.join().unwrap())
    });
    let mut codes = both.each_ref().map(|(status, _)| *status);
    codes.sort_unstable();
    assert_eq!(codes, [200, 429], "{both:?}");
    assert!(both.iter().all(|(_, text)| !text.contains("go.dev")));
    project.run(&["down"]).code(0);
}

#[test]
fn an_own_image_on_aws_has_nobody_to_ask() {
    let project = Project::new();
    let mut command = project.command();
    command.args(["--target", "aws", "--image", "example/app:1"]);
    command.args(["--endpoint-url", "http://127.0.0.1:1"]);
    let said = said(command.args(["verify", "--egress"]).output().unwrap()).code(2);
    assert!(said.stderr.contains("`example/app:1`"), "{}", said.stderr);
}
