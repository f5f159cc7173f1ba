//! What the proxy, the resolver and the stand-ins wrote while probes ran.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::envoy::log::{DENIED_LOG, Denied};
use crate::runtime::prober::Run;

/// The files, with how much of them was there before.
#[derive(Debug)]
pub(super) struct Logs {
    denied: Tail,
    names: Tail,
    stand_ins: Option<Tail>,
}

/// What they said.
#[derive(Debug, Default)]
pub(super) struct Said {
    denied: Vec<Denied>,
    names: Vec<String>,
    stand_ins: Vec<Arrived>,
}

/// A line of the stand-ins' log, as far as it is looked at.
#[derive(Debug, Deserialize)]
struct Arrived {
    host: String,
    server_name: Option<String>,
}

// === impl Logs ===

impl Logs {
    pub(super) fn at(folder: &Path, stand_ins: Option<&Path>) -> Self {
        Self {
            denied: Tail::of(folder.join(DENIED_LOG)),
            names: Tail::of(folder.join("dns.log")),
            stand_ins: stand_ins.map(|path| Tail::of(path.to_owned())),
        }
    }

    pub(super) fn read(&self) -> Said {
        let stand_ins = self.stand_ins.as_ref().map(Tail::read).unwrap_or_default();
        Said {
            denied: lines(&self.denied.read()),
            names: self.names.read().lines().map(str::to_owned).collect(),
            stand_ins: lines(&stand_ins),
        }
    }
}

// === impl Said ===

impl Said {
    /// The refusals that are this probe's, in a few words.
    pub(super) fn refusals(&self, run: Run, token: &str, place: usize) -> Option<String> {
        let (marker, address) = (run.marker(token, place), format!("{}:", run.foreign(place)));
        let has =
            |text: &Option<String>, part: &str| text.as_ref().is_some_and(|it| it.contains(part));
        let denied = self.denied.iter().find(|line| {
            line.destination
                .as_ref()
                .is_some_and(|to| to.starts_with(&address))
                || [&line.server_name, &line.host, &line.path]
                    .into_iter()
                    .any(|text| has(text, &marker))
        });
        if let Some(line) = denied {
            let destination = line.destination.as_deref().unwrap_or("?");
            let name = line.server_name.as_deref().or(line.host.as_deref());
            let name = name.map(|name| format!(" {name}")).unwrap_or_default();
            return Some(format!("{DENIED_LOG}: {destination}{name}"));
        }
        let asked = self.names.iter().any(|line| line.contains(&marker));
        asked.then(|| "dns.log: the name refused".to_owned())
    }

    /// Whom a stand-in heard ask for this probe's name.
    pub(super) fn arrival(&self, run: Run, token: &str, place: usize) -> Option<String> {
        let marker = run.marker(token, place);
        let arrived = self.stand_ins.iter().find(|line| {
            line.server_name
                .as_ref()
                .is_some_and(|name| name.contains(&marker))
        });
        arrived.map(|line| format!("stand-ins.log: {} was asked for it", line.host))
    }
}

/// A file from where it ended before.
#[derive(Debug)]
struct Tail {
    path: PathBuf,
    from: u64,
}

// === impl Tail ===

impl Tail {
    fn of(path: PathBuf) -> Self {
        let from = std::fs::metadata(&path).map_or(0, |found| found.len());
        Self { path, from }
    }

    fn read(&self) -> String {
        let read = || {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(self.from))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok::<_, std::io::Error>(String::from_utf8_lossy(&bytes).into_owned())
        };
        read().unwrap_or_default()
    }
}

fn lines<T: for<'a> Deserialize<'a>>(text: &str) -> Vec<T> {
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}
