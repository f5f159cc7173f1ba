//! EC2 over its query protocol: key pairs, the rules of security groups, and
//! what there is of places.
//!
//! Networks and instances are made by CloudFormation alone, so their own
//! operations are not answered.

mod filters;
mod key_pairs;
mod places;
mod security_groups;

use super::query::Query;
use super::xml::Xml;
use crate::account::security_groups::Way;
use crate::account::{Account, ApiError};

pub(super) async fn answer(account: &Account, query: &Query) -> Result<Xml, ApiError> {
    match query.action() {
        "DescribeKeyPairs" => key_pairs::describe(account, query),
        "DescribeAvailabilityZones" => places::zones(account, query),
        "DescribeRegions" => places::regions(account, query),
        "DescribeSecurityGroups" => security_groups::describe(account, query),
        _ => {
            let answer = change(account, query)?;
            account.flush().await;
            Ok(answer)
        }
    }
}

fn change(account: &Account, query: &Query) -> Result<Xml, ApiError> {
    match query.action() {
        "ImportKeyPair" => key_pairs::import(account, query),
        "DeleteKeyPair" => key_pairs::delete(account, query),
        "AuthorizeSecurityGroupIngress" => security_groups::authorize(account, query, Way::In),
        "AuthorizeSecurityGroupEgress" => security_groups::authorize(account, query, Way::Out),
        "RevokeSecurityGroupIngress" => security_groups::revoke(account, query, Way::In),
        "RevokeSecurityGroupEgress" => security_groups::revoke(account, query, Way::Out),
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
