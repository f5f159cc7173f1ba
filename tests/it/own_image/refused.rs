//! Images that cannot be used: told before any stack is touched, or as the
//! cause of a stack that was rolled back.

use std::fs::read;
use std::net::TcpListener;

use serde_json::json;

use super::image::{Image, Layer};
use super::registry::{Registry, Token};
use super::{server, shell};
use crate::project::{Project, Said};

fn ends(code: i32) -> Image {
    let script = format!("#!/bin/sh\necho going >&2; exit {code}\n");
    let layer =
        shell(Layer::new())
            .symlink("lib", "usr/lib")
            .file("start.sh", 0o755, script.as_bytes());
    Image::new(vec![layer], &json!({ "Entrypoint": ["/start.sh"] }))
}

fn plain(process: &serde_json::Value) -> Image {
    Image::new(vec![Layer::new().file("a", 0o644, b"")], process)
}

fn up(project: &Project, image: &str) -> Said {
    project.run(&["up", "--internet", "stand-in", "--image", image])
}

/// Everything that a person is told has to be in it.
#[track_caller]
fn told(said: &Said, words: &[&str]) {
    for word in words {
        assert!(
            said.stderr.contains(word),
            "no `{word}` in\n{}",
            said.stderr
        );
    }
}

#[test]
#[ignore = "needs root and Envoy"]
fn an_image_that_cannot_run_is_refused_before_anything_is_changed() {
    let program = json!({ "Entrypoint": ["/a"] });
    let other = vec![Layer::new().file("a", 0o755, b"")];
    let registry = Registry::start(
        Token::NotWanted,
        vec![
            ("app:good", plain(&program)),
            ("app:other", Image::built_for("s390x", other, &program)),
            ("app:nothing", plain(&json!({}))),
            (
                "app:proxy",
                plain(&json!({ "Entrypoint": ["/a"], "User": "1337" })),
            ),
        ],
    );
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let project = Project::new();
    let refusals = [
        (
            registry.image("app:absent"),
            2,
            &[
                "404",
                "manifests unknown",
                "check the repository's name and the tag",
            ][..],
        ),
        (
            registry.image("other/app:good"),
            2,
            &["404", "check the repository's name"],
        ),
        (
            registry.image("app:other"),
            2,
            &["is not made for linux on", "build it for this processor"],
        ),
        (
            registry.image("app:nothing"),
            2,
            &["neither an entry point nor a command"],
        ),
        (registry.image("app:proxy"), 2, &["user 1337"]),
        (registry.image("App"), 2, &["is not a repository name"]),
        (
            format!("{nobody}/app"),
            1,
            &["cannot reach the registry", "nothing was changed"],
        ),
    ];
    for (image, code, words) in refusals {
        let said = up(&project, &image).code(code);
        told(&said, words);
        told(&said, &[&image]);
    }
    let down = project.run(&["down"]).code(0);
    told(&down, &["nothing was deployed"]);
}

#[test]
#[ignore = "needs root and Envoy"]
fn an_app_that_does_not_stay_is_the_cause_of_the_failure() {
    let lost = vec![Layer::new().file("a", 0o755, b"lost")];
    let mut damaged = Image::new(lost, &json!({ "Entrypoint": ["/a"] }));
    let layer = damaged.manifest.split("\"layers\"").nth(1).unwrap();
    let layer = layer
        .split('"')
        .find(|word| word.starts_with("sha256:"))
        .unwrap()
        .to_owned();
    damaged.blobs.remove(&layer);
    let server = Layer::new().file("server", 0o755, &read(server()).unwrap());
    let nobody = json!({ "Entrypoint": ["/server"], "User": "who" });
    let registry = Registry::start(
        Token::NotWanted,
        vec![
            ("app:ends", ends(7)),
            ("app:damaged", damaged),
            ("app:nobody", Image::new(vec![server], &nobody)),
            ("app:empty", plain(&json!({ "Entrypoint": ["/missing"] }))),
        ],
    );
    let project = Project::new();
    for (image, words) in [
        ("app:ends", &["ended with code 7"][..]),
        ("app:damaged", &["CannotPullContainerError", "404"]),
        ("app:nobody", &["no user `who`"]),
        ("app:empty", &["cannot start `/missing`"]),
    ] {
        let said = up(&project, &registry.image(image)).code(4);
        told(&said, words);
        let error = said.stderr.split("error: ").nth(1).unwrap();
        assert_eq!(error.matches("a task stopped").count(), 1, "{error}");
    }
    project.run(&["down"]).code(0);
}
