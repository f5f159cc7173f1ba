//! What the colour app itself says of the ways out that it tried: the only
//! word there is where nobody can look from outside, as on ECS.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::sleep;

use super::egress::WayOut;
use super::http;

/// Where the app tries what an ordinary process can.
const PATH: &str = "/egress";
/// The app needs about 3 seconds.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often somebody else may be before us.
const TURNS: u32 = 10;
/// Between two turns.
const PAUSE: Duration = Duration::from_secs(1);
/// The probe for what no setting of ECS closes.
const OFFERED_BY_ECS: &str = "task metadata";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    probes: Vec<Probe>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Probe {
    probe: String,
    expected: String,
    seen: String,
    /// None when what was seen leaves that open.
    out: Option<bool>,
}

/// Has the app behind `endpoint` try; the error is one line that says why it
/// told nothing.
pub async fn ask(endpoint: &str) -> Result<Vec<WayOut>, String> {
    let url = format!("{endpoint}{PATH}");
    let mut answer = http::get(&url, PATIENCE).await?;
    for _ in 1..TURNS {
        if answer.status != 429 {
            break;
        }
        sleep(PAUSE).await;
        answer = http::get(&url, PATIENCE).await?;
    }
    match answer.status {
        200 => read(&answer.body),
        404 => Err(format!(
            "what runs has no `{PATH}`, so it is older than this program or no colour app; \
             `colormesh up` deploys the colour app"
        )),
        status => Err(format!(
            "GET {PATH} answers {status}: {}",
            answer.first_line()
        )),
    }
}

fn read(document: &[u8]) -> Result<Vec<WayOut>, String> {
    let told: Told = serde_json::from_slice(document)
        .map_err(|error| format!("GET {PATH} answers what this program cannot read: {error}"))?;
    Ok(told.probes.into_iter().map(Probe::way_out).collect())
}

// === impl Probe ===

impl Probe {
    fn way_out(self) -> WayOut {
        let (passed, evidence) = match self.out {
            Some(true) if self.probe == OFFERED_BY_ECS => (
                None,
                "ECS offers it to every task and never redirects it; the task's role may read the \
                 mesh's configuration and nothing else",
            ),
            Some(out) => (Some(!out), "the app's own word"),
            None => (
                None,
                "it was stopped, or let out to where nobody answers; the app cannot tell which",
            ),
        };
        WayOut {
            task: String::new(),
            user: "app".to_owned(),
            probe: self.probe,
            passed,
            expected: self.expected,
            seen: self.seen,
            evidence: evidence.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn told(probe: &str, out: &str) -> WayOut {
        let text = format!(
            r#"{{"probes":[{{"probe":"{probe}","expected":"refused","seen":"s","out":{out}}}]}}"#
        );
        read(text.as_bytes()).unwrap().remove(0)
    }

    #[test]
    fn out_fails_refused_passes_and_silence_proves_nothing() {
        assert_eq!(told("UDP", "true").passed, Some(false));
        assert_eq!(told("UDP", "false").passed, Some(true));
        let silent = told("UDP", "null");
        assert_eq!((silent.passed, silent.seen.as_str()), (None, "s"));
        assert!(silent.evidence.contains("cannot tell"));
    }

    #[test]
    fn what_ecs_itself_offers_is_told_and_is_no_failure() {
        let offered = told("task metadata", "true");
        assert_eq!(offered.passed, None);
        assert!(offered.evidence.contains("ECS"), "{}", offered.evidence);
        assert_eq!(told("instance metadata", "true").passed, Some(false));
    }

    #[test]
    fn another_apps_page_is_no_report() {
        assert!(read(b"<html>").unwrap_err().contains("/egress"));
    }
}
