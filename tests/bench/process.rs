//! What a process has used so far.

use std::fs;

use anyhow::{Context, Result};

/// Seconds of processor time, of all threads.
pub(crate) fn cpu(process: u32) -> Result<f64> {
    let mut nanoseconds = 0.0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        let first = text.split(' ').next().context("an empty schedstat")?;
        nanoseconds += first.parse::<f64>()?;
    }
    Ok(nanoseconds / 1e9)
}

/// Resident and proportional memory, in MB.
pub(crate) fn memory(process: u32) -> Result<(f64, f64)> {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|rest| rest.split_whitespace().next());
        number
            .and_then(|number| number.parse::<f64>().ok())
            .map(|kilobytes| kilobytes / 1024.0)
            .with_context(|| format!("no `{name}` of process {process}"))
    };
    Ok((field("Rss:")?, field("Pss:")?))
}
