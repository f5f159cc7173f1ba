//! `colormesh verify --egress`: every way out, tried from inside, as a table.

use std::time::Instant;

use super::verify::{summary, tell, write_junit};
use crate::cli::args::Verify;
use crate::cli::exit::{DONE, Exit, Outcome, UNVERIFIED};
use crate::cli::gather;
use crate::cli::job::Job;
use crate::cli::layout::table;
use crate::cli::local::status;
use crate::cli::printer::{BAD, FAINT, GOOD, Printer, WARN, paint};
use crate::cli::session::{LocalSession, Session};
use crate::config::{Config, Target};
use crate::runtime::Row;
use crate::verify::{self, Check, Report, Tried, Verdict, WayOut};

pub(crate) async fn run(
    session: &Session,
    arguments: &Verify,
    job: Job,
    printer: Printer,
) -> Outcome {
    let started = Instant::now();
    let ways = match &session.local {
        Some(local) => from_outside(local, printer).await?,
        None => by_its_word(session, printer).await?,
    };
    let world = session.local_status().await.and_then(|local| local.world);
    let report = verify::ways_out(Tried {
        environment: session.config.environment.to_string(),
        target: session.config.target.to_string(),
        world: world.map(|world| world.kind),
        ways,
        elapsed: started.elapsed(),
    });
    write_junit(arguments, &report)?;
    tell(job, "verify --egress", session, &report).await?;
    printer.json(&report)?;
    printer.data(&rows(&report))?;
    printer.data(&summary(&report))?;
    printer.data(&look_at(&report))?;
    Ok(if report.passed { DONE } else { UNVERIFIED })
}

/// The runtime tries inside the task, and watches from outside.
async fn from_outside(local: &LocalSession, printer: Printer) -> anyhow::Result<Vec<WayOut>> {
    printer.say("trying every way out of the app, as its user and as root");
    let examination = status::examine(&local.running.record).await?;
    Ok(examination.rows.into_iter().map(way_out).collect())
}

/// Refuses what nobody can try, before anybody is asked.
pub(super) fn check(config: &Config) -> anyhow::Result<()> {
    match &config.app.image {
        Some(image) if config.target == Target::Aws => {
            let message = format!(
                "on `aws` the colour app itself tries the ways out, and `{image}` (`app.image`) is \
                 another app\n\n\
                 hint: `verify --egress` with `--target local` tries them inside any image"
            );
            Err(Exit::usage(message).into())
        }
        _ => Ok(()),
    }
}

/// The colour app tries what it can, and nobody watches.
async fn by_its_word(session: &Session, printer: Printer) -> anyhow::Result<Vec<WayOut>> {
    let endpoint = gather::endpoint(session).await;
    let endpoint = endpoint.ok_or_else(|| {
        anyhow::anyhow!(
            "nothing can be tried: the service stack has no output `ColorAppEndpoint`\n\n\
             hint: `colormesh status` tells what is deployed, `colormesh up` deploys it"
        )
    })?;
    printer.say(
        "the app tries what an ordinary process can; on `aws` nobody watches from outside, so \
         its own word is the only witness",
    );
    let told = verify::ask(&endpoint).await;
    told.map_err(|why| anyhow::anyhow!("the app told nothing of its ways out: {why}"))
}

fn way_out(row: Row) -> WayOut {
    WayOut {
        task: row.task,
        user: row.user,
        probe: row.probe,
        passed: row.passed,
        expected: row.expected,
        seen: row.seen,
        evidence: row.evidence,
    }
}

fn rows(report: &Report) -> String {
    let head = ["", "PROBE", "EXPECTED", "SEEN", "EVIDENCE"].map(|word| paint(FAINT, word));
    let mut rows = vec![head.to_vec()];
    rows.extend(report.checks.iter().map(row));
    table(&rows)
}

fn row(check: &Check) -> Vec<String> {
    let verdict = match check.verdict {
        Verdict::Passed => paint(GOOD, "ok"),
        Verdict::Failed => paint(BAD, "FAILED"),
        Verdict::Skipped => paint(WARN, "skipped"),
    };
    vec![
        verdict,
        check.name.clone(),
        check.expected.clone(),
        check.seen.clone(),
        paint(FAINT, &check.evidence),
    ]
}

/// What got out, once more where it is seen.
fn look_at(report: &Report) -> String {
    let failed = report
        .checks
        .iter()
        .filter(|check| check.verdict == Verdict::Failed);
    let lines = failed.map(|check| {
        let label = paint(BAD, "look at:");
        format!(
            "{label} {}: {} ({})\n",
            check.name, check.seen, check.evidence
        )
    });
    lines.collect()
}
