//! Which service a request is for.

use super::connection::Connection;
use super::gate::{Asked, Gate};
use super::query::Query;
use super::reply::{Protocol, Reply};
use super::{app_mesh, cloudformation, ec2, ecr, ecs, json, registry, s3, sts};
use crate::account::{Account, ApiError};
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Request};
use axum::http::Method;
use axum::response::{IntoResponse, Response};

/// No AWS request here is larger: a template body, percent-encoded.
const BODY_LIMIT: usize = 80 << 20;

pub(super) async fn dispatch(account: &Account, request: Request) -> Response {
    let connection = request.extensions().get::<ConnectInfo<Connection>>();
    let gate = Gate {
        lab: account.lab(),
        connection: connection.map(|ConnectInfo(connection)| connection.clone()),
    };
    let path = request.uri().path();
    if path == "/v2" || path.starts_with("/v2/") {
        return registry(account, &gate, request).await;
    }
    let request_id = account.ids().uuid();
    if app_mesh::owns(path) {
        let is_get = request.method() == Method::GET;
        return app_mesh::answer(account, is_get, path).into_response(&request_id);
    }
    if s3::owns(&request) {
        return s3::serve(account, &gate, request).await;
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
        Some(target) => by_target(account, &gate, &target, &body).await,
        None => by_version(account, &gate, &body, &in_path).await,
    };
    reply.into_response(&request_id)
}

async fn registry(account: &Account, gate: &Gate<'_>, request: Request) -> Response {
    let method = request.method().to_string();
    let asked = Asked::of("registry", &method, Vec::new);
    let serve = async {
        let response = registry::serve(account, request).await;
        let error = response.status().is_client_error() || response.status().is_server_error();
        let code = error.then(|| response.status().as_str().to_owned());
        (response, code)
    };
    match gate.pass(asked, serve).await {
        Ok(response) => response,
        Err(error) => registry::refused(&error),
    }
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
async fn by_target(account: &Account, gate: &Gate<'_>, target: &str, body: &[u8]) -> Reply {
    let (service, operation) = target.split_once('.').unwrap_or((target, ""));
    let call = match json::Call::parse(operation, body) {
        Ok(call) => call,
        Err(error) => return Reply::Error(Protocol::Json, error),
    };
    let name = match service {
        "AmazonEC2ContainerRegistry_V20150921" => "ecr",
        "AmazonEC2ContainerServiceV20141113" => "ecs",
        _ => service,
    };
    let asked = Asked::of(name, operation, || call.names());
    let answer = async {
        let answer = match name {
            "ecr" => ecr::answer(account, &call).await,
            "ecs" => ecs::answer(account, &call).await,
            _ => Err(ApiError::new(
                "UnknownOperationException",
                format!("{target} is not answered here"),
            )),
        };
        let code = answer.as_ref().err().map(|error| error.code.to_string());
        (answer, code)
    };
    match gate.pass(asked, answer).await {
        Ok(Ok(value)) => Reply::Json(value),
        Ok(Err(error)) | Err(error) => Reply::Error(Protocol::Json, error),
    }
}

/// The query protocols name the service by the version of its interface.
async fn by_version(account: &Account, gate: &Gate<'_>, body: &[u8], in_path: &str) -> Reply {
    let query = match Query::parse(body, in_path) {
        Ok(query) => query,
        Err(error) => return Reply::Error(Protocol::Query, error),
    };
    let service = match query.version() {
        "2010-05-15" => "cloudformation",
        "2011-06-15" => "sts",
        "2016-11-15" => "ec2",
        _ => "unknown",
    };
    let asked = Asked::of(service, query.action(), || query.names());
    let answer = async {
        let answer = match service {
            "cloudformation" => cloudformation::answer(account, &query).await,
            "sts" => sts::answer(account, &query).await,
            "ec2" => ec2::answer(account, &query).await,
            _ => Err(ApiError::unknown_operation(query.action())),
        };
        let code = answer.as_ref().err().map(|error| error.code.to_string());
        (answer, code)
    };
    match gate.pass(asked, answer).await {
        Ok(Ok(body)) => Reply::Xml {
            action: query.action().to_owned(),
            version: query.version().to_owned(),
            body,
        },
        Ok(Err(error)) | Err(error) => {
            let protocol = if service == "ec2" {
                Protocol::Ec2
            } else {
                Protocol::Query
            };
            Reply::Error(protocol, error)
        }
    }
}

impl Reply {
    fn into_response(self, request_id: &str) -> Response {
        self.encode(request_id).into_response()
    }
}
