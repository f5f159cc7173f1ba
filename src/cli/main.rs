//! From the arguments to an exit code.

use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::Runtime;

use super::args::{Cli, Command, Global, Local};
use super::commands;
use super::exit::{self, DONE, Exit, FAILED, INTERRUPTED, Outcome, TERMINATED};
use super::local::daemon::{self, Hidden};
use super::printer::{BAD, NAME, Printer, paint, talk};
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
        Some(Hidden::Daemon(outcome)) => return finish(outcome),
        None => {}
    }
    let cli = Cli::parse();
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return finish(Err(error.into())),
    };
    let code = finish(runtime.block_on(run(&cli)));
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
        Command::Up(_) | Command::Down(_) | Command::Logs(_) => {
            unreachable!("those are run where they are asked for")
        }
        Command::Verify(arguments) => commands::verify::run(global, arguments, printer).await,
        Command::Plan(arguments) => commands::plan::run(global, arguments, printer).await,
        Command::Status => commands::status::run(global, printer).await,
        Command::Render(arguments) => commands::render::run(global, arguments, printer),
        Command::Doctor => commands::doctor::run(global, printer).await,
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

fn finish(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(code) => exit::code(code),
        Err(error) if is_broken_pipe(&error) => exit::code(DONE),
        Err(error) => {
            if let Some(exit) = error.downcast_ref::<Exit>() {
                let asked_for = matches!(exit.code, INTERRUPTED | TERMINATED);
                talk(&if asked_for {
                    exit.message.clone()
                } else {
                    labelled(&exit.message)
                });
                return exit::code(exit.code);
            }
            talk(&labelled(&format!("{error:#}")));
            if let Some(hint) = error.chain().find_map(hint) {
                talk(&format!("\n{} {hint}", paint(NAME, "hint:")));
            }
            exit::code(FAILED)
        }
    }
}

/// What is drawn already has its label.
fn labelled(message: &str) -> String {
    let plain = anstream::adapter::strip_str(message).to_string();
    if plain.starts_with("error") || plain.starts_with("warning") {
        message.to_owned()
    } else {
        format!("{} {message}", paint(BAD, "error:"))
    }
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
