//! A mesh that changes under an app that goes on: the task stays, its sidecar
//! takes the new mesh as it runs.

use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::inside::{Inside, processes};
use crate::live::client::Connection;
use crate::own_image::bare;
use crate::own_image::registry::{Registry, Token};
use crate::project::Project;

const KEPT: &str = "\
- { name: github, host: github.com }
- { name: database, host: db.example.org, port: 5432 }
";
const MORE: &str = "\
- { name: added, host: added.example.org }
- { name: cache, host: cache.example.org, port: 6379 }
";

/// Ends the chats, however the test ends.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Says something again and again; how often, and the longest wait.
fn chat(mut talk: impl FnMut() -> io::Result<String>, over: &AtomicBool) -> (u32, Duration) {
    let (mut times, mut longest) = (0, Duration::ZERO);
    while !over.load(Ordering::Relaxed) {
        let start = Instant::now();
        talk().expect("the connection stays open");
        longest = longest.max(start.elapsed());
        times += 1;
        thread::sleep(Duration::from_millis(5));
    }
    (times, longest)
}

fn settings(image: &str, services: &[&str]) -> String {
    let services = services.concat();
    format!("internet: stand-in\napp: {{ image: '{image}' }}\nexternal_services:\n{services}")
}

/// The address of a name, which the sidecar may be about to learn.
fn resolved(inside: &Inside, name: &str) -> Ipv4Addr {
    let client = inside.client();
    client.eventually(|_| {
        inside
            .resolve(name)?
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    })
}

/// A connection with something said on it.
fn plain(inside: &Inside, host: &str, port: u16) -> Connection {
    let address = resolved(inside, host);
    let mut connection = inside.client().plain(address, port).unwrap();
    let banner = connection.line().unwrap();
    assert_eq!(banner, format!("stand-in for {host} port {port}"));
    assert_eq!(connection.say("hello").unwrap(), "hello");
    connection
}

#[test]
#[ignore = "needs root and Envoy"]
fn a_sidecar_takes_a_new_mesh_and_cuts_only_what_was_removed() {
    let registry = Registry::start(Token::NotWanted, vec![("app:v1", bare())]);
    let image = registry.image("app:v1");
    let project = Project::new().file("colormesh.yaml", &settings(&image, &[KEPT]));
    project.run(&["up"]).code(0);
    let envoys = processes(&project, "envoy");
    assert_eq!(envoys.len(), 2, "{envoys:?}");
    let inside = Inside::of(&project, "server");
    let client = inside.client();
    let address = inside.resolve("github.com").unwrap().unwrap();
    let mut page = client.https("github.com", address, 443).unwrap();
    let mut echo = plain(&inside, "db.example.org", 5432);
    let over = AtomicBool::new(false);
    let (pages, echoes) = thread::scope(|scope| {
        let end = End(&over);
        let pages = scope.spawn(|| chat(|| page.get("/"), &over));
        let echoes = scope.spawn(|| chat(|| echo.say("again"), &over));

        project.write("colormesh.yaml", &settings(&image, &[KEPT, MORE]));
        project.run(&["up"]).code(0);
        let added = resolved(&inside, "added.example.org");
        let mut one = client.eventually(|client| {
            let mut one = client.https("added.example.org", added, 443)?;
            one.get("/").map(|_| one)
        });
        let cache = resolved(&inside, "cache.example.org");
        let mut other = plain(&inside, "cache.example.org", 6379);

        let cut = scope.spawn(move || {
            one.wait_until_closed();
            other.wait_until_closed();
            Instant::now()
        });
        project.write("colormesh.yaml", &settings(&image, &[KEPT]));
        project.run(&["up"]).code(0);
        let removed = Instant::now();
        let late = cut.join().unwrap().saturating_duration_since(removed);
        assert!(late < Duration::from_secs(1), "cut {late:?} after `up`");
        let again = client
            .https("added.example.org", added, 443)
            .unwrap()
            .get("/");
        assert!(again.is_err(), "{again:?}");
        let again = client
            .plain(cache, 6379)
            .and_then(|mut again| again.say("hello"));
        assert!(again.as_ref().map_or(true, String::is_empty), "{again:?}");
        // The resolver learns of it a moment after the sidecar.
        let deadline = Instant::now() + Duration::from_secs(5);
        while inside.resolve("cache.example.org").unwrap().is_some() {
            assert!(Instant::now() < deadline, "its name is still answered");
            std::thread::sleep(Duration::from_millis(20));
        }
        drop(end);
        (pages.join().unwrap(), echoes.join().unwrap())
    });
    assert!(pages.0 > 20 && echoes.0 > 20, "{pages:?} {echoes:?}");
    assert_eq!(processes(&project, "envoy"), envoys);
    project.run(&["down"]).code(0);
}

