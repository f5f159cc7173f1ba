//! What all requests that submit a template have in common.

use crate::account::ApiError;
use crate::account::cloudformation::{Given, Submitted};
use crate::endpoint::query::Query;
use std::collections::BTreeMap;

pub(super) fn submitted(query: &Query) -> Result<Submitted, ApiError> {
    if query.get("TemplateURL").is_some() {
        return Err(ApiError::validation("TemplateURL must reference a valid S3 object to which you have access."));
    }
    let mut parameters = BTreeMap::new();
    for parameter in query.members("Parameters") {
        let name = parameter.get("ParameterKey").unwrap_or_default().to_owned();
        let value = match parameter.get("ParameterValue") {
            Some(value) => Given::Value(value.to_owned()),
            None => Given::Previous,
        };
        parameters.insert(name, value);
    }
    let tags: BTreeMap<String, String> = query
        .members("Tags")
        .iter()
        .map(|tag| (tag.get("Key").unwrap_or_default().to_owned(), tag.get("Value").unwrap_or_default().to_owned()))
        .collect();
    Ok(Submitted {
        template: query.get("TemplateBody").map(str::to_owned),
        parameters,
        tags: (!tags.is_empty() || query.get("Tags").is_some()).then_some(tags),
        capabilities: query.list("Capabilities").into_iter().map(str::to_owned).collect(),
    })
}

pub(super) fn token(query: &Query) -> Option<String> {
    query.get("ClientRequestToken").map(str::to_owned)
}

/// The page that a token names, and the token of the next.
pub(super) fn page<T>(query: &Query, items: Vec<T>) -> (Vec<T>, Option<String>) {
    const LENGTH: usize = 100;
    let start: usize = query.get("NextToken").and_then(|token| token.parse().ok()).unwrap_or(0);
    let next = (items.len() > start + LENGTH).then(|| (start + LENGTH).to_string());
    (items.into_iter().skip(start).take(LENGTH).collect(), next)
}
