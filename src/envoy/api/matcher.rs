//! Trees that say which filter chain takes a connection.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Extension, Typed};

message!(Matcher {
    matcher_tree: MatcherTree,
    on_no_match: Option<Box<OnMatch>>,
});

message!(MatcherTree {
    input: Extension,
    exact_match_map: Option<MatchMap>,
    custom_match: Option<Extension>,
});

message!(MatchMap {
    map: BTreeMap<String, OnMatch>,
});

/// Another look, or a chain.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnMatch {
    Matcher(Box<Matcher>),
    Action(Box<Extension>),
}

message!(ServerNameMatcher {
    domain_matchers: Vec<DomainMatcher>,
});

message!(DomainMatcher {
    domains: Vec<String>,
    on_match: OnMatch,
});

message!(StringValue { value: String });

present!(OnMatch);

// === impl Matcher ===

impl Matcher {
    /// Looks a value up.
    pub(crate) fn exact(input: Extension, map: BTreeMap<String, OnMatch>) -> Self {
        Self {
            matcher_tree: MatcherTree {
                input,
                exact_match_map: Some(MatchMap { map }),
                custom_match: None,
            },
            on_no_match: None,
        }
    }

    /// Looks a server name up among domains with wildcards.
    pub(crate) fn server_names(input: Extension, domain_matchers: Vec<DomainMatcher>) -> Self {
        Self {
            matcher_tree: MatcherTree {
                input,
                exact_match_map: None,
                custom_match: Some(Extension {
                    name: "envoy.matching.custom_matchers.domain_matcher",
                    typed_config: Typed::ServerNameMatcher(ServerNameMatcher { domain_matchers }),
                }),
            },
            on_no_match: None,
        }
    }
}

impl OnMatch {
    /// The chain of that name.
    pub(crate) fn chain(name: &str) -> Self {
        let value = name.to_owned();
        Self::Action(Box::new(Extension {
            name: "chain",
            typed_config: Typed::StringValue(StringValue { value }),
        }))
    }
}
