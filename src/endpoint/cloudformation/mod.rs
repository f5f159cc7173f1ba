//! CloudFormation over the query protocol.

mod change_sets;
mod lists;
mod stacks;
mod submitted;

use super::query::Query;
use super::xml::Xml;
use crate::account::{Account, ApiError};

pub(super) async fn answer(account: &Account, query: &Query) -> Result<Xml, ApiError> {
    let mut xml = Xml::new();
    match query.action() {
        "CreateChangeSet" => change_sets::create(account, query, &mut xml)?,
        "DescribeChangeSet" => change_sets::describe(account, query, &mut xml)?,
        "ExecuteChangeSet" => change_sets::execute(account, query)?,
        "DeleteChangeSet" => change_sets::delete(account, query)?,
        "ListChangeSets" => change_sets::list(account, query, &mut xml)?,
        "DescribeEvents" => change_sets::events(&mut xml),
        "CreateStack" => stacks::create(account, query, &mut xml)?,
        "UpdateStack" => stacks::update(account, query, &mut xml)?,
        "DeleteStack" => stacks::delete(account, query)?,
        "UpdateTerminationProtection" => stacks::protect(account, query, &mut xml)?,
        "DescribeStacks" => stacks::describe(account, query, &mut xml)?,
        "GetTemplate" => stacks::template(account, query, &mut xml)?,
        "ValidateTemplate" | "GetTemplateSummary" => stacks::summary(account, query, &mut xml)?,
        "ListStacks" => lists::stacks(account, query, &mut xml),
        "DescribeStackEvents" => lists::events(account, query, &mut xml)?,
        "ListStackResources" => lists::resources(account, query, &mut xml)?,
        "DescribeStackResources" => lists::all_resources(account, query, &mut xml)?,
        "DescribeStackResource" => lists::one_resource(account, query, &mut xml)?,
        "ListExports" => lists::exports(account, query, &mut xml),
        "ListImports" => lists::imports(account, query, &mut xml)?,
        other => return Err(ApiError::unknown_operation(other)),
    }
    Ok(xml)
}
