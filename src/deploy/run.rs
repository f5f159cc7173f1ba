//! What the steps of one run share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::OnceCell;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;

use super::gate::Gate;
use super::history::History;
use super::ledger::{Begun, Ledger};
use super::made::{Caller, Waiting};
use super::origin::Places;
use super::pace::Pace;
use super::stopped::{Cluster, Stopped};
use super::watched::{Settled, Watch};
use super::watcher::Watcher;
use super::work::PREFIX;
use super::{Event, LeftBehind, Progress, Work};
use crate::aws::{Cloud, CloudError};
use crate::plan::{DeployedStack, Plan, StepId};
use crate::stack::{RenderedStack, Role, StackName};

/// What a stack puts out, by name.
pub(super) type Outputs = BTreeMap<String, String>;

/// A run: the account, the work, and what earlier steps found out for later
/// ones.
pub(super) struct Run {
    pub(super) cloud: Cloud,
    pub(super) work: Work,
    pub(super) pace: Arc<Pace>,
    /// The account, one request a call.
    pub(super) reader: Cloud,
    pub(super) history: History,
    pub(super) watcher: Watcher,
    pub(super) app_image: OnceLock<String>,
    /// The address of the repository that sidecars' images are pushed to.
    pub(super) repository: OnceLock<String>,
    /// The tasks that had stopped before the service was changed.
    pub(super) stopped_before: OnceLock<BTreeSet<String>>,
    /// The cluster and the log group of the service, once somebody looked.
    pub(super) cluster: OnceCell<Cluster>,
    /// Why tasks stopped while the service was changed, by their ARN.
    pub(super) stopped: Mutex<BTreeMap<String, Stopped>>,
    /// What goes on at the endpoint and is waited for.
    pub(super) ledger: Ledger,
    /// Where every call passes that begins something there.
    pub(super) gate: Gate,
    /// What updates replaced and could not delete.
    pub(super) left_behind: Mutex<Vec<LeftBehind>>,
    /// The stacks whose reviewed change set was used.
    pub(super) used: Mutex<BTreeSet<StackName>>,
    /// Of the stacks that stand, as far as somebody told.
    outputs: Mutex<BTreeMap<StackName, Outputs>>,
    rendered: BTreeMap<StackName, RenderedStack>,
    deployed: BTreeMap<StackName, DeployedStack>,
    events: UnboundedSender<Event>,
    tokens: AtomicUsize,
}

// === impl Run ===

impl Run {
    /// The run, and the end of its watcher.
    pub(super) fn new(
        plan: &Plan,
        cloud: &Cloud,
        work: Work,
        events: UnboundedSender<Event>,
    ) -> (Self, JoinHandle<()>) {
        let pace = Arc::new(Pace::of(cloud));
        let reader = cloud.without_retries();
        let history = History::new(reader.clone(), Arc::clone(&pace));
        let (watcher, watching) = Watcher::start(
            reader.clone(),
            Arc::clone(&pace),
            history.clone(),
            plan.followers(),
            events.clone(),
        );
        let run = Self {
            watcher,
            history,
            reader,
            cloud: cloud.clone(),
            work,
            pace,
            app_image: OnceLock::new(),
            repository: OnceLock::new(),
            stopped_before: OnceLock::new(),
            cluster: OnceCell::new(),
            stopped: Mutex::default(),
            ledger: Ledger::default(),
            gate: Gate::default(),
            left_behind: Mutex::default(),
            used: Mutex::default(),
            outputs: Mutex::default(),
            rendered: plan.rendered.clone(),
            deployed: plan.deployed.clone(),
            events,
            tokens: AtomicUsize::new(0),
        };
        (run, watching)
    }

    /// Remembers what a stack puts out, or that it is not known.
    pub(super) fn learn_outputs(&self, stack: &StackName, outputs: Option<Outputs>) {
        let mut known = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        match outputs {
            Some(outputs) => known.insert(stack.clone(), outputs),
            None => known.remove(stack),
        };
    }

    /// What the stacks put out, as far as it is known.
    pub(super) fn outputs(&self) -> BTreeMap<StackName, Outputs> {
        let known = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    /// Says where a step got. Nobody may be listening any more.
    pub(super) fn tell(&self, step: &StepId, progress: Progress) {
        let _ = self.events.send(Event::StepProgress {
            step: step.clone(),
            progress,
        });
    }

    /// A token for one request, which no other request has.
    pub(super) fn token(&self) -> String {
        format!(
            "{PREFIX}-{}-{}",
            self.work.run,
            self.tokens.fetch_add(1, Ordering::Relaxed)
        )
    }

    pub(super) fn rendered(&self, stack: &StackName) -> &RenderedStack {
        self.rendered
            .get(stack)
            .expect("each stack of a plan is rendered")
    }

    /// The stack as the plan saw it.
    pub(super) fn deployed(&self, stack: &StackName) -> Option<DeployedStack> {
        self.deployed.get(stack).cloned()
    }

    /// The places of a stack's template, for its failures.
    pub(super) fn places(&self, stack: &RenderedStack) -> Places {
        Places::of(stack, self.known_parameters(stack))
    }

    /// The places of the template of the stack that a step is about.
    pub(super) fn rendered_places(&self, step: &StepId) -> Places {
        match step {
            StepId::Stack(name) => self.places(self.rendered(name)),
            _ => Places::default(),
        }
    }

    /// The role that CloudFormation is to act as, if not as the caller.
    pub(super) fn acting(&self) -> Option<&str> {
        self.work.terms.role_arn.as_deref()
    }

    /// Makes a call that begins something. That counts from the moment before:
    /// the answer may never be seen.
    pub(super) async fn begin<T>(
        &self,
        step: &StepId,
        begun: Begun,
        call: impl Future<Output = Result<T, CloudError>>,
    ) -> Result<T, CloudError> {
        let _whole = self.gate.enter().await;
        self.ledger.begin(step, begun);
        let answer = call.await;
        if answer.is_err() {
            self.ledger.end(step);
        }
        answer
    }

    /// Follows what goes on at the endpoint until it does not any more.
    pub(super) async fn waited_for(&self, watch: Watch) -> Result<Settled, CloudError> {
        let step = watch.step.clone();
        let settled = self.watcher.watch(watch).await;
        self.ledger.end(&step);
        settled
    }

    /// Who removes change sets and the empty stacks around them.
    pub(super) fn caller(&self) -> Caller<'_> {
        Caller {
            cloud: &self.cloud,
            role: self.acting(),
        }
    }

    /// Removes a change set, and the empty stack that was made for it. What
    /// stays is told in the end.
    pub(super) async fn remove(&self, set: &Waiting) -> Result<(), CloudError> {
        self.work.made.remove(&self.caller(), set).await
    }

    /// The stack of a role.
    pub(super) fn of_role(&self, role: Role) -> Option<&RenderedStack> {
        self.rendered.values().find(|stack| stack.role == role)
    }
}
