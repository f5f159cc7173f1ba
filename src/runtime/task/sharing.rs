//! Whether a sidecar's services share filter chains: with many of them it
//! costs a tenth of the time and a fifth of the memory; with few, App Mesh's
//! own names in the statistics are worth more.

use std::path::PathBuf;

use super::driver::{Chains, Task};
use crate::runtime::connections::Connections;
use crate::runtime::netns::Netns;
use crate::runtime::setup::Setup;
use crate::runtime::sock_diag::Cutter;

/// The most services that each have a chain of their own.
const FEW: usize = 256;

// === impl Task ===

impl Task {
    /// What is known before there is a mesh: chains are shared only where the
    /// connections of a service that goes can be cut one by one.
    pub(super) async fn chains_to_begin_with(&self, app: Option<&Netns>) -> Chains {
        let Some(app) = app else { return Chains::Own };
        match Cutter::open(app).await {
            Ok(Some(_)) => Chains::Undecided,
            Ok(None) | Err(_) => Chains::Own,
        }
    }

    /// Decides once, by the first mesh.
    pub(super) fn decide(&mut self, services: usize) {
        if self.chains == Chains::Undecided {
            let many = services > FEW;
            self.chains = if many { Chains::Shared } else { Chains::Own };
        }
    }

    /// The pipe in which the sidecar tells of its connections.
    pub(super) fn pipe(&self) -> PathBuf {
        self.surroundings.folder.join("connections")
    }

    /// Follows the connections of a sidecar that is about to start.
    pub(super) async fn connections(
        &self,
        app: Option<&Netns>,
        setup: &Setup,
    ) -> Result<Option<Connections>, String> {
        let (Chains::Shared, Some(app)) = (self.chains, app) else {
            return Ok(None);
        };
        let shared = setup.shared();
        let following = Connections::follow(&self.pipe(), app, shared).await;
        following.map(Some).map_err(|error| error.to_string())
    }
}
