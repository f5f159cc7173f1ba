//! A service mesh whose containers reach only the outside services it names.

pub mod account;
pub mod endpoint;
pub mod image;
