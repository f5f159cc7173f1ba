//! `colormesh verify --egress`: every way out, tried from inside, as a table.

use std::time::Instant;

use super::verify::{summary, write_junit};
use crate::cli::args::Verify;
use crate::cli::exit::{DONE, Exit, Outcome, UNVERIFIED};
use crate::cli::layout::table;
use crate::cli::local::status;
use crate::cli::printer::{BAD, FAINT, GOOD, Printer, WARN, paint};
use crate::cli::session::Session;
use crate::runtime::Row;
use crate::verify::{self, Check, Report, Verdict, WayOut};

pub(crate) async fn run(session: &Session, arguments: &Verify, printer: Printer) -> Outcome {
    let Some(local) = &session.local else {
        let message = "`verify --egress` tries ways out from inside a task, which only the local \
                       target lets it; `verify` without it works on `aws` too";
        return Err(Exit::usage(message.to_owned()).into());
    };
    let started = Instant::now();
    printer.say("trying every way out of the app, as its user and as root");
    let examination = status::examine(&local.running.record).await?;
    let world = session.local_status().await.and_then(|local| local.world);
    let report = verify::ways_out(
        session.config.environment.as_ref(),
        world.map(|world| world.kind),
        examination.rows.into_iter().map(way_out).collect(),
        started.elapsed(),
    );
    write_junit(arguments, &report)?;
    printer.json(&report)?;
    printer.data(&rows(&report))?;
    printer.data(&summary(&report))?;
    printer.data(&look_at(&report))?;
    Ok(if report.passed { DONE } else { UNVERIFIED })
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
