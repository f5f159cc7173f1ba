//! The laboratory: what it does to an account and its clients.

mod calls;
mod program;
mod resources;
mod statuses;

use crate::cloudformation::account::Formation;
use crate::local::Local;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::config::retry::RetryConfig;
use colormesh::account::lab::LabSettings;

/// An account with a laboratory, and a client that tries each call once.
async fn laboratory(yaml: &str) -> Formation {
    let settings = LabSettings::parse("lab.yaml", yaml).unwrap();
    let local = Local::with_lab(settings).await;
    let config = aws_sdk_cloudformation::config::Builder::from(&local.sdk().await);
    let config = config.retry_config(RetryConfig::disabled()).build();
    Formation {
        client: Client::from_conf(config),
        local,
    }
}
