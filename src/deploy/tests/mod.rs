//! The engine through the real SDK against the endpoint in this process.

#![expect(clippy::unwrap_used, clippy::format_collect, reason = "tests")]

mod down;
mod events;
mod image;
mod interrupted;
mod lab;
mod odd;
mod scale;
mod scripted;
mod stage;
mod states;
mod up;
