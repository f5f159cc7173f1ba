//! `colormesh verify`: the proof, as a table, as JSON, as JUnit.

use std::fs;
use std::io;
use std::path::Path;

use anstyle::Style;
use anyhow::{Context, bail};
use tokio::sync::mpsc::unbounded_channel;

use super::egress;
use crate::cli::args::{Global, Verify};
use crate::cli::evidence::short_name;
use crate::cli::exit::{DONE, Outcome, UNVERIFIED};
use crate::cli::gather;
use crate::cli::job::{self, Job};
use crate::cli::layout::{without_middle, wrapped};
use crate::cli::outside::Explanations;
use crate::cli::printer::{BAD, FAINT, GOOD, Printer, WARN, paint};
use crate::cli::session::Session;
use crate::verify::{self, Check, Expectations, Report, Verdict};

/// From this width on a terminal has room for whole names.
const WIDE: usize = 140;
/// How wide names of checks are.
const NAME: usize = 42;

pub(crate) async fn run(global: &Global, arguments: &Verify, printer: Printer) -> Outcome {
    let job = Job::open(&arguments.job)?;
    let Some(session) = Session::existing(global).await? else {
        bail!("the local endpoint does not run, so nothing is deployed; `colormesh up` deploys it");
    };
    let tries_ways_out = global.settings.tries_ways_out();
    if tries_ways_out {
        egress::check(&session.config)?;
    }
    session.check_account(printer).await?;
    if tries_ways_out {
        return egress::run(&session, arguments, job, printer).await;
    }
    let target = session.config.target.to_string();
    let expectations = Expectations::new(&session.config, &target);
    let environment = session.config.environment.to_string();
    let (progress, mut finished) = unbounded_channel();
    let mut explanations = Explanations::default();
    let mut report = {
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
                Some(mut check) = finished.recv() => {
                    explanations.add(&session, &mut check).await;
                    printer.data(&line(&check, &environment, printer.width()))?;
                }
                lost = session.lost() => return Err(lost),
            }
        }
    };
    drop(progress);
    while let Some(mut check) = finished.recv().await {
        explanations.add(&session, &mut check).await;
        printer.data(&line(&check, &environment, printer.width()))?;
    }
    for check in &mut report.checks {
        explanations.add(&session, check).await;
    }
    write_junit(arguments, &report)?;
    tell(job, "verify", &session, &report).await?;
    printer.json(&report)?;
    printer.data(&summary(&report))?;
    Ok(if report.passed { DONE } else { UNVERIFIED })
}

/// Tells the CI job of a report.
pub(super) async fn tell(
    mut job: Job,
    command: &str,
    session: &Session,
    report: &Report,
) -> anyhow::Result<()> {
    report.checks.iter().for_each(job::annotate_check);
    job.summary.title(command, &session.config);
    job.summary.report(report);
    job.outputs.set("passed", &report.passed.to_string())?;
    let failed = report.count(Verdict::Failed).to_string();
    job.outputs.set("failed", &failed)?;
    let endpoint = gather::endpoint(session).await.unwrap_or_default();
    job.outputs.set("endpoint", &endpoint)
}

