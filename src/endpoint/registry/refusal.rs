//! Errors as registries send them.

use crate::account::ApiError;
use crate::image::StoreError;
use axum::http::StatusCode;
use axum::http::header::WWW_AUTHENTICATE;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An error of the distribution interface: a code that programs match and a
/// message that people read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    code: &'static str,
    message: String,
    status: StatusCode,
}

// === impl Refusal ===

impl Refusal {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        let status = match code {
            "UNAUTHORIZED" => StatusCode::UNAUTHORIZED,
            "NAME_UNKNOWN" | "MANIFEST_UNKNOWN" | "BLOB_UNKNOWN" | "BLOB_UPLOAD_UNKNOWN" => {
                StatusCode::NOT_FOUND
            }
            _ => StatusCode::BAD_REQUEST,
        };
        Self {
            code,
            message: message.into(),
            status,
        }
    }

    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub(super) fn unknown_path() -> Self {
        Self::new("UNSUPPORTED", "there is nothing under this path")
            .with_status(StatusCode::NOT_FOUND)
    }

    /// The same error for ECR's own interface.
    pub(super) fn into_api_error(self) -> ApiError {
        let code = match self.code {
            "TAG_INVALID" => "ImageTagAlreadyExistsException",
            "MANIFEST_BLOB_UNKNOWN" => "LayersNotFoundException",
            "DIGEST_INVALID" => "ImageDigestDoesNotMatchException",
            _ => "InvalidParameterException",
        };
        ApiError::new(code, self.message)
    }

    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new("UNKNOWN", message).with_status(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::Unknown(_) => Self::new("BLOB_UNKNOWN", text),
            StoreError::UnknownUpload(_) => Self::new("BLOB_UPLOAD_UNKNOWN", text),
            StoreError::Mismatch { .. } => Self::new("DIGEST_INVALID", text),
            StoreError::Disk { source, .. } => Self::internal(format!("{text}: {source}")),
        }
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        match error.code.as_ref() {
            "RepositoryNotFoundException" => Self::new("NAME_UNKNOWN", error.message),
            "ImageTagAlreadyExistsException" => Self::new("TAG_INVALID", error.message),
            _ => Self::new("UNKNOWN", error.message),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "errors": [{ "code": self.code, "message": self.message }] });
        let mut response = (self.status, super::document(&body)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = axum::http::HeaderValue::from_static("Basic realm=\"colormesh\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
