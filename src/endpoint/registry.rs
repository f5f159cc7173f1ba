//! The image registry: the OCI distribution interface under `/v2/`.

use crate::account::Account;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};

pub(super) async fn serve(account: &Account, request: Request) -> Response {
    let _ = (account, request);
    axum::http::StatusCode::NOT_FOUND.into_response()
}
