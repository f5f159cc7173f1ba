//! CloudFormation over the query protocol.

use super::query::Query;
use super::xml::Xml;
use crate::account::{Account, ApiError};

pub(super) async fn answer(account: &Account, query: &Query) -> Result<Xml, ApiError> {
    let _ = account;
    Err(ApiError::unknown_operation(query.action()))
}
