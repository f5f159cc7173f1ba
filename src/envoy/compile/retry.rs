//! Retries, as App Mesh translated them.

use std::collections::BTreeSet;

use crate::envoy::api::{Empty, Extension, RetryPolicy, Seconds, Typed};
use crate::mesh::{self, RetryEvent};

/// The policy of a route, or what App Mesh did where there was none.
pub(super) fn policy(policy: Option<&mesh::RetryPolicy>) -> Option<RetryPolicy> {
    let Some(policy) = policy else {
        return Some(default_policy());
    };
    if policy.max_retries == 0 || policy.events.is_empty() {
        return None;
    }
    let mut retry_on = BTreeSet::new();
    let mut statuses = BTreeSet::new();
    for event in &policy.events {
        let (words, codes) = translate(*event);
        retry_on.extend(words);
        statuses.extend(codes);
    }
    let words: Vec<&str> = retry_on.into_iter().copied().collect();
    Some(RetryPolicy {
        per_try_timeout: Some(Seconds(policy.per_retry_timeout)),
        ..build(&words, statuses, policy.max_retries)
    })
}

fn default_policy() -> RetryPolicy {
    let words = [
        "connect-failure",
        "refused-stream",
        "reset",
        "retriable-status-codes",
        "unavailable",
    ];
    build(&words, BTreeSet::from([503]), 2)
}

fn build(words: &[&str], statuses: BTreeSet<u32>, num_retries: u32) -> RetryPolicy {
    RetryPolicy {
        retry_on: words.join(","),
        num_retries,
        per_try_timeout: None,
        retriable_status_codes: statuses.into_iter().collect(),
        retry_host_predicate: vec![Extension {
            name: "envoy.retry_host_predicates.previous_hosts",
            typed_config: Typed::PreviousHosts(Empty {}),
        }],
        host_selection_retry_max_attempts: Some("5".to_owned()),
    }
}

fn translate(event: RetryEvent) -> (&'static [&'static str], Vec<u32>) {
    match event {
        RetryEvent::ServerError => (&["reset", "retriable-status-codes"], (500..=511).collect()),
        RetryEvent::GatewayError => (&["reset", "retriable-status-codes"], vec![502, 503, 504]),
        RetryEvent::ClientError => (&["retriable-status-codes"], vec![409]),
        RetryEvent::StreamError => (&["refused-stream"], vec![]),
        RetryEvent::ConnectionError => (&["connect-failure"], vec![]),
        RetryEvent::Cancelled => (&["cancelled"], vec![]),
        RetryEvent::DeadlineExceeded => (&["deadline-exceeded"], vec![]),
        RetryEvent::Internal => (&["internal"], vec![]),
        RetryEvent::ResourceExhausted => (&["resource-exhausted"], vec![]),
        RetryEvent::Unavailable => (&["unavailable"], vec![]),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::time::Duration;

    use super::*;

    #[test]
    fn events_become_what_a_real_gateway_had() {
        let made = policy(Some(&mesh::RetryPolicy {
            max_retries: 1,
            per_retry_timeout: Duration::from_secs(5),
            events: vec![
                RetryEvent::GatewayError,
                RetryEvent::ClientError,
                RetryEvent::StreamError,
            ],
        }))
        .unwrap();
        assert_eq!(made.retry_on, "refused-stream,reset,retriable-status-codes");
        assert_eq!(made.retriable_status_codes, [409, 502, 503, 504]);
        assert_eq!(made.num_retries, 1);
    }

    #[test]
    fn no_retries_is_no_policy() {
        let none = mesh::RetryPolicy {
            max_retries: 0,
            per_retry_timeout: Duration::from_secs(1),
            events: vec![RetryEvent::ServerError],
        };
        assert_eq!(policy(Some(&none)), None);
        assert_eq!(policy(None).unwrap().num_retries, 2);
    }
}
