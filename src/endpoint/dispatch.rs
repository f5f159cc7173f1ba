//! Which service a request is for.

use super::query::Query;
use super::reply::{Protocol, Reply};
use super::{app_mesh, cloudformation, ec2, ecr, ecs, json, registry, sts};
use crate::account::{Account, ApiError};
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::Method;
use axum::response::{IntoResponse, Response};

/// No AWS request here is larger: a template body, percent-encoded.
const BODY_LIMIT: usize = 80 << 20;

pub(super) async fn dispatch(account: &Account, request: Request) -> Response {
    let path = request.uri().path();
    if path == "/v2" || path.starts_with("/v2/") {
        return registry::serve(account, request).await;
    }
    let request_id = account.ids().uuid();
    if app_mesh::owns(path) {
        let is_get = request.method() == Method::GET;
        return app_mesh::answer(account, is_get, path).into_response(&request_id);
    }
    let target = header(&request, "x-amz-target");
    let in_path = request.uri().query().unwrap_or_default().to_owned();
    let body = match to_bytes(request.into_body(), BODY_LIMIT).await {
        Ok(body) => body,
        Err(error) => {
            let error = ApiError::new("RequestEntityTooLarge", error.to_string()).with_status(413);
            return Reply::Error(Protocol::Query, error).into_response(&request_id);
        }
    };
    let reply = match target {
        Some(target) => by_target(account, &target, &body).await,
        None => by_version(account, &body, &in_path).await,
    };
    reply.into_response(&request_id)
}

fn header(request: &Request, name: &str) -> Option<String> {
    request
        .headers()
        .get(name)?
        .to_str()
        .ok()
        .map(str::to_owned)
}

/// The JSON protocol names service and operation in one header.
async fn by_target(account: &Account, target: &str, body: &[u8]) -> Reply {
    let (service, operation) = target.split_once('.').unwrap_or((target, ""));
    let call = match json::Call::parse(operation, body) {
        Ok(call) => call,
        Err(error) => return Reply::Error(Protocol::Json, error),
    };
    let answer = match service {
        "AmazonEC2ContainerRegistry_V20150921" => ecr::answer(account, &call).await,
        "AmazonEC2ContainerServiceV20141113" => ecs::answer(account, &call).await,
        _ => Err(ApiError::new(
            "UnknownOperationException",
            format!("{target} is not answered here"),
        )),
    };
    answer.map_or_else(|error| Reply::Error(Protocol::Json, error), Reply::Json)
}

/// The query protocols name the service by the version of its interface.
async fn by_version(account: &Account, body: &[u8], in_path: &str) -> Reply {
    let query = match Query::parse(body, in_path) {
        Ok(query) => query,
        Err(error) => return Reply::Error(Protocol::Query, error),
    };
    match query.version() {
        "2010-05-15" => cloudformation::answer(account, &query).await,
        "2011-06-15" => sts::answer(account, &query).await,
        "2016-11-15" => ec2::answer(account, &query).await,
        _ => Err(ApiError::unknown_operation(query.action())),
    }
    .map_or_else(
        |error| {
            let ec2 = query.version() == "2016-11-15";
            Reply::Error(if ec2 { Protocol::Ec2 } else { Protocol::Query }, error)
        },
        |body| Reply::Xml {
            action: query.action().to_owned(),
            version: query.version().to_owned(),
            body,
        },
    )
}

impl Reply {
    fn into_response(self, request_id: &str) -> Response {
        self.encode(request_id).into_response()
    }
}
