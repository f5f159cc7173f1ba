//! What the program tells of connections, with a real Envoy: each refusal and
//! each passage is in the logs, whatever was said, whoever was killed.

mod app;
mod terminal;

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::project::Project;
use app::App;

const SETTINGS: &str = "\
internet: stand-in
external_services:
  - { name: github, host: github.com }
  - { name: mirror, host: mirror.example.org, port: 80, protocol: http }
  - { name: database, host: db.example.org, port: 5432 }
";

/// How long a line may take; it is asked for far more often.
const PATIENCE: Duration = Duration::from_secs(8);

/// A stranger, whose address nobody has.
const STRANGER: &str = "100.99.7.9";

fn up() -> Project {
    let project = Project::new().file("colormesh.yaml", SETTINGS);
    project.run(&["up"]).code(0);
    project
}

/// The lines of `logs` as JSON.
fn lines(project: &Project, arguments: &[&str]) -> Vec<Value> {
    let arguments = [&["logs", "--output", "json"], arguments].concat();
    let said = project.run(&arguments).code(0);
    said.stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Waits until a line has these fields.
#[track_caller]
fn wait(project: &Project, arguments: &[&str], fields: &[(&str, Value)]) -> Value {
    let started = Instant::now();
    loop {
        let all = lines(project, arguments);
        let fits = |line: &&Value| fields.iter().all(|(name, value)| line[*name] == *value);
        if let Some(line) = all.iter().find(fits) {
            return line.clone();
        }
        let last = &all[all.len().saturating_sub(12)..];
        assert!(started.elapsed() < PATIENCE, "{fields:?} not in {last:#?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[track_caller]
fn denied(project: &Project, attempt: &str, fields: &[(&str, Value)]) -> Value {
    let attempt = [("attempt", Value::from(attempt))];
    let line = wait(project, &["--denied"], &[&attempt, fields].concat());
    assert!(
        line["task"]
            .as_str()
            .unwrap()
            .starts_with("ColorTellerWhite "),
        "{line}"
    );
    assert!(line["time"].as_str().unwrap().ends_with('Z'), "{line}");
    line
}

#[test]
#[ignore = "needs root and Envoy"]
fn every_refusal_is_in_the_log_with_what_it_tried() {
    let project = up();
    let app = App::of(&project);
    let at = |port: u16| {
        [
            ("address", Value::from(STRANGER)),
            ("port", Value::from(port)),
        ]
    };

    // Long before the others, as it takes five seconds.
    let silent = app.spawn(|| app::talk(STRANGER, 8443, b""));
    assert!(
        app.talk(STRANGER, 443, &app::hello("www.github.com"))
            .is_empty()
    );
    let name = [
        ("server_name", "www.github.com".into()),
        ("protocol", "tcp".into()),
    ];
    denied(&project, "tls", &[&name[..], &at(443)].concat());
    app.talk(STRANGER, 443, &app::hello(""));
    denied(&project, "tls-without-name", &at(443));
    app.talk(STRANGER, 443, b"EHLO me\r\n");
    denied(&project, "plain-text", &at(443));
    app.talk(STRANGER, 2222, b"SSH-2.0-x\r\n");
    denied(&project, "plain-text", &at(2222));

    let database = app.address("db.example.org").unwrap();
    app.talk(&database, 22, b"");
    denied(
        &project,
        "silent",
        &[("address", database.into()), ("port", 22.into())],
    );
    // Past the redirection, where no byte is looked at.
    app.talk("127.0.0.1", 15002, b"");
    denied(&project, "tcp", &[("port", 15002.into())]);

    let mirror = app.address("mirror.example.org").unwrap();
    let answer = app.talk(
        &mirror,
        80,
        b"GET /secret HTTP/1.1\r\nhost: evil.test\r\n\r\n",
    );
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    let request = [
        ("host", "evil.test".into()),
        ("path", "/secret".into()),
        ("method", "GET".into()),
    ];
    denied(&project, "http", &request);
    let answer = app.talk(&mirror, 80, b"NOT HTTP\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    denied(&project, "http", &[("details", "http1.codec_error".into())]);

    assert_eq!(app.address("www.mirror.example.org"), None);
    let name = [
        ("host", "www.mirror.example.org".into()),
        ("record", "A".into()),
    ];
    denied(&project, "dns", &name);
    silent.join().unwrap();
    denied(&project, "silent", &at(8443));

    // Nothing of it counts as let through.
    let allowed = lines(&project, &["--allowed", "--destination", "evil.test"]);
    assert!(allowed.is_empty(), "{allowed:?}");
    told(&project);
}

/// `status` and `logs --denied` give the counts, and the lines of the settings.
fn told(project: &Project) {
    let status = project.run(&["status", "--output", "json"]).code(0).json();
    let denied = status["traffic"]["denied"].as_array().unwrap();
    let find = |name: &str| denied.iter().find(|one| one["name"] == name).unwrap();
    let www = find("www.github.com");
    assert_eq!((&www["count"], &www["port"]), (&1.into(), &443.into()));
    let line = "- { name: www-github, host: www.github.com }";
    assert_eq!(www["suggestion"], line);
    assert_eq!(find("evil.test")["suggestion"], Value::Null);
    for arguments in [&["status"][..], &["logs", "--denied"]] {
        let said = project.run(arguments).code(0).stdout;
        for line in [
            line,
            "- { name: www-mirror-example, host: www.mirror.example.org, port: 80, protocol: http }",
            "- { name: database-22, host: db.example.org, port: 22 }",
        ] {
            assert!(said.contains(line), "{line} in\n{said}");
        }
    }
    // They are taken, and do what they promise.
    let text = format!("{SETTINGS}  {line}\n");
    project.write("colormesh.yaml", &text);
    project.run(&["up"]).code(0);
    let app = App::of(project);
    let answer = app.bytes(STRANGER, 443, &app::hello("www.github.com"));
    // A handshake or an alert record: the stand-in speaks.
    assert!(matches!(answer.first(), Some(0x15 | 0x16)), "{answer:?}");
}

#[test]
#[ignore = "needs root and Envoy"]
fn what_is_let_through_is_noted_when_it_opens_and_when_it_closes() {
    let project = up();
    let app = App::of(&project);
    let database = app.address("db.example.org").unwrap();
    let open = app.open(&database, 5432);
    let service = ("service", Value::from("db.example.org"));
    let egress = ("direction", Value::from("egress"));
    let event = |event: &str| [service.clone(), egress.clone(), ("event", event.into())];
    let filter = ["--allowed", "--destination", "db.example.org:5432"];
    let line = wait(&project, &filter, &event("open"));
    assert!(
        line["upstream"].as_str().unwrap().ends_with(":5432"),
        "{line}"
    );
    assert!(
        lines(&project, &filter)
            .iter()
            .all(|line| line["event"] == "open")
    );
    std::thread::sleep(Duration::from_millis(30));
    drop(open);
    let line = wait(&project, &filter, &event("close"));
    assert!(line["duration_ms"].as_u64().unwrap() >= 30, "{line}");
    assert!(line["bytes_sent"].as_u64().unwrap() > 0, "{line}");

    let mirror = app.address("mirror.example.org").unwrap();
    app.talk(
        &mirror,
        80,
        b"GET /a HTTP/1.1\r\nhost: mirror.example.org\r\n\r\n",
    );
    let request = [
        ("path", "/a".into()),
        ("status", 200.into()),
        ("event", "request".into()),
    ];
    let line = wait(&project, &["--allowed"], &request);
    assert!(line["bytes_sent"].as_u64().unwrap() > 0, "{line}");
}

#[test]
#[ignore = "needs root and Envoy"]
fn hostile_names_neither_break_the_log_nor_reach_the_terminal() {
    let project = up();
    let app = App::of(&project);
    let mirror = app.address("mirror.example.org").unwrap();
    let forged = "x\n{\"time\":\"2026-11-23T09:00:00.000Z\",\"host\":\"forged.test\"}";
    let long = "y".repeat(12_000);
    let longest = "z".repeat(60_000);
    for name in [
        forged,
        "\x1b]0;owned\x07.test",
        "quote\"back\\slash.test",
        &long,
        &longest,
    ] {
        app.talk(STRANGER, 443, &app::hello(name));
        let request = format!("GET /{name} HTTP/1.1\r\nhost: {name}\r\n\r\n");
        app.talk(&mirror, 80, request.as_bytes());
        app.ask(name.as_bytes());
    }
    app.talk(
        &mirror,
        80,
        format!("GET /{longest} HTTP/1.1\r\nhost: end.test\r\n\r\n").as_bytes(),
    );
    wait(&project, &["--denied"], &[("host", "end.test".into())]);
    let all = lines(&project, &["--denied", "--lines", "1000"]);
    assert!(all.len() >= 10, "{all:#?}");
    assert!(
        all.iter().all(|line| line["host"] != "forged.test"),
        "{all:#?}"
    );
    assert!(
        all.iter()
            .all(|line| line["path"].as_str().unwrap_or("").len() <= 256)
    );
    for arguments in [&["logs", "--denied"][..], &["logs"], &["status"]] {
        let said = project.run(arguments).code(0).stdout;
        let control = said.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(control, None, "{said}");
        assert!(said.lines().all(|line| line.len() < 1000), "{said}");
    }
}

#[test]
#[ignore = "needs root and Envoy"]
fn the_evidence_outlives_envoy_and_full_files() {
    let project = up();
    let app = App::of(&project);
    app.talk(STRANGER, 443, &app::hello("before.test"));
    let name = |name: &str| [("server_name", Value::from(name))];
    denied(&project, "tls", &name("before.test"));
    let sidecar = app.sidecar();
    app::kill(sidecar);
    app.until(|app| {
        let _nobody_there_yet = app.try_to_talk(STRANGER, 443, &app::hello("after.test"));
        let log = std::fs::read_to_string(app.log("denied.log")).unwrap();
        log.contains("after.test")
    });
    denied(&project, "tls", &name("after.test"));
    denied(&project, "tls", &name("before.test"));

    // A full file is put aside, and Envoy goes on in a new one.
    let file = app.log("denied.log");
    let filler = vec![b'\n'; 16 << 20];
    let mut log = std::fs::OpenOptions::new()
        .append(true)
        .open(&file)
        .unwrap();
    std::io::Write::write_all(&mut log, &filler).unwrap();
    let aside = file.with_extension("log.1");
    app.until(|_| aside.exists());
    app.until(|app| {
        app.talk(STRANGER, 443, &app::hello("later.test"));
        std::fs::metadata(&file).is_ok_and(|data| data.len() > 0)
    });
    assert!(std::fs::metadata(&file).unwrap().len() < 1 << 20);
    for one in ["before.test", "after.test", "later.test"] {
        denied(&project, "tls", &name(one));
    }
}

#[test]
#[ignore = "needs root and Envoy"]
fn logs_are_in_order_filtered_and_followed() {
    let project = up();
    let app = App::of(&project);
    let all = lines(&project, &[]);
    assert!(all.is_sorted_by_key(|line| line["time"].as_str().unwrap().to_owned()));
    assert!(all.iter().any(|line| line["log"] == "envoy"));
    let teller = lines(&project, &["--task", "teller"]);
    assert!(
        teller
            .iter()
            .all(|line| line["task"].as_str().unwrap().starts_with("ColorTeller"))
    );
    assert!(!teller.is_empty() && teller.len() < all.len());
    assert_eq!(lines(&project, &["--lines", "1"])[..], all[all.len() - 1..]);
    assert!(lines(&project, &["--since", "2099-01-01T00:00:00Z"]).is_empty());
    assert_eq!(lines(&project, &["--since", "1h"]).len(), all.len());
    project.run(&["logs", "--since", "yesterday"]).code(2);

    let mut follower = project.command();
    follower.args([
        "logs", "--denied", "--follow", "--output", "json", "--lines", "0",
    ]);
    let mut follower = follower
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let said = std::io::BufReader::new(follower.stdout.take().unwrap());
    let mut said = std::io::BufRead::lines(said);
    let (first, seen) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let _gone = first.send(said.next().unwrap().unwrap());
    });
    let line = (0..200).find_map(|_| {
        app.talk(STRANGER, 443, &app::hello("followed.test"));
        seen.recv_timeout(Duration::from_millis(100)).ok()
    });
    let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
    assert_eq!(line["server_name"], "followed.test");
    reader.join().unwrap();
    app::interrupt(follower.id());
    assert_eq!(follower.wait().unwrap().code(), Some(130));
}
