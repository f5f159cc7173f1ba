//! CloudFormation's calls for change sets.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudformation::types as wire;

use super::cloudformation::{alarms, capabilities, express, parameters, tags};
use super::{
    ChangeSet, ChangeSetKind, ChangeSetState, Cloud, CloudError, ResourceChange, Template,
};

/// What a change set is made from.
#[derive(Debug, Clone)]
pub struct ChangeSetRequest<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// The change set's own name. It serves as the request's token too.
    pub name: &'a str,
    /// Whether the stack stands already.
    pub kind: ChangeSetKind,
    /// The template, or where it is.
    pub template: Template<'a>,
    /// Its parameters.
    pub parameters: &'a BTreeMap<String, String>,
    /// For example `CAPABILITY_NAMED_IAM`.
    pub capabilities: Vec<String>,
    /// The stack's tags.
    pub tags: &'a BTreeMap<String, String>,
    /// The role that CloudFormation acts as.
    pub role_arn: Option<&'a str>,
    /// The topics that are told of events. The service keeps those that it has
    /// where nothing is said, and forgets them for an empty list.
    pub notification_arns: Option<&'a [String]>,
    /// The alarms that take the change back; kept and forgotten as topics are.
    pub rollback_alarms: Option<&'a [String]>,
    /// How long we wait for the operation. Of a creation CloudFormation is told
    /// a little more: it ends what nobody is left here to call off.
    pub timeout: Option<Duration>,
    /// Whether resources count as made before they are steady.
    pub express: bool,
}

impl Cloud {
    /// Asks for a change set; gives its ARN and the stack's.
    pub async fn create_change_set(
        &self,
        request: ChangeSetRequest<'_>,
    ) -> Result<(String, String), CloudError> {
        let call = self
            .cloudformation
            .create_change_set()
            .stack_name(request.stack)
            .change_set_name(request.name)
            .client_token(request.name)
            .change_set_type(match request.kind {
                ChangeSetKind::Create => wire::ChangeSetType::Create,
                ChangeSetKind::Update => wire::ChangeSetType::Update,
            })
            .set_template_body(request.template.body())
            .set_template_url(request.template.url())
            .set_parameters(Some(parameters(request.parameters)))
            .set_tags(Some(tags(request.tags)))
            .set_capabilities(Some(capabilities(&request.capabilities)))
            .set_role_arn(request.role_arn.map(str::to_owned))
            .set_notification_arns(request.notification_arns.map(<[String]>::to_vec))
            .set_rollback_configuration(request.rollback_alarms.map(alarms))
            .set_deployment_config(request.express.then(express));
        let operation = "cloudformation:CreateChangeSet";
        let answer = self.ask(operation, || call.clone().send()).await?;
        Ok((
            answer.id().unwrap_or(request.name).to_owned(),
            answer.stack_id().unwrap_or(request.stack).to_owned(),
        ))
    }

    /// Describes a change set by ARN. Of very many changes, only the first page
    /// is told.
    pub async fn change_set(&self, id: &str) -> Result<ChangeSet, CloudError> {
        let call = self
            .cloudformation
            .describe_change_set()
            .change_set_name(id);
        let operation = "cloudformation:DescribeChangeSet";
        let answer = self.ask(operation, || call.clone().send()).await?;
        Ok(ChangeSet {
            id: answer.change_set_id().unwrap_or(id).to_owned(),
            stack_id: answer.stack_id().unwrap_or_default().to_owned(),
            state: match answer.status() {
                Some(wire::ChangeSetStatus::CreateComplete) => ChangeSetState::Ready,
                Some(wire::ChangeSetStatus::Failed | wire::ChangeSetStatus::DeleteFailed) => {
                    ChangeSetState::Failed
                }
                _ => ChangeSetState::Pending,
            },
            reason: answer.status_reason().map(str::to_owned),
            changes: answer
                .changes()
                .iter()
                .filter_map(|change| change.resource_change().map(ResourceChange::from))
                .collect(),
            has_more: answer.next_token().is_some(),
        })
    }

    /// What a change set does, with the values of properties before and after.
    /// AWS leaves out changes here now and then, so that [`Cloud::change_set`]
    /// alone tells all of them.
    pub async fn change_set_values(&self, id: &str) -> Result<Vec<ResourceChange>, CloudError> {
        let call = self
            .cloudformation
            .describe_change_set()
            .change_set_name(id)
            .include_property_values(true);
        let operation = "cloudformation:DescribeChangeSet";
        let answer = self.ask(operation, || call.clone().send()).await?;
        let changes = answer.changes().iter();
        Ok(changes
            .filter_map(|change| change.resource_change().map(ResourceChange::from))
            .collect())
    }

    /// What the checks before a deployment found wrong with a change set. The
    /// change set itself says only that they failed.
    pub async fn change_set_faults(&self, id: &str) -> Result<Vec<String>, CloudError> {
        let failed = wire::EventFilter::builder().failed_events(true).build();
        let found = self.change_set_events(id, Some(failed)).await?;
        Ok(found.iter().filter_map(finding).collect())
    }

    /// What those checks found worth a word in a change set that can be carried
    /// out all the same.
    pub async fn change_set_warnings(&self, id: &str) -> Result<Vec<String>, CloudError> {
        let found = self.change_set_events(id, None).await?;
        let warns = |event: &&wire::OperationEvent| {
            let mode = event
                .validation_failure_mode()
                .or(event.hook_failure_mode());
            mode == Some(&wire::HookFailureMode::Warn)
        };
        Ok(found.iter().filter(warns).filter_map(finding).collect())
    }

    async fn change_set_events(
        &self,
        id: &str,
        filter: Option<wire::EventFilter>,
    ) -> Result<Vec<wire::OperationEvent>, CloudError> {
        let call = self
            .cloudformation
            .describe_events()
            .change_set_name(id)
            .set_filters(filter);
        let answer = self
            .ask("cloudformation:DescribeEvents", async || {
                call.clone().send().await
            })
            .await?;
        Ok(answer.operation_events.unwrap_or_default())
    }

    /// Starts a change set. `token` comes back with each event that follows.
    pub async fn execute_change_set(&self, id: &str, token: &str) -> Result<(), CloudError> {
        let call = self
            .cloudformation
            .execute_change_set()
            .change_set_name(id)
            .client_request_token(token);
        self.ask("cloudformation:ExecuteChangeSet", async || {
            call.clone().send().await
        })
        .await
        .map(|_| ())
    }

    /// Removes a change set of a stack, by its name; it may be gone already.
    pub async fn delete_change_set(&self, stack: &str, name: &str) -> Result<(), CloudError> {
        let call = self
            .cloudformation
            .delete_change_set()
            .stack_name(stack)
            .change_set_name(name);
        let operation = "cloudformation:DeleteChangeSet";
        match self.ask(operation, || call.clone().send()).await {
            Err(error) if !error.is_absent() => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// What one event says is wrong, and where.
fn finding(event: &wire::OperationEvent) -> Option<String> {
    let reason = event
        .validation_status_reason()
        .or(event.hook_status_reason())
        .or(event.resource_status_reason())?;
    let place = event.validation_path().or(event.logical_resource_id());
    Some(place.map_or_else(|| reason.to_owned(), |place| format!("{place}: {reason}")))
}
