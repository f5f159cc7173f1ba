//! colormesh from the outside: the built program, its files, its words.
#![expect(clippy::unwrap_used, reason = "tests")]

mod architecture;
mod cloud;
mod cloudformation;
mod costs;
mod cut;
mod egress;
mod elf;
mod emulators;
mod evidence;
mod faults;
mod guarded;
mod inside;
mod internet;
mod interrupted;
mod lab;
mod live;
mod local;
mod mesh;
mod own_image;
mod permissions;
mod pipeline;
mod project;
mod pull;
mod redirect;
mod registry;
mod rolling;
mod services;
mod settings;
mod sidecar;
mod templates;
mod walkthrough;
