//! `colormesh completions`: a script for the shell.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::cli::args::Cli;
use crate::cli::exit::{DONE, Outcome};
use crate::cli::printer::Printer;

pub(crate) fn run(shell: Shell, printer: Printer) -> Outcome {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "colormesh", &mut script);
    printer.raw(&String::from_utf8_lossy(&script))?;
    Ok(DONE)
}
