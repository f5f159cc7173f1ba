//! The real engine on an account of its own, through the steps that the
//! program takes.

use std::time::Duration;

use colormesh::account::cloudformation::ChangeSetStatus;
use colormesh::aws::{Cloud, CredentialSource, Options};
use colormesh::deploy::{self, DeployError, Intent, Interrupt, Work};
use colormesh::plan::{Direction, Plan, Wishes};
use colormesh::stack::RenderedStack;

use crate::local::Local;

/// No attempt takes longer, whatever fails.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) struct Account {
    pub(super) local: Local,
    cloud: Cloud,
}

// === impl Account ===

impl Account {
    pub(super) async fn of(local: Local) -> Self {
        let cloud = Cloud::connect(Options {
            region: "us-west-2".to_owned(),
            profile: None,
            endpoint_url: Some(format!("http://{}", local.address)),
            credentials: CredentialSource::Local,
        })
        .await;
        Self { local, cloud }
    }

    /// What the engine came to, or what went wrong before it began.
    pub(super) async fn attempt(
        &self,
        direction: Direction,
        stacks: &[RenderedStack],
        wishes: &Wishes,
        work: Work,
    ) -> Result<Result<(), DeployError>, String> {
        let attempt = self.walk(direction, stacks, wishes, work);
        let ended = tokio::time::timeout(PATIENCE, attempt).await;
        ended.unwrap_or_else(|_| panic!("{direction:?} does not end"))
    }

    async fn walk(
        &self,
        direction: Direction,
        stacks: &[RenderedStack],
        wishes: &Wishes,
        mut work: Work,
    ) -> Result<Result<(), DeployError>, String> {
        let (cloud, pair) = (&self.cloud, wishes.key_pair.as_deref());
        let deployed = deploy::observe(cloud, direction, stacks, pair).await;
        let deployed = deployed.map_err(|error| format!("looking: {error}"))?;
        let (events, _) = tokio::sync::mpsc::unbounded_channel();
        let ended = match direction {
            Direction::Up => {
                let plan = Plan::up(stacks.to_vec(), &deployed, wishes).unwrap();
                let until = Interrupt::never();
                let said = deploy::review(&plan, cloud, &work, Intent::CarryOut, until).await;
                let said = said.expect("nobody breaks it off");
                if !said.refused.is_empty() {
                    deploy::forget(cloud, &work).await;
                    return Err(format!("refused: {:?}", said.refused));
                }
                work.choices.agreed = said.agreement();
                work.review = said;
                deploy::up(&plan, cloud, work, events, Interrupt::never()).await
            }
            Direction::Down => {
                let plan = Plan::down(stacks.to_vec(), &deployed, wishes).unwrap();
                deploy::down(&plan, cloud, work, events, Interrupt::never()).await
            }
        };
        Ok(ended.map(|_| ()))
    }

    /// The change sets that nobody carried out.
    pub(super) fn open_change_sets(&self) -> Vec<String> {
        self.local.account.read(|state| {
            let stacks = state.cloudformation.stacks.values();
            let open = stacks.flat_map(|stack| {
                let sets = stack.change_sets.values();
                let open = sets.filter(|set| set.status != ChangeSetStatus::Executed);
                open.map(|set| format!("{} has the change set {}", stack.name, set.name))
            });
            open.collect()
        })
    }
}
