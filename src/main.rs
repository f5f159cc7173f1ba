//! The `colormesh` binary: parse, run, turn the error into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    colormesh::cli::main()
}
