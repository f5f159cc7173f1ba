//! Reads the list of external services: each by itself here, and together in `sharing`.

use std::collections::BTreeSet;
use std::str::FromStr;

use super::reader::{Place, Placed, Reader, Section};
use super::service::usual_tls;
use super::sharing::ToldApart;
use super::values::{Port, Switch};
use super::{
    Caller, DomainName, ExternalService, Host, Invalid, IpPreference, Protocol, Redirect,
    ServiceName, Target, local_ports, ports, sharing, wildcard,
};
use crate::yaml::{Node, Value};

/// Settings that decide what a service may be.
pub(super) struct Surroundings<'a> {
    pub(super) services_domain: &'a DomainName,
    pub(super) told_apart: ToldApart,
    pub(super) target: Target,
    pub(super) redirect: Redirect,
    pub(super) app_port: u16,
    /// Whether the app is an image of the user's own.
    pub(super) is_own_image: bool,
    /// The ports of the registries that name one.
    pub(super) registry_ports: &'a [u16],
}

/// A service as far as it could be read. What is `None` was left out or is
/// wrong; the rules then look at the rest.
pub(super) struct Draft {
    pub(super) item: Place,
    pub(super) name: Option<Placed<ServiceName>>,
    pub(super) host: Option<Placed<Host>>,
    pub(super) port: Field<u16>,
    pub(super) protocol: Field<Protocol>,
    pub(super) ip_preference: Field<IpPreference>,
    pub(super) via_port: Field<Option<u16>>,
    pub(super) local_port: Field<Option<u16>>,
    pub(super) tls: Field<Option<bool>>,
    pub(super) nodes: Field<BTreeSet<Caller>>,
}

/// A value that has a default.
pub(super) struct Field<T> {
    /// What was written or else the default; `None` when what was written is wrong.
    pub(super) value: Option<T>,
    /// Where it was written.
    pub(super) place: Option<Place>,
}

/// A protocol, with advice for those who write what a mesh does not see.
struct WrittenProtocol(Protocol);

/// A caller, with advice for those who name another part of the mesh.
struct WrittenCaller(Caller);

/// The port when none is written.
const DEFAULT_PORT: u16 = 443;
const PATH: &str = "external_services[]";

/// The services of the list that are well, with every mistake told to the reader.
pub(super) fn read(
    reader: &mut Reader<'_>,
    node: &Node,
    surroundings: &Surroundings<'_>,
) -> Vec<ExternalService> {
    let Value::List(items) = &node.value else {
        refuse_list(reader, node);
        return Vec::new();
    };
    let drafts: Vec<Draft> = items
        .iter()
        .filter_map(|item| draft(reader, item))
        .collect();
    for draft in &drafts {
        check_alone(reader, draft, surroundings.services_domain);
        wildcard::check(reader, draft, surroundings);
    }
    sharing::check(reader, &drafts, surroundings.told_apart);
    if surroundings.target == Target::Aws {
        ports::check(reader, &drafts, surroundings.registry_ports);
    }
    if surroundings.redirect == Redirect::InitContainer {
        ports::refuse_ssh(reader, &drafts);
    }
    if surroundings.redirect == Redirect::Ports {
        local_ports::check(reader, &drafts, surroundings.app_port);
        // The colour app has the list in its image.
        if surroundings.is_own_image && surroundings.target == Target::Aws {
            local_ports::check_room(reader, &drafts);
        }
    }
    drafts.into_iter().filter_map(Draft::finish).collect()
}

fn refuse_list(reader: &mut Reader<'_>, node: &Node) {
    let help = "write `[]` for none, or an item for each: `- { name: github, host: github.com }`";
    let message = if node.is_null() {
        "`external_services` has no value"
    } else {
        "`external_services` must be a list"
    };
    reader.refuse(&reader.in_file(node.span), Invalid::new(message, help));
}

