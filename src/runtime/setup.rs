//! What a sidecar is started with: a configuration that was compiled for it
//! here, or the one that its container carries.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::desired::CarriedProxy;
use crate::envoy::{Configuration, Placement, Shared};

/// The arguments of a sidecar whose configuration changes under it. What was
/// taken out of the mesh is cut off at once; the logs are current.
const ARGUMENTS: &[&str] = &[
    "--drain-time-s",
    "0",
    "--file-flush-interval-msec",
    "100",
    "--concurrency",
    "2",
    "--log-level",
    "warning",
];

/// Such a thing.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Setup {
    /// Files that are replaced when the mesh changes.
    Compiled(Configuration),
    /// One file that stays.
    Carried(Placed),
}

/// A carried configuration for the place where its task is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    text: String,
    arguments: Vec<String>,
    names: BTreeMap<String, Ipv4Addr>,
    plain: BTreeSet<(Ipv4Addr, u16)>,
}

// === impl Setup ===

impl Setup {
    /// A carried configuration at its place.
    pub(super) fn carried(proxy: &CarriedProxy, placement: &Placement) -> Self {
        Self::Carried(Placed {
            text: proxy.configuration.at(placement),
            arguments: proxy.arguments.clone(),
            names: proxy.configuration.names(),
            // The proxy tells apart by port what it does by address elsewhere.
            plain: BTreeSet::new(),
        })
    }

    /// The names that the application may look up.
    pub(super) fn names(&self) -> &BTreeMap<String, Ipv4Addr> {
        match self {
            Self::Compiled(configuration) => configuration.names(),
            Self::Carried(placed) => &placed.names,
        }
    }

    /// What is told apart by address alone.
    pub(super) fn plain(&self) -> &BTreeSet<(Ipv4Addr, u16)> {
        match self {
            Self::Compiled(configuration) => configuration.plain(),
            Self::Carried(placed) => &placed.plain,
        }
    }

    /// The services whose connections are followed one by one.
    pub(super) fn shared(&self) -> Shared {
        match self {
            Self::Compiled(configuration) => configuration.shared().clone(),
            Self::Carried(_) => Shared::new(),
        }
    }

    /// Whether a running sidecar can get here; else it is started again.
    pub(super) fn can_follow(&self, previous: &Self) -> bool {
        match (self, previous) {
            (Self::Compiled(next), Self::Compiled(previous)) => next.can_follow(previous),
            (Self::Carried(_) | Self::Compiled(_), _) => self == previous,
        }
    }

    /// Writes what it starts from into a folder.
    pub(super) fn write(&self, folder: &Path) -> io::Result<PathBuf> {
        match self {
            Self::Compiled(configuration) => configuration.write(folder),
            Self::Carried(placed) => {
                fs::create_dir_all(folder)?;
                let path = folder.join("bootstrap.json");
                fs::write(&path, &placed.text)?;
                Ok(path)
            }
        }
    }

    /// Takes a running sidecar here from one that it can follow.
    pub(super) fn update(&self, previous: &Self, folder: &Path) -> io::Result<()> {
        match (self, previous) {
            (Self::Compiled(next), Self::Compiled(previous)) => next.update(previous, folder),
            (Self::Carried(_) | Self::Compiled(_), _) => Ok(()),
        }
    }

    /// What Envoy is told besides.
    pub(super) fn arguments(&self) -> Vec<String> {
        match self {
            Self::Compiled(_) => ARGUMENTS.iter().map(|&word| word.to_owned()).collect(),
            Self::Carried(placed) => placed.arguments.clone(),
        }
    }
}
