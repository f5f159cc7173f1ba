//! The summary of a job in Markdown, added to a file: for
//! `$GITHUB_STEP_SUMMARY`, or as an artifact.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anyhow::Result;

use super::markdown::{code, details, table, text};
use super::outputs::append;
use super::timeline::Timeline;
use crate::cli::commands::plan;
use crate::cli::costs::Costs;
use crate::cli::printer::{WARN, paint, stripped, talk};
use crate::config::Config;
use crate::plan::Plan;
use crate::verify::{Check, Report, Verdict};

/// The file of the summary, if one is wanted.
pub(crate) struct Summary(Option<File>);

// === impl Summary ===

impl Summary {
    /// Opens the file now, so that one that cannot be written is known before
    /// anything is changed.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self> {
        path.map(append).transpose().map(Self)
    }

    /// What the command is about.
    pub(crate) fn title(&mut self, command: &str, config: &Config) {
        self.add(&title(command, config));
    }

    /// What would change, or what goes.
    pub(crate) fn plan(&mut self, plan: &Plan) {
        self.add(&plan_section(plan));
    }

    /// What it costs; nothing where it costs nothing.
    pub(crate) fn cost(&mut self, cost: Option<&Costs>) {
        if let Some(cost) = cost {
            self.add(&cost_section(cost));
        }
    }

    /// What was done, and when.
    pub(crate) fn timeline(&mut self, timeline: &Timeline) {
        self.add(&timeline.markdown());
    }

    /// What was proved.
    pub(crate) fn report(&mut self, report: &Report) {
        self.add(&report_section(report));
    }

    /// How it ended, in a line.
    pub(crate) fn end(&mut self, line: &str) {
        self.add(&format!("{}\n", text(line)));
    }

    /// A summary that cannot be written is no reason to fail what it is of.
    fn add(&mut self, section: &str) {
        let Some(file) = &mut self.0 else { return };
        if section.is_empty() {
            return;
        }
        if let Err(error) = file.write_all(format!("{section}\n").as_bytes()) {
            let label = paint(WARN, "warning:");
            talk(&format!("{label} the summary cannot be written: {error}"));
        }
    }
}

fn title(command: &str, config: &Config) -> String {
    format!(
        "### colormesh {command}: {} on `{}` ({})\n",
        code(config.environment.as_ref()),
        config.target,
        config.region
    )
}

/// A row a step, and the changes of each under it.
fn plan_section(plan: &Plan) -> String {
    if !plan.has_changes() {
        return "Nothing would change.\n".to_owned();
    }
    let mut rows = Vec::new();
    let mut changes = String::new();
    for step in &plan.steps {
        let name = step.id.to_string();
        rows.push(vec![code(&name), text(&plan::word(&step.action))]);
        let lines = plan::changes(&step.action);
        if !lines.is_empty() {
            let list = lines.iter().map(|line| format!("- {}\n", text(line)));
            changes.push('\n');
            changes.push_str(&details(
                &format!("Changes of <code>{}</code>", text(&name)),
                &list.collect::<String>(),
            ));
        }
    }
    format!(
        "#### Plan\n\n{}{changes}",
        table(&["step", "action"], &rows)
    )
}

/// The sum, a row for what it is made of, and what would make it smaller.
fn cost_section(cost: &Costs) -> String {
    let plain = |cell: &String| text(cell);
    let rows: Vec<Vec<String>> = cost
        .rows()
        .iter()
        .map(|row| row.iter().map(plain).collect())
        .collect();
    // These words are our own.
    let notes = cost.notes();
    let notes: String = notes.iter().map(|note| format!("- {note}\n")).collect();
    let made_of = format!(
        "{}\n{notes}",
        table(&["what", "count", "an hour", "a month"], &rows)
    );
    format!(
        "#### Cost\n\n{}\n\n{}",
        cost.sum(),
        details(
            "What that is made of, and what would make it smaller",
            &made_of
        )
    )
}

/// A row a check.
fn report_section(report: &Report) -> String {
    let rows: Vec<Vec<String>> = report.checks.iter().map(row).collect();
    let head = ["", "check", "expected", "seen", "evidence", "took"];
    let counts = stripped(&crate::cli::commands::verify::summary(report));
    format!("**{}**\n\n{}", text(&counts), table(&head, &rows))
}

fn row(check: &Check) -> Vec<String> {
    let verdict = match check.verdict {
        Verdict::Passed => "✅",
        Verdict::Failed => "❌ failed",
        Verdict::Skipped => "⚪ skipped",
    };
    vec![
        verdict.to_owned(),
        text(&check.name),
        text(&check.expected),
        text(&check.seen),
        text(&check.evidence),
        format!("{:.1} s", check.elapsed.as_secs_f64()),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::time::Duration;

    use super::*;
    use crate::plan::{Action, Change, ChangeKind, Direction, Step, StepId};

    fn plan(steps: Vec<(StepId, Action)>) -> Plan {
        let step = |(id, action)| Step {
            id,
            needs: BTreeSet::new(),
            action,
        };
        Plan {
            direction: Direction::Up,
            steps: steps.into_iter().map(step).collect(),
            rendered: BTreeMap::new(),
            deployed: BTreeMap::new(),
            is_alone: false,
            moves: Vec::new(),
        }
    }

    #[test]
    fn a_plan_is_a_table_and_the_changes_under_it() {
        let change = Change::Resource {
            kind: ChangeKind::Modify,
            logical_id: "Node".to_owned(),
            resource_type: "AWS::AppMesh::VirtualNode".to_owned(),
            properties: Vec::new(),
        };
        let changes = vec![change];
        let plan = plan(vec![
            (StepId::KeyPair, Action::Create),
            (StepId::ImagePush, Action::Update { changes }),
        ]);
        insta::assert_snapshot!(plan_section(&plan), @r"
        #### Plan

        | step | action |
        |---|---|
        | `key pair` | create |
        | `image push` | update |

        <details><summary>Changes of <code>image push</code></summary>

        - change Node (AWS::AppMesh::VirtualNode)

        </details>
        ");
    }

    #[test]
    fn a_plan_without_changes_is_one_line() {
        let plan = plan(vec![(StepId::KeyPair, Action::Unchanged)]);
        assert_eq!(plan_section(&plan), "Nothing would change.\n");
    }

    #[test]
    fn a_report_is_a_table_that_no_server_can_break() {
        let check = |name: &str, verdict, evidence: &str| Check {
            name: name.to_owned(),
            verdict,
            expected: "200".to_owned(),
            seen: "200".to_owned(),
            evidence: evidence.to_owned(),
            elapsed: Duration::from_millis(120),
        };
        let report = Report {
            environment: "Demo".to_owned(),
            target: "local".to_owned(),
            world: Some("stand-in".to_owned()),
            passed: false,
            checks: vec![
                check("gateway", Verdict::Passed, "GET /: `white`"),
                check("external a", Verdict::Failed, "<script>|\nx"),
                check("external b", Verdict::Skipped, ""),
            ],
            elapsed: Duration::from_millis(2500),
        };
        insta::assert_snapshot!(report_section(&report), @r"
        **1 passed, 1 failed, 1 skipped in 2.5 s; the outside world was stand-ins on this machine, not the internet**

        |  | check | expected | seen | evidence | took |
        |---|---|---|---|---|---|
        | ✅ | gateway | 200 | 200 | GET /: \`white\` | 0.1 s |
        | ❌ failed | external a | 200 | 200 | &lt;script&gt;\| x | 0.1 s |
        | ⚪ skipped | external b | 200 | 200 |  | 0.1 s |
        ");
    }
}
