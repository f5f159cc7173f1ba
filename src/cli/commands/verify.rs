//! `colormesh verify`: the proof, as a table, as JSON, as JUnit.

use std::fs;

use anyhow::Context;
use tokio::sync::mpsc::unbounded_channel;

use super::egress;
use crate::cli::args::{Global, Verify};
use crate::cli::exit::{DONE, FAILED, Outcome, UNVERIFIED};
use crate::cli::gather;
use crate::cli::printer::{BAD, FAINT, GOOD, Printer, WARN, paint, table, talk};
use crate::cli::session::Session;
use crate::verify::{self, Check, Expectations, Report, Verdict};

pub(crate) async fn run(global: &Global, arguments: &Verify, printer: Printer) -> Outcome {
    let Some(session) = Session::existing(global).await? else {
        talk("the local endpoint does not run, so nothing is deployed; `colormesh up` deploys it");
        return Ok(FAILED);
    };
    session.check_account().await?;
    if global.settings.tries_ways_out() {
        return egress::run(&session, arguments, printer).await;
    }
    let target = session.config.target.to_string();
    let expectations = Expectations::new(&session.config, &target);
    let (progress, mut finished) = unbounded_channel();
    let report = {
        let checks = verify::run(
            &expectations,
            arguments.timeout,
            || gather::facts(&session),
            &progress,
        );
        tokio::pin!(checks);
        loop {
            tokio::select! {
                report = &mut checks => break report,
                Some(check) = finished.recv() => printer.data(&line(&check))?,
            }
        }
    };
    drop(progress);
    while let Some(check) = finished.recv().await {
        printer.data(&line(&check))?;
    }
    write_junit(arguments, &report)?;
    printer.json(&report)?;
    printer.data(&summary(&report))?;
    Ok(if report.passed { DONE } else { UNVERIFIED })
}

/// The report as JUnit, where it is wanted.
pub(super) fn write_junit(arguments: &Verify, report: &Report) -> anyhow::Result<()> {
    if let Some(path) = &arguments.junit {
        fs::write(path, verify::junit(report)?)
            .with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(())
}

/// A check as a row, with its evidence under it.
fn line(check: &Check) -> String {
    let (style, word) = match check.verdict {
        Verdict::Passed => (GOOD, "ok"),
        Verdict::Failed => (BAD, "FAILED"),
        Verdict::Skipped => (WARN, "skipped"),
    };
    let seen = match check.verdict {
        Verdict::Failed => format!("{} (expected: {})", check.seen, check.expected),
        Verdict::Passed | Verdict::Skipped => check.seen.clone(),
    };
    let row = vec![
        pad(&paint(style, word), word.len(), 7),
        pad(&check.name, check.name.chars().count(), 42),
        seen,
        paint(FAINT, &format!("{:.1} s", check.elapsed.as_secs_f64())),
    ];
    let mut text = table(&[row]);
    if !check.evidence.is_empty() && !is_plain(check) {
        text.push_str(&format!("         {}\n", paint(FAINT, &check.evidence)));
    }
    text
}

/// Evidence that only names where a status comes from says nothing new.
fn is_plain(check: &Check) -> bool {
    check.verdict == Verdict::Passed && !check.evidence.contains(' ')
        || check.evidence == "container health"
}

fn pad(text: &str, shown: usize, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(shown)))
}

pub(super) fn summary(report: &Report) -> String {
    let world = match report.world.as_deref() {
        Some("stand-in") => "; the outside world was stand-ins on this machine, not the internet",
        Some(_) | None => "",
    };
    let (failed, skipped) = (
        report.count(Verdict::Failed),
        report.count(Verdict::Skipped),
    );
    let passed = report.count(Verdict::Passed);
    let mut counts = format!("{passed} passed, {failed} failed");
    if skipped > 0 {
        counts.push_str(&format!(", {skipped} skipped"));
    }
    let style = if report.passed { GOOD } else { BAD };
    format!(
        "\n{} in {:.1} s{world}\n",
        paint(style, &counts),
        report.elapsed.as_secs_f64()
    )
}
