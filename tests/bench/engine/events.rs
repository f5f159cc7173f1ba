//! What the endpoint says each stack took.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_cloudformation::config::retry::RetryConfig;
use aws_sdk_cloudformation::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_cloudformation::primitives::DateTime;
use aws_sdk_cloudformation::{Client, Config};

/// Between two attempts, where reads are limited.
const MOST: Duration = Duration::from_secs(2);

/// From the first event of the latest operation on each stack to its last one:
/// the endpoint's own time.
pub(crate) async fn durations(url: &str) -> Result<BTreeMap<String, Duration>> {
    let client = Client::from_conf(
        Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-west-2"))
            .endpoint_url(url)
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(30)
                    .with_max_backoff(MOST),
            )
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .credentials_provider(Credentials::new("bench", "bench", None, None, "bench"))
            .build(),
    );
    let listed = client.list_stacks().send().await?;
    let mut took = BTreeMap::new();
    for stack in listed.stack_summaries() {
        let (name, id) = (stack.stack_name(), stack.stack_id());
        let (name, id) = name.zip(id).context("a stack without name or ARN")?;
        took.insert(name.to_owned(), of_last_operation(&client, id).await?);
    }
    Ok(took)
}

async fn of_last_operation(client: &Client, id: &str) -> Result<Duration> {
    let (mut end, mut next) = (None, None);
    loop {
        let call = client.describe_stack_events().stack_name(id);
        let page = call.set_next_token(next).send().await?;
        for event in page.stack_events() {
            if event.physical_resource_id() != Some(id) {
                continue;
            }
            let at = event.timestamp().map(seconds).context("no time")?;
            let end = *end.get_or_insert(at);
            let status = event.resource_status().map_or("", |status| status.as_str());
            if matches!(
                status,
                "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" | "DELETE_IN_PROGRESS"
            ) {
                return Ok(Duration::from_secs_f64((end - at).max(0.0)));
            }
        }
        next = page.next_token().map(str::to_owned);
        anyhow::ensure!(next.is_some(), "no operation in the events of `{id}`");
    }
}

fn seconds(at: &DateTime) -> f64 {
    at.as_secs_f64()
}
