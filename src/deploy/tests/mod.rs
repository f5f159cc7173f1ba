//! The engine through the real SDK against the endpoint in this process.

#![expect(clippy::unwrap_used, reason = "tests")]

mod lab;
mod odd;
mod scripted;
