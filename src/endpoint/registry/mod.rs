//! The image registry: the OCI distribution interface under `/v2/`.
//!
//! Repositories are those of ECR; the blobs are the account's. Anybody who
//! reaches loopback may push and pull; who sends a name and password sends
//! ECR's.

mod authorization;
mod blobs;
mod file;
mod manifests;
mod refusal;
mod route;
mod uploads;

use crate::account::Account;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
pub(super) use manifests::put_image;
use refusal::Refusal;
use route::{Place, Route};
use serde_json::json;

pub(super) async fn serve(account: &Account, request: Request) -> Response {
    let mut response = match answer(account, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    };
    let version = axum::http::HeaderValue::from_static("registry/2.0");
    let headers = response.headers_mut();
    headers.insert("docker-distribution-api-version", version);
    response
}

async fn answer(account: &Account, request: Request) -> Result<Response, Refusal> {
    authorization::check(request.headers())?;
    let route = Route::parse(request.uri().path()).ok_or_else(Refusal::unknown_path)?;
    let (repository, place) = match route {
        Route::Ping => return Ok(document(&json!({}))),
        Route::Catalog => return Ok(catalog(account)),
        Route::Repository(repository, place) => (repository, place),
    };
    let repository = repository.to_owned();
    account
        .repository(&repository, |_| ())
        .map_err(|error| Refusal::new("NAME_UNKNOWN", error.message))?;
    match place {
        Place::Tags => tags(account, &repository),
        Place::Referrers => Ok(manifests::no_referrers()),
        Place::Blob(digest) => {
            let digest = digest.to_owned();
            blobs::answer(account, request.method(), &digest)
        }
        Place::Manifest(version) => {
            let version = version.to_owned();
            manifests::answer(account, request, &repository, &version).await
        }
        Place::Uploads => uploads::begin(account, request, &repository).await,
        Place::Upload(name) => {
            let name = name.to_owned();
            uploads::proceed(account, request, &repository, &name).await
        }
    }
}

fn catalog(account: &Account) -> Response {
    let names: Vec<String> = account.read(|state| state.ecr.repositories.keys().cloned().collect());
    document(&json!({ "repositories": names }))
}

fn tags(account: &Account, repository: &str) -> Result<Response, Refusal> {
    let tags: Vec<String> = account
        .repository(repository, |found| {
            found.image_tags.keys().cloned().collect()
        })
        .map_err(|error| Refusal::new("NAME_UNKNOWN", error.message))?;
    Ok(document(&json!({ "name": repository, "tags": tags })))
}

fn document(value: &serde_json::Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

fn not_allowed(method: &Method) -> Refusal {
    Refusal::new("UNSUPPORTED", format!("{method} is not answered here"))
        .with_status(StatusCode::METHOD_NOT_ALLOWED)
}
