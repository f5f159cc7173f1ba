//! S3 over its REST protocol: what keeping templates takes, and what the AWS
//! CLI's `mb`, `cp`, `ls`, `rm` and `rb` take.

mod body;
mod list;
mod route;

use super::gate::{Asked, Gate};
use super::xml::Xml;
use crate::account::s3::Object;
use crate::account::{Account, ApiError};
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::response::Builder;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use route::{Operation, Route};

/// The longest object that is taken, in bytes.
const LONGEST: usize = 64 << 20;
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// Whether a request is for S3: its signature says so.
pub(super) fn owns(request: &Request) -> bool {
    let signature = header(request.headers(), "authorization").unwrap_or_default();
    let in_query = request.uri().query().unwrap_or_default();
    signature.contains("/s3/aws4_request") || in_query.contains("%2Fs3%2Faws4_request")
}

pub(super) async fn serve(account: &Account, gate: &Gate<'_>, request: Request) -> Response {
    let route = Route::of(request.method(), request.uri());
    let name = route.operation.map_or("Unknown", Operation::name);
    let asked = Asked::of("s3", name, Vec::new);
    let answer = async {
        let answer = answer(account, &route, request).await;
        let code = answer.as_ref().err().map(|error| error.code.to_string());
        (answer, code)
    };
    match gate.pass(asked, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) | Err(error) => refused(account, &error),
    }
}

async fn answer(account: &Account, route: &Route, request: Request) -> Result<Response, ApiError> {
    check_owner(account, request.headers())?;
    let (bucket, key) = (route.bucket.as_str(), route.key.as_str());
    let Some(operation) = route.operation else {
        let message = "A header or query you provided requests a function that is not implemented.";
        return Err(ApiError::new("NotImplemented", message).with_status(501));
    };
    let response = match operation {
        Operation::ListBuckets => document(list::buckets(account)),
        Operation::CreateBucket => {
            account.create_bucket(bucket)?;
            empty(StatusCode::OK)
        }
        Operation::DeleteBucket => {
            account.delete_bucket(bucket)?;
            empty(StatusCode::NO_CONTENT)
        }
        Operation::HeadBucket => {
            account.bucket(bucket, |_| ())?;
            finish(
                started(200).header("x-amz-bucket-region", &account.options().region),
                Body::empty(),
            )
        }
        Operation::GetBucketLocation => {
            account.bucket(bucket, |_| ())?;
            document(location(&account.options().region))
        }
        Operation::ListObjects => document(list::objects(account, bucket, &route.query)?),
        Operation::PutObject => put(account, route, request).await?,
        Operation::HeadObject => describe(&account.object(bucket, key)?, Body::empty()),
        Operation::GetObject => {
            let object = account.object(bucket, key)?;
            let bytes = account.object_bytes(&object)?;
            describe(&object, Body::from(bytes))
        }
        Operation::DeleteObject => {
            account.delete_object(bucket, key)?;
            empty(StatusCode::NO_CONTENT)
        }
    };
    if operation.changes() {
        account.flush().await;
    }
    Ok(response)
}

async fn put(account: &Account, route: &Route, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, LONGEST).await.map_err(|_| {
        let message = "Your proposed upload exceeds the maximum allowed object size.";
        ApiError::new("EntityTooLarge", message)
    })?;
    let bytes = body::content(&parts.headers, bytes.to_vec())?;
    let content_type = header(&parts.headers, "content-type").map(str::to_owned);
    let object = account.put_object(&route.bucket, &route.key, &bytes, content_type)?;
    Ok(finish(
        started(200).header("etag", etag(&object)),
        Body::empty(),
    ))
}

/// Nobody else's bucket is meant by whoever says whose it is.
fn check_owner(account: &Account, headers: &HeaderMap) -> Result<(), ApiError> {
    match header(headers, "x-amz-expected-bucket-owner") {
        Some(owner) if owner != account.options().account_id => {
            Err(ApiError::new("AccessDenied", "Access Denied").with_status(403))
        }
        _ => Ok(()),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn describe(object: &Object, body: Body) -> Response {
    let kind = object.content_type.as_deref();
    let response = started(200)
        .header("content-length", object.size)
        .header("content-type", kind.unwrap_or("binary/octet-stream"))
        .header("last-modified", object.modified.http_date())
        .header("etag", etag(object));
    finish(response, body)
}

/// Any text that changes with the content.
fn etag(object: &Object) -> String {
    format!("\"{}\"", &object.digest.hex()[..32])
}

fn location(region: &str) -> Xml {
    let mut xml = Xml::new();
    // The first region of all has no name here.
    let region = if region == "us-east-1" { "" } else { region };
    xml.root("LocationConstraint", NAMESPACE, |xml| xml.plain(region));
    xml
}

fn refused(account: &Account, error: &ApiError) -> Response {
    let mut xml = Xml::new();
    xml.element("Error", |xml| {
        xml.text("Code", &error.code)
            .text("Message", &error.message)
            .text("RequestId", account.ids().uuid());
    });
    let response = started(error.status).header("content-type", "application/xml");
    finish(response, Body::from(xml.finish()))
}

fn document(xml: Xml) -> Response {
    let response = started(200).header("content-type", "application/xml");
    finish(response, Body::from(xml.finish()))
}

fn empty(status: StatusCode) -> Response {
    status.into_response()
}

fn started(status: u16) -> Builder {
    Response::builder().status(status)
}

fn finish(response: Builder, body: Body) -> Response {
    // A content type is whatever the client said.
    response.body(body).unwrap_or_else(|_| {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        (status, "an object has a header that cannot be sent").into_response()
    })
}
