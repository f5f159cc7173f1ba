//! The command line: a skin over the library. It reads arguments, files and
//! the environment, and it alone prints.

mod args;
pub mod exit;
mod local;
mod printer;
