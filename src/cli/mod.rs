//! The command line: a skin over the library. It reads arguments, files and
//! the environment, and it alone prints.

mod args;
mod attention;
mod commands;
mod costs;
mod decisions;
mod drifts;
mod evidence;
pub mod exit;
mod gather;
mod job;
mod layout;
mod local;
mod main;
mod mesh_runtime;
mod moving;
mod note;
mod outside;
mod own_image;
mod printer;
mod progress;
mod review;
mod run;
mod session;
mod settings;
mod sidecars;
mod signals;
mod task_images;
mod wanted;

pub use main::main;
