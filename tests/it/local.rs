//! An account and its endpoint on a free port of loopback.

use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use colormesh::account::lab::{Lab, LabSettings};
use colormesh::account::{Account, Options};
use colormesh::endpoint::Endpoint;
use colormesh::image::Target;
use std::net::SocketAddr;
use std::path::Path;

/// A running endpoint; it ends with the test.
pub(crate) struct Local {
    pub(crate) account: Account,
    pub(crate) address: SocketAddr,
    pub(crate) folder: tempfile::TempDir,
}

impl Local {
    pub(crate) async fn start() -> Self {
        Self::with_lab(LabSettings::default()).await
    }

    /// With a laboratory, which also keeps the list of calls.
    pub(crate) async fn with_lab(settings: LabSettings) -> Self {
        Self::with_more(settings, axum::Router::new()).await
    }

    /// With a laboratory, and what answers these paths too.
    pub(crate) async fn with_more(settings: LabSettings, extra: axum::Router) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        Self::open(folder, &state, Lab::new(settings).unwrap(), extra).await
    }

    /// An account over a state that another may have left.
    pub(crate) async fn start_in(folder: tempfile::TempDir, state: &Path) -> Self {
        Self::open(folder, state, Lab::off(), axum::Router::new()).await
    }

    async fn open(folder: tempfile::TempDir, state: &Path, lab: Lab, extra: axum::Router) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let account = Account::open(Options {
            registry_host: address.to_string(),
            lab,
            ..Options::new(state)
        })
        .unwrap();
        let endpoint = Endpoint { extra };
        tokio::spawn(endpoint.serve(listener, account.clone(), std::future::pending()));
        Self {
            account,
            address,
            folder,
        }
    }

    pub(crate) async fn sdk(&self) -> aws_config::SdkConfig {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        aws_config::defaults(aws_config::BehaviorVersion::latest())
            .endpoint_url(format!("http://{}", self.address))
            .region(aws_config::Region::new("us-west-2"))
            .credentials_provider(aws_sdk_ecr::config::Credentials::new(
                "test", "test", None, None, "test",
            ))
            .http_client(http)
            .load()
            .await
    }

    /// A repository, with the token that ECR gives for it.
    pub(crate) async fn target(&self, repository: &str) -> Target {
        let ecr = aws_sdk_ecr::Client::new(&self.sdk().await);
        let answer = ecr.get_authorization_token().send().await.unwrap();
        let data = &answer.authorization_data()[0];
        Target {
            registry: data.proxy_endpoint().unwrap().to_owned(),
            repository: repository.to_owned(),
            authorization: data.authorization_token().map(str::to_owned),
        }
    }
}
