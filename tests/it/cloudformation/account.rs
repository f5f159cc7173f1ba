//! A client with the few calls that all of these tests make.

use crate::local::Local;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::{ChangeSetStatus, ChangeSetType, Stack};
use std::time::{Duration, Instant};

/// A running account and a client of it.
pub(crate) struct Formation {
    pub(crate) local: Local,
    pub(crate) client: Client,
}

/// The code and message of an error.
pub(crate) fn told<T, E: ProvideErrorMetadata>(outcome: Result<T, E>) -> (String, String) {
    let error = outcome.err().unwrap();
    (
        error.code().unwrap_or_default().to_owned(),
        error.message().unwrap_or_default().to_owned(),
    )
}

impl Formation {
    pub(crate) async fn start() -> Self {
        Self::over(Local::start().await).await
    }

    pub(crate) async fn over(local: Local) -> Self {
        let client = Client::new(&local.sdk().await);
        Self { local, client }
    }

    /// Creates a stack and gives its last status and the reason.
    pub(crate) async fn create(&self, name: &str, template: &str) -> (String, String) {
        let call = self.client.create_stack().stack_name(name);
        let call = call
            .template_body(template)
            .capabilities("CAPABILITY_NAMED_IAM".into());
        call.send().await.unwrap();
        self.rest(name).await
    }

    /// Updates a stack and gives its last status and the reason.
    pub(crate) async fn update(&self, name: &str, template: &str) -> (String, String) {
        let call = self.client.update_stack().stack_name(name);
        let call = call
            .template_body(template)
            .capabilities("CAPABILITY_NAMED_IAM".into());
        call.send().await.unwrap();
        self.rest(name).await
    }

    /// Deletes a stack and gives its last status and the reason.
    pub(crate) async fn delete(&self, name: &str) -> (String, String) {
        let id = self.stack(name).await.stack_id.unwrap();
        self.client
            .delete_stack()
            .stack_name(name)
            .send()
            .await
            .unwrap();
        self.rest(&id).await
    }

    pub(crate) async fn stack(&self, name: &str) -> Stack {
        let answer = self
            .client
            .describe_stacks()
            .stack_name(name)
            .send()
            .await
            .unwrap();
        answer.stacks.unwrap().remove(0)
    }

    /// Waits until nothing is in progress.
    pub(crate) async fn rest(&self, name: &str) -> (String, String) {
        let started = Instant::now();
        loop {
            let stack = self.stack(name).await;
            let status = stack.stack_status.unwrap().as_str().to_owned();
            if !status.ends_with("_IN_PROGRESS") {
                return (status, stack.stack_status_reason.unwrap_or_default());
            }
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "{name} stays {status}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Creates a change set and gives its last status and the reason.
    pub(crate) async fn change_set(
        &self,
        stack: &str,
        kind: ChangeSetType,
        template: &str,
    ) -> (ChangeSetStatus, String) {
        let call = self
            .client
            .create_change_set()
            .stack_name(stack)
            .change_set_name("set");
        let call = call.change_set_type(kind).template_body(template);
        call.send().await.unwrap();
        loop {
            let call = self
                .client
                .describe_change_set()
                .stack_name(stack)
                .change_set_name("set");
            let answer = call.send().await.unwrap();
            let status = answer.status.unwrap();
            if !matches!(
                status,
                ChangeSetStatus::CreatePending | ChangeSetStatus::CreateInProgress
            ) {
                return (status, answer.status_reason.unwrap_or_default());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// All events, oldest first, as `name STATUS reason`.
    pub(crate) async fn events(&self, name: &str) -> Vec<String> {
        let pages = self
            .client
            .describe_stack_events()
            .stack_name(name)
            .into_paginator();
        let mut events = Vec::new();
        let mut pages = pages.items().send();
        while let Some(event) = pages.next().await {
            let event = event.unwrap();
            let line = format!(
                "{} {} {}",
                event.logical_resource_id.unwrap(),
                event.resource_status.unwrap().as_str(),
                event.resource_status_reason.unwrap_or_default()
            );
            events.push(line.trim_end().to_owned());
        }
        events.reverse();
        events
    }

    /// An output of a stack.
    pub(crate) async fn output(&self, name: &str, key: &str) -> Option<String> {
        let outputs = self.stack(name).await.outputs.unwrap_or_default();
        let found = outputs
            .into_iter()
            .find(|output| output.output_key.as_deref() == Some(key));
        found.and_then(|output| output.output_value)
    }
}
