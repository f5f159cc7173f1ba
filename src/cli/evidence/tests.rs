//! Counting and advising, on lines as the logs have them.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::printable::printable;
use super::{Entry, Groups, Log, Traffic, advice, rows};
use crate::cli::settings::List;
use crate::config::{self, Config, Input, Overrides};
use crate::diag::Source;

const SETTINGS: &str = "\
external_services:
  - { name: github, host: github.com }
  - { name: godev, host: go.dev, via_port: 444 }
  - { name: mirror, host: mirror.example.org, port: 80, protocol: http }
  - { name: database, host: db.example.org, port: 5432 }
";

fn config(text: &str) -> Config {
    let input = Input {
        file: Some(Arc::new(Source {
            name: "colormesh.yaml".to_owned(),
            text: text.to_owned(),
        })),
        environment: &|_| None,
        overrides: Overrides::default(),
    };
    config::load(&input).unwrap_or_else(|mistakes| panic!("{mistakes:?} in\n{text}"))
}

fn items() -> List {
    List::Items {
        file: "colormesh.yaml".to_owned(),
        indentation: 2,
    }
}

fn add(groups: &mut Groups, log: Log, line: &str) {
    let entry = Entry::read(log, &"teller 1f2e3d4c".into(), line.as_bytes(), 0).unwrap();
    let names = HashMap::from([("240.1.2.3".parse().unwrap(), "db.example.org".to_owned())]);
    groups.add(&entry, &names);
}

