//! The program, asked to end or killed at many moments, on an account that
//! takes its time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use colormesh::account::lab::LabSettings;

use super::change_sets::{notes, waiting};
use super::moment::{Moment, Running};
use crate::as_aws::{AsAws, ENVIRONMENT};
use crate::project::{Project, Said};

const LAB: &str = "latency: {scale: 0.01}";
const SETTINGS: &str = "key_pair: none\nvpc: { nat: none }\n";
const CHANGED: &str = "mesh: { egress: ALLOW_ALL }\nbastion: { enabled: false }\n";
/// "At once", on a busy machine.
const SOON: Duration = Duration::from_secs(10);
const SIGNALS: [(&str, i32); 3] = [("INT", 130), ("TERM", 143), ("KILL", -1)];

/// How many moments; more than the default is for a thorough look.
fn count() -> u32 {
    let wanted = std::env::var("COLORMESH_MOMENTS").ok();
    wanted.and_then(|count| count.parse().ok()).unwrap_or(2)
}

/// Moments in a run that takes this long, each somewhere else.
fn moments(whole: Duration) -> impl Iterator<Item = Duration> {
    let count = count();
    (0..count).map(move |n| {
        whole * (2 * n + 1) / (2 * count) + Duration::from_millis((n * 7 % 13).into())
    })
}

struct Scene {
    project: Project,
    aws: AsAws,
}

// === impl Scene ===

impl Scene {
    async fn start() -> Self {
        let lab = LabSettings::parse("lab", LAB).unwrap();
        Self {
            project: Project::new().file("colormesh.yaml", SETTINGS),
            aws: AsAws::with(lab).await,
        }
    }

    fn want(&self, settings: &str) {
        self.project.write("colormesh.yaml", settings);
    }

    async fn run(&self, arguments: &[&str]) -> Said {
        self.aws.run(&self.project, arguments).await.code(0)
    }

    async fn takes(&self, arguments: &[&str]) -> Duration {
        let begun = Instant::now();
        self.run(arguments).await;
        begun.elapsed()
    }

    /// Ends a command at a moment, and looks at what it left.
    async fn ended(&self, arguments: &[&str], moment: Duration, (signal, code): (&str, i32)) {
        let mut running = Running::of(self.aws.command(&self.project, arguments));
        running.reach(Moment::After(moment));
        running.signal(signal);
        let said = running.end(SOON);
        let what = format!("{arguments:?} {signal} at {moment:?}\n{}", said.stderr);
        assert!([0, code].contains(&said.code), "{}: {what}", said.code);
        self.quiet().await;
        if signal != "KILL" {
            let left: Vec<String> = waiting(&self.aws)
                .into_iter()
                .chain(self.reviewed())
                .collect();
            for stack in left {
                let named = format!("of `{stack}`");
                assert!(said.stderr.contains(&named), "{stack} stays: {what}");
            }
        }
    }

    async fn quiet(&self) {
        let end = Instant::now() + SOON * 3;
        while self
            .statuses()
            .iter()
            .any(|(_, status)| status.ends_with("_IN_PROGRESS") && status != "REVIEW_IN_PROGRESS")
        {
            assert!(Instant::now() < end, "{:?}", self.statuses());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn statuses(&self) -> Vec<(String, String)> {
        self.aws.local.account.read(|state| {
            let stacks = state.cloudformation.stacks.values();
            let told = stacks.map(|stack| (stack.name.clone(), stack.status.clone()));
            told.collect()
        })
    }

    fn reviewed(&self) -> Vec<String> {
        let all = self.statuses().into_iter();
        let reviewed = all.filter(|(_, status)| status == "REVIEW_IN_PROGRESS");
        reviewed.map(|(name, _)| name).collect()
    }

    /// How often each operation was begun on each stack.
    fn begun(&self) -> BTreeMap<(String, String), usize> {
        let mut counts = BTreeMap::new();
        self.aws.local.account.read(|state| {
            for stack in state.cloudformation.stacks.values() {
                for event in &stack.events {
                    let is_begin = event.reason.as_deref() == Some("User Initiated");
                    if is_begin && event.status != "REVIEW_IN_PROGRESS" {
                        let key = (stack.id.clone(), event.status.clone());
                        *counts.entry(key).or_default() += 1;
                    }
                }
            }
        });
        counts
    }

    fn assert_clean(&self, what: &str) {
        assert_eq!(waiting(&self.aws), [""; 0], "{what}");
        assert_eq!(self.reviewed(), [""; 0], "{what}");
        assert_eq!(notes(&self.project), 0, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn up_and_down_end_at_any_moment_and_go_on_from_there() {
    let scene = Scene::start().await;
    let (up, down) = (["up", "--yes"], ["down", "--yes"]);
    let (up_takes, down_takes) = (scene.takes(&up).await, scene.takes(&down).await);
    for signal in SIGNALS {
        for (rise, fall) in moments(up_takes).zip(moments(down_takes)) {
            scene.ended(&up, rise, signal).await;
            scene.run(&up).await;
            scene.assert_clean(&format!("up {signal:?} {rise:?}"));
            scene.ended(&down, fall, signal).await;
            scene.run(&down).await;
            scene.assert_clean(&format!("down {signal:?} {fall:?}"));
        }
    }
    for (what, count) in scene.begun() {
        assert_eq!(count, 1, "{what:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_and_a_plan_in_detail_end_at_any_moment_and_go_on_from_there() {
    let scene = Scene::start().await;
    let (up, plan) = (["up", "--yes"], ["plan", "--detail"]);
    let changed = format!("{SETTINGS}{CHANGED}");
    scene.run(&up).await;
    scene.want(&changed);
    let plan_takes = scene.takes(&plan).await;
    let up_takes = scene.takes(&up).await;
    let mut wanted = [SETTINGS, &changed].into_iter().cycle();
    for signal in SIGNALS {
        for (look, change) in moments(plan_takes).zip(moments(up_takes)) {
            scene.want(wanted.next().unwrap());
            scene.ended(&plan, look, signal).await;
            scene.ended(&up, change, signal).await;
            let name = format!("{ENVIRONMENT}-mesh");
            scene.run(&up).await;
            scene.assert_clean(&format!("{name}: {signal:?} {look:?} {change:?}"));
        }
    }
}