/// Where everything is allowed a proxy goes on to whatever address was asked
/// for; asked for its own, it must not go on to itself.
#[test]
#[ignore = "needs root and Envoy"]
fn a_connection_to_the_sidecars_own_listeners_does_not_loop() {
    let registry = Registry::start(Token::NotWanted, vec![("app:v1", bare())]);
    let image = registry.image("app:v1");
    let project = Project::new().file("colormesh.yaml", &settings(&image, &[KEPT]));
    for egress in ["ALLOW_ALL", "DROP_ALL"] {
        project.run(&["up", "--egress", egress]).code(0);
        let inside = Inside::of(&project, "server");
        let before = noted(&project);
        for port in [15001, 15002] {
            for address in [[127, 0, 0, 1], [169, 254, 100, 2], [127, 9, 9, 9]] {
                let client = inside.client();
                let secure = client.https("www.example.com", address.into(), port);
                assert!(
                    secure.unwrap().get("/").is_err(),
                    "{egress} {address:?}:{port}"
                );
                let plain = client.http("www.example.com", address.into(), port);
                let plain = plain.unwrap().get("/");
                assert!(plain.is_err(), "{egress} {address:?}:{port}: {plain:?}");
            }
        }
        let noted = noted(&project) - before;
        assert!(noted <= 4 * 12, "{noted} connections of 12, with {egress}");
    }
    project.run(&["down"]).code(0);
}

/// How many lines the proxies' logs have.
fn noted(project: &Project) -> usize {
    let status = project.run(&["status", "--output", "json"]).code(0).json();
    let tasks = status["local"]["tasks"].as_array().unwrap().clone();
    let lines = |name: &str| {
        let logs = tasks.iter().map(|task| task["logs"].as_str().unwrap());
        let texts = logs.map(|logs| std::fs::read_to_string(format!("{logs}/{name}")));
        texts
            .map(|text| text.unwrap_or_default().lines().count())
            .sum::<usize>()
    };
    lines("access.log") + lines("denied.log")
}

/// Once `up` returned when the stack was complete, and the Envoys took the mesh
/// over a moment later.
#[test]
#[ignore = "needs root and Envoy"]
fn a_change_of_the_mesh_holds_when_up_returns() {
    let registry = Registry::start(Token::NotWanted, vec![("app:v1", bare())]);
    let image = registry.image("app:v1");
    let project = Project::new().file("colormesh.yaml", &settings(&image, &[KEPT]));
    project.run(&["up"]).code(0);
    let envoys = processes(&project, "envoy");
    let inside = Inside::of(&project, "server");
    for _ in 0..5 {
        project.write("colormesh.yaml", &settings(&image, &[KEPT, MORE]));
        project.run(&["up"]).code(0);
        let added = inside.resolve("added.example.org").unwrap().unwrap();
        let page = inside.client().https("added.example.org", added, 443);
        page.unwrap().get("/").unwrap();

        project.write("colormesh.yaml", &settings(&image, &[KEPT]));
        project.run(&["up"]).code(0);
        assert_eq!(inside.resolve("added.example.org").unwrap(), None);
        let page = inside.client().https("added.example.org", added, 443);
        let page = page.and_then(|mut page| page.get("/"));
        assert!(page.is_err(), "{page:?}");
    }
    assert_eq!(processes(&project, "envoy"), envoys);
    project.run(&["down"]).code(0);
}
