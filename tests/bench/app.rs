//! The app of the tasks that are measured: it accepts and says nothing. What
//! an app would send is sent by the load, from the app's own namespace.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use colormesh::runtime::AppSpec;

/// The argument that makes this program the app.
pub(crate) const ARGUMENT: &str = "__app";
/// Its port.
pub(crate) const PORT: u16 = 80;

pub(crate) fn run() -> Result<ExitCode> {
    let listener = TcpListener::bind(("127.0.0.1", PORT))?;
    for connection in listener.incoming() {
        drop(connection);
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes an image of this program and its libraries.
pub(crate) fn image(folder: &Path) -> Result<AppSpec> {
    fs::create_dir_all(folder)?;
    fs::copy(std::env::current_exe()?, folder.join("app"))?;
    let mut command = vec!["/app".to_owned(), ARGUMENT.to_owned()];
    for library in libraries()? {
        let name = library
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        fs::copy(&library, folder.join(&name))?;
        if name.starts_with("ld-") {
            let loader = ["--library-path", "/"].map(str::to_owned);
            command = [vec![format!("/{name}")], loader.to_vec(), command].concat();
        }
    }
    Ok(AppSpec {
        rootfs: folder.to_owned(),
        command,
        environment: Vec::new(),
        working_directory: None,
        user: 1000,
        group: 1000,
        read_only: true,
        port: PORT,
        stop_timeout: Duration::from_secs(1),
    })
}

/// The shared libraries of this process, the loader among them.
fn libraries() -> Result<Vec<PathBuf>> {
    let maps = fs::read_to_string("/proc/self/maps")?;
    let files = maps
        .lines()
        .filter_map(|line| line.find('/').map(|start| &line[start..]));
    let mut libraries: Vec<PathBuf> = files
        .filter(|file| file.contains(".so"))
        .map(PathBuf::from)
        .collect();
    libraries.sort();
    libraries.dedup();
    Ok(libraries)
}
