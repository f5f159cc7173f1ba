//! Answers and errors in the envelope of each protocol.

use super::xml::Xml;
use crate::account::ApiError;
use axum::body::Body;
use axum::response::Response;

/// Which envelope an error goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// CloudFormation, STS.
    Query,
    /// EC2.
    Ec2,
    /// ECR, ECS.
    Json,
}

/// An answer before it is encoded.
pub enum Reply {
    /// Of a query protocol: what stands inside `<ActionResult>`, or inside
    /// `<ActionResponse>` for EC2.
    Xml {
        /// The operation.
        action: String,
        /// The version of the interface, which names the service.
        version: String,
        /// The content.
        body: Xml,
    },
    /// Of a JSON protocol.
    Json(serde_json::Value),
    /// An error.
    Error(Protocol, ApiError),
}

impl Reply {
    pub(super) fn encode(self, request_id: &str) -> Response {
        match self {
            Self::Xml {
                action,
                version,
                body,
            } => xml(
                200,
                request_id,
                envelope(&action, &version, body, request_id),
            ),
            Self::Json(body) => json(200, request_id, None, &body),
            Self::Error(Protocol::Json, error) => {
                let body = serde_json::json!({ "__type": error.code, "message": error.message });
                json(error.status, request_id, Some(&error.code), &body)
            }
            Self::Error(Protocol::Ec2, error) => {
                xml(error.status, request_id, ec2_error(&error, request_id))
            }
            Self::Error(Protocol::Query, error) => {
                xml(error.status, request_id, query_error(&error, request_id))
            }
        }
    }
}

fn envelope(action: &str, version: &str, body: Xml, request_id: &str) -> Xml {
    let mut xml = Xml::new();
    let name = format!("{action}Response");
    match version {
        "2016-11-15" => xml.root(&name, "http://ec2.amazonaws.com/doc/2016-11-15/", |xml| {
            xml.text("requestId", request_id).append(body);
        }),
        _ => xml.root(&name, namespace(version), |xml| {
            xml.element(&format!("{action}Result"), |xml| xml.append(body));
            xml.element("ResponseMetadata", |xml| {
                xml.text("RequestId", request_id);
            });
        }),
    };
    xml
}

fn namespace(version: &str) -> &'static str {
    if version == "2011-06-15" {
        "https://sts.amazonaws.com/doc/2011-06-15/"
    } else {
        "http://cloudformation.amazonaws.com/doc/2010-05-15/"
    }
}

fn query_error(error: &ApiError, request_id: &str) -> Xml {
    let mut xml = Xml::new();
    xml.root(
        "ErrorResponse",
        "http://cloudformation.amazonaws.com/doc/2010-05-15/",
        |xml| {
            xml.element("Error", |xml| {
                xml.text(
                    "Type",
                    if error.status < 500 {
                        "Sender"
                    } else {
                        "Receiver"
                    },
                )
                .text("Code", &error.code)
                .text("Message", &error.message);
            })
            .text("RequestId", request_id);
        },
    );
    xml
}

fn ec2_error(error: &ApiError, request_id: &str) -> Xml {
    let mut xml = Xml::new();
    xml.element("Response", |xml| {
        xml.element("Errors", |xml| {
            xml.element("Error", |xml| {
                xml.text("Code", &error.code)
                    .text("Message", &error.message);
            });
        })
        .text("RequestID", request_id);
    });
    xml
}

fn xml(status: u16, request_id: &str, body: Xml) -> Response {
    Response::builder()
        .status(status)
        .header("content-type", "text/xml")
        .header("x-amzn-requestid", request_id)
        .body(Body::from(body.finish()))
        .expect("these headers are well formed")
}

fn json(status: u16, request_id: &str, code: Option<&str>, body: &serde_json::Value) -> Response {
    let mut response = Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amzn-requestid", request_id);
    if let Some(code) = code {
        response = response.header("x-amzn-errortype", code);
    }
    response
        .body(Body::from(body.to_string()))
        .expect("these headers are well formed")
}