/// The report as JUnit, where it is wanted.
pub(super) fn write_junit(arguments: &Verify, report: &Report) -> anyhow::Result<()> {
    if let Some(path) = &arguments.junit {
        write_whole(path, &verify::junit(report)?)
            .with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(())
}

/// Writes a file so that others see all of it or nothing.
fn write_whole(path: &Path, text: &[u8]) -> io::Result<()> {
    // What is no file, such as `/dev/stdout`, cannot be replaced.
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return fs::write(path, text);
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    fs::write(&part, text)?;
    fs::rename(&part, path)
}

/// A check as a row, with its evidence under it. Rows are shown as they come,
/// so their columns have fixed widths; on a terminal a name keeps to its own.
fn line(check: &Check, environment: &str, width: Option<usize>) -> String {
    let (style, word) = match check.verdict {
        Verdict::Passed => (GOOD, "ok"),
        Verdict::Failed => (BAD, "FAILED"),
        Verdict::Skipped => (WARN, "skipped"),
    };
    let seen = match check.verdict {
        Verdict::Failed => format!("{} (expected: {})", check.seen, check.expected),
        Verdict::Passed | Verdict::Skipped => check.seen.clone(),
    };
    let mut name = check.name.clone();
    if width.is_some_and(|width| width < WIDE) {
        name = without_middle(&short(&name, environment), NAME);
    }
    let seen = format!("{seen}  {:.1} s", check.elapsed.as_secs_f64());
    let mut text = format!(
        "{}  {name:<NAME$}  {}\n",
        paint(style, &format!("{word:<7}")),
        wrapped(&seen, width, 7 + 2 + NAME + 2, Style::new()),
    );
    if !check.evidence.is_empty() && !is_plain(check) {
        let evidence = wrapped(&check.evidence, width, 9, FAINT);
        text.push_str(&format!("         {evidence}\n"));
    }
    text
}

/// A check's name with what it is about in short: `envoy ColorGateway 1f2e3d4c`.
fn short(name: &str, environment: &str) -> String {
    let (kind, about) = name.split_once(' ').unwrap_or(("", name));
    format!("{kind} {}", short_name(about, environment))
        .trim_start()
        .to_owned()
}

/// Evidence that only names where a status comes from says nothing new.
fn is_plain(check: &Check) -> bool {
    check.verdict == Verdict::Passed && !check.evidence.contains(' ')
        || check.evidence == "container health"
}

pub(crate) fn summary(report: &Report) -> String {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cli::printer::stripped;

    fn check(name: &str, seen: &str, evidence: &str, verdict: Verdict) -> Check {
        Check {
            name: name.to_owned(),
            verdict,
            expected: "HEALTHY".to_owned(),
            seen: seen.to_owned(),
            evidence: evidence.to_owned(),
            elapsed: Duration::from_millis(120),
        }
    }

    fn shown(width: Option<usize>) -> String {
        let envoy = "envoy Env-ecs-service-ColorTellerWhiteService-LTVNSMEM4HYL 1f2e3d4c";
        let reason = "GET /egress_denied: `www.example.com: by name: client error (Connect): dns \
                      error; at 192.0.2.1:443: Connection reset by peer (os error 104)`";
        let checks = [
            check(
                "stack Env-vpc",
                "CREATE_COMPLETE",
                "CloudFormation",
                Verdict::Passed,
            ),
            check(envoy, "UNHEALTHY", "container health", Verdict::Failed),
            check(
                "unmodelled www.example.com",
                "refused",
                reason,
                Verdict::Passed,
            ),
        ];
        let lines = checks.iter().map(|check| line(check, "Env", width));
        stripped(&lines.collect::<String>())
    }

    #[test]
    fn a_pipe_gets_whole_rows() {
        insta::assert_snapshot!(shown(None), @r"
    ok       stack Env-vpc                               CREATE_COMPLETE  0.1 s
    FAILED   envoy Env-ecs-service-ColorTellerWhiteService-LTVNSMEM4HYL 1f2e3d4c  UNHEALTHY (expected: HEALTHY)  0.1 s
    ok       unmodelled www.example.com                  refused  0.1 s
             GET /egress_denied: `www.example.com: by name: client error (Connect): dns error; at 192.0.2.1:443: Connection reset by peer (os error 104)`
    ");
    }

    #[test]
    fn a_terminal_gets_rows_that_fit() {
        let text = shown(Some(80));
        insta::assert_snapshot!(text, @r"
    ok       stack vpc                                   CREATE_COMPLETE  0.1 s
    FAILED   envoy ColorTellerWhite 1f2e3d4c             UNHEALTHY (expected:
                                                         HEALTHY)  0.1 s
    ok       unmodelled www.example.com                  refused  0.1 s
             GET /egress_denied: `www.example.com: by name: client error (Connect):
             dns error; at 192.0.2.1:443: Connection reset by peer (os error 104)`
    ");
        assert!(text.lines().all(|line| line.chars().count() <= 80));
    }
}
