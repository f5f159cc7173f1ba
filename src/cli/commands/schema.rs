//! `colormesh schema`: what an editor has to know of `colormesh.yaml`.

use crate::cli::exit::{DONE, Outcome};
use crate::cli::printer::Printer;
use crate::config;

pub(crate) fn run(printer: Printer) -> Outcome {
    let mut text = serde_json::to_string_pretty(&config::schema())?;
    text.push('\n');
    printer.raw(&text)?;
    Ok(DONE)
}
