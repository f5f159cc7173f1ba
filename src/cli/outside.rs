//! Why this machine does not reach what the mesh models, in words.

use std::collections::BTreeMap;

use super::session::Session;
use crate::config::{Config, ExternalService};
use crate::runtime;
use crate::verify::{Check, Verdict};

/// Where this machine's resolvers are named.
pub(crate) const RESOLVER_SETTINGS: &str = "/etc/resolv.conf";
/// How many hosts are tried to see whether there is an internet: enough to be
/// sure, and few enough for an argument.
const TRIED: usize = 4;

/// The first few hosts that the mesh models, with their ports.
pub(crate) fn expected(config: &Config) -> Vec<(String, u16)> {
    let services = config.external_services.iter().map(address);
    // A pattern has no address of its own.
    services
        .filter(|(host, _)| !host.contains('*'))
        .take(TRIED)
        .collect()
}

/// Why the internet, which is used, does not answer.
pub(crate) async fn trouble(session: &Session) -> Option<String> {
    if !uses_the_internet(session).await {
        return None;
    }
    runtime::reach(RESOLVER_SETTINGS.as_ref(), &expected(&session.config))
        .await
        .err()
}

async fn uses_the_internet(session: &Session) -> bool {
    let world = session.local_status().await.and_then(|local| local.world);
    world.is_some_and(|world| world.kind == "internet")
}

fn address(service: &ExternalService) -> (String, u16) {
    (service.host.to_string(), service.port)
}

/// Explains failed checks of outside services, each once.
#[derive(Default)]
pub(crate) struct Explanations(BTreeMap<String, Option<String>>);

// === impl Explanations ===

impl Explanations {
    /// Adds to the evidence of a failed check what this machine itself sees of
    /// the host.
    pub(crate) async fn add(&mut self, session: &Session, check: &mut Check) {
        let service = session.config.external_services.iter();
        let mut service =
            service.filter(|service| check.name == format!("external {}", service.name));
        let (Verdict::Failed, Some(service)) = (check.verdict, service.next()) else {
            return;
        };
        if !self.0.contains_key(&check.name) {
            let why = explain(session, service).await;
            self.0.insert(check.name.clone(), why);
        }
        if let Some(Some(why)) = self.0.get(&check.name) {
            check.evidence.push_str("; ");
            check.evidence.push_str(why);
        }
    }
}

async fn explain(session: &Session, service: &ExternalService) -> Option<String> {
    if !uses_the_internet(session).await {
        return None;
    }
    let reached = runtime::reach(RESOLVER_SETTINGS.as_ref(), &[address(service)]).await;
    Some(match reached {
        Ok(()) => format!(
            "this machine itself reaches {}:{}, so the mesh or the app is in the way (see \
             `colormesh logs`)",
            service.host, service.port
        ),
        Err(why) => format!("this machine does not reach it either: {why}"),
    })
}
