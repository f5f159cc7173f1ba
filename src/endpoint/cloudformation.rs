//! CloudFormation over the query protocol: requests read, answers written.
//! What they do is `account::cloudformation`'s business.

mod describe;
mod request;

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
        "DescribeChangeSet" => {
            let name = query.require("ChangeSetName")?;
            let (stack, set) = engine::describe_change_set(account, query.get("StackName"), name)?;
            describe::change_set(xml, &stack, &set, next);
        }
        "ListChangeSets" => describe::change_sets(account, xml, stack()?)?,
        "DescribeStacks" => describe::stacks(account, xml, query.get("StackName"))?,
        "ListStacks" => describe::summaries(account, xml, &query.list("StackStatusFilter")),
        "DescribeStackEvents" => describe::events(account, xml, stack()?, next)?,
        "ListStackResources" => describe::resource_summaries(account, xml, stack()?, next)?,
        "DescribeStackResource" => describe::resource(account, xml, query)?,
        "DescribeStackResources" => describe::resources(account, xml, query)?,
        "GetTemplate" => describe::template(account, xml, query)?,
        "GetTemplateSummary" => request::summary(xml, &request::summarized(account, query)?, true)?,
        "ValidateTemplate" => request::validate(xml, query)?,
        "ListExports" => describe::exports(account, xml, next),
        "ListImports" => {
            let export = query.require("ExportName")?;
            let names = account.read(|state| engine::importers(&state.cloudformation, export))?;
            xml.texts("Imports", names);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Requests that change something.
fn write(account: &Account, query: &Query, xml: &mut Xml) -> Result<(), ApiError> {
    let stack = || query.require("StackName");
    let token = query.get("ClientRequestToken").map(str::to_owned);
    match query.action() {
        "CreateChangeSet" => {
            let (stack, set) = engine::create_change_set(account, request::change_set(query)?)?;
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
            _ = xml.text(
                "StackId",
                engine::create_stack(account, request::stack(query)?)?,
            );
        }
        "UpdateStack" => {
            _ = xml.text(
                "StackId",
                engine::update_stack(account, request::stack(query)?)?,
            );
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
            _ = xml.text(
                "StackId",
                engine::roll_back_stack(account, stack()?, token)?,
            );
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
    Ok(())
}
