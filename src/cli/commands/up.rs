//! `colormesh up`: from settings to an app that answers.

use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::plan;
use crate::cli::args::{Global, Up};
use crate::cli::costs::Costs;
use crate::cli::decisions;
use crate::cli::evidence;
use crate::cli::exit::{DONE, Exit, FAILED, Outcome};
use crate::cli::gather;
use crate::cli::job::{Fold, Job, Timeline};
use crate::cli::local::claim::{Claim, Claiming};
use crate::cli::moving;
use crate::cli::note::{self, Note};
use crate::cli::outside;
use crate::cli::printer::{BAD, NAME, Printer, paint, talk};
use crate::cli::review;
use crate::cli::run::{self, View};
use crate::cli::session::{self, Session};
use crate::cli::settings;
use crate::cli::signals::Signals;
use crate::cli::wanted::{Wanted, without_what_is_not_built};
use crate::config::Target;
use crate::deploy::{self, Choices, Person, Report};
use crate::plan::{Action, Direction, Plan};
use crate::stack::Role;
use crate::verify;

/// The document of `--output json`.
#[derive(Serialize)]
struct Document<'a> {
    endpoint: &'a str,
    /// Seconds from the first call to the app's answer.
    seconds: f64,
    /// What it costs from now on; with `--target aws`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<&'a Costs>,
    #[serde(flatten)]
    report: &'a Report,
}

/// What an `up` is about to do.
struct Prepared {
    session: Session,
    plan: Plan,
    wanted: Wanted,
    may_replace: bool,
    choices: Choices,
    cost: Option<Costs>,
    /// Nobody else changes this environment meanwhile.
    _claim: Option<Claim>,
}

