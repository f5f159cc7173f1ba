//! What a server knows.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::watch;

use super::Forwarder;

/// Names in lower case without the last dot, each with its addresses.
/// Among the fixed ones, `*.a.test` is every name below `a.test`.
///
/// A name without an address is one that is about to have one: its answer
/// waits a moment for that.
pub(crate) type Names = BTreeMap<String, Vec<IpAddr>>;

/// The names of one server and what becomes of all others.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    pub(crate) names: Arc<Names>,
    /// Names that change seldom (stand-ins) beside those that do.
    pub(crate) fixed: Arc<Names>,
    /// Domains in which no other names exist, whoever is asked.
    pub(crate) complete: Arc<BTreeSet<String>>,
    pub(crate) otherwise: Otherwise,
}

/// What becomes of a name that is not in the zone.
#[derive(Clone, Debug)]
pub(crate) enum Otherwise {
    /// It does not exist.
    Refuse,
    /// The machine's resolver is asked.
    Forward(Arc<Forwarder>),
    /// Another zone decides.
    Ask(watch::Receiver<Zone>),
}

/// What a zone says about a name.
#[derive(Debug)]
pub(crate) enum Finding {
    /// It exists, with these addresses and this time to live in seconds.
    Known(Vec<IpAddr>, u32),
    /// It will have an address soon.
    Awaited,
    /// It does not exist.
    Refused,
    /// It does not exist either, but names under it do, which whoever hears
    /// that there is no such name may take to be gone as well.
    Above,
    /// Somebody else knows.
    Elsewhere(Arc<Forwarder>),
}

/// Tasks come and go, and one that goes waits until it is forgotten.
const CHANGING: u32 = 1;
/// Stand-ins stay; thousands of them should not be asked for all the time.
const STEADY: u32 = 300;

// === impl Zone ===

impl Zone {
    /// A zone that knows nothing and refuses everything.
    pub(crate) fn empty() -> Self {
        let (names, fixed, complete) = Default::default();
        Self {
            names,
            fixed,
            complete,
            otherwise: Otherwise::Refuse,
        }
    }

    pub(super) fn find(&self, name: &str) -> Finding {
        if let Some(addresses) = self.names.get(name) {
            let awaited = addresses.is_empty();
            return if awaited {
                Finding::Awaited
            } else {
                Finding::Known(addresses.clone(), CHANGING)
            };
        }
        if let Some(addresses) = self.fixed_addresses(name) {
            return Finding::Known(addresses.clone(), STEADY);
        }
        if self.complete.iter().any(|domain| is_under(name, domain)) {
            return Finding::Refused;
        }
        match &self.otherwise {
            Otherwise::Refuse if self.has_names_under(name) => Finding::Above,
            Otherwise::Refuse => Finding::Refused,
            Otherwise::Forward(forwarder) => Finding::Elsewhere(Arc::clone(forwarder)),
            Otherwise::Ask(zone) => match zone.borrow().find(name) {
                Finding::Refused if self.has_names_under(name) => Finding::Above,
                found => found,
            },
        }
    }

    fn has_names_under(&self, name: &str) -> bool {
        let mut all = self.names.keys().chain(self.fixed.keys());
        all.any(|known| known.len() > name.len() && is_under(known, name))
    }
}

impl Zone {
    /// Those of the name itself, else of the nearest `*` above it.
    fn fixed_addresses(&self, name: &str) -> Option<&Vec<IpAddr>> {
        let above = name.match_indices('.').map(|(at, _)| &name[at..]);
        let mut wildcards = above.filter_map(|rest| self.fixed.get(&format!("*{rest}")));
        self.fixed.get(name).or_else(|| wildcards.next())
    }
}

fn is_under(name: &str, domain: &str) -> bool {
    let rest = name.strip_suffix(domain);
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// A name as zones know it.
pub(crate) fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn an_app_of_an_open_mesh_asks_the_next_zone() {
        let mut world = Zone::empty();
        world.fixed = Arc::new([("a.test".to_owned(), vec![Ipv4Addr::LOCALHOST.into()])].into());
        let (_sender, world) = watch::channel(world);
        let app = Zone {
            otherwise: Otherwise::Ask(world),
            ..Zone::empty()
        };
        assert!(
            matches!(app.find("a.test"), Finding::Known(addresses, STEADY) if addresses.len() == 1)
        );
        assert!(matches!(app.find("b.test"), Finding::Refused));
    }

    #[test]
    fn a_name_above_a_known_one_is_not_said_to_be_missing() {
        let mut zone = Zone::empty();
        zone.fixed = Arc::new([("www.example.org".to_owned(), Vec::new())].into());
        assert!(matches!(zone.find("example.org"), Finding::Above));
        assert!(matches!(zone.find("org"), Finding::Above));
        for other in ["ww.example.org", "xample.org", "a.www.example.org", "com"] {
            assert!(matches!(zone.find(other), Finding::Refused), "{other}");
        }
    }

    #[test]
    fn a_wildcard_answers_for_every_name_below_it_that_has_no_nearer_one() {
        let address = |last| vec![IpAddr::from([240, 0, 0, last])];
        let fixed = [
            ("*.a.test".to_owned(), address(1)),
            ("*.b.a.test".to_owned(), address(2)),
            ("x.a.test".to_owned(), address(3)),
        ];
        let zone = Zone {
            fixed: Arc::new(fixed.into()),
            ..Zone::empty()
        };
        let found = |name: &str| match zone.find(name) {
            Finding::Known(addresses, _) => Some(addresses),
            _ => None,
        };
        for (name, expected) in [
            ("www.a.test", Some(address(1))),
            ("b.a.test", Some(address(1))),
            ("c.b.a.test", Some(address(2))),
            ("x.a.test", Some(address(3))),
            ("y.x.a.test", Some(address(1))),
            ("a.test", None),
            ("aa.test", None),
            ("test", None),
        ] {
            assert_eq!(found(name), expected, "{name}");
        }
    }

    #[test]
    fn a_complete_domain_is_asked_nowhere_else() {
        let forwarder = Arc::new(Forwarder::new(Vec::new()));
        let complete = Arc::new(["default.svc.test".to_owned()].into());
        let zone = Zone {
            complete,
            otherwise: Otherwise::Forward(forwarder),
            ..Zone::empty()
        };
        assert!(matches!(zone.find("x.default.svc.test"), Finding::Refused));
        assert!(matches!(
            zone.find("xdefault.svc.test"),
            Finding::Elsewhere(_)
        ));
    }

    #[test]
    fn names_are_compared_in_one_form() {
        assert_eq!(plain("GitHub.com."), "github.com");
    }
}
