//! Tags that say what App Mesh's own properties have no word for.
//!
//! They are tags so that the templates stay valid CloudFormation, which App
//! Mesh itself would have taken:
//!
//! | tag | on | values |
//! |---|---|---|
//! | `colormesh:tls` | a virtual node | `true`, `false`: whether its `tcp` ports begin with TLS |
//! | `colormesh:matching` | a mesh | `sni`, `port`: how connections are told apart |

use super::read::Reader;
use super::{Matching, Transport};

const PREFIX: &str = "colormesh:";
const TLS: &str = "colormesh:tls";
const MATCHING: &str = "colormesh:matching";

/// What the tags of a resource say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tags {
    pub(super) transport: Option<Transport>,
    pub(super) matching: Option<Matching>,
}

// === impl Tags ===

impl Tags {
    pub(super) fn read(reader: &Reader<'_>) -> Self {
        let mut tags = Self::default();
        for tag in reader.list().unwrap_or_default() {
            tags.add(&tag);
        }
        tags
    }

    fn add(&mut self, tag: &Reader<'_>) -> Option<()> {
        let mut fields = tag.object()?;
        let key = fields.required("Key").and_then(|r| r.string());
        let value = fields.required("Value");
        fields.finish();
        let (key, value) = (key?, value?);
        match key.as_str() {
            TLS => {
                let tls = value.boolean()?;
                self.transport = Some(if tls {
                    Transport::Tls
                } else {
                    Transport::Plain
                });
            }
            MATCHING => {
                let words = [("sni", Matching::ServerName), ("port", Matching::Port)];
                self.matching = value.choice(&words);
            }
            // A misspelt tag must not be taken for somebody else's.
            key if key.starts_with(PREFIX) => value.error_with_help(
                format!("there is no tag `{key}`"),
                format!("there are `{TLS}` and `{MATCHING}`"),
            ),
            _ => {}
        }
        Some(())
    }
}
