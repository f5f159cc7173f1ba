//! How much is measured.

use clap::Parser;

/// What was typed, and so what is measured.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "engine",
    about = "Measures the deployment engine beside its peers",
    arg_required_else_help = false
)]
pub(crate) struct Settings {
    /// One JSON document instead of a table
    #[arg(long)]
    pub(crate) json: bool,
    /// How many random draws of the resources' times
    #[arg(long, default_value_t = 10)]
    pub(crate) draws: usize,
    /// How many of them the peers take part in; they are slow
    #[arg(long, default_value_t = 3)]
    pub(crate) peer_draws: usize,
    /// The first seed; each draw has the next
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// What AWS's times are multiplied by
    #[arg(long, default_value_t = 0.05)]
    pub(crate) scale: f64,
    /// Only tools whose name contains one of these
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Lists each call that is made, with its second
    #[arg(long)]
    pub(crate) calls: bool,
    /// Says what the tools say
    #[arg(long)]
    pub(crate) verbose: bool,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
    /// Filters and flags of Rust's own test runner
    #[arg(hide = true)]
    filters: Vec<String>,
}

// === impl Settings ===

impl Settings {
    /// What this run is to do; nothing when it is a test run that leaves out
    /// what takes long.
    pub(crate) fn of_this_run() -> Option<Self> {
        if std::env::args().any(|argument| argument == "--bench") {
            return Some(Self::parse());
        }
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let all = arguments
            .iter()
            .any(|argument| argument == "--include-ignored" || argument == "--ignored");
        let mut filters = arguments
            .iter()
            .filter(|argument| !argument.starts_with('-'))
            .peekable();
        let named = filters.peek().is_none() || filters.any(|filter| "bench".contains(filter));
        (all && named).then(Self::smallest)
    }

    /// One draw of ours.
    fn smallest() -> Self {
        let flags = [
            "engine",
            "--draws",
            "1",
            "--peer-draws",
            "0",
            "--scale",
            "0.01",
        ];
        Self::parse_from(flags)
    }
}
