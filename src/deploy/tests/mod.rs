//! The engine through the real SDK against the endpoint in this process.

#![expect(clippy::unwrap_used, clippy::format_collect, reason = "tests")]

mod change_sets;
mod down;
mod early;
mod events;
mod guarded;
mod image;
mod interrupted;
mod lab;
mod left_behind;
mod moments;
mod odd;
mod put_away;
mod scale;
mod scripted;
mod stage;
mod states;
mod terms;
mod up;
