//! ECS over the JSON protocol.

use super::json::Call;
use crate::account::{Account, ApiError};
use serde_json::Value;

pub(super) async fn answer(account: &Account, call: &Call) -> Result<Value, ApiError> {
    let _ = account;
    Err(ApiError::new(
        "UnknownOperationException",
        call.operation.clone(),
    ))
}
