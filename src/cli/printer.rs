//! The only way out: data to stdout, talk to stderr.

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::args::Format;

/// Green, for what is well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Red, for what is not.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Yellow, for what wants a look.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
/// Cyan, for names and advice.
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();
/// Faint, for what is only there to be looked up.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// How wide a terminal is taken for that does not say.
const USUAL_COLUMNS: usize = 80;

/// `text` in `style`; colours are stripped where the stream shows none.
pub(crate) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// `text` without its colours.
pub(crate) fn stripped(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// Writes what a command has to say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    format: Format,
    quiet: bool,
}

impl Printer {
    pub(crate) fn new(format: Format, quiet: bool) -> Self {
        Self { format, quiet }
    }

    pub(crate) fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// Data for people: nothing when JSON is asked for.
    pub(crate) fn data(self, text: &str) -> anyhow::Result<()> {
        if self.is_json() {
            Ok(())
        } else {
            self.raw(text)
        }
    }

    /// Data in any format.
    pub(crate) fn raw(self, text: &str) -> anyhow::Result<()> {
        let mut stdout = anstream::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        Ok(stdout.flush()?)
    }

    /// The one JSON document of a command, when that is asked for.
    pub(crate) fn json(self, document: &impl Serialize) -> anyhow::Result<()> {
        if !self.is_json() {
            return Ok(());
        }
        let mut text = serde_json::to_string_pretty(document)?;
        text.push('\n');
        self.raw(&text)
    }

    /// The columns of the terminal that data goes to; `None` when it goes
    /// elsewhere, where nothing is to be shortened.
    pub(crate) fn width(self) -> Option<usize> {
        io::stdout().is_terminal().then(|| columns(io::stdout()))
    }

    /// The columns of the terminal that talk goes to.
    pub(crate) fn talk_width(self) -> Option<usize> {
        io::stderr().is_terminal().then(|| columns(io::stderr()))
    }

    /// One line of talk.
    pub(crate) fn say(self, line: &str) {
        if !self.quiet {
            talk(line);
        }
    }

    /// Whether progress may be drawn with bars.
    pub(crate) fn draws(self) -> bool {
        !self.quiet && io::stderr().is_terminal() && !is_ci()
    }

    /// Whether a question can be asked: never in a CI job, terminal or not.
    pub(crate) fn asks(self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal() && !is_ci()
    }

    /// Asks; only a `y` or `yes` is a yes. Who is asked may end the program
    /// instead, so that the answer is read aside.
    pub(crate) async fn confirm(self, question: &str) -> io::Result<bool> {
        {
            let mut stderr = anstream::stderr().lock();
            write!(stderr, "{question} [y/N] ")?;
            stderr.flush()?;
        }
        let read = || io::stdin().lines().next().transpose();
        let answer = tokio::task::spawn_blocking(read).await;
        let answer = answer.map_err(io::Error::other)??.unwrap_or_default();
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// How lines of progress are to be written when nothing is drawn.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }
}

/// One line to stderr. A stderr that is gone is no reason to fail.
pub(crate) fn talk(line: &str) {
    let mut stderr = anstream::stderr().lock();
    let _ = writeln!(stderr, "{line}");
}

/// A terminal's columns; who sets COLUMNS wants that many.
fn columns(terminal: impl AsFd) -> usize {
    let wanted = std::env::var("COLUMNS").ok();
    let wanted = wanted.and_then(|columns| columns.trim().parse().ok());
    wanted
        .or_else(|| Some(terminal_size::terminal_size_of(terminal)?.0.0.into()))
        .filter(|columns| *columns > 0)
        .unwrap_or(USUAL_COLUMNS)
}

fn is_ci() -> bool {
    std::env::var_os("CI").is_some()
}
