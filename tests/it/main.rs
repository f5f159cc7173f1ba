//! Tests from the outside: the endpoint through the real clients.

#![expect(clippy::unwrap_used, reason = "tests")]

mod live;
mod mesh;
