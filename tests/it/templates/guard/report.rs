//! Guard, run, and what it reports.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guard");

/// What is said of one template.
pub(super) struct Report {
    /// The rules that failed, each with a resource.
    pub(super) failed: BTreeSet<(String, String)>,
    passed: Vec<String>,
    skipped: Vec<String>,
}

/// Has Guard look at these templates, all at once.
pub(super) fn validate(templates: &[Value]) -> Vec<Report> {
    let folder = tempfile::tempdir().unwrap();
    let name = |index: usize| format!("{index:03}.json");
    for (index, template) in templates.iter().enumerate() {
        std::fs::write(folder.path().join(name(index)), template.to_string()).unwrap();
    }
    let output = Command::new("cfn-guard")
        .args(["validate", "--structured", "--show-summary", "none"])
        .args(["--output-format", "json", "--rules", RULES, "--data"])
        .arg(folder.path())
        .output()
        .expect("cfn-guard is installed");
    let said = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    // 19 is a rule that failed; anything else means that some were not asked.
    assert!(
        matches!(output.status.code(), Some(0 | 19)) && complaints.is_empty(),
        "{complaints}"
    );
    let reports: Vec<Value> = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}"));
    let mut by_name: BTreeMap<String, Report> = reports
        .iter()
        .map(|report| (file_name(&report["name"]), Report::read(report)))
        .collect();
    let mut taken = |index| by_name.remove(&name(index)).unwrap();
    (0..templates.len()).map(&mut taken).collect()
}

fn file_name(path: &Value) -> String {
    let path = text(path);
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(text).collect()
}

// === impl Report ===

impl Report {
    fn read(report: &Value) -> Self {
        let mut failed = BTreeSet::new();
        for check in report["not_compliant"].as_array().unwrap() {
            let rule = &check["Rule"];
            let mut paths = BTreeSet::new();
            find_paths(&rule["checks"], &mut paths);
            // What is missing altogether is nowhere.
            if paths.is_empty() {
                paths.insert(String::new());
            }
            failed.extend(
                paths
                    .iter()
                    .map(|path| (text(&rule["name"]), resource(path))),
            );
        }
        Self {
            failed,
            passed: texts(&report["compliant"]),
            skipped: texts(&report["not_applicable"]),
        }
    }

    /// The rules that found something to look at.
    pub(super) fn applied(&self) -> impl Iterator<Item = &String> {
        self.failed.iter().map(|(rule, _)| rule).chain(&self.passed)
    }

    /// All rules.
    pub(super) fn rules(&self) -> impl Iterator<Item = &String> {
        self.applied().chain(&self.skipped)
    }
}

/// The places that were looked at and are not as they should be; not those
/// that they were compared with.
fn find_paths(value: &Value, paths: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let place = value.get("path").and_then(Value::as_str);
                match (name.as_str(), place) {
                    ("from" | "value" | "traversed_to", Some(place)) => {
                        paths.insert(place.to_owned());
                    }
                    ("to", _) => {}
                    _ => find_paths(value, paths),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| find_paths(item, paths)),
        _ => {}
    }
}

/// The resource that a path leads into; what is said of all of them has none.
fn resource(path: &str) -> String {
    let mut parts = path.split('/').skip(1);
    match (parts.next(), parts.next()) {
        (Some("Resources"), Some(resource)) => resource.to_owned(),
        _ => "Resources".to_owned(),
    }
}
