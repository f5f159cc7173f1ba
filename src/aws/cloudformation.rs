//! CloudFormation's calls.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudformation::types as wire;

use super::{ChangeSetRequest, Cloud, CloudError, Stack, StackResource, StackStatus, Template};

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
            .set_notification_arns(request.notification_arns.map(<[String]>::to_vec))
            .set_rollback_configuration(request.rollback_alarms.map(alarms))
            .set_timeout_in_minutes(request.timeout.map(later))
            .set_deployment_config(request.express.then(express));
        let operation = "cloudformation:CreateStack";
        let answer = self.ask(operation, || call.clone().send()).await?;
        Ok(answer.stack_id().unwrap_or(request.stack).to_owned())
    }

    /// Has a template checked by itself.
    pub async fn validate_template(&self, template: &Template<'_>) -> Result<(), CloudError> {
        let call = self
            .cloudformation
            .validate_template()
            .set_template_body(template.body())
            .set_template_url(template.url());
        let operation = "cloudformation:ValidateTemplate";
        self.ask(operation, || call.clone().send())
            .await
            .map(|_| ())
    }

    /// Starts to delete a stack, as this role if one is named, else as the one
    /// that the stack was made by. `token` comes back with each event.
    pub async fn delete_stack(
        &self,
        stack: &str,
        token: &str,
        role: Option<&str>,
    ) -> Result<(), CloudError> {
        let call = self
            .cloudformation
            .delete_stack()
            .stack_name(stack)
            .set_role_arn(role.map(str::to_owned))
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

pub(super) fn parameters(parameters: &BTreeMap<String, String>) -> Vec<wire::Parameter> {
    let parameter = |(key, value)| {
        wire::Parameter::builder()
            .parameter_key(key)
            .parameter_value(value)
            .build()
    };
    parameters.iter().map(parameter).collect()
}

pub(super) fn tags(tags: &BTreeMap<String, String>) -> Vec<wire::Tag> {
    tags.iter()
        .map(|(key, value)| wire::Tag::builder().key(key).value(value).build())
        .collect()
}

pub(super) fn capabilities(names: &[String]) -> Vec<wire::Capability> {
    names
        .iter()
        .map(|name| wire::Capability::from(name.as_str()))
        .collect()
}

/// Metric alarms: composite ones are of another type, which the ARN does not
/// tell.
pub(super) fn alarms(arns: &[String]) -> wire::RollbackConfiguration {
    let trigger = |arn: &String| {
        wire::RollbackTrigger::builder()
            .arn(arn)
            .r#type("AWS::CloudWatch::Alarm")
            .build()
    };
    let triggers = arns.iter().map(trigger).collect();
    let configuration = wire::RollbackConfiguration::builder();
    configuration
        .set_rollback_triggers(Some(triggers))
        .monitoring_time_in_minutes(0)
        .build()
}

/// The first whole minutes that are a minute or more after a time.
pub(super) fn later(time: Duration) -> i32 {
    let minutes = time.as_secs().div_ceil(60) + 1;
    i32::try_from(minutes).unwrap_or(i32::MAX)
}

/// With the roll-back that express mode leaves out when nothing is said.
pub(super) fn express() -> wire::DeploymentConfig {
    wire::DeploymentConfig::builder()
        .mode(wire::DeploymentConfigMode::Express)
        .disable_rollback(false)
        .build()
}
