//! What can be done but may not be meant.

use super::external_services::Draft;
use super::reader::{Reader, Section};
use super::{ExternalService, Invalid, Matching, MeshConfig, Protocol, suffixes};

/// As many services are named in a warning.
const NAMED: usize = 3;

impl Reader<'_> {
    /// Tells what matching by port alone lets through.
    pub(super) fn warn_of_ports(
        &mut self,
        root: Section<'_>,
        mesh: &MeshConfig,
        services: &[ExternalService],
    ) {
        let tcp: Vec<&ExternalService> = services
            .iter()
            .filter(|service| service.protocol == Protocol::Tcp)
            .collect();
        if tcp.is_empty() || mesh.matching == Matching::Sni || self.problems.has_errors() {
            return;
        }
        let Some(node) = root.get("mesh").and_then(|mesh| mesh.get("matching")) else {
            return;
        };
        let way = |service: &&ExternalService| {
            format!("`{}` on port {}", service.host, service.listen_port())
        };
        let mut ways: Vec<String> = tcp.iter().take(NAMED).map(way).collect();
        if tcp.len() > NAMED {
            ways.push(format!("{} more", tcp.len() - NAMED));
        }
        let last = ways.pop().unwrap_or_default();
        let ways = if ways.is_empty() {
            last
        } else {
            format!("{} and {last}", ways.join(", "))
        };
        let message = format!(
            "by port alone, a connection goes to {ways}, whatever host and server name it is for"
        );
        let help = "write `sni`: then whoever asks for another host is refused, and it is noted; `port` is what App Mesh did";
        let place = self.in_file(node.span);
        self.warn(&place, Invalid::new(message, help));
    }
}

/// Tells of a wildcard below which strangers have hosts.
pub(super) fn wide_wildcard(reader: &mut Reader<'_>, draft: &Draft) {
    let Some(host) = &draft.host else { return };
    let Some(domain) = host.value.wildcard() else {
        return;
    };
    if suffixes::is_anybodys(domain) {
        let message = format!(
            "anybody can have a host below `{domain}`, and the app may send it what it likes"
        );
        let help = format!("name the hosts that are meant, such as `yours.{domain}`");
        reader.warn(&host.place, Invalid::new(message, help));
    }
}
