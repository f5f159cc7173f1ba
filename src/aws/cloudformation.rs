//! CloudFormation's calls.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::types as wire;

use super::{
    ChangeSet, ChangeSetKind, ChangeSetState, Cloud, CloudError, ResourceChange, Stack,
    StackResource, StackStatus, Template,
};

/// One page of the account's stacks.
#[derive(Debug, Clone)]
pub struct StackPage {
    /// The stacks. Deleted ones are not listed.
    pub stacks: Vec<Stack>,
    /// Whether these are all.
    pub is_all: bool,
}

/// The stacks of the account that something is being done to.
#[derive(Debug, Clone)]
pub struct UnderWay {
    /// Their ARNs, with what is being done.
    pub stacks: BTreeMap<String, StackStatus>,
    /// Whether these are all.
    pub is_all: bool,
}

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
    /// The topics that are told of events.
    pub notification_arns: &'a [String],
    /// The alarms that take the change back.
    pub rollback_alarms: &'a [String],
    /// Whether resources count as made before they are steady.
    pub express: bool,
}

impl Cloud {
    /// Describes one stack by name or ARN. A deleted one is found by ARN only.
    pub async fn stack(&self, name: &str) -> Result<Option<Stack>, CloudError> {
        let answer = self
            .cloudformation
            .describe_stacks()
            .stack_name(name)
            .send()
            .await;
        match answer.map_err(self.failure("cloudformation:DescribeStacks")) {
            Ok(answer) => Ok(answer.stacks().first().map(Stack::from)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Describes the account's stacks in one call; in an account with many it
    /// shows only some.
    pub async fn stack_page(&self) -> Result<StackPage, CloudError> {
        let answer = self.cloudformation.describe_stacks().send().await;
        let answer = answer.map_err(self.failure("cloudformation:DescribeStacks"))?;
        Ok(StackPage {
            stacks: answer.stacks().iter().map(Stack::from).collect(),
            is_all: answer.next_token().is_none(),
        })
    }

    /// The stacks that an operation is under way on. However many the account
    /// holds, these fit one page nearly always.
    pub async fn stacks_under_way(&self) -> Result<UnderWay, CloudError> {
        let call = self
            .cloudformation
            .list_stacks()
            .set_stack_status_filter(Some(
                StackStatus::ALL
                    .iter()
                    .filter(|status| status.is_in_progress())
                    .map(|status| wire::StackStatus::from(status.as_str()))
                    .collect(),
            ));
        let operation = "cloudformation:ListStacks";
        let answer = self.ask(operation, || call.clone().send()).await?;
        let status = |stack: &wire::StackSummary| {
            let status = stack.stack_status().map_or("", wire::StackStatus::as_str);
            Some((stack.stack_id()?.to_owned(), StackStatus::from(status)))
        };
        Ok(UnderWay {
            stacks: answer.stack_summaries().iter().filter_map(status).collect(),
            is_all: answer.next_token().is_none(),
        })
    }

    /// The template that a stack was last given, as it was given.
    pub async fn template(&self, stack: &str) -> Result<Option<String>, CloudError> {
        let call = self
            .cloudformation
            .get_template()
            .stack_name(stack)
            .template_stage(wire::TemplateStage::Original);
        match self
            .ask("cloudformation:GetTemplate", async || {
                call.clone().send().await
            })
            .await
        {
            Ok(answer) => Ok(answer.template_body().map(str::to_owned)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The resources that a stack holds.
    pub async fn stack_resources(&self, stack: &str) -> Result<Vec<StackResource>, CloudError> {
        let operation = "cloudformation:ListStackResources";
        let mut resources = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let call = self
                .cloudformation
                .list_stack_resources()
                .stack_name(stack)
                .set_next_token(next);
            let answer = match self.ask(operation, || call.clone().send()).await {
                Ok(answer) => answer,
                Err(error) if error.is_absent() => return Ok(resources),
                Err(error) => return Err(error),
            };
            resources.extend(
                answer
                    .stack_resource_summaries()
                    .iter()
                    .map(StackResource::from),
            );
            next = answer.next_token().map(str::to_owned);
            if next.is_none() {
                return Ok(resources);
            }
        }
    }

    /// Makes a stack at once, without a change set; gives its ARN. The request's
    /// name comes back with each event that follows, and makes the call one
    /// that can be sent again.
    pub async fn create_stack(&self, request: ChangeSetRequest<'_>) -> Result<String, CloudError> {
        let call = self
            .cloudformation
            .create_stack()
            .stack_name(request.stack)
            .client_request_token(request.name)
            .set_template_body(request.template.body())
            .set_template_url(request.template.url())
            .set_parameters(Some(parameters(request.parameters)))
            .set_tags(Some(tags(request.tags)))
            .set_capabilities(Some(capabilities(&request.capabilities)))
            .set_role_arn(request.role_arn.map(str::to_owned))
            .set_notification_arns(some(request.notification_arns))
            .set_rollback_configuration(alarms(request.rollback_alarms))
            .set_deployment_config(request.express.then(express));
        let operation = "cloudformation:CreateStack";
        let answer = self.ask(operation, || call.clone().send()).await?;
        Ok(answer.stack_id().unwrap_or(request.stack).to_owned())
    }

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
            .set_notification_arns(some(request.notification_arns))
            .set_rollback_configuration(alarms(request.rollback_alarms))
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

    /// What the checks before a deployment found wrong with a change set. The
    /// change set itself says only that they failed.
    pub async fn change_set_faults(&self, id: &str) -> Result<Vec<String>, CloudError> {
        let failed = wire::EventFilter::builder().failed_events(true).build();
        let call = self
            .cloudformation
            .describe_events()
            .change_set_name(id)
            .filters(failed);
        let answer = self
            .ask("cloudformation:DescribeEvents", async || {
                call.clone().send().await
            })
            .await?;
        let fault = |event: &wire::OperationEvent| {
            let reason = event
                .validation_status_reason()
                .or(event.resource_status_reason())?;
            let place = event.validation_path().or(event.logical_resource_id());
            Some(place.map_or_else(|| reason.to_owned(), |place| format!("{place}: {reason}")))
        };
        Ok(answer.operation_events().iter().filter_map(fault).collect())
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

    /// Removes a change set; it may be gone already.
    pub async fn delete_change_set(&self, id: &str) -> Result<(), CloudError> {
        let call = self.cloudformation.delete_change_set().change_set_name(id);
        let operation = "cloudformation:DeleteChangeSet";
        match self.ask(operation, || call.clone().send()).await {
            Err(error) if !error.is_absent() => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Starts to delete a stack. `token` comes back with each event.
    pub async fn delete_stack(&self, stack: &str, token: &str) -> Result<(), CloudError> {
        let call = self
            .cloudformation
            .delete_stack()
            .stack_name(stack)
            .client_request_token(token);
        self.ask("cloudformation:DeleteStack", async || {
            call.clone().send().await
        })
        .await
        .map(|_| ())
    }

    /// The stacks that import a value.
    pub async fn importers(&self, export: &str) -> Result<Vec<String>, CloudError> {
        let mut stacks = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let call = self
                .cloudformation
                .list_imports()
                .export_name(export)
                .set_next_token(next);
            let answer = match self
                .ask("cloudformation:ListImports", async || {
                    call.clone().send().await
                })
                .await
            {
                Ok(answer) => answer,
                Err(error) if error.message().contains("is not imported by any stack") => {
                    return Ok(stacks);
                }
                Err(error) => return Err(error),
            };
            stacks.extend(answer.imports().iter().cloned());
            next = answer.next_token().map(str::to_owned);
            if next.is_none() {
                return Ok(stacks);
            }
        }
    }
}

fn parameters(parameters: &BTreeMap<String, String>) -> Vec<wire::Parameter> {
    let parameter = |(key, value)| {
        wire::Parameter::builder()
            .parameter_key(key)
            .parameter_value(value)
            .build()
    };
    parameters.iter().map(parameter).collect()
}

fn tags(tags: &BTreeMap<String, String>) -> Vec<wire::Tag> {
    tags.iter()
        .map(|(key, value)| wire::Tag::builder().key(key).value(value).build())
        .collect()
}

fn capabilities(names: &[String]) -> Vec<wire::Capability> {
    names
        .iter()
        .map(|name| wire::Capability::from(name.as_str()))
        .collect()
}

/// Nothing is said of an empty list.
fn some(list: &[String]) -> Option<Vec<String>> {
    (!list.is_empty()).then(|| list.to_vec())
}

fn alarms(arns: &[String]) -> Option<wire::RollbackConfiguration> {
    let trigger = |arn: &String| {
        wire::RollbackTrigger::builder()
            .arn(arn)
            .r#type("AWS::CloudWatch::Alarm")
            .build()
    };
    let triggers = some(arns)?.iter().map(trigger).collect();
    let configuration = wire::RollbackConfiguration::builder();
    Some(
        configuration
            .set_rollback_triggers(Some(triggers))
            .monitoring_time_in_minutes(0)
            .build(),
    )
}

/// With the roll-back that express mode leaves out when nothing is said.
fn express() -> wire::DeploymentConfig {
    wire::DeploymentConfig::builder()
        .mode(wire::DeploymentConfigMode::Express)
        .disable_rollback(false)
        .build()
}
