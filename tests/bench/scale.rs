//! What many services cost: start, memory, and changes.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use crate::figures::Figure;
use crate::probe::{self, Held};
use crate::scene::Scene;
use crate::settings::Settings;
use crate::{mesh, process};

/// How long a sidecar is left alone before its memory is looked at.
const REST: Duration = Duration::from_secs(1);
/// How long a connection to a removed service may live on before that counts
/// as never cut.
const CUT: Duration = Duration::from_secs(10);

/// What so many services cost.
#[derive(Debug, Serialize)]
pub(crate) struct Scale {
    pub(crate) services: usize,
    /// Seconds from when a task is desired until its sidecar serves.
    pub(crate) live: Figure,
    /// MB.
    pub(crate) resident: Figure,
    /// MB; what is shared with other processes counts in parts.
    pub(crate) proportional: Figure,
    /// Seconds until an added service can be connected to.
    pub(crate) added: Figure,
    /// Seconds until a removed service cannot be connected to.
    pub(crate) removed: Figure,
    /// Seconds until the live connection of a removed service is cut; those
    /// that never were are left out.
    pub(crate) cut: Figure,
    /// How many of them were cut, of how many.
    pub(crate) were_cut: (usize, usize),
    /// How many of the connections of other services lived on, of how many.
    pub(crate) lived_on: (usize, usize),
    /// Milliseconds of the slowest answer on those.
    pub(crate) slowest: Figure,
}

#[derive(Clone, Copy, Debug)]
struct Once {
    live: Duration,
    memory: (f64, f64),
    added: Duration,
    removed: Duration,
    cut: Option<Duration>,
    lived_on: bool,
    slowest: Duration,
}

pub(crate) async fn measure(scene: &mut Scene, settings: &Settings) -> Result<Vec<Scale>> {
    let mut seen: Vec<Vec<Once>> = settings.services.iter().map(|_| Vec::new()).collect();
    for _ in 0..settings.repeats {
        for (index, services) in settings.services.iter().enumerate() {
            eprintln!("{services} services");
            seen[index].push(once(scene, *services).await?);
        }
    }
    let numbers = settings.services.iter().zip(&seen);
    Ok(numbers
        .map(|(services, seen)| Scale::of(*services, seen))
        .collect())
}

async fn once(scene: &mut Scene, services: usize) -> Result<Once> {
    let task = scene.task(0..services).await?;
    let route = |index| scene.route(&task, mesh::host(index));
    let (first, last, new) = (route(0), route(services - 1), route(services));
    probe::until(last.clone(), true).await?;
    tokio::time::sleep(REST).await;
    let memory = process::memory(task.sidecar)?;
    let (gone, other) = (Held::start(first.clone()).await?, Held::start(last).await?);

    let start = Instant::now();
    scene.set(&task, 0..services + 1);
    let added = probe::until(new, true).await? - start;

    let start = Instant::now();
    scene.set(&task, 1..services + 1);
    let removed = probe::until(first, false).await? - start;
    let gone = gone.until_cut(CUT).await?;
    let other = other.end().await?;
    scene.stop(task.clone()).await?;
    Ok(Once {
        live: task.live,
        memory,
        added,
        removed,
        cut: gone.cut.map(|cut| cut.saturating_duration_since(start)),
        lived_on: other.cut.is_none(),
        slowest: other.slowest,
    })
}

// === impl Scale ===

impl Scale {
    /// Whether removed services were cut off at once, and no others.
    pub(crate) fn is_as_promised(&self) -> bool {
        [self.were_cut, self.lived_on]
            .iter()
            .all(|(some, all)| some == all)
    }

    fn of(services: usize, seen: &[Once]) -> Self {
        let over = |field: fn(&Once) -> f64| Figure::of(seen.iter().map(field));
        let cuts: Vec<f64> = seen
            .iter()
            .filter_map(|once| Some(once.cut?.as_secs_f64()))
            .collect();
        let lived_on = seen.iter().filter(|once| once.lived_on).count();
        Self {
            services,
            live: over(|once| once.live.as_secs_f64()),
            resident: over(|once| once.memory.0),
            proportional: over(|once| once.memory.1),
            added: over(|once| once.added.as_secs_f64()),
            removed: over(|once| once.removed.as_secs_f64()),
            were_cut: (cuts.len(), seen.len()),
            cut: Figure::of(cuts),
            lived_on: (lived_on, seen.len()),
            slowest: over(|once| once.slowest.as_secs_f64() * 1e3),
        }
    }
}
