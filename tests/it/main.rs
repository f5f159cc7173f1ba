//! All integration tests in one binary.

mod live;
mod mesh;
