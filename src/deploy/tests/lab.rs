//! An account on loopback, and small stacks for it.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::account::lab::LabSettings;
use crate::account::{self, Account};
use crate::aws::{Cloud, CredentialSource, Options};
use crate::deploy::{
    DeployError, Event, ImageSource, Interrupt, KeyPairWork, Report, Work, down, observe, up,
};
use crate::endpoint::Endpoint;
use crate::plan::{Deployed, Direction, ImagePlan, Plan, Wishes};
use crate::stack::RenderedStack;

// What the tests from the outside use too.
#[path = "../../../tests/it/elf.rs"]
mod elf;
#[path = "../../../tests/it/five.rs"]
mod five;

pub(super) use five::{REPOSITORIES, five, stack};

pub(super) const IMAGE: &str =
    "registry.test/app@sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// An account that only this test uses.
pub(super) struct Lab {
    pub(super) cloud: Cloud,
    pub(super) account: Account,
    pub(super) home: TempDir,
    image: ImageSource,
}

/// How a run went.
pub(super) struct Run {
    pub(super) result: Result<Report, DeployError>,
    pub(super) events: Vec<Event>,
}

impl Lab {
    pub(super) async fn start() -> Self {
        Self::with(LabSettings::default()).await
    }

    /// With times, limits and faults; `lab.account.lab()` has more of them,
    /// and the list of calls.
    pub(super) async fn with(settings: LabSettings) -> Self {
        let home = TempDir::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}");
        let account = Account::open(account::Options {
            registry_host: address.to_string(),
            lab: account::lab::Lab::new(settings).unwrap(),
            ..account::Options::new(home.path().join("state"))
        });
        let account = account.unwrap();
        let endpoint = Endpoint {
            extra: Router::new(),
        };
        tokio::spawn(endpoint.serve(listener, account.clone(), std::future::pending()));
        let options = Options {
            region: "us-west-2".into(),
            profile: None,
            endpoint_url: Some(url),
            credentials: CredentialSource::Local,
        };
        Self {
            cloud: Cloud::connect(options).await,
            account,
            home,
            image: ImageSource::Given(IMAGE.into()),
        }
    }

    /// With an app to build, instead of an image that is there.
    pub(super) async fn start_with_app() -> Self {
        let mut lab = Self::start().await;
        let binary = elf::program(lab.home.path(), "does nothing");
        lab.image = ImageSource::Built(Arc::new(crate::image::build(&binary).unwrap()));
        lab
    }

    pub(super) fn wishes(&self) -> Wishes {
        Wishes {
            environment: "e".into(),
            key_pair: Some("color-app".into()),
            image: match &self.image {
                ImageSource::Built(image) => ImagePlan::Build {
                    digest: Some(image.digest.to_string()),
                },
                ImageSource::Given(reference) => ImagePlan::Given(reference.clone()),
            },
            unwanted: Vec::new(),
        }
    }

    pub(super) fn ssh(&self) -> PathBuf {
        self.home.path().join("ssh")
    }

    pub(super) fn work(&self) -> Work {
        Work {
            image: Some(self.image.clone()),
            key_pair: Some(KeyPairWork {
                name: "color-app".into(),
                directory: self.ssh(),
            }),
            ..Work::new("e")
        }
    }

    pub(super) async fn observe(&self, direction: Direction, stacks: &[RenderedStack]) -> Deployed {
        observe(&self.cloud, direction, stacks, Some("color-app"))
            .await
            .unwrap()
    }

    pub(super) async fn up(&self, stacks: Vec<RenderedStack>) -> Run {
        self.up_with(stacks, self.work(), Interrupt::never()).await
    }

    pub(super) async fn up_with(
        &self,
        stacks: Vec<RenderedStack>,
        work: Work,
        interrupt: Interrupt,
    ) -> Run {
        let deployed = self.observe(Direction::Up, &stacks).await;
        let plan = Plan::up(stacks, &deployed, &self.wishes()).unwrap();
        let (sender, receiver) = mpsc::unbounded_channel();
        let result = up(&plan, &self.cloud, work, sender, interrupt).await;
        Run {
            result,
            events: drain(receiver).await,
        }
    }

    pub(super) async fn down(&self, stacks: Vec<RenderedStack>) -> Run {
        let deployed = self.observe(Direction::Down, &stacks).await;
        let plan = Plan::down(stacks, &deployed, &self.wishes()).unwrap();
        let (sender, receiver) = mpsc::unbounded_channel();
        let result = down(&plan, &self.cloud, self.work(), sender, Interrupt::never()).await;
        Run {
            result,
            events: drain(receiver).await,
        }
    }
}

async fn drain(mut receiver: mpsc::UnboundedReceiver<Event>) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(event) = receiver.recv().await {
        events.push(event);
    }
    events
}

impl Run {
    pub(super) fn report(&self) -> &Report {
        self.result.as_ref().unwrap()
    }

    /// `step: outcome`, in the order in which the steps ended.
    pub(super) fn outcomes(&self) -> Vec<String> {
        self.report()
            .finished
            .iter()
            .map(|f| format!("{}: {}", f.step, f.outcome))
            .collect()
    }

    pub(super) fn outcome(&self, step: &str) -> String {
        let found = self
            .report()
            .finished
            .iter()
            .find(|f| f.step.to_string() == step);
        found.map_or_else(|| "none".into(), |f| f.outcome.to_string())
    }

    pub(super) fn failures(&self) -> Vec<String> {
        match &self.result {
            Err(DeployError::Failed { failures, .. }) => {
                failures.iter().map(ToString::to_string).collect()
            }
            other => panic!("not failed: {other:?}"),
        }
    }

    /// `logical id status` of each event of a stack.
    pub(super) fn resource_events(&self, of: &str) -> Vec<String> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::Resource {
                    stack,
                    logical_id,
                    status,
                    ..
                } if stack == of => Some(format!("{logical_id} {status}")),
                _ => None,
            })
            .collect()
    }
}
