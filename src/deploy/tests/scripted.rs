//! A CloudFormation that plays what it is told to, for what the endpoint in
//! this process cannot be brought to: other people's operations, throttling,
//! short pages, statuses that only accidents lead to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

use crate::aws::{Cloud, CredentialSource, Options};
use crate::endpoint::query::Query;

/// `<logical id> <STATUS> <reason>`; the stack itself is `@`.
pub(super) type Script = &'static [&'static str];

pub(super) const CREATES: Script = &[
    "@ CREATE_IN_PROGRESS User Initiated",
    "A CREATE_IN_PROGRESS",
    "A CREATE_COMPLETE",
    "@ CREATE_COMPLETE",
];
pub(super) const ROLLS_BACK: Script = &[
    "@ CREATE_IN_PROGRESS User Initiated",
    "B CREATE_FAILED Resource creation cancelled",
    "A CREATE_FAILED no such image",
    "@ ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [A, B].",
    "A DELETE_COMPLETE",
    "@ ROLLBACK_COMPLETE",
];
pub(super) const UPDATES: Script = &[
    "@ UPDATE_IN_PROGRESS User Initiated",
    "A UPDATE_COMPLETE",
    "@ UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "@ UPDATE_COMPLETE",
];
pub(super) const DELETES: Script = &[
    "@ DELETE_IN_PROGRESS User Initiated",
    "A DELETE_COMPLETE",
    "@ DELETE_COMPLETE",
];
pub(super) const STAYS: Script = &[
    "@ DELETE_IN_PROGRESS User Initiated",
    "@ CREATE_COMPLETE Delete canceled. Cannot delete export X as it is in use by Y.",
];
pub(super) const DELETE_FAILS: Script = &[
    "@ DELETE_IN_PROGRESS User Initiated",
    "A DELETE_FAILED has a dependent object",
    "@ DELETE_FAILED The following resource(s) failed to delete: [A]. ",
];

pub(super) const CONTINUES: Script = &[
    "@ UPDATE_ROLLBACK_IN_PROGRESS",
    "A UPDATE_COMPLETE",
    "@ UPDATE_ROLLBACK_COMPLETE",
];
pub(super) const STUCK_AGAIN: Script = &[
    "@ UPDATE_ROLLBACK_IN_PROGRESS",
    "A UPDATE_FAILED the bucket is gone",
    "@ UPDATE_ROLLBACK_FAILED The following resource(s) failed to update: [A].",
];
pub(super) const TAKEN_BACK: Script = &[
    "@ UPDATE_ROLLBACK_IN_PROGRESS User Initiated",
    "A UPDATE_COMPLETE",
    "@ UPDATE_ROLLBACK_COMPLETE",
];
/// The beginning of an operation that does not end by itself.
pub(super) const GOES_ON: Script = &[
    "@ CREATE_IN_PROGRESS User Initiated",
    "A CREATE_IN_PROGRESS",
];
pub(super) const UPDATE_GOES_ON: Script = &[
    "@ UPDATE_IN_PROGRESS User Initiated",
    "A UPDATE_IN_PROGRESS",
];

