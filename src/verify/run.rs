//! The order of the checks, and how long each may take to come true.
//!
//! A fresh environment warms up: tasks start, Envoys resolve names, targets
//! become healthy. So a check that fails is tried again until the deadline,
//! unless what it saw cannot change by itself.

use std::future::Future;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::check::{Check, Report, Verdict};
use super::facts::{Expectations, Facts};
use super::probes;
use crate::config::Egress;

/// Between two tries of a check.
const PAUSE: Duration = Duration::from_millis(200);
/// Outside services that are asked for at the same time.
const AT_ONCE: usize = 16;
/// A proxy writes its log behind the connection; this is long enough.
const LOG_DELAY: Duration = Duration::from_secs(3);

/// Where finished checks go while the run goes on.
pub type Progress = UnboundedSender<Check>;

/// Checks everything, waiting for what still warms up until `timeout` is over.
pub async fn run<G, F>(
    expectations: &Expectations,
    timeout: Duration,
    gather: G,
    progress: &Progress,
) -> Report
where
    G: Fn() -> F,
    F: Future<Output = Facts>,
{
    let mut run = Run {
        started: Instant::now(),
        deadline: Instant::now() + timeout,
        checks: vec![],
        progress,
    };
    let facts = run.facts(&gather).await;
    match &facts.endpoint {
        Some(endpoint) => run.requests(expectations, endpoint, &facts, &gather).await,
        None => run.add(
            Check::compare("gateway", "200")
                .seen(false, "no endpoint")
                .evidence("the service stack has no output `ColorAppEndpoint`"),
        ),
    }
    Report {
        environment: expectations.environment.clone(),
        target: expectations.target.clone(),
        world: facts.world,
        passed: run
            .checks
            .iter()
            .all(|check| check.verdict != Verdict::Failed),
        elapsed: run.started.elapsed(),
        checks: run.checks,
    }
}

struct Run<'a> {
    started: Instant,
    deadline: Instant,
    checks: Vec<Check>,
    progress: &'a Progress,
}

impl Run<'_> {
    fn add(&mut self, check: Check) {
        // Nobody listening is no reason to stop checking.
        let _ = self.progress.send(check.clone());
        self.checks.push(check);
    }

    /// The checks over facts, and the facts that they ended with.
    async fn facts<G, F>(&mut self, gather: &G) -> Facts
    where
        G: Fn() -> F,
        F: Future<Output = Facts>,
    {
        loop {
            let facts = gather().await;
            let mut checks = probes::stacks(&facts);
            checks.extend(probes::services(&facts));
            checks.extend(probes::envoys(&facts));
            let passed = checks.iter().all(|check| check.verdict == Verdict::Passed);
            if passed || !may_change(&facts) || Instant::now() >= self.deadline {
                for mut check in checks {
                    check.elapsed = self.started.elapsed();
                    self.add(check);
                }
                return facts;
            }
            sleep(PAUSE).await;
        }
    }

    async fn requests<G, F>(
        &mut self,
        expectations: &Expectations,
        endpoint: &str,
        facts: &Facts,
        gather: &G,
    ) where
        G: Fn() -> F,
        F: Future<Output = Facts>,
    {
        let own = expectations.own_image.as_deref();
        let gateway = until(self.deadline, || probes::gateway(endpoint, own)).await;
        self.add(gateway);
        if let Some(path) = own {
            let health = until(self.deadline, || probes::health(endpoint, path)).await;
            self.add(health);
            probes::not_the_colour_app(expectations)
                .into_iter()
                .for_each(|check| self.add(check));
            return;
        }
        for check in externals(self.deadline, expectations, endpoint).await {
            self.add(check);
        }
        if let Some(why) = &expectations.unmodelled_passes {
            self.add(probes::passes(why));
            return;
        }
        let before = probes::last_denial(facts);
        let unmodelled = until(self.deadline, || {
            probes::unmodelled(endpoint, expectations.egress)
        })
        .await;
        self.add(unmodelled);
        if expectations.unseen {
            self.add(probes::unseen());
        } else if expectations.egress == Egress::DropAll {
            let logged = until(Instant::now() + LOG_DELAY, || async {
                probes::logged(&gather().await, before.as_deref())
            });
            let logged = logged.await;
            self.add(logged);
        }
    }
}

/// Whether waiting can help: something is on its way.
fn may_change(facts: &Facts) -> bool {
    let settled = |status: &str| !status.ends_with("IN_PROGRESS");
    facts
        .stacks
        .iter()
        .all(|stack| stack.complete || !settled(&stack.status))
}

/// Tries until the check passes, is skipped, or the deadline is over.
async fn until<P, F>(deadline: Instant, probe: P) -> Check
where
    P: Fn() -> F,
    F: Future<Output = Check>,
{
    let started = Instant::now();
    loop {
        let mut check = probe().await;
        check.elapsed = started.elapsed();
        if check.verdict != Verdict::Failed || Instant::now() >= deadline {
            return check;
        }
        sleep(PAUSE).await;
    }
}

/// The outside services, several at a time, in the order of the settings.
async fn externals(deadline: Instant, expectations: &Expectations, endpoint: &str) -> Vec<Check> {
    let mut waiting = expectations.externals.iter().cloned().enumerate();
    let mut running = JoinSet::new();
    let mut checks: Vec<Option<Check>> = vec![None; expectations.externals.len()];
    loop {
        while running.len() < AT_ONCE {
            let Some((index, external)) = waiting.next() else {
                break;
            };
            let endpoint = endpoint.to_owned();
            running.spawn(async move {
                let check = until(deadline, || probes::external(&endpoint, &external)).await;
                (index, check)
            });
        }
        match running.join_next().await {
            Some(Ok((index, check))) => checks[index] = Some(check),
            Some(Err(_)) => {}
            None => return checks.into_iter().flatten().collect(),
        }
    }
}