fn refuse(groups: &mut Groups, fields: &str) {
    add(
        groups,
        Log::Denied,
        &format!(r#"{{"time":"2026-11-23T09:00:00.000Z",{fields}}}"#),
    );
}

fn tls(groups: &mut Groups, name: &str, port: u16) {
    refuse(
        groups,
        &format!(r#""protocol":"tcp","destination":"240.0.2.1:{port}","server_name":"{name}""#),
    );
}

fn request(groups: &mut Groups, host: &str, port: u16) {
    refuse(
        groups,
        &format!(
            r#""protocol":"http","destination":"240.0.2.1:{port}","host":"{host}","method":"GET","path":"/""#
        ),
    );
}

fn look_up(groups: &mut Groups, name: &str) {
    refuse(
        groups,
        &format!(r#""protocol":"dns","host":"{name}","record":"A""#),
    );
    refuse(
        groups,
        &format!(r#""protocol":"dns","host":"{name}","record":"AAAA""#),
    );
}

/// The proposed items by destination.
fn proposed(groups: &Groups, config: &Config) -> BTreeSet<String> {
    let text = advice(&Traffic::new(groups, config), config, &items(), None);
    let lines = text.lines().filter(|line| line.starts_with("  - "));
    lines.map(|line| line.trim().to_owned()).collect()
}

/// The settings with what is proposed must be taken, and then nothing more is
/// proposed: the lines do what they promise.
fn follow(groups: &Groups, before: &str) -> Config {
    let config = config(before);
    let text = advice(&Traffic::new(groups, &config), &config, &items(), None);
    let added: String = text
        .lines()
        .skip(2)
        .map(|line| format!("{line}\n"))
        .collect();
    let plain = anstream::adapter::strip_str(&added).to_string();
    let after = self::config(&format!("{before}{plain}"));
    assert_eq!(proposed(groups, &after), BTreeSet::new());
    after
}

#[test]
fn mistakes_get_a_line_that_the_settings_take_and_that_is_enough() {
    let mut groups = Groups::default();
    for name in ["www.github.com", "API.github.com."] {
        tls(&mut groups, name, 443);
    }
    tls(&mut groups, "github.com", 8443);
    tls(&mut groups, "go.dev", 443);
    tls(&mut groups, "mirror.example.org", 443);
    request(&mut groups, "github.com", 80);
    look_up(&mut groups, "www.mirror.example.org");
    look_up(&mut groups, "example.org");
    refuse(
        &mut groups,
        r#""protocol":"tcp","destination":"240.1.2.3:22""#,
    );
    let config = config(SETTINGS);
    let expected = [
        "- { name: api-github, host: api.github.com }",
        "- { name: database-22, host: db.example.org, port: 22 }",
        "- { name: example, host: example.org, port: 80, protocol: http }",
        "- { name: github-80, host: github.com, port: 80, protocol: http }",
        "- { name: github-8443, host: github.com, port: 8443 }",
        "- { name: godev-443, host: go.dev }",
        "- { name: mirror-443, host: mirror.example.org }",
        "- { name: www-github, host: www.github.com }",
        "- { name: www-mirror-example, host: www.mirror.example.org, port: 80, protocol: http }",
    ];
    let expected: BTreeSet<String> = expected.iter().map(ToString::to_string).collect();
    assert_eq!(proposed(&groups, &config), expected);
    let after = follow(&groups, SETTINGS);
    assert_eq!(after.external_services.len(), 4 + expected.len());
}

#[test]
fn a_redirect_explains_a_name_that_is_no_relative() {
    let mut groups = Groups::default();
    add(
        &mut groups,
        Log::Allowed,
        r#"{"time":"2026-11-23T09:00:00.000Z","event":"DownstreamEnd",
        "direction":"egress","service":"mirror.example.org","bytes_sent":1,"bytes_received":1,
        "status":302,"location":"https://cdn.elsewhere.net/x"}"#,
    );
    look_up(&mut groups, "cdn.elsewhere.net");
    let line = "- { name: cdn-elsewhere, host: cdn.elsewhere.net }";
    assert_eq!(
        proposed(&groups, &config(SETTINGS)),
        BTreeSet::from([line.to_owned()])
    );
    follow(&groups, SETTINGS);
}

#[test]
fn attempts_to_get_out_get_no_advice() {
    let mut groups = Groups::default();
    for name in [
        "evil.test",
        "github.com.evil.test",
        "notgithub.com",
        "com",
        "x",
    ] {
        tls(&mut groups, name, 443);
        look_up(&mut groups, name);
    }
    // Of what no line can let through there is none either.
    request(&mut groups, "github.com", 443);
    tls(&mut groups, "www.mirror.example.org", 80);
    refuse(
        &mut groups,
        r#""protocol":"tcp","destination":"240.1.2.3:5432""#,
    );
    tls(&mut groups, "bad_name\\u0000.github.com", 443);
    tls(&mut groups, "github.com", 53);
    assert_eq!(proposed(&groups, &config(SETTINGS)), BTreeSet::new());
    let shared = "external_services:\n  - { name: a, host: a.co.uk }\n";
    let mut groups = Groups::default();
    for name in ["b.co.uk", "co.uk"] {
        tls(&mut groups, name, 443);
    }
    assert_eq!(proposed(&groups, &config(shared)), BTreeSet::new());
}

#[test]
fn where_the_file_has_no_list_the_whole_of_it_is_given() {
    let mut groups = Groups::default();
    tls(&mut groups, "www.github.com", 443);
    let defaults = Config::default();
    let whole = List::Whole {
        file: "colormesh.yaml".to_owned(),
    };
    let text = advice(&Traffic::new(&groups, &defaults), &defaults, &whole, None);
    let text = anstream::adapter::strip_str(&text).to_string();
    let block = text.split_once(":\n").unwrap().1;
    insta::assert_snapshot!(block, @r"
    external_services:
      - { name: github, host: github.com }
      - { name: godev, host: go.dev, via_port: 444 }
      # a name under `github.com`, which is modelled
      - { name: www-github, host: www.github.com }
    ");
    let after = config(block);
    assert_eq!(after.external_services[..2], defaults.external_services);
    assert_eq!(after.external_services[2].host.as_str(), "www.github.com");
}

#[test]
fn a_look_up_of_two_types_counts_once() {
    let mut groups = Groups::default();
    look_up(&mut groups, "evil.test");
    look_up(&mut groups, "evil.test");
    let traffic = Traffic::new(&groups, &config(SETTINGS));
    let document = serde_json::to_value(&traffic).unwrap();
    assert_eq!(document["denied"][0]["count"], 2);
    assert_eq!(document["denied"][0]["attempt"], "dns");
}

#[test]
fn a_stranger_cannot_make_the_counts_grow_or_write_on_the_terminal() {
    let mut groups = Groups::default();
    for number in 0..200_000_u32 {
        tls(
            &mut groups,
            &format!("{number}\\u001b[2J\\n{}.test", "x".repeat(200)),
            443,
        );
    }
    assert_eq!(groups.denied.len(), 10_000);
    assert_eq!(groups.denied_elsewhere, 190_000);
    let config = config(SETTINGS);
    let traffic = Traffic::new(&groups, &config);
    let rows = rows(&traffic, Log::Denied);
    assert_eq!(rows.len(), 11);
    for cell in rows.iter().flatten() {
        let plain = anstream::adapter::strip_str(cell).to_string();
        assert_eq!(plain, printable(&plain));
        assert!(
            !plain.contains('\n') && plain.chars().count() < 100,
            "{plain}"
        );
    }
    assert_eq!(
        rows[10][1],
        "and 9990 more destinations, and 190000x others; `--output json` has them"
    );
}
