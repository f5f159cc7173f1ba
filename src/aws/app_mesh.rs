//! Whether App Mesh answers. Its SDK would be one crate more for one question,
//! so the question is asked by hand.

use std::time::{Duration, SystemTime};

use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_ecs::config::http::HttpRequest;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use hyper::Request;

use super::{Cloud, CloudError};

const OPERATION: &str = "appmesh:ListMeshes";
const PATH: &str = "/v20190125/meshes";
/// How often an answer is asked for that only says "not now".
const ATTEMPTS: usize = 3;
const PAUSE: Duration = Duration::from_millis(300);
const CONNECT: Duration = Duration::from_secs(5);
const READ: Duration = Duration::from_secs(10);

/// What came of asking App Mesh for its meshes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppMeshAnswer {
    /// It is there, even if this caller may not ask.
    Answers,
    /// It is not.
    Silent {
        /// How that shows: a clause without a period.
        why: String,
    },
}

// === impl Cloud ===

impl Cloud {
    /// Asks the endpoint for its meshes.
    pub async fn app_mesh(&self) -> Result<AppMeshAnswer, CloudError> {
        let endpoint = self.endpoint().replace('*', "appmesh");
        let url = format!("{}{PATH}", endpoint.trim_end_matches('/'));
        let connector = connector(&url);
        let mut last = silent(&endpoint, "there is no answer");
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            let request = self.signed(&url).await?;
            let answer = match connector.call(request).await {
                Ok(answer) => answer,
                Err(error) => {
                    let why = crate::diag::with_causes(&error);
                    last = silent(&endpoint, &why);
                    continue;
                }
            };
            let status = answer.status().as_u16();
            let kind = answer.headers().get("x-amzn-errortype").unwrap_or_default();
            let denied = denies(kind) || {
                let said = ByteStream::new(answer.into_body()).collect().await;
                said.is_ok_and(|said| denies(&String::from_utf8_lossy(&said.into_bytes())))
            };
            match status {
                200 | 429 => return Ok(AppMeshAnswer::Answers),
                403 if denied => return Ok(AppMeshAnswer::Answers),
                500 | 502..=599 => last = silent(&endpoint, &format!("it says {status}")),
                _ => return Ok(silent(&endpoint, &format!("it says {status}"))),
            }
        }
        Ok(last)
    }

    async fn signed(&self, url: &str) -> Result<HttpRequest, CloudError> {
        let missing = |detail: String| CloudError::NoCredentials {
            operation: OPERATION,
            detail,
        };
        let provider = self.sdk().credentials_provider();
        let provider = provider.ok_or_else(|| missing("there is no chain".to_owned()))?;
        let credentials = provider.provide_credentials().await;
        let credentials = credentials.map_err(|error| missing(crate::diag::with_causes(&error)))?;
        let identity = credentials.into();
        let region = self.sdk().region().map_or("", |region| region.as_ref());
        let unreadable = |error: &dyn std::error::Error| CloudError::Unreadable {
            operation: OPERATION,
            reason: crate::diag::with_causes(error),
        };
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("appmesh")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| unreadable(&error))?
            .into();
        let nothing = SignableBody::Bytes(&[]);
        let signable = SignableRequest::new("GET", url, std::iter::empty(), nothing)
            .map_err(|error| unreadable(&error))?;
        let signed = sign(signable, &parameters).map_err(|error| unreadable(&error))?;
        let mut request = Request::get(url)
            .body(SdkBody::empty())
            .map_err(|error| unreadable(&error))?;
        signed.into_parts().0.apply_to_request_http1x(&mut request);
        HttpRequest::try_from(request).map_err(|error| unreadable(&error))
    }
}

/// `AccessDenied` or `AccessDeniedException`, wherever an answer has it.
fn denies(text: &str) -> bool {
    text.contains("AccessDenied")
}

fn silent(endpoint: &str, why: &str) -> AppMeshAnswer {
    AppMeshAnswer::Silent {
        why: format!("App Mesh does not answer at `{endpoint}`: {why}"),
    }
}

fn connector(url: &str) -> Connector {
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(CONNECT)
        .read_timeout(READ)
        .build();
    let builder = Connector::builder().connector_settings(settings);
    if url.starts_with("http://") {
        return builder.build_http();
    }
    let ring = tls::rustls_provider::CryptoMode::Ring;
    builder
        .proxy_config(ProxyConfig::from_env())
        .tls_provider(tls::Provider::Rustls(ring))
        .build()
}
