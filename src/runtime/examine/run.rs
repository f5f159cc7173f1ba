//! One examination of one task, from the witnesses to the rows.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::copy;
use super::logs::Logs;
use super::rows::{Examination, Findings};
use super::state::{self, State};
use crate::runtime::netns::Netns;
use crate::runtime::prober::{
    ARGUMENT, Attempt, Counts, Modelled, Orders, Run, Who, Witness, control,
};
use crate::runtime::redirect;

/// How long all probes of a run may take together.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long logs and late packets are waited for.
const STRAGGLERS: Duration = Duration::from_millis(300);

/// What examinations need to know of the machine.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct Ground {
    pub(in crate::runtime) program: PathBuf,
    pub(in crate::runtime) namespaces: PathBuf,
    pub(in crate::runtime) world: Netns,
    pub(in crate::runtime) network: Netns,
    /// All sidecars, by the machine's numbers.
    pub(in crate::runtime) sidecars: Vec<u32>,
    /// The file of the stand-ins.
    pub(in crate::runtime) stand_ins: Option<PathBuf>,
    pub(in crate::runtime) subjects: Vec<Subject>,
}

/// A task that is examined.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct Subject {
    pub(in crate::runtime) task: String,
    /// Its container's launcher, by the machine's number.
    pub(in crate::runtime) launcher: u32,
    pub(in crate::runtime) who: Who,
    pub(in crate::runtime) network: PathBuf,
    pub(in crate::runtime) services: Vec<Modelled>,
    pub(in crate::runtime) admin: PathBuf,
    pub(in crate::runtime) logs: PathBuf,
}

/// Examines every task, one after the other.
pub(in crate::runtime) async fn examine(ground: Ground) -> Examination {
    let mut examination = Examination::default();
    for (number, subject) in ground.subjects.iter().enumerate() {
        let token = token(number);
        let findings = one(&ground, subject, &token).await;
        examination.rows.extend(findings.rows());
    }
    examination
}

async fn one(ground: &Ground, subject: &Subject, token: &str) -> Findings {
    let look = || State::look(subject.launcher, &ground.sidecars, &subject.network);
    let logs = Logs::at(&subject.logs, ground.stand_ins.as_deref());
    let before = look().await;
    let strangers = Strangers::arrive(ground).await;
    let witnesses = witnesses(ground, token).await;
    let copies = [Run::AppInCopy, Run::RootInCopy].map(|run| copied(ground, token, run));
    let [app_copy, root_copy] = both(copies).await;
    let (app, root, bare, app_in_copy, root_in_copy) = tokio::join!(
        told(ground, subject, token, Run::App, Ok(&subject.network)),
        told(ground, subject, token, Run::Root, Ok(&subject.network)),
        told(ground, subject, token, Run::Bare, Ok(&subject.network)),
        told(ground, subject, token, Run::AppInCopy, path(&app_copy)),
        told(ground, subject, token, Run::RootInCopy, path(&root_copy)),
    );
    tokio::time::sleep(STRAGGLERS).await;
    let counts = finish(witnesses).await;
    strangers.leave(ground).await;
    Findings {
        task: subject.task.clone(),
        token: token.to_owned(),
        told: BTreeMap::from([
            (Run::App, app),
            (Run::Root, root),
            (Run::Bare, bare),
            (Run::AppInCopy, app_in_copy),
            (Run::RootInCopy, root_in_copy),
        ]),
        counts,
        said: logs.read(),
        before,
        after: look().await,
        has_service: !subject.services.is_empty(),
    }
}

/// The addresses that probes send to, in a world that is ours. Without them
/// the world would have no way there, and nothing could be seen to leave.
struct Strangers(bool);

impl Strangers {
    async fn arrive(ground: &Ground) -> Self {
        let wanted = ground.stand_ins.is_some();
        if wanted {
            // What cannot be added is missed by the witness, which says so.
            let _ = ground
                .world
                .ip(redirect::foreign_addresses("replace"))
                .await;
        }
        Self(wanted)
    }

