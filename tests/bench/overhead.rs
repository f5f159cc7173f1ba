//! What a request costs more with a proxy in its way.
//!
//! All ways are measured in turns, in slices of less than a second, so that
//! whatever else the machine does disturbs all of them alike. Ratios are taken
//! within a round; what is told is their median.

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::figures::Figure;
use crate::load::{Route, Slice, Work};
use crate::plain::{Passes, Plain};
use crate::scene::Scene;
use crate::settings::Settings;
use crate::{mesh, outside, process};

/// The services in the mesh of our sidecar: few, and many.
const FEW: usize = 2;
const MANY: usize = 1000;

/// A kind of load through every way.
#[derive(Debug, Serialize)]
pub(crate) struct Overhead {
    pub(crate) work: Work,
    pub(crate) clients: usize,
    pub(crate) ways: Vec<WayCost>,
}

/// What was seen on one way.
#[derive(Debug, Serialize)]
pub(crate) struct WayCost {
    pub(crate) way: String,
    /// Requests in a second.
    pub(crate) rate: Figure,
    /// Microseconds.
    pub(crate) p50: Figure,
    pub(crate) p99: Figure,
    /// The time of a request to that of a direct one.
    pub(crate) to_direct: Figure,
    /// The time of a request to that of one through the plain Envoy.
    pub(crate) to_plain: Figure,
    /// The same of the median request, which disturbances do not reach.
    pub(crate) p50_to_plain: Figure,
    /// Microseconds of the proxy's processor time for a request.
    pub(crate) cpu: Option<Figure>,
}

struct Way {
    name: String,
    route: Route,
    proxy: Option<u32>,
}

/// One slice, with the processor time of the proxy.
struct Seen(Slice, Option<f64>);

pub(crate) async fn measure(scene: &mut Scene, settings: &Settings) -> Result<Vec<Overhead>> {
    if settings.rounds == 0 {
        return Ok(Vec::new());
    }
    eprintln!("overhead: {} rounds", settings.rounds);
    let few = scene.task(0..FEW).await?;
    let many = scene.task(0..MANY).await?;
    let folder = scene.folder.path();
    let plain = |passes| Plain::start(&settings.envoy, folder, &few.network, passes);
    let (plain, named) = (plain(Passes::All)?, plain(Passes::Named)?);
    let host = || mesh::host(0);
    let (ours, direct) = (scene.route(&few, host()), scene.route(&few, host()));
    let ways = [
        Way {
            name: "direct".to_owned(),
            route: Route {
                from: None,
                to: outside::ADDRESS,
                ..direct.clone()
            },
            proxy: None,
        },
        Way {
            name: "plain Envoy".to_owned(),
            route: Route {
                to: plain.address,
                ..direct.clone()
            },
            proxy: Some(plain.process),
        },
        Way {
            name: "plain, by name".to_owned(),
            route: Route {
                to: named.address,
                ..direct
            },
            proxy: Some(named.process),
        },
        Way {
            name: format!("ours, {FEW} services"),
            route: ours,
            proxy: Some(few.sidecar),
        },
        Way {
            name: format!("ours, {MANY} services"),
            route: scene.route(&many, host()),
            proxy: Some(many.sidecar),
        },
    ];
    warm_up(&ways).await?;
    let mut measured = Vec::new();
    for work in [Work::KeepAlive, Work::NewConnections] {
        for clients in [1, 32] {
            measured.push(one(&ways, work, clients, settings).await?);
        }
    }
    drop((plain, named));
    scene.stop(few).await?;
    scene.stop(many).await?;
    Ok(measured)
}

/// Waits until every way leads somewhere, and lets all caches fill.
async fn warm_up(ways: &[Way]) -> Result<()> {
    for way in ways {
        let mut tries = 0;
        while let Err(error) = way
            .route
            .run(Work::NewConnections, 4, Duration::from_millis(50))
            .await
        {
            tries += 1;
            anyhow::ensure!(tries < 200, "{}: {error:#}", way.name);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Ok(())
}

async fn one(ways: &[Way], work: Work, clients: usize, settings: &Settings) -> Result<Overhead> {
    let mut seen: Vec<Vec<Seen>> = ways.iter().map(|_| Vec::new()).collect();
    for round in 0..settings.rounds {
        // Each round begins with another way.
        for turn in 0..ways.len() {
            let index = (round + turn) % ways.len();
            let way = &ways[index];
            let used = |way: &Way| way.proxy.map(process::cpu).transpose();
            let before = used(way)?;
            let slice = way.route.run(work, clients, settings.slice).await?;
            let after = used(way)?;
            let cpu = before
                .zip(after)
                .map(|(before, after)| (after - before) / slice.requests);
            seen[index].push(Seen(slice, cpu));
        }
    }
    let cost = |(way, own): (&Way, &Vec<Seen>)| WayCost::of(&way.name, own, &seen[0], &seen[1]);
    Ok(Overhead {
        work,
        clients,
        ways: ways.iter().zip(&seen).map(cost).collect(),
    })
}

// === impl WayCost ===

impl WayCost {
    fn of(way: &str, seen: &[Seen], direct: &[Seen], plain: &[Seen]) -> Self {
        let over =
            |field: fn(&Slice) -> f64| Figure::of(seen.iter().map(|Seen(slice, _)| field(slice)));
        // Clients wait for their answers, so the time of a request is what
        // the rate is the inverse of.
        let to = |other: &[Seen]| {
            let pairs = seen.iter().zip(other);
            Figure::of(pairs.map(|(Seen(own, _), Seen(other, _))| other.rate / own.rate))
        };
        let p50_to = |other: &[Seen]| {
            let pairs = seen.iter().zip(other);
            Figure::of(pairs.map(|(Seen(own, _), Seen(other, _))| own.p50 / other.p50))
        };
        let cpu: Vec<f64> = seen
            .iter()
            .filter_map(|Seen(_, cpu)| Some((*cpu)? * 1e6))
            .collect();
        Self {
            way: way.to_owned(),
            rate: over(|slice| slice.rate),
            p50: over(|slice| slice.p50),
            p99: over(|slice| slice.p99),
            to_direct: to(direct),
            to_plain: to(plain),
            p50_to_plain: p50_to(plain),
            cpu: (!cpu.is_empty()).then(|| Figure::of(cpu)),
        }
    }
}
