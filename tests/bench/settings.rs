//! How much is measured.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use colormesh::runtime::envoy_binary::{self, EnvoySearch};
use serde::{Deserialize, Serialize};

/// What was typed.
#[derive(Debug, Parser)]
#[command(
    name = "sidecar",
    about = "Measures what the mesh costs",
    arg_required_else_help = false
)]
struct Arguments {
    /// One JSON document instead of tables
    #[arg(long)]
    json: bool,
    /// Rounds of the overhead, each of which takes every setting once; 0 for none
    #[arg(long, default_value_t = 21)]
    rounds: usize,
    /// How long each setting is measured in each round, in milliseconds
    #[arg(long, default_value_t = 400)]
    slice: u64,
    /// Numbers of external services
    #[arg(long, value_delimiter = ',', default_values_t = [2, 100, 1000, 5000])]
    services: Vec<usize>,
    /// How often each number of services is measured
    #[arg(long, default_value_t = 5)]
    repeats: usize,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

/// What is measured, and with which Envoy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) json: bool,
    pub(crate) rounds: usize,
    pub(crate) slice: Duration,
    pub(crate) services: Vec<usize>,
    pub(crate) repeats: usize,
    pub(crate) envoy: PathBuf,
}

// === impl Settings ===

impl Settings {
    /// What this run is to do; nothing when it is a test run that leaves out
    /// what needs an Envoy.
    pub(crate) fn of_this_run() -> Result<Option<Self>> {
        if std::env::args().any(|argument| argument == "--bench") {
            return Self::full(Arguments::parse()).map(Some);
        }
        // A test run: the arguments are those of Rust's own test runner.
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let all = arguments
            .iter()
            .any(|argument| argument == "--include-ignored" || argument == "--ignored");
        let filters = arguments
            .iter()
            .filter(|argument| !argument.starts_with('-'));
        let named = filters
            .clone()
            .any(|filter| "bench".contains(filter.as_str()));
        if all && (named || filters.count() == 0) {
            Self::smallest().map(Some)
        } else {
            Ok(None)
        }
    }

    fn full(arguments: Arguments) -> Result<Self> {
        Ok(Self {
            json: arguments.json,
            rounds: arguments.rounds,
            slice: Duration::from_millis(arguments.slice.max(1)),
            services: arguments.services,
            repeats: arguments.repeats.max(1),
            envoy: envoy()?,
        })
    }

    fn smallest() -> Result<Self> {
        Ok(Self {
            json: false,
            rounds: 1,
            slice: Duration::from_millis(50),
            // Either form of the sidecar's configuration.
            services: vec![2, 300],
            repeats: 1,
            envoy: envoy()?,
        })
    }
}

/// The Envoy that `colormesh` would use.
fn envoy() -> Result<PathBuf> {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or(home);
    let search = EnvoySearch {
        named: std::env::var_os("COLORMESH_ENVOY").map(PathBuf::from),
        path: std::env::var_os("PATH"),
        cache: cache.context("`HOME` is not set")?.join("colormesh"),
        fetch: true,
    };
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(tokio.block_on(envoy_binary::find(&search))?)
}
