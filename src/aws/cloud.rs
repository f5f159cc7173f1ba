//! The connection to one account and region.

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_cloudformation::config::http::HttpResponse;
use aws_sdk_cloudformation::config::{Credentials, SharedCredentialsProvider, SharedHttpClient};
use aws_sdk_cloudformation::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Builder, Connector, tls};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};

use super::error::translate;
use super::{CloudError, Identity};

/// How long a throttled call is sent again, after the SDK's own attempts.
const THROTTLED: Duration = Duration::from_mins(5);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long a look that will be repeated may take.
const ONE_LOOK: Duration = Duration::from_secs(15);

/// Where the credentials come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialSource {
    /// The SDK's own chain: environment, profiles, SSO, web identity, roles.
    Chain,
    /// Fixed ones that only colormesh's own endpoint accepts. Nothing is read
    /// from the environment or from files.
    Local,
}

/// Which account to talk to, and where.
#[derive(Debug, Clone)]
pub struct Options {
    /// The region.
    pub region: String,
    /// The profile, if not the one that the environment names.
    pub profile: Option<String>,
    /// An endpoint in place of AWS's own.
    pub endpoint_url: Option<String>,
    /// Where the credentials come from.
    pub credentials: CredentialSource,
}

/// An AWS account in one region, or whoever answers in its place.
#[derive(Debug, Clone)]
pub struct Cloud {
    pub(super) cloudformation: aws_sdk_cloudformation::Client,
    pub(super) ecr: aws_sdk_ecr::Client,
    pub(super) ecs: aws_sdk_ecs::Client,
    pub(super) sts: aws_sdk_sts::Client,
    #[cfg(feature = "ec2")]
    pub(super) ec2: aws_sdk_ec2::Client,
    endpoint: String,
    credentials: CredentialSource,
    /// Whether a throttled call is sent again here.
    is_patient: bool,
    /// Asked once.
    pub(super) identity: Arc<OnceCell<Identity>>,
    sdk: SdkConfig,
}

// === impl Cloud ===

impl Cloud {
    /// Prepares the clients. Nothing is called yet, so a wrong endpoint or
    /// missing credentials show with the first call.
    pub async fn connect(options: Options) -> Self {
        let credentials = options.credentials;
        let usual = format!("https://*.{}.amazonaws.com", options.region);
        let config = match credentials {
            CredentialSource::Chain => from_chain(options).await,
            CredentialSource::Local => fixed(options),
        };
        // It may come from `AWS_ENDPOINT_URL` or the profile, too.
        let endpoint = config.endpoint_url().map_or(usual, str::to_owned);
        Self {
            cloudformation: aws_sdk_cloudformation::Client::new(&config),
            ecr: aws_sdk_ecr::Client::new(&config),
            ecs: aws_sdk_ecs::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            #[cfg(feature = "ec2")]
            ec2: aws_sdk_ec2::Client::new(&config),
            endpoint,
            credentials,
            is_patient: true,
            identity: Arc::default(),
            sdk: config,
        }
    }

    /// The same account for whoever counts calls: one call of CloudFormation is
    /// one request, and a failure comes back at once.
    #[must_use]
    pub fn without_retries(&self) -> Self {
        let settings = self.cloudformation.config().to_builder();
        let settings = settings
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(5))
                    .operation_attempt_timeout(ONE_LOOK)
                    .build(),
            );
        Self {
            cloudformation: aws_sdk_cloudformation::Client::from_conf(settings.build()),
            is_patient: false,
            ..self.clone()
        }
    }

    /// What all clients are made of.
    pub(super) fn sdk(&self) -> &SdkConfig {
        &self.sdk
    }

    /// Where the calls go.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Whether colormesh's own endpoint answers, which may be asked as often
    /// as one likes.
    pub fn is_local(&self) -> bool {
        self.credentials == CredentialSource::Local
    }

    /// A function that turns the SDK's error of `operation` into ours.
    pub(super) fn failure<E>(
        &self,
        operation: &'static str,
    ) -> impl FnOnce(SdkError<E, HttpResponse>) -> CloudError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        move |error| translate(operation, &self.endpoint, &error)
    }

    /// Sends until the answer is another than "too often", for some minutes:
    /// what was throttled was not done, so that it can be sent again.
    pub(super) async fn ask<T, E, F>(
        &self,
        operation: &'static str,
        send: impl Fn() -> F,
    ) -> Result<T, CloudError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        self.patiently(|| {
            let answer = send();
            async { answer.await.map_err(self.failure(operation)) }
        })
        .await
    }

    /// The same for whatever makes calls.
    pub async fn patiently<T, F>(&self, call: impl Fn() -> F) -> Result<T, CloudError>
    where
        F: Future<Output = Result<T, CloudError>>,
    {
        let end = Instant::now() + THROTTLED;
        let mut pause = FIRST_PAUSE;
        loop {
            match call().await {
                Err(CloudError::Throttled { .. })
                    if self.is_patient && Instant::now() + pause < end => {}
                answer => return answer,
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

async fn from_chain(options: Options) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client(options.endpoint_url.as_deref()))
        .region(Region::new(options.region))
        // The first pauses are short: most throttling is one answer, by chance.
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(8)
                .with_initial_backoff(Duration::from_millis(250)),
        )
        .timeout_config(timeouts());
    if let Some(profile) = options.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = options.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    loader.load().await
}

fn fixed(options: Options) -> SdkConfig {
    let credentials = Credentials::new("colormesh", "colormesh", None, None, "colormesh local");
    let mut builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http_client(options.endpoint_url.as_deref()))
        .region(Region::new(options.region))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(6)
                .with_initial_backoff(Duration::from_millis(50)),
        )
        .timeout_config(timeouts());
    builder.set_endpoint_url(options.endpoint_url);
    builder.build()
}

/// TLS costs the reading of the machine's certificates, so that an endpoint
/// without it goes without; nor is there a proxy before it.
fn http_client(endpoint: Option<&str>) -> SharedHttpClient {
    if endpoint.is_some_and(|url| url.starts_with("http://")) {
        return Builder::new().build_http();
    }
    let ring = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder().proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.tls_provider(ring.clone()).build()
    })
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(30))
        .build()
}
