//! The handle that everybody holds: open, look, change, shut down.

use super::desired::{Desired, Observed};
use super::ids::Ids;
use super::lab::Lab;
use super::store::{State, Store, StoreError};
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Gives a free TCP port on loopback, for a load balancer's listener: the
/// wanted one, if there is one and it is free.
pub type Ports = Arc<dyn Fn(Option<u16>) -> std::io::Result<u16> + Send + Sync>;

/// How long things take, so that clients see them in progress.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Before a resource or a change set is ready.
    pub step: Duration,
    /// How many resources of one stack are worked on at once.
    pub parallel: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            step: Duration::from_millis(5),
            parallel: 64,
        }
    }
}

/// What an account is opened with.
#[derive(Clone)]
pub struct Options {
    /// The folder of the state file; made when it is not there.
    pub state_dir: PathBuf,
    /// The one region.
    pub region: String,
    /// Twelve digits.
    pub account_id: String,
    /// Host and port under which clients find the image registry.
    pub registry_host: String,
    /// Where listeners get their ports.
    pub ports: Ports,
    /// How long things take.
    pub pace: Pace,
    /// Where identifiers come from.
    pub ids: Arc<Ids>,
    /// What it does to its clients; usually nothing.
    pub lab: Lab,
}

impl Options {
    /// An account in this folder; everything else has its usual value.
    pub fn new(state_dir: impl Into<PathBuf>) -> Self {
        Self {
            state_dir: state_dir.into(),
            region: "us-west-2".to_owned(),
            account_id: "123456789012".to_owned(),
            registry_host: "localhost".to_owned(),
            ports: Arc::new(free_port),
            pace: Pace::default(),
            ids: Arc::new(Ids::random()),
            lab: Lab::off(),
        }
    }
}

fn free_port(wanted: Option<u16>) -> std::io::Result<u16> {
    let bind = |port| std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, port));
    let wanted = wanted.and_then(|port| bind(port).ok());
    wanted
        .map_or_else(|| bind(0), Ok)?
        .local_addr()
        .map(|address| address.port())
}

/// Why an account does not open.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the local account")]
pub struct OpenError(#[from] StoreError);

/// A cheap handle to the account; all copies are the same account.
#[derive(Clone)]
pub struct Account {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    store: Arc<Store>,
    desired: watch::Sender<Arc<Desired>>,
    observed: watch::Sender<Arc<Observed>>,
    stop: watch::Sender<bool>,
    tasks: Mutex<JoinSet<()>>,
    writer: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl Account {
    /// Reads the state, picks up the operations that a kill left behind.
    /// Runs inside tokio.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        let store = Arc::new(Store::open(&options.state_dir)?);
        let stop = watch::Sender::new(false);
        let writer = tokio::spawn(Arc::clone(&store).keep_writing(stop.subscribe()));
        let account = Self {
            inner: Arc::new(Inner {
                options,
                store,
                desired: watch::Sender::new(Arc::default()),
                observed: watch::Sender::new(Arc::default()),
                stop,
                tasks: Mutex::new(JoinSet::new()),
                writer: Mutex::new(Some(writer)),
            }),
        };
        account.update_if(|state| {
            (
                super::kept_ports::take(state, &account.inner.options.ports),
                (),
            )
        });
        // What a killed upload left costs space and nothing else.
        let _ = account.images().sweep();
        let _ = account.objects().sweep();
        super::cloudformation::resume(&account);
        account.spawn(super::scheduler::run(account.clone()));
        Ok(account)
    }

    /// What the account was opened with.
    pub fn options(&self) -> &Options {
        &self.inner.options
    }

    /// Where identifiers come from.
    pub fn ids(&self) -> &Ids {
        &self.inner.options.ids
    }

    /// The laboratory, when there is one.
    pub fn lab(&self) -> &Lab {
        &self.inner.options.lab
    }

    /// Looks at the state. Short: everybody else waits.
    pub fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        self.inner.store.read(look)
    }

    /// Changes the state; it reaches the disk soon after (see [`Self::flush`]).
    pub fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        self.inner.store.update(change)
    }

    /// Changes the state when there is something to change: `change` says
    /// whether it did.
    pub(super) fn update_if<T>(&self, change: impl FnOnce(&mut State) -> (bool, T)) -> T {
        self.inner.store.update_if(change)
    }

    /// Says when the state has changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.store.changes()
    }

    /// Why the state is not on the disk, if it is not.
    pub fn problem(&self) -> Option<String> {
        self.inner.store.problem()
    }

    /// Waits until everything changed so far is on the disk, or cannot be.
    pub async fn flush(&self) {
        self.inner.store.flush().await;
    }

    /// What should run.
    pub fn desired(&self) -> watch::Receiver<Arc<Desired>> {
        self.inner.desired.subscribe()
    }

    /// Says what should run.
    pub(super) fn publish(&self, desired: Desired) {
        self.inner.desired.send_replace(Arc::new(desired));
    }

    /// What was seen last.
    pub fn observed(&self) -> watch::Receiver<Arc<Observed>> {
        self.inner.observed.subscribe()
    }

    /// Takes in what does run.
    pub fn observe(&self, observed: Observed) {
        self.inner.observed.send_replace(Arc::new(observed));
    }

    /// An ARN of this account in this region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        let Options {
            region, account_id, ..
        } = self.options();
        format!("arn:aws:{service}:{region}:{account_id}:{resource}")
    }

    /// Runs something that ends, at the latest, with the account.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self
            .inner
            .tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work);
    }

    /// Stops all work at once and writes the state. Operations in progress
    /// are picked up by the next [`Self::open`].
    pub async fn shutdown(&self) {
        self.abort_tasks().await;
        self.inner.stop.send_replace(true);
        let writer = self
            .inner
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(writer) = writer {
            // It panics only by a mistake of ours, which it has told already.
            let _ = writer.await;
        }
    }

    async fn abort_tasks(&self) {
        let mut tasks = std::mem::take(
            &mut *self
                .inner
                .tasks
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        tasks.shutdown().await;
    }
}