fn draft(reader: &mut Reader<'_>, item: &Node) -> Option<Draft> {
    if !matches!(item.value, Value::Map(_)) {
        refuse_item(reader, item);
        return None;
    }
    let section = reader.section(Some(item), PATH);
    let name = reader.written(section, "name");
    let host = reader.written(section, "host");
    let draft = Draft {
        item: reader.in_file(item.span),
        port: field(reader, section, "port", DEFAULT_PORT, |port: Port| {
            port.into()
        }),
        protocol: field(
            reader,
            section,
            "protocol",
            Protocol::Tcp,
            |WrittenProtocol(protocol)| protocol,
        ),
        ip_preference: field(
            reader,
            section,
            "ip_preference",
            IpPreference::Ipv4Only,
            |preference| preference,
        ),
        via_port: field(reader, section, "via_port", None, |port: Port| {
            Some(port.into())
        }),
        local_port: field(reader, section, "local_port", None, |port: Port| {
            Some(port.into())
        }),
        tls: field(reader, section, "tls", None, |Switch(tls)| Some(tls)),
        nodes: nodes(reader, section),
        name,
        host,
    };
    refuse_missing(reader, section, &draft);
    Some(draft)
}

fn refuse_item(reader: &mut Reader<'_>, item: &Node) {
    let host = item.as_str().and_then(|text| text.parse::<Host>().ok());
    let help = match host {
        Some(host) => format!("write `{{ name: {}, host: {host} }}`", name_from(&host)),
        None => "write a name and a host, such as `{ name: github, host: github.com }`".to_owned(),
    };
    reader.refuse(
        &reader.in_file(item.span),
        Invalid::new("an external service must be a map", help),
    );
}

fn refuse_missing(reader: &mut Reader<'_>, section: Section<'_>, draft: &Draft) {
    let written = |name| section.get(name).is_some();
    if !written("host") {
        reader.refuse(
            &draft.item,
            Invalid::new(
                "this external service has no `host`",
                "add its host, such as `host: github.com`",
            ),
        );
    }
    if !written("name") {
        let name = draft
            .host
            .as_ref()
            .map_or_else(|| "github".to_owned(), |host| name_from(&host.value));
        reader.refuse(
            &draft.item,
            Invalid::new(
                "this external service has no `name`",
                format_args!("add one, such as `name: {name}`"),
            ),
        );
    }
}

/// The label of a host that people would call it by: `github` of `api.github.com`.
fn name_from(host: &Host) -> String {
    let labels: Vec<&str> = host.as_str().rsplit('.').collect();
    let name = labels.get(1).copied().unwrap_or("service");
    name.trim_start_matches(|c: char| !c.is_ascii_alphabetic())
        .to_owned()
}

fn field<W, T>(
    reader: &mut Reader<'_>,
    section: Section<'_>,
    name: &str,
    default: T,
    convert: fn(W) -> T,
) -> Field<T>
where
    W: FromStr<Err = Invalid>,
{
    let Some(node) = section.get(name) else {
        return Field {
            value: Some(default),
            place: None,
        };
    };
    let value = reader.written(section, name).map(Placed::into_value);
    Field {
        value: value.map(convert),
        place: Some(reader.in_file(node.span)),
    }
}

fn nodes(reader: &mut Reader<'_>, section: Section<'_>) -> Field<BTreeSet<Caller>> {
    let Some(node) = section.get("nodes") else {
        return Field {
            value: Some([Caller::App].into()),
            place: None,
        };
    };
    let callers = reader.written_list::<WrittenCaller>(section, "nodes");
    Field {
        value: callers.map(|all| {
            all.into_iter()
                .map(|WrittenCaller(caller)| caller)
                .collect()
        }),
        place: Some(reader.in_file(node.span)),
    }
}

// === impl WrittenCaller ===

impl FromStr for WrittenCaller {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let parsed = text.parse().map(Self);
        if text.to_ascii_lowercase().contains("gateway") {
            let help = "leave it out: the gateway takes connections in and has no way out";
            return parsed.map_err(|invalid| Invalid::new(invalid.message, help));
        }
        parsed
    }
}

// === impl WrittenProtocol ===

impl FromStr for WrittenProtocol {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let parsed = text.parse().map(Self);
        let help = match text.to_ascii_lowercase().as_str() {
            "https" | "tls" | "ssl" => {
                "write `tcp`: the app makes HTTPS itself, and the mesh sees TCP; on a port that is seldom TLS add `tls: true`"
            }
            "http2" | "h2" | "grpc" => "write `tcp` when the app makes TLS itself, else `http`",
            "udp" | "quic" | "http3" => {
                "no UDP leaves the mesh; write `tcp` when the host takes it too"
            }
            _ => return parsed,
        };
        parsed.map_err(|invalid| Invalid::new(invalid.message, help))
    }
}

