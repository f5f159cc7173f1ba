//! What requests a route takes.

use super::policy::Protocol;
use super::read::{Fields, Reader};

/// The conditions of a route; all must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestMatch {
    /// On the path.
    pub path: PathMatch,
    /// On the method.
    pub method: Option<String>,
    /// On the scheme.
    pub scheme: Option<String>,
    /// On headers; for gRPC, on metadata.
    pub headers: Vec<HeaderMatch>,
    /// On query parameters.
    pub query: Vec<QueryMatch>,
    /// The listener's port; `None` means each of them.
    pub port: Option<u16>,
}

/// A condition on the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathMatch {
    /// Begins with these characters.
    Prefix(String),
    /// Is exactly this.
    Exact(String),
    /// Matches this expression as a whole.
    Regex(String),
}

impl Default for PathMatch {
    fn default() -> Self {
        Self::Prefix("/".to_owned())
    }
}

/// A condition on a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderMatch {
    /// The header's name.
    pub name: String,
    /// What it must be; `None` means present.
    pub value: Option<NamedMatch>,
    /// Whether the condition must not hold.
    pub invert: bool,
}

/// A condition on a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedMatch {
    /// Is exactly this.
    Exact(String),
    /// Begins with this.
    Prefix(String),
    /// Ends with this.
    Suffix(String),
    /// Matches this expression.
    Regex(String),
    /// Is a whole number from `start` to before `end`.
    Range {
        /// The first number.
        start: i64,
        /// The number after the last.
        end: i64,
    },
}

/// A condition on a query parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryMatch {
    /// The parameter's name.
    pub name: String,
    /// What it must be; `None` means present.
    pub exact: Option<String>,
}

const METHODS: &[(&str, &str)] = &[
    ("GET", "GET"),
    ("HEAD", "HEAD"),
    ("POST", "POST"),
    ("PUT", "PUT"),
    ("DELETE", "DELETE"),
    ("CONNECT", "CONNECT"),
    ("OPTIONS", "OPTIONS"),
    ("TRACE", "TRACE"),
    ("PATCH", "PATCH"),
];

// === impl RequestMatch ===

impl RequestMatch {
    /// Reads the conditions of a route of that protocol; the caller finishes `fields`.
    pub(super) fn read(fields: &mut Fields<'_>, protocol: Protocol) -> Option<Self> {
        let port = fields.optional("Port").and_then(|r| r.port());
        match protocol {
            Protocol::Http | Protocol::Http2 => Self::read_http(fields, port),
            Protocol::Grpc => Some(Self::read_grpc(fields, port)),
            Protocol::Tcp => Some(Self {
                port,
                ..Self::default()
            }),
        }
    }

    fn read_http(fields: &mut Fields<'_>, port: Option<u16>) -> Option<Self> {
        let path = PathMatch::read(fields)?;
        let method = fields.optional("Method").and_then(|r| r.choice(METHODS));
        let headers = fields
            .optional("Headers")
            .and_then(|r| r.some(1..=10, HeaderMatch::read));
        let query = fields
            .optional("QueryParameters")
            .and_then(|r| r.some(1..=10, QueryMatch::read));
        Some(Self {
            path,
            method: method.map(str::to_owned),
            scheme: None,
            headers: headers.unwrap_or_default(),
            query: query.unwrap_or_default(),
            port,
        })
    }

    fn read_grpc(fields: &mut Fields<'_>, port: Option<u16>) -> Self {
        let service = fields.optional("ServiceName").and_then(|r| r.string());
        let method = fields.optional("MethodName").and_then(|r| r.text(1..=50));
        if method.is_some() && service.is_none() {
            fields.error("`MethodName` needs `ServiceName`");
        }
        let metadata = fields
            .optional("Metadata")
            .and_then(|r| r.some(1..=10, HeaderMatch::read));
        let path = match (service, method) {
            (Some(service), Some(method)) => PathMatch::Exact(format!("/{service}/{method}")),
            (Some(service), None) => PathMatch::Prefix(format!("/{service}/")),
            (None, _) => PathMatch::default(),
        };
        Self {
            path,
            headers: metadata.unwrap_or_default(),
            port,
            ..Self::default()
        }
    }
}

// === impl PathMatch ===

impl PathMatch {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let Some((key, value)) = fields.union(&["Prefix", "Path"]) else {
            return Some(Self::default());
        };
        if key == "Prefix" {
            let prefix = value.text(1..=255)?;
            if !prefix.starts_with('/') {
                value.error("must begin with `/`");
            }
            return Some(Self::Prefix(prefix));
        }
        let mut fields = value.object()?;
        let found = fields.required_union(&["Exact", "Regex"]);
        fields.finish();
        let (key, value) = found?;
        let text = value.text(1..=255)?;
        Some(match key {
            "Exact" => Self::Exact(text),
            _ => Self::Regex(text),
        })
    }
}

// === impl HeaderMatch ===

impl HeaderMatch {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let mut fields = reader.object()?;
        let name = fields.required("Name").and_then(|r| r.text(1..=50));
        let value = fields.optional("Match").and_then(|r| NamedMatch::read(&r));
        let invert = fields.optional("Invert").and_then(|r| r.boolean());
        fields.finish();
        Some(Self {
            name: name?,
            value,
            invert: invert.unwrap_or(false),
        })
    }
}

impl NamedMatch {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let mut fields = reader.object()?;
        let found = fields.required_union(&["Exact", "Prefix", "Suffix", "Regex", "Range"]);
        fields.finish();
        let (key, value) = found?;
        if key == "Range" {
            return Self::read_range(&value);
        }
        let text = value.text(1..=255)?;
        Some(match key {
            "Exact" => Self::Exact(text),
            "Prefix" => Self::Prefix(text),
            "Suffix" => Self::Suffix(text),
            _ => Self::Regex(text),
        })
    }

    fn read_range(reader: &Reader<'_>) -> Option<Self> {
        let mut fields = reader.object()?;
        let start = fields
            .required("Start")
            .and_then(|r| r.integer(i64::MIN..=i64::MAX));
        let end = fields
            .required("End")
            .and_then(|r| r.integer(i64::MIN..=i64::MAX));
        fields.finish();
        let (start, end) = (start?, end?);
        if start >= end {
            reader.error("`Start` must be less than `End`");
        }
        Some(Self::Range { start, end })
    }
}

// === impl QueryMatch ===

impl QueryMatch {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let mut fields = reader.object()?;
        let name = fields.required("Name").and_then(|r| r.string());
        let value = fields.optional("Match");
        fields.finish();
        let exact = value.and_then(|value| {
            let mut fields = value.object()?;
            let exact = fields.optional("Exact").and_then(|r| r.string());
            fields.finish();
            exact
        });
        Some(Self { name: name?, exact })
    }
}
