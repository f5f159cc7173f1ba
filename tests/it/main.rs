//! Tests from the outside: the endpoint through the real clients.

mod elf;
mod local;
mod registry;
