//! This program.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

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
        fs::write(folder.join("colorteller"), least_program())?;
    }
    Ok(program)
}

/// A static program for x86-64 without a single instruction.
fn least_program() -> Vec<u8> {
    let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
    elf.resize(16, 0);
    elf.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    elf.extend(0u64.to_le_bytes());
    elf.extend(64u64.to_le_bytes());
    elf.extend([0; 14]);
    elf.extend([56, 0, 1, 0]);
    elf.resize(64, 0);
    elf.extend([1, 0, 0, 0]);
    elf.resize(120, 0);
    elf
}
