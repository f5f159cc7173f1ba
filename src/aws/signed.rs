//! Requests signed by hand, to services whose SDK would be one crate more for
//! a call or two.

use std::time::{Duration, SystemTime};

use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_ecs::config::http::{HttpRequest, HttpResponse};
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use hyper::Request;

use super::{Cloud, CloudError};

const CONNECT: Duration = Duration::from_secs(5);

/// A request before it is signed.
#[derive(Debug, Clone)]
pub(super) struct Unsigned<'a> {
    /// What it is for, as IAM names it.
    pub(super) operation: &'static str,
    /// The service, as signatures name it.
    pub(super) service: &'static str,
    pub(super) method: &'static str,
    pub(super) url: &'a str,
    pub(super) headers: Vec<(&'static str, &'a str)>,
    pub(super) body: &'a [u8],
}

// === impl Unsigned ===

impl Unsigned<'_> {
    fn unreadable(&self, error: &dyn std::error::Error) -> CloudError {
        CloudError::Unreadable {
            operation: self.operation,
            reason: crate::diag::with_causes(error),
        }
    }

    /// S3 signs paths as they are, and the body's digest with them.
    fn settings(&self) -> SigningSettings {
        let mut settings = SigningSettings::default();
        if self.service == "s3" {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        settings
    }
}

impl Cloud {
    /// Signs a request with the caller's credentials.
    pub(super) async fn signed(&self, unsigned: &Unsigned<'_>) -> Result<HttpRequest, CloudError> {
        let missing = |detail: String| CloudError::NoCredentials {
            operation: unsigned.operation,
            detail,
        };
        let provider = self.sdk().credentials_provider();
        let provider = provider.ok_or_else(|| missing("there is no chain".to_owned()))?;
        let credentials = provider.provide_credentials().await;
        let credentials = credentials.map_err(|error| missing(crate::diag::with_causes(&error)))?;
        let identity = credentials.into();
        let region = self.sdk().region().map_or("", |region| region.as_ref());
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(unsigned.service)
            .time(SystemTime::now())
            .settings(unsigned.settings())
            .build()
            .map_err(|error| unsigned.unreadable(&error))?
            .into();
        let headers = unsigned.headers.iter().copied();
        let body = SignableBody::Bytes(unsigned.body);
        let signable = SignableRequest::new(unsigned.method, unsigned.url, headers, body)
            .map_err(|error| unsigned.unreadable(&error))?;
        let signed = sign(signable, &parameters).map_err(|error| unsigned.unreadable(&error))?;
        let mut request = Request::builder().method(unsigned.method).uri(unsigned.url);
        for (name, value) in &unsigned.headers {
            request = request.header(*name, *value);
        }
        let mut request = request
            .body(SdkBody::from(unsigned.body))
            .map_err(|error| unsigned.unreadable(&error))?;
        signed.into_parts().0.apply_to_request_http1x(&mut request);
        HttpRequest::try_from(request).map_err(|error| unsigned.unreadable(&error))
    }
}

/// The way to a server; an answer may take so long to begin.
pub(super) struct Wire(Connector);

// === impl Wire ===

impl Wire {
    pub(super) fn to(url: &str, patience: Duration) -> Self {
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(CONNECT)
            .read_timeout(patience)
            .build();
        let builder = Connector::builder().connector_settings(settings);
        if url.starts_with("http://") {
            return Self(builder.build_http());
        }
        let ring = tls::rustls_provider::CryptoMode::Ring;
        let builder = builder
            .proxy_config(ProxyConfig::from_env())
            .tls_provider(tls::Provider::Rustls(ring));
        Self(builder.build())
    }

    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        self.0.call(request).await
    }
}
