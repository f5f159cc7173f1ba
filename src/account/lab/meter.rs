//! Limits on calls: buckets of tokens.

use super::rules::fits;
use super::settings::Limit;
use std::collections::BTreeMap;
use tokio::time::Instant;

/// The buckets of all limits, filled as far as they are.
#[derive(Debug, Default)]
pub(super) struct Meter {
    limits: Vec<Limit>,
    /// By limit, and by operation where each has its own.
    buckets: BTreeMap<(usize, String), Bucket>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

// === impl Meter ===

impl Meter {
    pub(super) fn new(limits: Vec<Limit>) -> Self {
        Self {
            limits,
            buckets: BTreeMap::new(),
        }
    }

    /// Whether this call may be made; takes a token of each limit that it
    /// falls under, or none.
    pub(super) fn admits(&mut self, operation: &str) -> bool {
        let now = Instant::now();
        let keys: Vec<(usize, String)> = self
            .limits
            .iter()
            .enumerate()
            .filter(|(_, limit)| limit.operations.iter().any(|of| fits(of, operation)))
            .map(|(index, limit)| {
                let shared = limit.together;
                let own = if shared {
                    String::new()
                } else {
                    operation.to_owned()
                };
                (index, own)
            })
            .collect();
        for key in &keys {
            let limit = &self.limits[key.0];
            let full = f64::from(limit.burst);
            let bucket = self.buckets.entry(key.clone()).or_insert(Bucket {
                tokens: full,
                filled: now,
            });
            let grown = now.duration_since(bucket.filled).as_secs_f64() * limit.rate;
            bucket.tokens = (bucket.tokens + grown).min(full);
            bucket.filled = now;
        }
        let has_token = |key: &(usize, String)| {
            self.buckets
                .get(key)
                .is_some_and(|bucket| bucket.tokens >= 1.0)
        };
        if !keys.iter().all(has_token) {
            return false;
        }
        for key in &keys {
            if let Some(bucket) = self.buckets.get_mut(key) {
                bucket.tokens -= 1.0;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(together: bool) -> Meter {
        Meter::new(vec![Limit {
            operations: vec!["a:Describe*".to_owned()],
            rate: 0.001,
            burst: 2,
            together,
        }])
    }

    #[test]
    fn a_bucket_an_operation_or_one_for_all() {
        let mut each = limit(false);
        let calls = [
            "a:DescribeX",
            "a:DescribeX",
            "a:DescribeX",
            "a:DescribeY",
            "a:Create",
        ];
        assert_eq!(
            calls.map(|call| each.admits(call)),
            [true, true, false, true, true]
        );
        let mut together = limit(true);
        assert_eq!(
            calls.map(|call| together.admits(call)),
            [true, true, false, false, true]
        );
    }
}
