//! A CloudFormation that plays what it is told to, for what the endpoint in
//! this process cannot be brought to: other people's operations, throttling,
//! short pages, statuses that only accidents lead to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

use super::change_sets::change_set_arn;
use super::stage::{Newer, Refusal, Stage, escape};
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

/// The endpoint.
#[derive(Clone)]
pub(super) struct Scripted(pub(super) Arc<Mutex<Stage>>);

impl Scripted {
    pub(super) async fn start() -> (Self, Cloud) {
        let stage = Stage {
            page: 100,
            pause: Duration::from_millis(30),
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
        self.0.lock().unwrap().put(stack, status, template);
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
            "Resources: {Old: {Type: T::T}}".to_owned(),
        );
        self.0.lock().unwrap().change_sets.push(set);
    }

    /// Plays a whole script at once: what happened before.
    pub(super) fn played(&self, stack: &str, script: Script, token: &str) {
        let mut stage = self.0.lock().unwrap();
        stage.begin(stack);
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
        let pause = {
            let mut stage = this.0.lock().unwrap();
            stage.begin(&stack);
            assert!(stage.beat(&stack, script[0], &token));
            stage.pause
        };
        tokio::spawn(async move {
            for line in &script[1..] {
                tokio::time::sleep(pause).await;
                let mut stage = this.0.lock().unwrap();
                let latest = stage.stacks[&stack].events.last();
                if latest.is_some_and(|latest| latest.token != token) {
                    return;
                }
                if line.contains("ROLLBACK_IN_PROGRESS") {
                    stage.begin(&stack);
                }
                stage.beat(&stack, line, &token);
            }
        });
    }

    fn handle(&self, query: &Query) -> Result<String, Refusal> {
        let mut stage = self.0.lock().unwrap();
        stage.calls.push(query.action().to_owned());
        if stage.is_over_limit(query.action()) {
            return Err(("Throttling", "Rate exceeded".into()));
        }
        if stage.grants_no_events && query.action().ends_with("Events") {
            return Err(("Throttling", "Rate exceeded".into()));
        }
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
            "ListStacks" => Ok(stage.under_way()),
            "DescribeEvents" => match stage.newer {
                Newer::Absent => Err(("InvalidAction", "no such action".into())),
                Newer::Denied => Err(("AccessDenied", "not authorized".into())),
                Newer::There => stage.operation_events(query),
            },
            "GetTemplate" => {
                let template = escape(stage.template(&name)?);
                Ok(format!("<TemplateBody>{template}</TemplateBody>"))
            }
            "DescribeStackEvents" => stage.events(&name, query.get("NextToken")),
            "CreateStack" if stage.only_change_sets => {
                Err(("AccessDenied", "not authorized".into()))
            }
            "CreateStack" => {
                let id = stage.create_stack(&name, query)?;
                let script = stage.scripts.get(&(name.clone(), "create"));
                let script = *script.unwrap_or(&CREATES);
                drop(stage);
                let token = query.get("ClientRequestToken").unwrap_or_default();
                self.play(&name, script, token);
                Ok(format!("<StackId>{id}</StackId>"))
            }
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
                let id = change_set_arn(query.get("ChangeSetName").unwrap_or_default());
                stage.change_sets.retain(|(_, set, _)| *set != id);
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
