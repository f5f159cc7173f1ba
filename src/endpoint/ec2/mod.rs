//! EC2 over its query protocol: key pairs, and what there is of places.
//!
//! Networks and instances are made by CloudFormation alone, so their own
//! operations are not answered.

mod filters;
mod key_pairs;
mod places;

use super::query::Query;
use super::xml::Xml;
use crate::account::{Account, ApiError};

pub(super) async fn answer(account: &Account, query: &Query) -> Result<Xml, ApiError> {
    match query.action() {
        "DescribeKeyPairs" => key_pairs::describe(account, query),
        "DescribeAvailabilityZones" => places::zones(account, query),
        "DescribeRegions" => places::regions(account, query),
        "ImportKeyPair" => {
            let answer = key_pairs::import(account, query)?;
            account.flush().await;
            Ok(answer)
        }
        "DeleteKeyPair" => {
            let answer = key_pairs::delete(account, query)?;
            account.flush().await;
            Ok(answer)
        }
        other => Err(ApiError::unknown_operation(other)),
    }
}

/// A parameter that must be sent, with EC2's error.
fn require<'a>(query: &'a Query, name: &str) -> Result<&'a str, ApiError> {
    query
        .get(name)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| {
            let message = format!("The request must contain the parameter {name}");
            ApiError::new("MissingParameter", message)
        })
}
