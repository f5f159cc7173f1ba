//! A task from its start to its end: kept, revived, given each new mesh.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::sleep;

use super::driver::{Parts, Report, Task};
use crate::runtime::app::App;
use crate::runtime::connections::Connections;
use crate::runtime::observed::{MeshState, Processes, SidecarState, TaskStatus};
use crate::runtime::redirect;

/// Pauses between two starts: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

// === impl Task ===

impl Task {
    pub(super) async fn live(mut self, mut stopped: oneshot::Receiver<()>) {
        let mut pause = PAUSES.0;
        loop {
            let mut parts = Parts::default();
            let ended = tokio::select! {
                _ = &mut stopped => None,
                reason = self.run(&mut parts) => Some(reason),
            };
            self.tear_down(parts).await;
            let Some(reason) = ended else { break };
            let was_running = self.state.status == TaskStatus::Running;
            self.state.healthy = false;
            self.state.sidecar = SidecarState::Dead;
            self.state.processes = Processes::default();
            self.state.restarts += 1;
            self.report(TaskStatus::Stopped { reason });
            pause = if was_running {
                PAUSES.0
            } else {
                (pause * 2).min(PAUSES.1)
            };
            tokio::select! {
                _ = &mut stopped => break,
                () = sleep(pause) => {}
            }
        }
        self.state.healthy = false;
        self.state.processes = Processes::default();
        self.report(TaskStatus::Stopped {
            reason: "it is no longer desired".to_owned(),
        });
    }

    pub(super) fn report(&mut self, status: TaskStatus) {
        self.state.status = status;
        let report = Report {
            task: self.spec.id.clone(),
            state: self.state.clone(),
        };
        // Without an actor there is nobody left to care.
        let _ = self.reports.send(report);
    }

    /// Makes the task and keeps it; the result is why it ended.
    pub(super) async fn run(&mut self, parts: &mut Parts) -> String {
        self.state.sidecar = SidecarState::Starting;
        self.report(TaskStatus::Provisioning);
        match self.make(parts).await {
            Ok(()) => self.keep(parts).await,
            Err(reason) => reason,
        }
    }

    /// Keeps the task as it should be; the result is why it ended.
    pub(super) async fn keep(&mut self, parts: &mut Parts) -> String {
        loop {
            let (Some(sidecar), app) = (parts.sidecar.as_mut(), parts.app.as_mut()) else {
                return "it has no sidecar".to_owned();
            };
            tokio::select! {
                reason = sidecar.lost() => {
                    if let Err(reason) = self.revive(parts, reason).await {
                        return reason;
                    }
                }
                reason = ended(app) => return reason,
                reason = lost(parts.connections.as_mut()) => return reason,
                changed = self.meshes.changed() => {
                    if changed.is_err() {
                        std::future::pending::<()>().await;
                    }
                    self.follow(parts).await;
                }
            }
        }
    }

    /// Starts a sidecar again beside the app that has lost it.
    pub(super) async fn revive(&mut self, parts: &mut Parts, reason: String) -> Result<(), String> {
        self.state.sidecar = SidecarState::Dead;
        self.state.healthy = false;
        self.state.restarts += 1;
        self.report(TaskStatus::Running);
        if let Some(lost) = parts.sidecar.take() {
            // One that is only silent still holds its listeners.
            lost.stop().await;
        }
        sleep(PAUSES.0).await;
        let configuration = parts.configuration.as_ref().ok_or_else(|| reason.clone())?;
        // Its connections are gone, and so must be what was told of them.
        parts.connections = None;
        parts.connections = self
            .connections(parts.app_network.as_ref(), configuration)
            .await?;
        let sidecar = self
            .sidecar(configuration)
            .await
            .map_err(|again| format!("{reason}; {again}"))?;
        self.state.processes.sidecar = sidecar.process();
        parts.sidecar = Some(sidecar);
        self.state.sidecar = SidecarState::Live;
        self.state.healthy = true;
        self.report(TaskStatus::Running);
        Ok(())
    }

    /// Hands the sidecar the mesh as it is now.
    pub(super) async fn follow(&mut self, parts: &mut Parts) {
        let next = match self.compile(parts.app_network.as_ref()) {
            Ok(next) => next,
            Err(reason) => return self.refuse(reason),
        };
        let (Some(previous), Some(sidecar)) = (&parts.configuration, &mut parts.sidecar) else {
            return;
        };
        if !next.can_follow(previous) {
            // It ends, and is started again with what it has to start from.
            sidecar.end();
        } else if *previous != next {
            let folder = self.surroundings.folder.join("xds");
            if let Err(reason) = sidecar.follow(previous, &next, &folder).await {
                return self.refuse(reason);
            }
        }
        if let Some(network) = parts.app_network.as_ref()
            && next.plain() != previous.plain()
            && self.redirects()
        {
            let plain = redirect::plain_destinations(next.plain());
            if let Err(error) = network.nft(plain).await {
                return self.refuse(error.to_string());
            }
        }
        if let Some(zone) = &parts.zone {
            zone.send_replace(self.zone(&next));
        }
        if let Some(connections) = &parts.connections {
            connections.set(next.shared());
        }
        self.note_names(&next);
        parts.configuration = Some(next);
        self.took(MeshState::Applied);
        self.report(TaskStatus::Running);
    }

    pub(super) fn refuse(&mut self, reason: String) {
        self.took(MeshState::Refused { reason });
        self.report(TaskStatus::Running);
    }

    /// What became of the meshes that were compiled last.
    pub(super) fn took(&mut self, state: MeshState) {
        self.state.mesh = state;
        self.state.mesh_version = self.compiled;
    }

    pub(super) async fn tear_down(&mut self, parts: Parts) {
        if let Some(app) = parts.app {
            app.stop().await;
        }
        if let Some(sidecar) = parts.sidecar {
            sidecar.stop().await;
        }
        drop(parts.keeper);
        drop(parts.dns);
        let address = redirect::remove_address(self.spec.address);
        // It may never have been given.
        let _ = self.surroundings.network.ip(address).await;
        if self.spec.carried.is_some() {
            let rules = redirect::lead_in_no_more(self.spec.address);
            let _ = self.surroundings.network.nft(rules).await;
        }
        drop(parts.app_network);
        let _ = std::fs::remove_dir_all(&self.surroundings.folder);
    }
}

/// Why a sidecar's connections are lost sight of; never when nobody has to
/// follow them.
async fn lost(connections: Option<&mut Connections>) -> String {
    match connections {
        Some(connections) => connections.lost().await,
        None => std::future::pending().await,
    }
}

/// How an app ended; never for a task without one.
pub(super) async fn ended(app: Option<&mut App>) -> String {
    match app {
        Some(app) => app.ended().await,
        None => std::future::pending().await,
    }
}
