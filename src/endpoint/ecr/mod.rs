//! ECR over the JSON protocol.

mod images;
mod repositories;

use super::json::Call;
use crate::account::ecr::credentials;
use crate::account::{Account, ApiError, clock::Timestamp};
use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

/// How long ECR's tokens last: twelve hours.
const TOKEN_MILLISECONDS: u64 = 12 * 60 * 60 * 1000;

pub(super) async fn answer(account: &Account, call: &Call) -> Result<Value, ApiError> {
    let answer = match call.operation.as_str() {
        "GetAuthorizationToken" => Ok(authorization_token(account)),
        "CreateRepository" => repositories::create(account, &call.read()?),
        "DeleteRepository" => repositories::delete(account, &call.read()?),
        "DescribeRepositories" => repositories::describe(account, &call.read()?),
        "PutImageTagMutability" => repositories::set_mutability(account, &call.read()?),
        "TagResource" => repositories::tag(account, &call.read()?),
        "UntagResource" => repositories::untag(account, &call.read()?),
        "ListTagsForResource" => repositories::list_tags(account, &call.read()?),
        "ListImages" => images::list(account, &call.read()?),
        "DescribeImages" => images::describe(account, &call.read()?),
        "BatchGetImage" => images::get(account, &call.read()?),
        "BatchDeleteImage" => images::delete(account, &call.read()?),
        "PutImage" => images::put(account, &call.read()?),
        _ => Err(call.unknown()),
    }?;
    if call.operation.starts_with(['C', 'D', 'P', 'B', 'T', 'U']) {
        account.flush().await;
    }
    Ok(answer)
}

fn authorization_token(account: &Account) -> Value {
    let expires = Timestamp(Timestamp::now().0 + TOKEN_MILLISECONDS);
    json!({ "authorizationData": [{
        "authorizationToken": Base64::encode_string(credentials().as_bytes()),
        "expiresAt": expires.seconds(),
        "proxyEndpoint": format!("http://{}", account.options().registry_host),
    }] })
}
