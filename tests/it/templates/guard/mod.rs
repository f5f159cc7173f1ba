//! What CloudFormation Guard says, by the rules of `tests/guard`.
//!
//! Guard decides no conditions and knows neither parameters nor the short forms
//! of functions. It gets all stacks of an environment as one template, as
//! CloudFormation evaluates them.

mod bites;
mod report;

use std::collections::BTreeSet;
use std::sync::Arc;

use colormesh::diag::Source;
use colormesh::yaml;
use serde_json::{Value, json};

use super::SETTINGS;
use super::evaluated::made;
use report::{Report, validate};

const ACCEPTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guard.yaml");

/// The title of the settings, the rule and the resource.
type Finding = (String, String, String);

#[test]
#[ignore = "needs cfn-guard"]
fn guard_fails_only_what_is_accepted_with_a_reason_and_no_rule_is_empty() {
    let reports = reports();
    let mut found = BTreeSet::new();
    for ((title, _), report) in SETTINGS.iter().zip(&reports) {
        let failed = report.failed.iter();
        found.extend(
            failed.map(|(rule, resource)| ((*title).to_owned(), rule.clone(), resource.clone())),
        );
    }
    let accepted = accepted();
    let new: Vec<_> = found.difference(&accepted).collect();
    assert!(new.is_empty(), "not listed in {ACCEPTED}: {new:#?}");
    let stale: Vec<_> = accepted.difference(&found).collect();
    assert!(
        stale.is_empty(),
        "no longer fails, in {ACCEPTED}: {stale:#?}"
    );
    let applied: BTreeSet<&String> = reports.iter().flat_map(Report::applied).collect();
    let rules: BTreeSet<&String> = reports.iter().flat_map(Report::rules).collect();
    let idle: Vec<_> = rules.difference(&applied).collect();
    assert!(idle.is_empty(), "these rules find nothing to say: {idle:?}");
    assert!(rules.len() > 30, "{rules:?}");
}

/// What Guard says of the settings, in their order.
fn reports() -> Vec<Report> {
    let templates: Vec<Value> = SETTINGS.iter().map(|(_, text)| template(text)).collect();
    validate(&templates)
}

fn accepted() -> BTreeSet<Finding> {
    let text = std::fs::read_to_string(ACCEPTED).unwrap();
    let tree = yaml::parse(&Arc::new(Source::new(ACCEPTED, text))).unwrap();
    let list = yaml::to_json(&tree);
    list.as_array().unwrap().iter().flat_map(findings).collect()
}

/// One entry is of several resources, for the settings named or for all.
fn findings(entry: &Value) -> Vec<Finding> {
    let words = |name: &str| -> Option<Vec<String>> {
        let list = entry.get(name)?.as_array().unwrap().iter();
        Some(list.map(|word| word.as_str().unwrap().to_owned()).collect())
    };
    let rule = entry["rule"].as_str().unwrap();
    let reason = entry["reason"].as_str().unwrap();
    assert!(reason.len() > 20, "{entry} has no reason");
    let all = || SETTINGS.map(|(title, _)| title.to_owned()).to_vec();
    let resources = words("resources").unwrap();
    let titles = words("settings").unwrap_or_else(all);
    let of = |title: &String| {
        let named = |resource: &String| (title.clone(), rule.to_owned(), resource.clone());
        resources.iter().map(named).collect::<Vec<_>>()
    };
    titles.iter().flat_map(of).collect()
}

/// Everything that these settings make, as one template.
fn template(settings: &str) -> Value {
    let mut resources = serde_json::Map::new();
    for mut each in made(settings) {
        as_services_take_it(&mut each.properties);
        let resource = json!({ "Type": each.kind, "Properties": each.properties });
        let before = resources.insert(each.id.clone(), resource);
        assert!(before.is_none(), "two stacks have a `{}`", each.id);
    }
    json!({ "Resources": resources })
}

/// Parameters are text; CloudFormation makes of them what the services take.
fn as_services_take_it(value: &mut Value) {
    const NUMBERS: [&str; 4] = ["FromPort", "ToPort", "ContainerPort", "RetentionInDays"];
    match value {
        Value::Object(properties) => {
            for (name, value) in properties {
                let text = value.as_str();
                let number = text.and_then(|text| text.parse::<u64>().ok());
                match (name.as_str(), number, text) {
                    (name, Some(number), _) if NUMBERS.contains(&name) => *value = json!(number),
                    ("ReadonlyRootFilesystem", _, Some(text)) => *value = json!(text == "true"),
                    _ => as_services_take_it(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(as_services_take_it),
        _ => {}
    }
}
