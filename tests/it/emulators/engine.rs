//! Our engine, in this process, against an emulator.

use std::collections::BTreeMap;

use colormesh::aws::{Cloud, CredentialSource, Options};
use colormesh::config::Config;
use colormesh::deploy::{self, DeployError, ImageSource, Interrupt, KeyPairWork, Report, Work};
use colormesh::plan::{Direction, ImagePlan, Plan, Wishes};
use colormesh::stack::RenderedStack;
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::process::Emulator;

const IMAGE: &str =
    "registry.test/app@sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// An environment on an emulator.
pub(super) struct Engine {
    pub(super) cloud: Cloud,
    key_pair: Option<&'static str>,
    home: TempDir,
}

/// What each step came to: an outcome, or an error in words.
pub(super) type Ends = BTreeMap<String, String>;

// === impl Engine ===

impl Engine {
    pub(super) async fn new(emulator: &Emulator, key_pair: Option<&'static str>) -> Self {
        let options = Options {
            region: "us-west-2".to_owned(),
            profile: None,
            endpoint_url: Some(emulator.url()),
            // Nothing of this machine's own credentials is read or sent.
            credentials: CredentialSource::Local,
        };
        Self {
            cloud: Cloud::connect(options).await,
            key_pair,
            home: TempDir::new().unwrap(),
        }
    }

    pub(super) async fn up(&self, stacks: &[RenderedStack]) -> Ends {
        self.run(stacks, Direction::Up).await
    }

    pub(super) async fn down(&self, stacks: &[RenderedStack]) -> Ends {
        self.run(stacks, Direction::Down).await
    }

    async fn run(&self, stacks: &[RenderedStack], direction: Direction) -> Ends {
        let wishes = self.wishes();
        let deployed = deploy::observe(&self.cloud, direction, stacks, self.key_pair).await;
        let deployed = deployed.unwrap();
        let (events, _) = mpsc::unbounded_channel();
        let (cloud, work) = (&self.cloud, self.work(direction));
        let never = Interrupt::never();
        ends(match direction {
            Direction::Up => {
                let plan = Plan::up(stacks.to_vec(), &deployed, &wishes).unwrap();
                deploy::up(&plan, cloud, work, events, never).await
            }
            Direction::Down => {
                let plan = Plan::down(stacks.to_vec(), &deployed, &wishes).unwrap();
                deploy::down(&plan, cloud, work, events, never).await
            }
        })
    }

    fn wishes(&self) -> Wishes {
        Wishes {
            environment: Config::default().environment.to_string(),
            key_pair: self.key_pair.map(str::to_owned),
            image: ImagePlan::Given(IMAGE.to_owned()),
            unwanted: Vec::new(),
        }
    }

    fn work(&self, direction: Direction) -> Work {
        Work {
            image: (direction == Direction::Up).then(|| ImageSource::Given(IMAGE.to_owned())),
            key_pair: self.key_pair.map(|name| KeyPairWork {
                name: name.to_owned(),
                directory: self.home.path().join("ssh"),
            }),
            ..Work::new(Config::default().environment.to_string())
        }
    }
}

fn ends(result: Result<Report, DeployError>) -> Ends {
    let (report, failures, skipped) = match result {
        Ok(report) => (report, Vec::new(), Vec::new()),
        Err(DeployError::Failed {
            report,
            failures,
            skipped,
            ..
        }) => (*report, failures, skipped),
        Err(error) => panic!("{error}"),
    };
    let short = |step: &dyn ToString| {
        let step = step.to_string();
        step.trim_start_matches("AppMeshExternalExample-")
            .to_owned()
    };
    let finished = report.finished.iter();
    let mut ends: Ends = finished
        .map(|each| (short(&each.step), each.outcome.to_string()))
        .collect();
    ends.extend(
        failures
            .iter()
            .map(|each| (short(&each.step), each.error.to_string())),
    );
    ends.extend(
        skipped
            .iter()
            .map(|step| (short(step), "not started".to_owned())),
    );
    ends
}

/// Fails with the whole of both when they differ.
#[track_caller]
pub(super) fn assert_ends(ends: &Ends, expected: &[(&str, &str)]) {
    let names: Vec<&str> = expected.iter().map(|(name, _)| *name).collect();
    assert_eq!(ends.keys().collect::<Vec<_>>(), names, "{ends:#?}");
    for (name, words) in expected {
        assert!(ends[*name].contains(words), "{name}: {words} in {ends:#?}");
    }
}
