//! How a task leaves without a request being lost: first whoever calls it
//! comes to know its successor, then forgets it, then what is under way ends.
//! Only then is it asked to stop.
//!
//! What others know is not reckoned from times to live but read from their
//! Envoys. Each wait has an end, so that a task leaves whatever happens.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::admin;
use super::load_balancer::Deregistered;
use super::sidecar::ADMIN;

/// Between two looks at an Envoy.
const GLANCE: Duration = Duration::from_millis(50);
/// How long others may take to find a task that has come: a time to live, a
/// look-up, a health check.
const ARRIVAL: Duration = Duration::from_secs(4);
/// How long they may take to forget one that goes.
const OBLIVION: Duration = Duration::from_secs(15);
/// How long requests that are under way may take.
const LAST_REQUESTS: Duration = Duration::from_secs(30);
/// How long connections without a request may stay open after those.
const LAST_CONNECTIONS: Duration = Duration::from_secs(2);

/// Whether a leaving task is still found by its names.
pub(super) type Named = Arc<AtomicBool>;

/// What a leaving task waits for.
#[derive(Debug)]
pub(super) struct Departure {
    /// Its address.
    pub(super) address: Ipv4Addr,
    /// The folder of its own Envoy.
    pub(super) folder: PathBuf,
    /// Those of the others.
    pub(super) others: Vec<PathBuf>,
    /// Whether another takes its place. If not, whoever calls it has nowhere
    /// to go, and there is nothing to learn.
    pub(super) is_replaced: bool,
    /// The load balancers' targets that it was.
    pub(super) targets: Vec<Deregistered>,
    /// Whether it is still named, and whom to tell when it is not.
    pub(super) named: Named,
    pub(super) renamed: mpsc::UnboundedSender<()>,
}

// === impl Departure ===

impl Departure {
    /// Waits until nobody needs the task.
    pub(super) async fn over(self) {
        let callers = if self.is_replaced {
            self.callers().await
        } else {
            Vec::new()
        };
        let introduced = until(&callers, |lines| !knows_it_alone(lines, self.address));
        // One that finds only the first of several addresses never does.
        let _never_found = timeout(ARRIVAL, introduced).await;
        self.named.store(false, Ordering::Relaxed);
        // The runtime may be stopping, and takes all names away then.
        let _stopping = self.renamed.send(());
        let forgotten = until(&callers, |lines| !lines.contains(&mark(self.address)));
        let _asks_seldom = timeout(OBLIVION, forgotten).await;
        for target in self.targets {
            target.drained().await;
        }
        // From here on each answer says that it is the last on its connection.
        let _is_dead = admin::post(&self.folder, ADMIN, "/healthcheck/fail").await;
        let connections = if self.is_replaced {
            LAST_CONNECTIONS
        } else {
            Duration::ZERO
        };
        let _too_slow = timeout(LAST_REQUESTS, idle(&self.folder, connections)).await;
    }

    /// Those of the others that know its address.
    async fn callers(&self) -> Vec<PathBuf> {
        let mut callers = Vec::new();
        for other in &self.others {
            let known = clusters(other).await;
            if known.is_some_and(|lines| lines.contains(&mark(self.address))) {
                callers.push(other.clone());
            }
        }
        callers
    }
}

/// How an address stands in a list of clusters.
fn mark(address: Ipv4Addr) -> String {
    format!("::{address}:")
}

async fn clusters(folder: &std::path::Path) -> Option<String> {
    let (_, lines) = admin::get(folder, ADMIN, "/clusters").await.ok()?;
    Some(lines)
}

/// Waits until something holds of all these Envoys; one that is gone is not
/// waited for.
async fn until(folders: &[PathBuf], holds: impl Fn(&str) -> bool) {
    for folder in folders {
        while clusters(folder).await.is_some_and(|lines| !holds(&lines)) {
            sleep(GLANCE).await;
        }
    }
}

/// Whether a cluster has this address and no other that is healthy.
fn knows_it_alone(lines: &str, address: Ipv4Addr) -> bool {
    let mark = mark(address);
    let health: Vec<(&str, &str)> = lines
        .lines()
        .filter_map(|line| line.split_once("::health_flags::"))
        .filter_map(|(host, flags)| {
            let (cluster, _) = host.split_once("::")?;
            (!host.contains(&mark) && flags == "healthy").then_some((cluster, flags))
        })
        .collect();
    let mut of_it = lines.lines().filter(|line| line.contains(&mark));
    of_it.any(|line| {
        let cluster = line.split_once("::").map(|(cluster, _)| cluster);
        !health.iter().any(|(other, _)| Some(*other) == cluster)
    })
}

/// Waits until an Envoy has nothing to do; connections that nothing is asked
/// on are waited for a while.
async fn idle(folder: &std::path::Path, patience: Duration) {
    let path = "/stats?filter=%5Ehttp%5C..*%5C.downstream_(cx%7Crq)_active%24";
    let mut quiet_since = None;
    while let Ok((_, stats)) = admin::get(folder, ADMIN, path).await {
        let count = |ending| active(&stats, ending);
        if count("rq_active") > 0 {
            quiet_since = None;
        } else {
            let since = *quiet_since.get_or_insert_with(Instant::now);
            if count("cx_active") == 0 || since.elapsed() >= patience {
                return;
            }
        }
        sleep(GLANCE).await;
    }
}

/// How many there are, but for those of whoever looks.
fn active(stats: &str, ending: &str) -> u64 {
    let counts = stats.lines().filter_map(|line| line.split_once(": "));
    let others = counts.filter(|(name, _)| {
        let looks = name.starts_with("http.admin.") || name.starts_with("http.readiness.");
        name.ends_with(ending) && !looks
    });
    others
        .filter_map(|(_, count)| count.trim().parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Ipv4Addr = Ipv4Addr::new(10, 0, 64, 5);

    #[test]
    fn a_successor_counts_when_it_is_healthy_and_in_the_same_cluster() {
        let old = "a::10.0.64.5:80::health_flags::healthy\n";
        let alone = |more: &str| knows_it_alone(&format!("{old}{more}"), OLD);
        assert!(alone(""));
        assert!(alone("b::10.0.64.6:80::health_flags::healthy\n"));
        assert!(alone("a::10.0.64.6:80::health_flags::/failed_active_hc\n"));
        // Another address that only begins like it.
        assert!(!alone("a::10.0.64.50:80::health_flags::healthy\n"));
        assert!(!knows_it_alone(
            "a::10.0.64.6:80::health_flags::healthy\n",
            OLD
        ));
    }

    #[test]
    fn whoever_looks_is_not_counted() {
        let stats = "http.admin.downstream_rq_active: 1\nhttp.ingress.downstream_cx_active: 3\n\
                     http.ingress.downstream_rq_active: 2\nhttp.readiness.downstream_rq_active: 1\n";
        assert_eq!(
            (active(stats, "rq_active"), active(stats, "cx_active")),
            (2, 3)
        );
    }
}
