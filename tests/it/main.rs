//! colormesh from the outside: the built program, its files, its words.
#![expect(clippy::unwrap_used, reason = "tests")]

mod architecture;
mod cloud;
mod cloudformation;
mod elf;
mod live;
mod local;
mod mesh;
mod project;
mod pull;
mod registry;
mod services;
mod settings;
mod templates;
mod walkthrough;