    async fn leave(self, ground: &Ground) {
        if self.0 {
            let _ = ground.world.ip(redirect::foreign_addresses("del")).await;
        }
    }
}

async fn both<T>(copies: [impl Future<Output = T>; 2]) -> [T; 2] {
    let [first, second] = copies;
    let (first, second) = tokio::join!(first, second);
    [first, second]
}

async fn copied(ground: &Ground, token: &str, run: Run) -> Result<Netns, String> {
    let name = format!("copy-{}", run.marker(token, 0));
    let copied = copy::of_network(&ground.namespaces, &name).await;
    copied.map_err(|error| error.to_string())
}

fn path(copy: &Result<Netns, String>) -> Result<&Path, String> {
    let copy = copy.as_ref().map_err(Clone::clone)?;
    copy.path().ok_or_else(|| "the copy has no file".to_owned())
}

/// A witness and where it is; none when it could not be sent there.
type Post = (&'static str, Option<Witness>);

/// Witnesses in every namespace in which something could arrive, each shown
/// a packet that it must see.
async fn witnesses(ground: &Ground, token: &str) -> Vec<Post> {
    let mut posts = vec![
        ("world", witness(&ground.world, token).await),
        ("vpc", witness(&ground.network, token).await),
    ];
    // Without root the machine's own network is closed to us too.
    if ground.world.path().is_some()
        && let Some(witness) = witness(&Netns::own(), token).await
    {
        posts.push(("machine", Some(witness)));
    }
    posts
}

async fn witness(netns: &Netns, token: &str) -> Option<Witness> {
    let token = token.to_owned();
    let opened = netns.run(move || {
        let witness = Witness::here(&token)?;
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.send_to(control(&token).as_bytes(), (Ipv4Addr::LOCALHOST, 9))?;
        Ok::<_, io::Error>(witness)
    });
    opened.await.ok()?.ok()
}

/// What each saw; one that is missing saw nothing, not even its own packet.
async fn finish(posts: Vec<Post>) -> BTreeMap<&'static str, Counts> {
    let finish = || {
        let finished = posts.into_iter();
        finished
            .map(|(place, witness)| (place, witness.map(Witness::finish).unwrap_or_default()))
            .collect()
    };
    tokio::task::spawn_blocking(finish)
        .await
        .unwrap_or_default()
}

/// Runs a prober; what it told.
async fn told(
    ground: &Ground,
    subject: &Subject,
    token: &str,
    run: Run,
    network: Result<impl AsRef<Path>, String>,
) -> Result<Vec<Attempt>, String> {
    let process = state::app_of(subject.launcher).ok_or("the app does not run")?;
    let orders = Orders {
        network: network?.as_ref().to_owned(),
        process: Some(process),
        who: if run.is_roots() {
            Who::Root
        } else {
            subject.who
        },
        run,
        token: token.to_owned(),
        services: subject.services.clone(),
        sidecars: ground
            .sidecars
            .iter()
            .flat_map(|number| state::numbers(*number))
            .collect(),
        sockets: vec![subject.admin.clone()],
        filtered: run.is_filtered(),
        only: Vec::new(),
    };
    let ran = tokio::time::timeout(PATIENCE, prober(&ground.program, &orders)).await;
    let output = ran
        .map_err(|_| format!("it did not end in {} s", PATIENCE.as_secs()))?
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let attempts = text.lines().map(serde_json::from_str);
    attempts
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())
}

async fn prober(program: &Path, orders: &Orders) -> io::Result<std::process::Output> {
    let mut command = std::process::Command::new(program);
    command
        .arg0("colormesh")
        .arg(ARGUMENT)
        .env_clear()
        .current_dir("/");
    let mut command = Command::from(command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input
            .write_all(&serde_json::to_vec(orders).map_err(io::Error::other)?)
            .await?;
    }
    child.wait_with_output().await
}

/// Eight letters that no other examination uses at this time.
fn token(number: usize) -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let since = since.unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    (since.as_secs(), since.subsec_nanos(), number).hash(&mut hasher);
    format!("{:08x}", hasher.finish() >> 32)
}
