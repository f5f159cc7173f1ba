//! STS over the query protocol: who is calling. Credentials are not checked,
//! so everybody is the account's owner.

use super::query::Query;
use super::xml::Xml;
use crate::account::{Account, ApiError};

/// The id of the caller; one letter and twenty more, as AWS writes them.
const USER_ID: &str = "AIDALOCALCOLORMESH000";

#[expect(clippy::unused_async, reason = "all services are answered alike")]
pub(super) async fn answer(account: &Account, query: &Query) -> Result<Xml, ApiError> {
    match query.action() {
        "GetCallerIdentity" => Ok(caller(account)),
        other => Err(ApiError::unknown_operation(other)),
    }
}

fn caller(account: &Account) -> Xml {
    let id = &account.options().account_id;
    let mut xml = Xml::new();
    xml.text("Arn", format!("arn:aws:iam::{id}:user/colormesh"))
        .text("UserId", USER_ID)
        .text("Account", id);
    xml
}