pub(crate) async fn run(
    global: &Global,
    arguments: &Up,
    printer: Printer,
    signals: &Signals,
) -> Outcome {
    let started = Instant::now();
    let mut job = Job::open(&arguments.job)?;
    let unchanged = "no stack was changed; `colormesh up` begins again";
    let prepared = signals.or(unchanged, prepare(global, arguments, printer));
    let prepared = job.noted(prepared.await)?;
    let (session, plan) = (&prepared.session, &prepared.plan);
    job.summary.title("up", &session.config);
    job.summary.plan(plan);
    job.summary.cost(prepared.cost.as_ref());
    let lines = evidence::last_lines(session);
    let mut work = prepared
        .wanted
        .work(prepared.may_replace, prepared.choices.clone(), lines);
    let note = Note::begin(session, plan, &work).await?;
    let mut timeline = Timeline::default();
    let ended = async {
        review::before(session, plan, &mut work, printer, signals).await?;
        let (person, questions) = Person::listening();
        if printer.asks() {
            work.person = person;
        }
        let view = View {
            printer,
            signals,
            session,
            questions,
        };
        run::run(view, &mut timeline, |events, interrupt| {
            deploy::up(plan, &session.cloud, work, events, interrupt)
        })
        .await
    };
    let ended = ended.await;
    note.end();
    job.summary.timeline(&timeline);
    let report = match job.noted(ended)? {
        Ok(report) => report,
        Err(code) => return Ok(code),
    };
    let deployed = "all stacks are deployed; `colormesh up` again waits for the app";
    let endpoint = session.or_lost(answering(session, &report, arguments.timeout));
    let endpoint = signals.or(deployed, endpoint);
    let Some(endpoint) = job.noted(endpoint.await)? else {
        job.summary
            .end("the stacks are there, but the app does not answer");
        return Ok(FAILED);
    };
    job.outputs.set("endpoint", &endpoint)?;
    job.outputs
        .set("changes", &report.has_changes().to_string())?;
    let seconds = (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    printer.json(&Document {
        endpoint: &endpoint,
        seconds,
        cost: prepared.cost.as_ref(),
        report: &report,
    })?;
    if let Some(bucket) = prepared.wanted.kept_templates() {
        let bucket = bucket.uri();
        printer.say(&format!(
            "long templates are in `{bucket}`; `colormesh down` removes them, with the same bucket"
        ));
    }
    printer.say(&next(session, &report, seconds));
    job.summary
        .end(&format!("up in {seconds:.1} s: {endpoint}"));
    printer.data(&format!("{endpoint}\n"))?;
    Ok(DONE)
}

/// Everything up to the first change.
async fn prepare(global: &Global, arguments: &Up, printer: Printer) -> anyhow::Result<Prepared> {
    let config = without_what_is_not_built(settings::load_and_warn(global)?, printer);
    let mut wanted = Wanted::new(&config, Direction::Up)?;
    let claiming = Claiming::of("up", arguments.no_wait);
    let mut claim = session::claim(&config, claiming, printer).await?;
    let session = Session::with(config, global.endpoint_url.clone(), printer).await?;
    session.check_account(printer).await?;
    if claim.is_none() {
        claim = session.claim_on_aws(claiming, printer).await?;
    }
    note::take_up(&session, printer).await?;
    wanted.settle(&session, printer).await?;
    tell_world(&session, printer).await;
    let plan = wanted.plan(&session, Direction::Up);
    let plan = session.or_lost(plan).await?;
    let choices = decisions::choices(&session, arguments, &plan)?;
    let cost = Costs::of(&session.config, wanted.stacks())?;
    let offer = Offer {
        plan: &plan,
        cost: cost.as_ref(),
    };
    agree(&session, arguments, &offer, printer).await?;
    let may_replace = decisions::may_replace(&session, arguments, &plan, printer).await?;
    Ok(Prepared {
        session,
        plan,
        wanted,
        may_replace,
        choices,
        cost,
        _claim: claim,
    })
}

/// The app's URL once it answers; when it does not, says why.
async fn answering(
    session: &Session,
    report: &Report,
    timeout: Duration,
) -> anyhow::Result<Option<String>> {
    let service = Role::EcsService.stack_name(&session.config);
    let told = report.outputs.get(&service);
    let endpoint = match told.and_then(|outputs| outputs.get(gather::ENDPOINT)) {
        Some(endpoint) => Some(endpoint.clone()),
        None => gather::endpoint(session).await,
    };
    let Some(endpoint) = endpoint else {
        talk("the stacks are there, but the service stack has no output `ColorAppEndpoint`");
        return Ok(None);
    };
    // What an image of the user's own answers at `/` is its own business.
    let path = match &session.config.app.image {
        Some(_) => session.config.app.health_path.as_str(),
        None => "/",
    };
    if let Err(why) = answers(&format!("{endpoint}{path}"), timeout).await {
        talk(&format!(
            "the stacks are there, but {endpoint}{path} does not answer: {why}"
        ));
        talk("`colormesh status` and `colormesh logs` show what runs");
        return Ok(None);
    }
    let problems = problems(session, timeout).await;
    for problem in &problems {
        talk(&format!("{} {problem}", paint(BAD, "problem:")));
    }
    Ok(problems.is_empty().then_some(endpoint))
}

/// What does not go as it should here, once every Envoy has the mesh: a change
/// of it reaches running ones a moment after its stack is complete.
async fn problems(session: &Session, timeout: Duration) -> Vec<String> {
    let deadline = Instant::now() + timeout;
    loop {
        let Some(local) = session.local_status().await else {
            return Vec::new();
        };
        if local.behind.is_empty() || Instant::now() >= deadline {
            let late = local.behind.iter();
            let late = late.map(|task| format!("the Envoy of {task} does not have the mesh yet"));
            return local.problems.into_iter().chain(late).collect();
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Says what stands for the outside world, when it is not the internet.
async fn tell_world(session: &Session, printer: Printer) {
    let Some(local) = session.local_status().await else {
        return;
    };
    if let Some(why) = outside::trouble(session).await {
        talk(&format!(
            "the outside world is the internet, which does not answer: {why}\n\
             services outside will answer once it does; `--internet stand-in` goes without it"
        ));
    }
    if let Some(world) = local.world.filter(|world| world.kind == "stand-in") {
        printer.say(&format!(
            "the outside world is stand-ins on this machine: {}",
            world.why
        ));
    }
}

/// What there is to agree to.
struct Offer<'a> {
    plan: &'a Plan,
    cost: Option<&'a Costs>,
}

/// On AWS the plan is shown and agreed to: it costs money.
async fn agree(
    session: &Session,
    arguments: &Up,
    offer: &Offer<'_>,
    printer: Printer,
) -> anyhow::Result<()> {
    let Offer { plan, cost } = offer;
    let replaces = plan
        .steps
        .iter()
        .any(|step| matches!(step.action, Action::Replace { .. }));
    let free = session.config.target == Target::Local;
    let says_so = arguments.yes && (free || printer.is_quiet());
    if says_so || !plan.has_changes() || free && !replaces {
        let moves = moving::text(plan, printer.talk_width());
        if !moves.is_empty() {
            printer.say(moves.trim());
        }
        return Ok(());
    }
    let fold = Fold::begin("plan", "Plan");
    talk(&plan::text(plan, printer.talk_width()));
    if let Some(cost) = cost {
        talk(cost.text(printer.talk_width()).trim());
    }
    drop(fold);
    if free || arguments.yes {
        return Ok(());
    }
    if !printer.asks() {
        return Err(Exit::usage("nobody can be asked here: `--yes` agrees to the plan").into());
    }
    if printer.confirm("Deploy this to AWS?").await? {
        return Ok(());
    }
    Err(Exit::usage("not agreed to; nothing was changed").into())
}

/// Waits until the app answers through the gateway.
async fn answers(url: &str, timeout: Duration) -> Result<(), String> {
    let deadline = Instant::now() + timeout;
    loop {
        let why = match verify::get(url, Duration::from_secs(5)).await {
            Ok(answer) if answer.status == 200 => return Ok(()),
            Ok(answer) => format!("{} `{}`", answer.status, answer.first_line()),
            Err(why) => why,
        };
        if Instant::now() >= deadline {
            return Err(why);
        }
        sleep(Duration::from_millis(50)).await;
    }
}

fn next(session: &Session, report: &Report, seconds: f64) -> String {
    let done = if report.has_changes() {
        "up"
    } else {
        "up already, nothing changed"
    };
    let paths: Vec<String> = session
        .config
        .external_services
        .iter()
        .take(2)
        .map(|service| format!("/external_{}", service.name))
        .chain(["/egress_denied".to_owned()])
        .collect();
    let hint = if session.config.app.image.is_some() {
        String::new()
    } else {
        format!("; try {} on it", paths.join(", "))
    };
    format!(
        "\n{done} in {seconds:.1} s{hint}; `{}` proves it",
        paint(NAME, "colormesh verify")
    )
}
