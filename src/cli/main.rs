//! From the arguments to an exit code.

use std::process::ExitCode;

use clap::Parser;
use serde::Serialize;
use tokio::runtime::Runtime;

use super::args::{Cli, Command, Format, Global, Local};
use super::commands;
use super::exit::{self, DONE, Exit, FAILED, INTERRUPTED, Outcome, TERMINATED};
use super::job;
use super::local::daemon::{self, Hidden};
use super::printer::{BAD, NAME, Printer, paint, stripped, talk};
use super::signals::Signals;
use crate::aws::CloudError;

/// Runs what was asked for.
///
/// Two kinds of process are not commands: the daemon and its tasks. They are
/// this same executable with a first argument that nobody types, and they must
/// begin while there is a single thread.
pub fn main() -> ExitCode {
    match daemon::dispatch() {
        Some(Hidden::Launcher(code)) => return code,
        Some(Hidden::Daemon(outcome)) => return finish(outcome, Format::Text),
        None => {}
    }
    let cli = Cli::parse();
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return finish(Err(error.into()), cli.global.output),
    };
    let code = finish(runtime.block_on(run(&cli)), cli.global.output);
    // What still blocks a thread is wanted by nobody.
    runtime.shutdown_background();
    code
}

async fn run(cli: &Cli) -> Outcome {
    let global = &cli.global;
    let printer = Printer::new(global.output, global.quiet);
    let signals = Signals::listen()?;
    if global.settings.tries_ways_out() && !matches!(cli.command, Command::Verify(_)) {
        let message = "`--egress` needs a value here: `DROP_ALL` or `ALLOW_ALL`";
        return Err(Exit::usage(message.to_owned()).into());
    }
    match &cli.command {
        Command::Up(arguments) => commands::up::run(global, arguments, printer, &signals).await,
        Command::Down(arguments) => commands::down::run(global, arguments, printer, &signals).await,
        Command::Plan(arguments) => commands::plan::run(global, arguments, printer, &signals).await,
        Command::Logs(arguments) => {
            signals
                .ended_by(commands::logs::run(global, arguments, printer))
                .await
        }
        command => {
            signals
                .or(standing(command), look(global, command, printer))
                .await
        }
    }
}

/// The commands that change no stack.
async fn look(global: &Global, command: &Command, printer: Printer) -> Outcome {
    match command {
        Command::Up(_) | Command::Down(_) | Command::Plan(_) | Command::Logs(_) => {
            unreachable!("those are run where they are asked for")
        }
        Command::Verify(arguments) => commands::verify::run(global, arguments, printer).await,
        Command::Status(arguments) => commands::status::run(global, arguments, printer).await,
        Command::Render(arguments) => commands::render::run(global, arguments, printer),
        Command::Doctor(arguments) => commands::doctor::run(global, arguments, printer).await,
        Command::Local(command) => commands::local::run(global, command, printer).await,
        Command::Schema => commands::schema::run(printer),
        Command::Completions { shell } => commands::completions::run(*shell, printer),
    }
}

/// How things are when one of these is broken off.
fn standing(command: &Command) -> &'static str {
    match command {
        Command::Local(Local::Start(_) | Local::Stop) => {
            "`colormesh local status` says whether the local endpoint runs"
        }
        Command::Verify(_) => "nothing was changed; `colormesh verify` begins again",
        _ => "nothing was changed",
    }
}

/// What `--output json` gets of a command that came to no document.
#[derive(Serialize)]
struct Broken<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    code: u8,
}

fn finish(outcome: Outcome, format: Format) -> ExitCode {
    let error = match outcome {
        Ok(code) => return exit::code(code),
        Err(error) if is_broken_pipe(&error) => return exit::code(DONE),
        Err(error) => error,
    };
    let hint = error.chain().find_map(hint);
    let (message, code) = match error.downcast_ref::<Exit>() {
        Some(exit) => (exit.message.clone(), exit.code),
        None => (format!("{error:#}"), FAILED),
    };
    if matches!(code, INTERRUPTED | TERMINATED) {
        talk(&message);
    } else {
        talk(&labelled(&message));
        // What is drawn was noted at its place.
        if !is_labelled(&message) {
            job::annotate("failed", &message);
        }
    }
    if let Some(hint) = &hint {
        talk(&format!("\n{} {hint}", paint(NAME, "hint:")));
    }
    let plain = stripped(&message);
    let broken = Broken {
        error: plain.trim(),
        hint: hint.as_deref(),
        code,
    };
    // The exit code counts, whoever reads.
    let _ = Printer::new(format, true).json(&broken);
    exit::code(code)
}

/// What is drawn already has its label.
fn labelled(message: &str) -> String {
    if is_labelled(message) {
        message.to_owned()
    } else {
        format!("{} {message}", paint(BAD, "error:"))
    }
}

fn is_labelled(message: &str) -> bool {
    let plain = stripped(message);
    plain.starts_with("error") || plain.starts_with("warning")
}

fn hint(cause: &(dyn std::error::Error + 'static)) -> Option<String> {
    cause.downcast_ref::<CloudError>()?.hint()
}

/// Whoever read our output has read enough.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
