//! Routes: which requests of a router go to which nodes.

use super::policy::{Protocol, RetryPolicy, Timeout};
use super::read::Reader;
use super::{RequestMatch, RouteName, VirtualNodeName, VirtualRouterName};

/// A route of a virtual router.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Its name.
    pub name: RouteName,
    /// The router that it hangs on.
    pub router: VirtualRouterName,
    /// Its order: 0 comes first, none last.
    pub priority: Option<u32>,
    /// What it routes.
    pub protocol: Protocol,
    /// Which requests it takes.
    pub matching: RequestMatch,
    /// Where they go.
    pub targets: Vec<WeightedTarget>,
    /// How often they are tried again; `None` is App Mesh's default.
    pub retry: Option<RetryPolicy>,
    /// How long they may take.
    pub timeout: Timeout,
}

/// A node and its share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightedTarget {
    /// The node.
    pub node: VirtualNodeName,
    /// Its share, of the sum of all.
    pub weight: u32,
    /// The node's port, needed where it has several.
    pub port: Option<u16>,
}

/// The routes that a spec can hold, of which it holds one.
const KINDS: &[(&str, Protocol)] = &[
    ("HttpRoute", Protocol::Http),
    ("Http2Route", Protocol::Http2),
    ("GrpcRoute", Protocol::Grpc),
    ("TcpRoute", Protocol::Tcp),
];

/// The priority of a route or gateway route, which of the kinds it is, and what
/// is said under that kind's name.
pub(super) fn read_kind<'a>(
    spec: &Reader<'a>,
    kinds: &[(&'static str, Protocol)],
) -> Option<(Option<u32>, Protocol, Reader<'a>)> {
    let mut fields = spec.object()?;
    let priority = fields
        .optional("Priority")
        .and_then(|r| r.unsigned(0..=1000));
    let keys: Vec<&'static str> = kinds.iter().map(|(key, _)| *key).collect();
    let found = fields.required_union(&keys);
    fields.finish();
    let (key, route) = found?;
    let (_, protocol) = *kinds.iter().find(|(kind, _)| *kind == key)?;
    Some((priority, protocol, route))
}

// === impl Route ===

impl Route {
    pub(super) fn read(name: &str, router: &str, spec: &Reader<'_>) -> Option<Self> {
        let (priority, protocol, route) = read_kind(spec, KINDS)?;
        let mut fields = route.object()?;
        let matching = match protocol {
            Protocol::Tcp => fields.optional("Match"),
            Protocol::Http | Protocol::Http2 | Protocol::Grpc => fields.required("Match"),
        };
        let matching = match matching {
            Some(reader) => request_match(&reader, protocol),
            None => Some(RequestMatch::default()),
        };
        let targets = fields.required("Action").and_then(|r| weighted_targets(&r));
        let retry = match protocol {
            Protocol::Tcp => None,
            Protocol::Http | Protocol::Http2 | Protocol::Grpc => fields
                .optional("RetryPolicy")
                .and_then(|r| RetryPolicy::read(&r, protocol)),
        };
        let timeout = fields
            .optional("Timeout")
            .and_then(|r| Timeout::read(&r, protocol));
        fields.finish();
        Some(Self {
            name: RouteName::new(name),
            router: VirtualRouterName::new(router),
            priority,
            protocol,
            matching: matching?,
            targets: targets?,
            retry,
            timeout: timeout.unwrap_or_default(),
        })
    }
}

fn request_match(reader: &Reader<'_>, protocol: Protocol) -> Option<RequestMatch> {
    let mut fields = reader.object()?;
    let scheme = match protocol {
        Protocol::Http | Protocol::Http2 => fields
            .optional("Scheme")
            .and_then(|r| r.choice(&[("http", "http"), ("https", "https")])),
        Protocol::Grpc | Protocol::Tcp => None,
    };
    let matching = RequestMatch::read(&mut fields, protocol);
    fields.finish();
    Some(RequestMatch {
        scheme: scheme.map(str::to_owned),
        ..matching?
    })
}

fn weighted_targets(action: &Reader<'_>) -> Option<Vec<WeightedTarget>> {
    let mut fields = action.object()?;
    let list = fields.required("WeightedTargets");
    fields.finish();
    let list = list?;
    let targets = list.some(1..=10, |reader| {
        let mut fields = reader.object()?;
        let node = fields.required("VirtualNode").and_then(|r| r.string());
        let weight = fields.required("Weight").and_then(|r| r.unsigned(0..=100));
        let port = fields.optional("Port").and_then(|r| r.port());
        fields.finish();
        Some(WeightedTarget {
            node: VirtualNodeName::new(node?),
            weight: weight?,
            port,
        })
    })?;
    let total: u32 = targets.iter().map(|target| target.weight).sum();
    if total > 100 {
        list.error(format!("the weights add up to {total}, more than 100"));
    }
    if total == 0 {
        list.error("no target has a weight above 0");
    }
    Some(targets)
}