/// What is played, and what goes wrong on the way.
#[derive(Default)]
pub(super) struct Stage {
    stacks: BTreeMap<String, Played>,
    scripts: BTreeMap<(String, &'static str), Script>,
    /// Each call whose number this divides is throttled.
    pub(super) throttle_every: usize,
    /// How many more change sets are throttled.
    pub(super) refused_change_sets: usize,
    /// How many more change sets have nothing in them.
    pub(super) empty_change_sets: usize,
    /// Whether change sets are worked out for ever.
    pub(super) pending: bool,
    /// The change sets that wait: stack, ARN, template.
    pub(super) change_sets: Vec<(String, String, String)>,
    /// What roll-backs were told to skip.
    pub(super) skipped: Vec<String>,
    /// How many events a page holds.
    pub(super) page: usize,
    /// Every call, by name.
    pub(super) calls: Vec<String>,
    numbers: usize,
}

#[derive(Clone, Default)]
struct Played {
    id: String,
    status: String,
    reason: String,
    template: String,
    /// Logical id, status, reason, token, id.
    events: Vec<(String, String, String, String, String)>,
}

/// The endpoint.
#[derive(Clone)]
pub(super) struct Scripted(pub(super) Arc<Mutex<Stage>>);

type Refusal = (&'static str, String);

impl Scripted {
    pub(super) async fn start() -> (Self, Cloud) {
        let stage = Stage {
            page: 100,
            ..Stage::default()
        };
        let this = Self(Arc::new(Mutex::new(stage)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(this.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let options = Options {
            region: "us-west-2".into(),
            profile: None,
            endpoint_url: Some(url),
            credentials: CredentialSource::Local,
        };
        (this, Cloud::connect(options).await)
    }

    /// Says what a stack plays for `create`, `update` or `delete`.
    pub(super) fn script(&self, stack: &str, operation: &'static str, script: Script) {
        self.0
            .lock()
            .unwrap()
            .scripts
            .insert((stack.to_owned(), operation), script);
    }

    /// Puts a stack on the stage.
    pub(super) fn put(&self, stack: &str, status: &str, template: &str) {
        let mut stage = self.0.lock().unwrap();
        stage.numbers += 1;
        let id = format!(
            "arn:aws:cloudformation:us-west-2:1:stack/{stack}/{}",
            stage.numbers
        );
        let played = Played {
            id,
            status: status.into(),
            template: template.into(),
            ..Played::default()
        };
        stage.stacks.insert(stack.to_owned(), played);
    }

    pub(super) fn put_status(&self, stack: &str, status: &str) {
        self.0.lock().unwrap().stacks.get_mut(stack).unwrap().status = status.into();
    }

    pub(super) fn try_status(&self, stack: &str) -> Option<String> {
        let stage = self.0.lock().unwrap();
        stage.stacks.get(stack).map(|played| played.status.clone())
    }

    pub(super) fn status(&self, stack: &str) -> String {
        self.0.lock().unwrap().stacks[stack].status.clone()
    }

    /// Leaves a change set on a stack, as a run that was killed does.
    pub(super) fn leave_change_set(&self, stack: &str, name: &str) {
        let set = (
            stack.to_owned(),
            change_set_arn(name),
            TEMPLATE_OF_NOBODY.to_owned(),
        );
        self.0.lock().unwrap().change_sets.push(set);
    }

    /// Plays a whole script at once: what happened before.
    pub(super) fn played(&self, stack: &str, script: Script, token: &str) {
        let mut stage = self.0.lock().unwrap();
        for line in script {
            assert!(stage.beat(stack, line, token));
        }
    }

    /// How often a call was made.
    pub(super) fn calls(&self, name: &str) -> usize {
        let stage = self.0.lock().unwrap();
        stage.calls.iter().filter(|call| *call == name).count()
    }

    /// Plays a script on a stack, a beat every few milliseconds. What was
    /// played on it before ends there: a deletion stops a creation.
    pub(super) fn play(&self, stack: &str, script: Script, token: &str) {
        let (this, stack, token) = (self.clone(), stack.to_owned(), token.to_owned());
        let first = this.0.lock().unwrap().beat(&stack, script[0], &token);
        assert!(first);
        tokio::spawn(async move {
            for line in &script[1..] {
                tokio::time::sleep(Duration::from_millis(30)).await;
                let mut stage = this.0.lock().unwrap();
                let latest = stage.stacks[&stack].events.last();
                if latest.is_some_and(|(_, _, _, of, _)| *of != token) {
                    return;
                }
                stage.beat(&stack, line, &token);
            }
        });
    }

    fn handle(&self, query: &Query) -> Result<String, Refusal> {
        let mut stage = self.0.lock().unwrap();
        stage.calls.push(query.action().to_owned());
        let every = stage.throttle_every;
        if every > 0 && stage.calls.len().is_multiple_of(every) {
            return Err(("Throttling", "Rate exceeded".into()));
        }
        if query.action() == "CreateChangeSet" && stage.refused_change_sets > 0 {
            stage.refused_change_sets -= 1;
            return Err(("Throttling", "Rate exceeded".into()));
        }
        let name = query.get("StackName").unwrap_or_default().to_owned();
        match query.action() {
            "DescribeStacks" => stage.describe(&name),
            "GetTemplate" => {
                let template = &stage.find(&name)?.1.template;
                Ok(format!("<TemplateBody>{}</TemplateBody>", escape(template)))
            }
            "DescribeStackEvents" => stage.events(&name, query.get("NextToken")),
            "CreateChangeSet" => stage.create_change_set(&name, query),
            "DescribeChangeSet" if stage.pending => Ok("<Status>CREATE_PENDING</Status>".into()),
            "DescribeChangeSet" if stage.empty_change_sets > 0 => {
                stage.empty_change_sets -= 1;
                Ok(
                    "<Status>FAILED</Status><ExecutionStatus>UNAVAILABLE</ExecutionStatus>\
                    <StatusReason>The submitted information didn't contain changes.</StatusReason>"
                        .into(),
                )
            }
            "DescribeChangeSet" => Ok(
                "<Status>CREATE_COMPLETE</Status><ExecutionStatus>AVAILABLE</ExecutionStatus>"
                    .into(),
            ),
            "DeleteChangeSet" => {
                let id = query.get("ChangeSetName").unwrap_or_default();
                stage.change_sets.retain(|(_, set, _)| set != id);
                Ok(String::new())
            }
            "ListChangeSets" => Ok(stage.list_change_sets(&name)),
            "ExecuteChangeSet"
            | "DeleteStack"
            | "RollbackStack"
            | "ContinueUpdateRollback"
            | "CancelUpdateStack" => {
                let target = match query.get("ChangeSetName") {
                    Some(id) => stage.take_change_set(id)?,
                    None => name.clone(),
                };
                let skipped = query.list("ResourcesToSkip");
                stage.skipped.extend(skipped.into_iter().map(str::to_owned));
                let found = stage.find(&target)?;
                let (stack, status) = (found.0.clone(), found.1.status.clone());
                let (operation, usual) = match (query.action(), status.as_str()) {
                    ("DeleteStack", _) => ("delete", DELETES),
                    ("RollbackStack", _) => ("roll back", TAKEN_BACK),
                    ("ContinueUpdateRollback", _) => ("continue", CONTINUES),
                    ("CancelUpdateStack", _) => ("cancel", TAKEN_BACK),
                    (_, "REVIEW_IN_PROGRESS") => ("create", CREATES),
                    _ => ("update", UPDATES),
                };
                let script = *stage
                    .scripts
                    .get(&(stack.clone(), operation))
                    .unwrap_or(&usual);
                drop(stage);
                self.play(
                    &stack,
                    script,
                    query.get("ClientRequestToken").unwrap_or_default(),
                );
                Ok(String::new())
            }
            other => Err(("InvalidAction", other.to_owned())),
        }
    }
}

async fn answer(State(this): State<Scripted>, body: Bytes) -> Response {
    let query = Query::parse(&body, "").unwrap();
    let action = query.action();
    match this.handle(&query) {
        Ok(inner) => {
            format!("<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>")
                .into_response()
        }
        Err((code, message)) => {
            let body = format!(
                "<ErrorResponse><Error><Code>{code}</Code><Message>{}</Message></Error></ErrorResponse>",
                escape(&message)
            );
            (StatusCode::BAD_REQUEST, body).into_response()
        }
    }
}

impl Stage {
    /// By name, unless it is deleted; by ARN always.
    fn find(&self, name: &str) -> Result<(&String, &Played), Refusal> {
        self.stacks
            .iter()
            .find(|(key, played)| {
                played.id == name || (*key == name && played.status != "DELETE_COMPLETE")
            })
            .ok_or_else(|| {
                (
                    "ValidationError",
                    format!("Stack with id {name} does not exist"),
                )
            })
    }

    fn beat(&mut self, stack: &str, line: &str, token: &str) -> bool {
        self.numbers += 1;
        let number = format!("event-{}", self.numbers);
        let mut words = line.splitn(3, ' ');
        let (who, status, reason) = (
            words.next().unwrap(),
            words.next().unwrap(),
            words.next().unwrap_or_default(),
        );
        let Some(played) = self.stacks.get_mut(stack) else {
            return false;
        };
        if who == "@template" {
            played.template = line.trim_start_matches("@template ").into();
            return true;
        }
        if who == "@" {
            (played.status, played.reason) = (status.into(), reason.into());
        }
        let who = if who == "@" { stack } else { who };
        played.events.push((
            who.into(),
            status.into(),
            reason.into(),
            token.into(),
            number,
        ));
        true
    }

    fn describe(&self, name: &str) -> Result<String, Refusal> {
        let shown: Vec<_> = if name.is_empty() {
            self.stacks
                .iter()
                .filter(|(_, played)| played.status != "DELETE_COMPLETE")
                .collect()
        } else {
            vec![self.find(name)?]
        };
        let one = |(name, played): (&String, &Played)| {
            format!(
                "<member><StackName>{name}</StackName><StackId>{}</StackId><CreationTime>2026-01-01T00:00:00Z</CreationTime>\
                 <StackStatus>{}</StackStatus><StackStatusReason>{}</StackStatusReason></member>",
                played.id,
                played.status,
                escape(&played.reason)
            )
        };
        Ok(format!(
            "<Stacks>{}</Stacks>",
            shown.into_iter().map(one).collect::<String>()
        ))
    }

    fn events(&self, name: &str, from: Option<&str>) -> Result<String, Refusal> {
        let (stack, played) = self.find(name)?;
        let from: usize = from.and_then(|text| text.parse().ok()).unwrap_or(0);
        let page: String = played
            .events
            .iter()
            .rev()
            .skip(from)
            .take(self.page)
            .map(|(who, status, reason, token, id)| {
                let (kind, physical) =
                    if who == stack { ("AWS::CloudFormation::Stack", played.id.as_str()) } else { ("T::T", "p") };
                format!(
                    "<member><StackId>{}</StackId><EventId>{id}</EventId><StackName>{stack}</StackName>\
                     <LogicalResourceId>{who}</LogicalResourceId><PhysicalResourceId>{physical}</PhysicalResourceId>\
                     <ResourceType>{kind}</ResourceType><Timestamp>1999-01-01T00:00:00Z</Timestamp>\
                     <ResourceStatus>{status}</ResourceStatus><ResourceStatusReason>{}</ResourceStatusReason>\
                     <ClientRequestToken>{token}</ClientRequestToken></member>",
                    played.id, escape(reason)
                )
            })
            .collect();
        let next = from + self.page;
        let more = if next < played.events.len() {
            format!("<NextToken>{next}</NextToken>")
        } else {
            String::new()
        };
        Ok(format!("<StackEvents>{page}</StackEvents>{more}"))
    }

    fn create_change_set(&mut self, name: &str, query: &Query) -> Result<String, Refusal> {
        let template = query.get("TemplateBody").unwrap_or_default().to_owned();
        let is_new = self.find(name).is_err();
        let played = if is_new {
            self.numbers += 1;
            let id = format!(
                "arn:aws:cloudformation:us-west-2:1:stack/{name}/{}",
                self.numbers
            );
            self.stacks.insert(
                name.to_owned(),
                Played {
                    id,
                    status: "REVIEW_IN_PROGRESS".into(),
                    ..Played::default()
                },
            );
            self.stacks.get_mut(name).expect("just put there")
        } else {
            self.stacks.get_mut(name).expect("found")
        };
        let status = played.status.as_str();
        if query.get("ChangeSetType") == Some("CREATE") && status != "REVIEW_IN_PROGRESS" {
            let text = format!(
                "Stack [{name}] already exists and cannot be created again with the changeSet [c]."
            );
            return Err(("ValidationError", text));
        }
        if status.ends_with("_IN_PROGRESS") && status != "REVIEW_IN_PROGRESS" {
            let text = format!(
                "Stack:{} is in {status} state and can not be updated.",
                played.id
            );
            return Err(("ValidationError", text));
        }
        let (stack_id, id) = (
            played.id.clone(),
            change_set_arn(query.get("ChangeSetName").unwrap_or_default()),
        );
        self.change_sets
            .push((name.to_owned(), id.clone(), template));
        Ok(format!("<Id>{id}</Id><StackId>{stack_id}</StackId>"))
    }

    fn list_change_sets(&self, stack: &str) -> String {
        let of_stack = self.change_sets.iter().filter(|(of, ..)| of == stack);
        let sets: String = of_stack
            .map(|(_, id, _)| {
                let name = id.trim_start_matches(CHANGE_SET);
                format!(
                    "<member><ChangeSetId>{id}</ChangeSetId><ChangeSetName>{name}</ChangeSetName>\
                     <Status>CREATE_COMPLETE</Status><ExecutionStatus>AVAILABLE</ExecutionStatus></member>"
                )
            })
            .collect();
        format!("<Summaries>{sets}</Summaries>")
    }

    /// Gives the template of a change set to its stack, whose change sets are
    /// gone then; tells which stack that is.
    fn take_change_set(&mut self, id: &str) -> Result<String, Refusal> {
        let found = self.change_sets.iter().find(|(_, set, _)| set == id);
        let Some((stack, _, template)) = found.cloned() else {
            return Err((
                "ChangeSetNotFound",
                format!("ChangeSet [{id}] does not exist"),
            ));
        };
        self.change_sets.retain(|(of, ..)| *of != stack);
        self.stacks.get_mut(&stack).unwrap().template = template;
        Ok(stack)
    }
}

const TEMPLATE_OF_NOBODY: &str = "Resources: {Old: {Type: T::T}}";
const CHANGE_SET: &str = "arn:change-set/";

fn change_set_arn(name: &str) -> String {
    format!("{CHANGE_SET}{name}")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
