//! What checkov says: no failed check that `tests/checkov.yaml` does not list
//! with its reason, and no listed one that no longer fails.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;

use colormesh::diag::Source;
use colormesh::yaml;
use serde_json::Value;

use super::{SETTINGS, rendered};

const ACCEPTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/checkov.yaml");

/// A failed check: its id, the template and the resource.
type Finding = (String, String, String);

#[test]
#[ignore = "needs root and checkov"]
fn checkov_fails_only_what_is_accepted_with_a_reason() {
    let accepted = accepted();
    let mut seen = BTreeSet::new();
    for (title, settings) in SETTINGS {
        let found = findings(settings);
        let new: Vec<_> = found.difference(&accepted).collect();
        assert!(
            new.is_empty(),
            "{title}: not listed in {ACCEPTED}: {new:#?}"
        );
        seen.extend(found);
    }
    let stale: Vec<_> = accepted.difference(&seen).collect();
    assert!(
        stale.is_empty(),
        "no longer fails, in {ACCEPTED}: {stale:#?}"
    );
}

fn accepted() -> BTreeSet<Finding> {
    let text = std::fs::read_to_string(ACCEPTED).unwrap();
    let tree = yaml::parse(&Arc::new(Source::new(ACCEPTED, text))).unwrap();
    let list = yaml::to_json(&tree);
    let findings = list.as_array().unwrap().iter().map(|each| {
        let text = |name: &str| each[name].as_str().unwrap().to_owned();
        assert!(text("reason").len() > 20, "{each} has no reason");
        (text("check"), text("template"), text("resource"))
    });
    findings.collect()
}

/// Run where there is no network, so that it cannot call anywhere.
fn findings(settings: &str) -> BTreeSet<Finding> {
    let (project, _) = rendered(settings);
    let output = Command::new("unshare")
        .args(["--net", "checkov", "--framework", "cloudformation"])
        .args([
            "--skip-download",
            "--quiet",
            "--compact",
            "--output",
            "json",
        ])
        .args(["--directory", "out"])
        .current_dir(project.path())
        .env("CKV_SKIP_PACKAGE_UPDATE_CHECK", "true")
        .env("BC_SKIP_MAPPING", "true")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let report: Value = serde_json::from_str(&said)
        .unwrap_or_else(|_| panic!("{said}\n{}", String::from_utf8_lossy(&output.stderr)));
    let summary = &report["summary"];
    assert_eq!(summary["parsing_errors"], 0, "{summary}");
    assert!(summary["passed"].as_u64().unwrap() > 20, "{summary}");
    let failed = report["results"]["failed_checks"].as_array().unwrap();
    failed.iter().map(finding).collect()
}

fn finding(check: &Value) -> Finding {
    let text = |name: &str| check[name].as_str().unwrap();
    let file = text("file_path").trim_start_matches('/');
    let template = file.trim_end_matches(".yaml").to_owned();
    let resource = text("resource").rsplit('.').next().unwrap().to_owned();
    (text("check_id").to_owned(), template, resource)
}
