//! What other settings would save.

use serde::Serialize;

use super::{Bill, Usd};
use crate::config::{Config, Nat};
use crate::diag::Diagnostics;
use crate::stack::render;

/// A setting that makes it cheaper.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Saving {
    /// The setting as it is written.
    pub setting: &'static str,
    /// What is lost by it.
    pub loss: &'static str,
    /// What it saves in a month.
    pub monthly: Usd,
}

/// A setting, what is lost by it, and how it is set.
type Other = (&'static str, &'static str, fn(&mut Config));

const OTHERS: [Other; 3] = [
    ("vpc.nat: one", "the way out stands in one zone", |config| {
        config.vpc.nat = Nat::One;
    }),
    (
        "vpc.nat: none",
        "tasks have public addresses, which no rule lets anybody in to",
        |config| {
            config.vpc.nat = Nat::None;
        },
    ),
    (
        "bastion.enabled: false",
        "there is no host to look around from",
        |config| {
            config.bastion.enabled = false;
        },
    ),
];

/// What each of the settings would save by itself, the most first; nothing
/// where a price is not known, for it might be of what is saved.
pub fn savings(config: &Config) -> Result<Vec<Saving>, Diagnostics> {
    let bill = |config: &Config| Bill::of(&render(config)?, config.region.as_str());
    let now = bill(config)?;
    let mut found = Vec::new();
    for (setting, loss, set) in OTHERS {
        let mut other = config.clone();
        set(&mut other);
        let then = bill(&other)?;
        let monthly = Usd(now.monthly.0 - then.monthly.0);
        if now.is_complete && then.is_complete && monthly.0 > 0.005 {
            found.push(Saving {
                setting,
                loss,
                monthly,
            });
        }
    }
    found.sort_by(|one, other| other.monthly.0.total_cmp(&one.monthly.0));
    Ok(found)
}
