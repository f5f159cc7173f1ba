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

use crate::account::{Account, ApiError};
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, LINK};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
pub(super) use manifests::put_image;
use refusal::Refusal;
use route::{Place, Route};
use serde_json::json;

/// A request that is not done, for a reason that is not the registry's.
pub(super) fn refused(error: &ApiError) -> Response {
    let body = json!({ "errors": [{ "code": error.code, "message": error.message }] });
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    (status, document(&body)).into_response()
}

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
        Place::Tags => {
            let query = request.uri().query().unwrap_or_default();
            tags(account, &repository, query)
        }
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

/// Tags in order; `n` limits how many, `last` is where the page before ended.
fn tags(account: &Account, repository: &str, query: &str) -> Result<Response, Refusal> {
    let parameter = |name| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name)
    };
    let last = parameter("last").map_or("", |(_, tag)| tag);
    let limit = match parameter("n") {
        Some((_, number)) => number
            .parse()
            .map_err(|_| Refusal::new("PAGINATION_NUMBER_INVALID", "`n` is no number"))?,
        None => usize::MAX,
    };
    let (page, more) = account.repository(repository, |found| {
        let mut rest = found.image_tags.keys().filter(|tag| tag.as_str() > last);
        let page: Vec<String> = rest.by_ref().take(limit).cloned().collect();
        (page, rest.next().is_some())
    })?;
    let mut response = document(&json!({ "name": repository, "tags": page }));
    if let Some(tag) = page.last().filter(|_| more) {
        let next = format!("</v2/{repository}/tags/list?n={limit}&last={tag}>; rel=\"next\"");
        if let Ok(next) = next.parse() {
            response.headers_mut().insert(LINK, next);
        }
    }
    Ok(response)
}

fn document(value: &serde_json::Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

fn not_allowed(method: &Method) -> Refusal {
    Refusal::new("UNSUPPORTED", format!("{method} is not answered here"))
        .with_status(StatusCode::METHOD_NOT_ALLOWED)
}
