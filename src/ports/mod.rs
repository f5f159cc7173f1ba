//! What a port number says of what is spoken on it.
//!
//! The one place of that guess: `config` asks it for a service that does not
//! say whether it is TLS, and `mesh` for a node without the tag that does.

mod tls;

pub use tls::starts_with_tls;
