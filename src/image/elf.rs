//! What an image needs to know of a program: which processor it is for, and
//! that it needs nothing beside itself.

use std::fmt;

/// The processors we build images for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Architecture {
    /// 64-bit x86.
    Amd64,
    /// 64-bit Arm.
    Arm64,
}

/// A program that cannot be an image of its own.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidBinary {
    /// The file is something else: a script, an archive, a Mac program.
    #[error("it is not a Linux program (no ELF header)")]
    NotElf,
    /// The header points outside the file.
    #[error("its ELF header is cut short or damaged")]
    Damaged,
    /// An object file, a core dump.
    #[error("it is an ELF file but not a program")]
    NotExecutable,
    /// 32-bit, big-endian, or a processor that Fargate does not have.
    #[error("it is for another processor (ELF machine {0}); build for x86_64 or aarch64")]
    Processor(u16),
    /// It names a dynamic loader, which the image would not hold.
    #[error(
        "it is dynamically linked (it needs `{0}`); link it statically, for Rust with `-C target-feature=+crt-static`"
    )]
    Dynamic(String),
}

/// The length of a program header.
const HEADER_SIZE: usize = 56;
const PT_INTERP: u32 = 3;
const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;

/// Checks a program's header and says which processor it is for.
pub(super) fn inspect(binary: &[u8]) -> Result<Architecture, InvalidBinary> {
    if !binary.starts_with(b"\x7fELF") {
        return Err(InvalidBinary::NotElf);
    }
    let architecture = architecture(binary)?;
    match u16_at(binary, 16)? {
        ET_EXEC | ET_DYN => {}
        _ => return Err(InvalidBinary::NotExecutable),
    }
    match interpreter(binary)? {
        Some(path) => Err(InvalidBinary::Dynamic(path)),
        None => Ok(architecture),
    }
}

fn architecture(binary: &[u8]) -> Result<Architecture, InvalidBinary> {
    let is_64_bit_little_endian = binary.get(4..6) == Some(&[2, 1]);
    match u16_at(binary, 18)? {
        62 if is_64_bit_little_endian => Ok(Architecture::Amd64),
        183 if is_64_bit_little_endian => Ok(Architecture::Arm64),
        other => Err(InvalidBinary::Processor(other)),
    }
}

fn interpreter(binary: &[u8]) -> Result<Option<String>, InvalidBinary> {
    let table = u64_at(binary, 32)?;
    let entry_size = u64::from(u16_at(binary, 54)?);
    for index in 0..u64::from(u16_at(binary, 56)?) {
        let header = index
            .checked_mul(entry_size)
            .and_then(|offset| offset.checked_add(table))
            .and_then(|start| usize::try_from(start).ok())
            .and_then(|start| binary.get(start..start.checked_add(HEADER_SIZE)?))
            .ok_or(InvalidBinary::Damaged)?;
        if u32_at(header, 0)? == PT_INTERP {
            return path(binary, u64_at(header, 8)?, u64_at(header, 32)?).map(Some);
        }
    }
    Ok(None)
}

fn path(binary: &[u8], start: u64, length: u64) -> Result<String, InvalidBinary> {
    let start = usize::try_from(start).ok();
    let length = usize::try_from(length).ok();
    let bytes = start
        .zip(length)
        .and_then(|(start, length)| binary.get(start..start.checked_add(length)?))
        .ok_or(InvalidBinary::Damaged)?;
    Ok(String::from_utf8_lossy(bytes)
        .trim_end_matches('\0')
        .to_owned())
}

fn bytes_at<const N: usize>(from: &[u8], offset: usize) -> Result<[u8; N], InvalidBinary> {
    from.get(offset..)
        .and_then(|rest| rest.first_chunk())
        .copied()
        .ok_or(InvalidBinary::Damaged)
}

fn u16_at(from: &[u8], offset: usize) -> Result<u16, InvalidBinary> {
    bytes_at(from, offset).map(u16::from_le_bytes)
}

fn u32_at(from: &[u8], offset: usize) -> Result<u32, InvalidBinary> {
    bytes_at(from, offset).map(u32::from_le_bytes)
}

fn u64_at(from: &[u8], offset: usize) -> Result<u64, InvalidBinary> {
    bytes_at(from, offset).map(u64::from_le_bytes)
}

// === impl Architecture ===

impl Architecture {
    /// The name that images use, which is Go's.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// The name that ECS uses in `RuntimePlatform`.
    pub fn ecs_name(self) -> &'static str {
        match self {
            Self::Amd64 => "X86_64",
            Self::Arm64 => "ARM64",
        }
    }

    /// The architecture of this machine, where we know it.
    pub fn of_this_machine() -> Option<Self> {
        match std::env::consts::ARCH {
            "x86_64" => Some(Self::Amd64),
            "aarch64" => Some(Self::Arm64),
            _ => None,
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
pub(super) mod fixture {
    /// The smallest thing that is a static ELF program, with `body` after its header.
    pub(crate) fn program(machine: u16, interpreter: Option<&str>, body: &[u8]) -> Vec<u8> {
        let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
        elf.resize(16, 0);
        elf.extend(2u16.to_le_bytes());
        elf.extend(machine.to_le_bytes());
        elf.extend(1u32.to_le_bytes());
        elf.extend(0u64.to_le_bytes()); // entry
        elf.extend(64u64.to_le_bytes()); // program headers
        elf.extend([0; 14]); // sections, flags, header size
        elf.extend(56u16.to_le_bytes());
        elf.extend(1u16.to_le_bytes());
        elf.resize(64, 0);
        let (kind, size) = interpreter.map_or((1u32, 0), |path| (3, path.len() as u64));
        elf.extend(kind.to_le_bytes());
        elf.extend(0u32.to_le_bytes());
        elf.extend(120u64.to_le_bytes());
        elf.extend([0; 16]);
        elf.extend(size.to_le_bytes());
        elf.resize(120, 0);
        elf.extend(interpreter.unwrap_or("").bytes());
        elf.extend(body);
        elf
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_processor() {
        assert_eq!(
            inspect(&fixture::program(62, None, b"")),
            Ok(Architecture::Amd64)
        );
        assert_eq!(
            inspect(&fixture::program(183, None, b"")),
            Ok(Architecture::Arm64)
        );
    }

    #[test]
    fn refuses_what_would_not_run_alone() {
        let loader = "/lib64/ld-linux-x86-64.so.2";
        for (binary, error) in [
            (b"#!/bin/sh\n".to_vec(), InvalidBinary::NotElf),
            (b"\x7fELF\x02\x01".to_vec(), InvalidBinary::Damaged),
            (
                fixture::program(62, None, b"")[..80].to_vec(),
                InvalidBinary::Damaged,
            ),
            (
                fixture::program(243, None, b""),
                InvalidBinary::Processor(243),
            ),
            (
                fixture::program(62, Some(loader), b""),
                InvalidBinary::Dynamic(loader.to_owned()),
            ),
        ] {
            assert_eq!(inspect(&binary), Err(error));
        }
    }
}
