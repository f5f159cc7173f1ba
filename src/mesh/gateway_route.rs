//! Routes of gateways: which requests enter the mesh, and as what.

use super::policy::Protocol;
use super::read::{Fields, Reader};
use super::route::read_kind;
use super::{GatewayRouteName, RequestMatch, VirtualGatewayName, VirtualServiceName};

/// A route of a virtual gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayRoute {
    /// Its name.
    pub name: GatewayRouteName,
    /// The gateway that it hangs on.
    pub gateway: VirtualGatewayName,
    /// Its order: 0 comes first, none last.
    pub priority: Option<u32>,
    /// What it routes; never [`Protocol::Tcp`].
    pub protocol: Protocol,
    /// Which host names it takes; `None` takes all.
    pub hostname: Option<HostnameMatch>,
    /// Which requests it takes.
    pub matching: RequestMatch,
    /// Where they go.
    pub target: GatewayTarget,
    /// What the service sees as the host name.
    pub hostname_rewrite: HostnameRewrite,
    /// What the service sees as the path.
    pub path_rewrite: PathRewrite,
}

/// The virtual service that a gateway route leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayTarget {
    /// The service.
    pub service: VirtualServiceName,
    /// Its port, needed where it has several.
    pub port: Option<u16>,
}

/// Which host names a gateway route takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostnameMatch {
    /// This one.
    Exact(String),
    /// Those that end with this, such as `.example.com`.
    Suffix(String),
}

/// What becomes of the host name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostnameRewrite {
    /// It becomes the virtual service's.
    Service,
    /// It stays.
    Keep,
}

/// What becomes of the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathRewrite {
    /// It stays.
    Keep,
    /// The matched prefix becomes this.
    Prefix(String),
    /// The whole path becomes this.
    Exact(String),
}

/// The routes that a spec can hold, of which it holds one.
const KINDS: &[(&str, Protocol)] = &[
    ("HttpRoute", Protocol::Http),
    ("Http2Route", Protocol::Http2),
    ("GrpcRoute", Protocol::Grpc),
];
const SWITCH: &[(&str, bool)] = &[("ENABLED", true), ("DISABLED", false)];

// === impl GatewayRoute ===

impl GatewayRoute {
    pub(super) fn read(name: &str, gateway: &str, spec: &Reader<'_>) -> Option<Self> {
        let (priority, protocol, route) = read_kind(spec, KINDS)?;
        let mut fields = route.object()?;
        let matching = fields
            .required("Match")
            .and_then(|r| request_match(&r, protocol));
        let action = fields.required("Action");
        fields.finish();
        let mut fields = action?.object()?;
        let target = fields
            .required("Target")
            .and_then(|r| GatewayTarget::read(&r));
        let rewrite = fields.optional("Rewrite").and_then(|r| r.object());
        fields.finish();
        let (hostname, matching) = matching?;
        let (hostname_rewrite, path_rewrite) = rewrites(rewrite, protocol);
        Some(Self {
            name: GatewayRouteName::new(name),
            gateway: VirtualGatewayName::new(gateway),
            priority,
            protocol,
            hostname,
            matching,
            target: target?,
            hostname_rewrite,
            path_rewrite,
        })
    }
}

fn request_match(
    reader: &Reader<'_>,
    protocol: Protocol,
) -> Option<(Option<HostnameMatch>, RequestMatch)> {
    let mut fields = reader.object()?;
    let hostname = fields
        .optional("Hostname")
        .and_then(|r| HostnameMatch::read(&r));
    let matching = RequestMatch::read(&mut fields, protocol);
    fields.finish();
    Some((hostname, matching?))
}

impl HostnameMatch {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let mut fields = reader.object()?;
        let found = fields.required_union(&["Exact", "Suffix"]);
        fields.finish();
        let (key, value) = found?;
        let text = value.text(1..=253)?;
        Some(match key {
            "Exact" => Self::Exact(text),
            _ => Self::Suffix(text),
        })
    }
}

impl GatewayTarget {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let mut fields = reader.object()?;
        let port = fields.optional("Port").and_then(|r| r.port());
        let service = fields.required("VirtualService");
        fields.finish();
        let mut fields = service?.object()?;
        let name = fields
            .required("VirtualServiceName")
            .and_then(|r| r.string());
        fields.finish();
        let name = name?;
        Some(Self {
            service: VirtualServiceName::new(super::node::last_part(&name)),
            port,
        })
    }
}

/// App Mesh's default makes the host name the service's and the matched
/// prefix `/`; a gRPC path is the method's name and stays.
fn rewrites(rewrite: Option<Fields<'_>>, protocol: Protocol) -> (HostnameRewrite, PathRewrite) {
    let default_path = match protocol {
        Protocol::Grpc | Protocol::Tcp => PathRewrite::Keep,
        Protocol::Http | Protocol::Http2 => PathRewrite::Prefix("/".to_owned()),
    };
    let Some(mut fields) = rewrite else {
        return (HostnameRewrite::Service, default_path);
    };
    let keep = fields
        .optional("Hostname")
        .and_then(|r| switch(&r, "DefaultTargetHostname"));
    let path = match protocol {
        Protocol::Grpc | Protocol::Tcp => None,
        Protocol::Http | Protocol::Http2 => fields.union(&["Prefix", "Path"]),
    };
    fields.finish();
    let path = path.and_then(|(key, value)| match key {
        "Prefix" => prefix_rewrite(&value),
        _ => path_rewrite(&value),
    });
    let hostname = match keep {
        Some(false) => HostnameRewrite::Keep,
        Some(true) | None => HostnameRewrite::Service,
    };
    (hostname, path.unwrap_or(default_path))
}

fn prefix_rewrite(reader: &Reader<'_>) -> Option<PathRewrite> {
    let mut fields = reader.object()?;
    let found = fields.required_union(&["DefaultPrefix", "Value"]);
    fields.finish();
    let (key, value) = found?;
    if key == "Value" {
        return value.text(1..=255).map(PathRewrite::Prefix);
    }
    Some(if value.choice(SWITCH)? {
        PathRewrite::Prefix("/".to_owned())
    } else {
        PathRewrite::Keep
    })
}

fn path_rewrite(reader: &Reader<'_>) -> Option<PathRewrite> {
    let mut fields = reader.object()?;
    let exact = fields.required("Exact").and_then(|r| r.text(1..=255));
    fields.finish();
    exact.map(PathRewrite::Exact)
}

fn switch(reader: &Reader<'_>, key: &'static str) -> Option<bool> {
    let mut fields = reader.object()?;
    let value = fields.required(key).and_then(|r| r.choice(SWITCH));
    fields.finish();
    value
}
