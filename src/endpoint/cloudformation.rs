//! CloudFormation over the query protocol: requests read, answers written.
//! What they do is `account::cloudformation`'s business.

mod change_sets;
mod describe;
mod drift;
mod events;
mod request;
mod template_at;
mod values;

use super::query::Query;
use super::xml::Xml;
use crate::account::cloudformation as engine;
use crate::account::{Account, ApiError};

pub(super) async fn answer(account: &Account, query: &Query) -> Result<Xml, ApiError> {
    let mut xml = Xml::new();
    if read(account, query, &mut xml)? {
        return Ok(xml);
    }
    write(account, query, &mut xml)?;
    // What was promised to a client survives a kill.
    account.flush().await;
    Ok(xml)
}

/// Requests that change nothing; tells whether it was one.
fn read(account: &Account, query: &Query, xml: &mut Xml) -> Result<bool, ApiError> {
    let stack = || query.require("StackName");
    let next = query.get("NextToken");
    match query.action() {
        "DescribeChangeSet" => change_sets::change_set(account, xml, query)?,
        "ListChangeSets" => change_sets::change_sets(account, xml, stack()?, next)?,
        "DescribeStacks" => describe::stacks(account, xml, query.get("StackName"), next)?,
        "ListStacks" => {
            describe::summaries(account, xml, &query.list("StackStatusFilter"), next);
        }
        "DescribeStackEvents" => events::of_stack(account, xml, stack()?, next)?,
        "DescribeEvents" => events::of_operation(account, xml, query)?,
        "DescribeStackDriftDetectionStatus" => {
            drift::check(account, xml, query.require("StackDriftDetectionId")?)?;
        }
        "DescribeStackResourceDrifts" => drift::resources(account, xml, query)?,
        "GetStackPolicy" => describe::policy(account, xml, stack()?)?,
        "ListStackResources" => describe::resource_summaries(account, xml, stack()?, next)?,
        "DescribeStackResource" => describe::resource(account, xml, query)?,
        "DescribeStackResources" => describe::resources(account, xml, query)?,
        "GetTemplate" => describe::template(account, xml, query)?,
        "GetTemplateSummary" => request::summary(xml, &request::summarized(account, query)?, true)?,
        "ValidateTemplate" => request::validate(account, xml, query)?,
        "ListExports" => describe::exports(account, xml, next),
        "ListImports" => {
            let export = query.require("ExportName")?;
            let names = account.read(|state| engine::importers(&state.cloudformation, export))?;
            let page = describe::page(xml, names.len(), next);
            xml.texts("Imports", &names[page]);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// The requests after which CloudFormation acts as the stack's role.
const ACTS: &[&str] = &[
    "ContinueUpdateRollback",
    "CreateChangeSet",
    "CreateStack",
    "DeleteStack",
    "RollbackStack",
    "UpdateStack",
];

/// Requests that change something.
fn write(account: &Account, query: &Query, xml: &mut Xml) -> Result<(), ApiError> {
    let stack = || query.require("StackName");
    let token = query.get("ClientRequestToken").map(str::to_owned);
    let role = query.get("RoleARN");
    if ACTS.contains(&query.action()) {
        engine::check_role(account, stack()?, role)?;
    }
    match query.action() {
        "CreateChangeSet" => {
            let (stack, set) =
                engine::create_change_set(account, request::change_set(account, query)?)?;
            xml.text("Id", set).text("StackId", stack);
        }
        "ExecuteChangeSet" => {
            let (name, on_failure) = (query.require("ChangeSetName")?, request::on_failure(query)?);
            engine::execute_change_set(account, query.get("StackName"), name, token, on_failure)?;
        }
        "DeleteChangeSet" => {
            let name = query.require("ChangeSetName")?;
            engine::delete_change_set(account, query.get("StackName"), name)?;
        }
        "CreateStack" => {
            let id = engine::create_stack(account, request::stack(account, query)?)?;
            begun(account, xml, &id);
        }
        "UpdateStack" => {
            let id = engine::update_stack(account, request::stack(account, query)?)?;
            begun(account, xml, &id);
        }
        "DeleteStack" => engine::delete_stack(account, request::delete(query)?)?,
        "UpdateTerminationProtection" => {
            let protected = query.flag("EnableTerminationProtection");
            xml.text(
                "StackId",
                engine::set_termination_protection(account, stack()?, protected)?,
            );
        }
        "RollbackStack" => {
            let id = engine::roll_back_stack(account, stack()?, token)?;
            begun(account, xml, &id);
        }
        "DetectStackDrift" => {
            let id = engine::begin_drift_check(account, stack()?)?;
            xml.text("StackDriftDetectionId", id);
        }
        "SetStackPolicy" => {
            engine::set_policy(account, stack()?, query.require("StackPolicyBody")?)?;
        }
        "CancelUpdateStack" => _ = engine::cancel_update(account, stack()?, token)?,
        "ContinueUpdateRollback" => {
            let skip: Vec<String> = query
                .list("ResourcesToSkip")
                .into_iter()
                .map(str::to_owned)
                .collect();
            engine::continue_roll_back(account, stack()?, &skip, token)?;
        }
        other => return Err(ApiError::unknown_operation(other)),
    }
    // The others give their stack all of what they ask for.
    let alone = ["ContinueUpdateRollback", "DeleteStack", "RollbackStack"];
    if let Some(role) = role.filter(|_| alone.contains(&query.action())) {
        engine::take_role(account, stack()?, role);
    }
    Ok(())
}

/// The stack and the operation that was begun, or that was begun before with
/// the same token.
fn begun(account: &Account, xml: &mut Xml, id: &str) {
    xml.text("StackId", id);
    let operation = account.read(|state| {
        let stack = state.cloudformation.stacks.get(id)?;
        Some(stack.last_operation()?.id.clone())
    });
    xml.maybe("OperationId", operation);
}
