//! What a project has on this machine: processes, mounts, files, and what is
//! in the network that everybody shares.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::project::Project;

/// Fails when anything of the project but its cache and settings is there.
#[track_caller]
pub(super) fn assert_none(project: &Project) {
    let folder = project.path();
    assert_eq!(processes(folder), Vec::<String>::new(), "processes");
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mounts: Vec<&str> = mounts
        .lines()
        .filter(|line| line.contains(&folder.display().to_string()))
        .collect();
    assert_eq!(mounts, Vec::<&str>::new(), "mounts");
    let mut files = Vec::new();
    list(&folder.join("state"), &mut files);
    assert_eq!(files, Vec::<PathBuf>::new(), "files");
    let keys = fs::read_dir(folder.join(".ssh")).map_or(0, Iterator::count);
    assert_eq!(keys, 0, "keys");
}

/// Processes with the folder in their arguments, or in sight as a mount: the
/// daemon's own does not leave its namespaces, nor those of its tasks. One that
/// has ended and whose parent has not noticed is none.
pub(super) fn processes(folder: &Path) -> Vec<String> {
    let folder = folder.display().to_string();
    let state = format!("{folder}/state/colormesh");
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap() {
        let path = entry.unwrap().path();
        let is_process = path.file_name().unwrap().to_string_lossy();
        if !is_process.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let read = |name: &str| {
            let bytes = fs::read(path.join(name)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).replace('\0', " ")
        };
        let arguments = read("cmdline");
        if arguments.contains(&folder) || read("mountinfo").contains(&state) {
            found.push(format!("{} {arguments}", path.display()));
        }
    }
    found
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, files);
        }
        files.push(path);
    }
}

/// Links, named namespaces and rules of the network that everybody shares.
pub(super) fn network() -> BTreeSet<String> {
    let commands: [&[&str]; 4] = [
        &["ip", "-oneline", "link"],
        &["ip", "netns"],
        &["ip", "rule"],
        &["nft", "list", "ruleset"],
    ];
    let lines = |command: &&[&str]| {
        let output = Command::new(command[0]).args(&command[1..]).output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    commands.iter().flat_map(lines).collect()
}
