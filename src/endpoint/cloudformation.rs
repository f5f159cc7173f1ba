//! CloudFormation over the query protocol: requests read, answers written.
//! What they do is `account::cloudformation`'s business.

mod describe;
mod request;

use super::query::Query;
use super::xml::Xml;
use crate::account::cloudformation as engine;
use crate::account::{Account, ApiError};

#[expect(clippy::unused_async, reason = "all services are answered alike")]
pub(super) async fn answer(account: &Account, query: &Query) -> Result<Xml, ApiError> {
    let token = query.get("ClientRequestToken").map(str::to_owned);
    let stack = || query.require("StackName");
    let mut xml = Xml::new();
    match query.action() {
        "CreateChangeSet" => {
            let (stack, set) = engine::create_change_set(account, request::change_set(query)?)?;
            xml.text("Id", set).text("StackId", stack);
        }
        "DescribeChangeSet" => {
            let name = query.require("ChangeSetName")?;
            let (stack, set) = engine::describe_change_set(account, query.get("StackName"), name)?;
            describe::change_set(&mut xml, &stack, &set);
        }
        "ExecuteChangeSet" => {
            let name = query.require("ChangeSetName")?;
            engine::execute_change_set(account, query.get("StackName"), name, token)?;
        }
        "DeleteChangeSet" => {
            let name = query.require("ChangeSetName")?;
            engine::delete_change_set(account, query.get("StackName"), name)?;
        }
        "ListChangeSets" => describe::change_sets(account, &mut xml, stack()?)?,
        "CreateStack" => {
            let keeps = request::keeps_failures(query);
            let submitted = request::submitted(query)?;
            let id = engine::create_stack(account, stack()?, submitted, token, keeps)?;
            xml.text("StackId", id);
        }
        "UpdateStack" => {
            let submitted = request::submitted(query)?;
            xml.text(
                "StackId",
                engine::update_stack(account, stack()?, submitted, token)?,
            );
        }
        "DeleteStack" => engine::delete_stack(account, stack()?, token)?,
        "UpdateTerminationProtection" => {
            let protected = query.flag("EnableTerminationProtection");
            xml.text(
                "StackId",
                engine::set_termination_protection(account, stack()?, protected)?,
            );
        }
        "DescribeStacks" => describe::stacks(account, &mut xml, query.get("StackName"))?,
        "ListStacks" => describe::summaries(account, &mut xml, &query.list("StackStatusFilter")),
        "DescribeStackEvents" => {
            describe::events(account, &mut xml, stack()?, query.get("NextToken"))?;
        }
        "ListStackResources" => describe::resource_summaries(account, &mut xml, stack()?)?,
        "DescribeStackResources" => describe::resources(account, &mut xml, query)?,
        "GetTemplate" => describe::template(account, &mut xml, stack()?)?,
        "ValidateTemplate" => request::validate(&mut xml, query)?,
        "ListExports" => describe::exports(account, &mut xml),
        "ListImports" => {
            let export = query.require("ExportName")?;
            let names = account.read(|state| engine::importers(&state.cloudformation, export))?;
            xml.texts("Imports", names);
        }
        other => return Err(ApiError::unknown_operation(other)),
    }
    Ok(xml)
}
