//! colormesh from the outside: the built program, its files, its words.
#![expect(clippy::unwrap_used, reason = "tests")]

mod architecture;
mod as_aws;
mod bucket;
mod cloud;
mod cloudformation;
mod costs;
mod cut;
mod drift;
mod early;
mod egress;
mod elf;
mod emulators;
mod evidence;
mod faults;
mod five;
mod guarded;
mod inside;
mod internet;
mod interrupted;
mod lab;
mod live;
mod local;
mod mesh;
mod options;
mod own_image;
mod permissions;
mod pinned;
mod pipeline;
mod project;
mod pull;
mod redirect;
mod registry;
mod rolling;
mod services;
mod settings;
mod sidecar;
#[path = "../bench/engine/tasks.rs"]
mod tasks;
mod templates;
mod walkthrough;
