//! The checks themselves. Those over facts are plain functions; those that ask
//! the app are requests to its public endpoint.

use std::time::Duration;

use super::check::Check;
use super::facts::{Denial, Expectations, External, Facts, Readable};
use super::http;
use crate::config::Egress;

/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(12);
/// The host that the colour app's `/egress_denied` tries.
pub(super) const UNMODELLED: &str = "www.example.com";

pub(super) fn stacks(facts: &Facts) -> Vec<Check> {
    let stacks = facts.stacks.iter();
    stacks
        .map(|stack| {
            Check::compare(format!("stack {}", stack.name), "complete")
                .seen(stack.complete, stack.status.clone())
                .evidence("CloudFormation")
        })
        .collect()
}

pub(super) fn services(facts: &Facts) -> Vec<Check> {
    if facts.services.is_empty() {
        return vec![Check::compare("services", "running").seen(false, "no ECS service found")];
    }
    let services = facts.services.iter();
    services
        .map(|service| {
            let passed = service.desired > 0 && service.running == service.desired;
            Check::compare(
                format!("service {}", service.name),
                format!("{} running", service.desired),
            )
            .seen(passed, format!("{} running", service.running))
            .evidence("ECS")
        })
        .collect()
}

pub(super) fn envoys(facts: &Facts) -> Vec<Check> {
    if facts.envoys.is_empty() {
        return vec![Check::compare("envoys", "live").seen(false, "no task with an Envoy found")];
    }
    let envoys = facts.envoys.iter();
    envoys
        .map(|envoy| {
            Check::compare(format!("envoy {}", envoy.task), "HEALTHY")
                .seen(envoy.health == "HEALTHY", envoy.health.clone())
                .evidence("container health")
        })
        .collect()
}

/// Asks for `/`. Of the user's own image nobody knows what it answers there,
/// but that it does.
pub(super) async fn gateway(endpoint: &str, own_image: Option<&str>) -> Check {
    let (expected, below) = match own_image {
        Some(_) => ("an answer", 500),
        None => ("200", 201),
    };
    let check = Check::compare("gateway", expected);
    let passes = |status| (200..below).contains(&status);
    answered(check, endpoint, "/", passes).await
}

/// Asks for the path by which the user's own image shows that it is well.
pub(super) async fn health(endpoint: &str, path: &str) -> Check {
    let check = Check::compare(format!("app {path}"), "200");
    answered(check, endpoint, path, |status| status == 200).await
}

async fn answered(check: Check, endpoint: &str, path: &str, passes: impl Fn(u16) -> bool) -> Check {
    match http::get(&format!("{endpoint}{path}"), REQUEST).await {
        Ok(answer) => check
            .seen(passes(answer.status), answer.status.to_string())
            .evidence(format!("GET {path} answers `{}`", answer.first_line())),
        Err(why) => check.seen(false, "no answer").evidence(why),
    }
}

pub(super) async fn external(endpoint: &str, external: &External) -> Check {
    let path = format!("/external_{}", external.name);
    let check = Check::compare(
        format!("external {}", external.name),
        format!("{} answers", external.destination),
    );
    match http::get(&format!("{endpoint}{path}"), REQUEST).await {
        // The app passes on the outside service's own status. A redirect or a
        // refusal by the service itself has come through the mesh as well;
        // only 502 and above are the app's or the proxy's word for `no`.
        Ok(answer) => check
            .seen(answer.status < 500, answer.status.to_string())
            .evidence(format!(
                "GET {path}: {} bytes, `{}`",
                answer.body.len(),
                answer.first_line()
            )),
        Err(why) => check.seen(false, "no answer").evidence(why),
    }
}

/// Asks the app to try the host that is not modelled.
pub(super) async fn unmodelled(endpoint: &str, egress: Egress) -> Check {
    let expected = match egress {
        Egress::DropAll => "refused",
        Egress::AllowAll => "answers",
    };
    let check = Check::compare(format!("unmodelled {UNMODELLED}"), expected);
    let answer = match http::get(&format!("{endpoint}/egress_denied"), REQUEST).await {
        Ok(answer) => answer,
        Err(why) => return check.seen(false, "no answer from the app").evidence(why),
    };
    let refused = answer.status == 502;
    let passed = match egress {
        Egress::DropAll => refused,
        Egress::AllowAll => answer.status < 500,
    };
    let seen = if refused {
        "refused".to_owned()
    } else {
        answer.status.to_string()
    };
    check
        .seen(passed, seen)
        .evidence(format!("GET /egress_denied: `{}`", line(&answer)))
}

/// The app's own words, whole: why it was refused stands at their end.
fn line(answer: &http::Answer) -> String {
    String::from_utf8_lossy(&answer.body)
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(300)
        .collect()
}

/// The refusal must be in the log, with its destination and server name.
///
/// `before` is the time of the last one that was there before this run tried.
pub(super) fn logged(facts: &Facts, before: Option<&str>) -> Check {
    let check = Check::compare("refusal logged", format!("{UNMODELLED} in the denied log"));
    match &facts.denials {
        Readable::Unknown(why) => check.skipped(why.clone()),
        Readable::Known(denials) => {
            match latest(denials).filter(|denial| Some(denial.time.as_str()) > before) {
                Some(denial) => check.seen(true, "logged").evidence(format!(
                    "{} refused {} server name {}",
                    denial.time,
                    denial.destination,
                    denial.server_name.as_deref().unwrap_or("-")
                )),
                None => check.seen(false, "not logged").evidence(format!(
                    "{} refusals in the log, none of them this one",
                    denials.len()
                )),
            }
        }
    }
}

/// Without a redirection nobody sees what goes past Envoy.
pub(super) fn unseen() -> Check {
    Check::compare("refusal logged", format!("{UNMODELLED} in the denied log")).skipped(
        "with `mesh.redirect: ports` it does not come to Envoy: on AWS the security group and the \
         DNS firewall alone stop it, and note nothing; on `local` there is no route",
    )
}

/// The time of the newest refusal of the unmodelled host, if there is one.
pub(super) fn last_denial(facts: &Facts) -> Option<String> {
    match &facts.denials {
        Readable::Known(denials) => latest(denials).map(|denial| denial.time.clone()),
        Readable::Unknown(_) => None,
    }
}

fn latest(denials: &[Denial]) -> Option<&Denial> {
    denials
        .iter()
        .filter(|denial| denial.server_name.as_deref() == Some(UNMODELLED))
        .max_by(|one, other| one.time.cmp(&other.time))
}

/// The settings themselves let the unmodelled host through.
pub(super) fn passes(why: &str) -> Check {
    Check::compare(format!("unmodelled {UNMODELLED}"), "refused").skipped(why)
}

/// What an image of the user's own cannot be asked: what it may call shows
/// only when it calls.
pub(super) fn not_the_colour_app(expectations: &Expectations) -> Vec<Check> {
    let why = "the app is an image of your own, which cannot be asked to call it";
    let externals = expectations.externals.iter().map(|external| {
        Check::compare(
            format!("external {}", external.name),
            format!("{} answers", external.destination),
        )
    });
    let unmodelled = match expectations.egress {
        Egress::DropAll => vec![
            Check::compare(format!("unmodelled {UNMODELLED}"), "refused"),
            Check::compare("refusal logged", format!("{UNMODELLED} in the denied log")),
        ],
        Egress::AllowAll => vec![Check::compare(
            format!("unmodelled {UNMODELLED}"),
            "answers",
        )],
    };
    externals
        .chain(unmodelled)
        .map(|check| check.skipped(why))
        .collect()
}
