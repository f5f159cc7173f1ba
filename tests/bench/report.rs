//! The result, as tables or as JSON.

use std::fmt;

use serde::Serialize;

use crate::figures::Figure;
use crate::load::Work;
use crate::overhead::Overhead;
use crate::scale::Scale;

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) overhead: Vec<Overhead>,
    pub(crate) scale: Vec<Scale>,
}

/// Where it was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) processors: usize,
    /// How busy the machine was before, as the mean of a minute.
    pub(crate) load: f64,
    pub(crate) kernel: String,
}

// === impl Machine ===

impl Machine {
    pub(crate) fn look() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let load = read("/proc/loadavg").split(' ').next().map(str::to_owned);
        Self {
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            load: load.and_then(|load| load.parse().ok()).unwrap_or(f64::NAN),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine {
            processors,
            load,
            kernel,
        } = &self.machine;
        writeln!(
            f,
            "{processors} processors, load {load} before, Linux {kernel}"
        )?;
        writeln!(
            f,
            "each figure is a median and, in brackets, the quartiles around it"
        )?;
        self.overhead
            .iter()
            .try_for_each(|overhead| write_overhead(f, overhead))?;
        if self.scale.is_empty() {
            return Ok(());
        }
        write_scale(f, &self.scale)
    }
}

fn write_overhead(f: &mut fmt::Formatter<'_>, overhead: &Overhead) -> fmt::Result {
    let work = match overhead.work {
        Work::KeepAlive => "kept alive",
        Work::NewConnections => "a new TLS connection each",
    };
    let clients = overhead.clients;
    let plural = if clients == 1 { "" } else { "s" };
    let head = [
        "p50 us",
        "p99 us",
        "time to direct",
        "time to plain",
        "p50 to plain",
        "cpu us",
    ];
    write!(
        f,
        "\nrequests, {work}, {clients} client{plural}\n{:20}{:>20}",
        "", "requests/s"
    )?;
    head.iter()
        .try_for_each(|column| write!(f, "{column:>20}"))?;
    writeln!(f)?;
    for way in &overhead.ways {
        let cpu = way.cpu.map(|cpu| format!("{cpu:.1}")).unwrap_or_default();
        let columns = [
            format!("{:.0}", way.rate),
            format!("{:.0}", way.p50),
            format!("{:.0}", way.p99),
            format!("{:.3}", way.to_direct),
            format!("{:.3}", way.to_plain),
            format!("{:.3}", way.p50_to_plain),
            cpu,
        ];
        write!(f, "{:20}", way.way)?;
        columns
            .iter()
            .try_for_each(|column| write!(f, "{column:>20}"))?;
        writeln!(f)?;
    }
    Ok(())
}

fn write_scale(f: &mut fmt::Formatter<'_>, scale: &[Scale]) -> fmt::Result {
    let head = [
        "live s",
        "RSS MB",
        "PSS MB",
        "added s",
        "removed s",
        "cut s",
        "cut",
        "others live",
        "their slowest ms",
    ];
    write!(f, "\n{:>8}", "services")?;
    head.iter()
        .try_for_each(|column| write!(f, "{column:>20}"))?;
    writeln!(f)?;
    for row in scale {
        let seconds = |figure: Figure| format!("{figure:.3}");
        let of = |(some, all): (usize, usize)| format!("{some} of {all}");
        let columns = [
            seconds(row.live),
            format!("{:.0}", row.resident),
            format!("{:.0}", row.proportional),
            seconds(row.added),
            seconds(row.removed),
            seconds(row.cut),
            of(row.were_cut),
            of(row.lived_on),
            format!("{:.1}", row.slowest),
        ];
        write!(f, "{:>8}", row.services)?;
        columns
            .iter()
            .try_for_each(|column| write!(f, "{column:>20}"))?;
        writeln!(f)?;
    }
    Ok(())
}
