//! The report on every way out of a task: who tried what, what came of it,
//! and what shows it. Trying is the runtime's.

use std::collections::BTreeSet;
use std::time::Duration;

use super::check::{Check, Report, Verdict};

/// One way out, tried as one user of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayOut {
    /// The task.
    pub task: String,
    /// Who tried.
    pub user: String,
    /// What was tried.
    pub probe: String,
    /// Whether what came of it is what should; none when that cannot be told.
    pub passed: Option<bool>,
    /// What should come of it.
    pub expected: String,
    /// What who tried it saw.
    pub seen: String,
    /// What others saw.
    pub evidence: String,
}

/// Where ways out were tried, and how that went.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The environment.
    pub environment: String,
    /// `local` or `aws`.
    pub target: String,
    /// What the outside world was, where it is ours to say.
    pub world: Option<String>,
    /// What was tried.
    pub ways: Vec<WayOut>,
    /// How long it took.
    pub elapsed: Duration,
}

/// The report; with nothing tried, nothing is proved, and it has not passed.
pub fn ways_out(tried: Tried) -> Report {
    let tasks: BTreeSet<&str> = tried.ways.iter().map(|way| way.task.as_str()).collect();
    let several = tasks.len() > 1;
    let mut checks: Vec<Check> = tried.ways.iter().map(|way| check(way, several)).collect();
    if checks.is_empty() {
        let none = Check::compare("a task to try on", "one that runs an app");
        checks.push(
            none.seen(false, "none")
                .evidence("`colormesh status` tells what runs"),
        );
    }
    Report {
        environment: tried.environment,
        target: tried.target,
        world: tried.world,
        passed: checks.iter().all(|check| check.verdict != Verdict::Failed),
        checks,
        elapsed: tried.elapsed,
    }
}

fn check(way: &WayOut, several: bool) -> Check {
    let name = if several {
        format!("{} {}: {}", way.task, way.user, way.probe)
    } else {
        format!("{}: {}", way.user, way.probe)
    };
    let check = Check::compare(name, way.expected.clone());
    match way.passed {
        Some(passed) => check
            .seen(passed, way.seen.clone())
            .evidence(way.evidence.clone()),
        None => Check {
            seen: way.seen.clone(),
            ..check.skipped(way.evidence.clone())
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(passed: Option<bool>) -> WayOut {
        WayOut {
            task: "t".to_owned(),
            user: "app".to_owned(),
            probe: "UDP".to_owned(),
            passed,
            expected: "nothing gets out".to_owned(),
            seen: "sent".to_owned(),
            evidence: "witness: 2 packets".to_owned(),
        }
    }

    fn report(ways: Vec<WayOut>) -> Report {
        ways_out(Tried {
            environment: "e".to_owned(),
            target: "local".to_owned(),
            world: None,
            ways,
            elapsed: Duration::ZERO,
        })
    }

    #[test]
    fn one_way_out_is_enough_to_fail() {
        let tried = vec![way(Some(true)), way(Some(false)), way(None)];
        let report = report(tried);
        assert!(!report.passed);
        let verdicts: Vec<Verdict> = report.checks.iter().map(|check| check.verdict).collect();
        assert_eq!(
            verdicts,
            [Verdict::Passed, Verdict::Failed, Verdict::Skipped]
        );
    }

    #[test]
    fn nothing_tried_proves_nothing() {
        assert!(!report(Vec::new()).passed);
    }
}
