//! Whether a request's credentials are the ones that ECR gave.

use super::refusal::Refusal;
use crate::account::ecr::credentials;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64ct::{Base64, Encoding};

/// A request without credentials passes: see the module above.
pub(super) fn check(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(value) = headers.get(AUTHORIZATION) else {
        return Ok(());
    };
    let token = value.to_str().ok().and_then(|text| text.split_once(' '));
    let sent = token
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .and_then(|(_, token)| Base64::decode_vec(token.trim()).ok());
    if sent.as_deref() == Some(credentials().as_bytes()) {
        Ok(())
    } else {
        let message = "the name is `AWS`, the password that of `aws ecr get-login-password`";
        Err(Refusal::new("UNAUTHORIZED", message))
    }
}
