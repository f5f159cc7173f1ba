//! The verdicts: what a prober said, what the witnesses counted, and what the
//! state shows, as rows for people.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::logs::Said;
use super::state::State;
use crate::runtime::probe::{Attempt, Counts, Expected, NOT_LED, Run, Shown, Sight, Summary, all};

/// Everything that was tried on the tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examination {
    /// Each probe as each user of each task.
    pub rows: Vec<Row>,
}

/// One probe as one user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The task.
    pub task: String,
    /// `app`, `root`, `root, unfiltered`, or `witness`.
    pub user: String,
    /// The probe's name.
    pub probe: String,
    /// Whether what came of it is what should; none when it could not be tried.
    pub passed: Option<bool>,
    /// What should come of it.
    pub expected: String,
    /// What the prober saw.
    pub seen: String,
    /// What others saw.
    pub evidence: String,
}

/// Everything that is known about one task's runs.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) task: String,
    pub(super) token: String,
    /// What each run's prober told, or why it told nothing.
    pub(super) told: BTreeMap<Run, Result<Vec<Attempt>, String>>,
    /// What arrived, by the witness's place.
    pub(super) counts: BTreeMap<&'static str, Counts>,
    pub(super) said: Said,
    pub(super) before: State,
    pub(super) after: State,
    pub(super) has_service: bool,
}

// === impl Findings ===

impl Findings {
    pub(super) fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = self.witnesses().collect();
        for run in Run::ALL {
            let probes = all().filter(|probe| run.has(probe));
            rows.extend(probes.map(|probe| self.row(run, probe)));
        }
        rows
    }

    /// A witness that sees nothing would prove everything.
    fn witnesses(&self) -> impl Iterator<Item = Row> {
        self.counts.iter().map(|(place, counts)| Row {
            task: self.task.clone(),
            user: "witness".to_owned(),
            probe: format!("the witness in {place}"),
            passed: Some(counts.controls > 0),
            expected: "sees a packet sent there".to_owned(),
            seen: if counts.controls > 0 {
                "it does".to_owned()
            } else {
                "it does not".to_owned()
            },
            evidence: format!("{} packets captured in all", counts.packets),
        })
    }

    fn row(&self, run: Run, probe: Summary) -> Row {
        let expected = match probe.expected {
            Expected::Refused => "nothing gets out",
            Expected::Modelled => "gets to the modelled host only",
        };
        let (passed, seen, evidence) = self.verdict(run, probe);
        Row {
            task: self.task.clone(),
            user: run.user().to_owned(),
            probe: probe.name.to_owned(),
            passed,
            expected: expected.to_owned(),
            seen,
            evidence,
        }
    }

    fn verdict(&self, run: Run, probe: Summary) -> (Option<bool>, String, String) {
        let attempt = match self.told.get(&run) {
            Some(Ok(attempts)) => attempts.iter().find(|attempt| attempt.probe == probe.name),
            Some(Err(why)) => return (Some(false), "the prober failed".to_owned(), why.clone()),
            None => None,
        };
        let Some(attempt) = attempt else {
            return (
                Some(false),
                "the prober told nothing".to_owned(),
                String::new(),
            );
        };
        if probe.expected == Expected::Modelled && !self.has_service {
            return (
                None,
                attempt.seen.clone(),
                "no service over TLS is modelled".to_owned(),
            );
        }
        if probe.expected == Expected::Modelled && attempt.seen == NOT_LED {
            let why = "the app calls services at ports on loopback; TLS with a foreign name shows \
                       that other ways lead nowhere";
            return (None, attempt.seen.clone(), why.to_owned());
        }
        let sight = self.sight(run, probe.place);
        let mut evidence = Vec::new();
        if probe.shown == Shown::ByPackets || sight != Sight::default() {
            evidence.push(self.packets(run, probe, sight));
        }
        evidence.extend(self.said.refusals(run, &self.token, probe.place));
        let arrival = self.said.arrival(run, &self.token, probe.place);
        let harm = self.after.harm(&self.before, probe.shown);
        let out = match probe.expected {
            Expected::Refused => attempt.reached || sight != Sight::default() || arrival.is_some(),
            Expected::Modelled => sight.marked == 0 || sight.foreign > 0,
        };
        let passed = !out && harm.is_none();
        evidence.extend(arrival);
        match harm {
            Some(harm) => evidence.push(harm),
            None if probe.shown != Shown::ByPackets => evidence.push(self.after.words(probe.shown)),
            None => {}
        }
        let seen = if attempt.reached {
            format!("out: {}", attempt.seen)
        } else {
            attempt.seen.clone()
        };
        (Some(passed), seen, evidence.join("; "))
    }

    /// What all witnesses together saw of a probe.
    fn sight(&self, run: Run, place: usize) -> Sight {
        let seen = self
            .counts
            .values()
            .filter_map(|counts| counts.probes.get(&(run, place)));
        seen.fold(Sight::default(), |sum, sight| Sight {
            foreign: sum.foreign + sight.foreign,
            marked: sum.marked + sight.marked,
        })
    }

    fn packets(&self, run: Run, probe: Summary, sight: Sight) -> String {
        let places: Vec<&str> = self.counts.keys().copied().collect();
        let foreign = run.foreign(probe.place);
        match (probe.expected, sight) {
            (Expected::Modelled, sight) => format!(
                "witness: {} packets with its mark, {} to {foreign}",
                sight.marked, sight.foreign
            ),
            (
                Expected::Refused,
                Sight {
                    foreign: 0,
                    marked: 0,
                },
            ) => {
                format!("witness: 0 packets in {}", places.join(", "))
            }
            (Expected::Refused, sight) => {
                let there = self
                    .counts
                    .iter()
                    .filter(|(_, counts)| counts.probes.contains_key(&(run, probe.place)));
                let there: Vec<&str> = there.map(|(place, _)| *place).collect();
                format!(
                    "witness in {}: {} packets to {foreign}, {} with its mark",
                    there.join(", "),
                    sight.foreign,
                    sight.marked
                )
            }
        }
    }
}
