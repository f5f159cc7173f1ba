//! The smallest file that is a static Linux program.

use std::path::{Path, PathBuf};

/// Writes a program into a folder, different for each `body`.
pub(crate) fn program(folder: &Path, body: &str) -> PathBuf {
    let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
    elf.resize(16, 0);
    elf.extend(2u16.to_le_bytes()); // a program
    elf.extend(62u16.to_le_bytes()); // for x86_64
    elf.resize(54, 0);
    elf.extend(56u16.to_le_bytes());
    elf.resize(64, 0); // without program headers
    elf.extend(body.bytes());
    let path = folder.join("program");
    std::fs::write(&path, elf).expect("the test's folder takes files");
    path
}
