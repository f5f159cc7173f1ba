//! This program.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::elf;
use crate::field::Field;
use crate::install;
use crate::tool::Deed;

pub(crate) fn command(deed: Deed, field: &Field) -> Result<Command> {
    let mut command = Command::new(program()?);
    command
        .args([if deed == Deed::Up { "up" } else { "down" }, "--yes"])
        .args(["--target", "aws", "--endpoint-url", &field.url()])
        .current_dir(field.folder());
    Ok(command)
}

/// The program in a folder of its own, with the least that is an app beside it:
/// nobody runs it here.
fn program() -> Result<PathBuf> {
    let folder = install::folder().join("bin");
    let program = folder.join("colormesh");
    let built = PathBuf::from(env!("CARGO_BIN_EXE_colormesh"));
    let is_new = |path: &PathBuf| {
        Some((
            path.metadata().ok()?.modified().ok()?,
            path.metadata().ok()?.len(),
        ))
    };
    if is_new(&program) != is_new(&built) {
        fs::create_dir_all(&folder)?;
        let _ = fs::remove_file(&program);
        fs::hard_link(&built, &program).context("cannot place the program")?;
        let app = elf::program(&folder, "");
        fs::rename(app, folder.join("colorteller"))?;
    }
    Ok(program)
}