// === impl Draft ===

impl Draft {
    pub(super) fn is_http_on_the_https_port(&self) -> bool {
        self.protocol.value == Some(Protocol::Http) && self.port.value == Some(443)
    }

    /// Whether the app begins with TLS, as far as it can be known.
    pub(super) fn is_tls(&self) -> Option<bool> {
        let usual = || Some(usual_tls(self.protocol.value?, self.port.value?));
        self.tls.value?.or_else(usual)
    }

    /// The port that the app connects to, when it could be read.
    pub(super) fn listen_port(&self) -> Option<u16> {
        self.via_port.value?.or(self.port.value)
    }

    /// Where the port that the app connects to is written.
    pub(super) fn listen_place(&self) -> &Place {
        let via = self.via_port.place.as_ref();
        via.or(self.port.place.as_ref())
            .unwrap_or_else(|| self.host_place())
    }

    pub(super) fn host_place(&self) -> &Place {
        self.host.as_ref().map_or(&self.item, |host| &host.place)
    }

    /// What the user would call it.
    pub(super) fn title(&self) -> String {
        let name = self.name.as_ref().map(|name| name.value.to_string());
        name.or_else(|| self.host.as_ref().map(|host| host.value.to_string()))
            .map_or_else(|| "another".to_owned(), |name| format!("`{name}`"))
    }

    /// The service, when every part of it is known.
    pub(super) fn finish(self) -> Option<ExternalService> {
        let tls = self.is_tls()?;
        Some(ExternalService {
            tls,
            nodes: self.nodes.value?,
            name: self.name?.into_value(),
            host: self.host?.into_value(),
            port: self.port.value?,
            protocol: self.protocol.value?,
            ip_preference: self.ip_preference.value?,
            via_port: self.via_port.value?,
            local_port: self.local_port.value?,
        })
    }
}

fn check_alone(reader: &mut Reader<'_>, draft: &Draft, services_domain: &DomainName) {
    if let Some(host) = draft
        .host
        .as_ref()
        .filter(|host| host.value.is_within(services_domain))
    {
        let message = format!(
            "`{}` lies inside the mesh's own domain, `{services_domain}`",
            host.value
        );
        reader.refuse(
            &host.place,
            Invalid::new(
                message,
                "name a host outside the mesh, or give `services_domain` another value",
            ),
        );
    }
    if draft.is_http_on_the_https_port() {
        let place = draft.protocol.place.as_ref().unwrap_or(&draft.item);
        let message = "an `http` service cannot be on port 443: HTTPS is made by the app itself, and is `tcp` to the mesh";
        reader.refuse(
            place,
            Invalid::new(
                message,
                "write `protocol: tcp`, or `port: 80` when it is HTTP without TLS",
            ),
        );
    }
    if let (Some(Protocol::Http), Some(Some(_)), Some(place)) =
        (draft.protocol.value, draft.tls.value, &draft.tls.place)
    {
        let message = "`tls` is for `tcp` services: to the mesh, `http` is HTTP without TLS";
        let help = "leave `tls` out, or write `protocol: tcp` when the app makes HTTPS itself";
        reader.refuse(place, Invalid::new(message, help));
    }
    if let (Some(Some(via)), Some(place)) = (draft.via_port.value, &draft.via_port.place) {
        check_via_port(reader, draft, via, place);
    }
    if draft.listen_port() == Some(53) {
        let message =
            "on port 53 the mesh answers DNS itself, and no connection gets through to a service";
        reader.refuse(
            draft.listen_place(),
            Invalid::new(
                message,
                "let the app connect to another port: `via_port: 5353`",
            ),
        );
    }
}

fn check_via_port(reader: &mut Reader<'_>, draft: &Draft, via: u16, place: &Place) {
    if draft.protocol.value == Some(Protocol::Http) {
        let message =
            "`via_port` is for `tcp` services: `http` ones are told apart by host and share a port";
        reader.refuse(place, Invalid::new(message, "leave `via_port` out"));
    } else if draft.port.value == Some(via) {
        let message = format!("`via_port` is {via}, and so is the port itself");
        reader.refuse(
            place,
            Invalid::new(message, "leave `via_port` out, or write another port"),
        );
    }
}
