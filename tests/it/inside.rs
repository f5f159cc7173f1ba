//! What the processes of a running project see: its app's network, as the app
//! itself would use it.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::{Message, Query};
use hickory_proto::rr::{Name, RData, RecordType};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::live::client::Client;
use crate::live::netns::Netns;
use crate::project::Project;

/// A process: its number and when it was started, which together no other has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Process {
    pub(crate) number: u32,
    started: u64,
}

/// The place of the app.
pub(crate) struct Inside {
    pub(crate) network: Netns,
    pub(crate) roots: Arc<RootCertStore>,
}

/// The processes that a project's endpoint runs, whose program has this name.
pub(crate) fn processes(project: &Project, name: &str) -> Vec<Process> {
    let record = fs::read_to_string(project.state().join("daemon.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    let daemon = u32::try_from(record["pid"].as_u64().unwrap()).unwrap();
    let numbers = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.parse::<u32>().ok()
    });
    let found = numbers.filter_map(|number| {
        let (command, _, started) = look(number)?;
        (command == name && is_below(number, daemon)).then_some(Process { number, started })
    });
    let mut found: Vec<Process> = found.collect();
    found.sort();
    found
}

fn is_below(mut number: u32, ancestor: u32) -> bool {
    while number != ancestor {
        match look(number) {
            Some((_, parent, _)) if parent > 1 => number = parent,
            _ => return false,
        }
    }
    true
}

/// Program, parent and start of a process.
fn look(number: u32) -> Option<(String, u32, u64)> {
    let text = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    let (before, after) = text.rsplit_once(')')?;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let command = before.split_once('(')?.1.to_owned();
    Some((command, fields[1].parse().ok()?, fields[19].parse().ok()?))
}

// === impl Inside ===

impl Inside {
    /// The place of the one app whose program has this name.
    pub(crate) fn of(project: &Project, program: &str) -> Self {
        let apps = processes(project, program);
        let [app] = apps.as_slice() else {
            panic!("{} processes are called `{program}`", apps.len());
        };
        let bundle = format!(
            "/proc/{}/root/etc/ssl/certs/ca-certificates.crt",
            app.number
        );
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(bundle).unwrap() {
            roots.add(certificate.unwrap()).unwrap();
        }
        Self {
            network: Netns::of(app.number),
            roots: Arc::new(roots),
        }
    }

    pub(crate) fn client(&self) -> Client<'_> {
        Client {
            app: &self.network,
            roots: Arc::clone(&self.roots),
        }
    }

    /// The address that the app's resolver has for a name, if it has one.
    pub(crate) fn resolve(&self, name: &str) -> io::Result<Option<Ipv4Addr>> {
        let socket = self.network.run(|| UdpSocket::bind("0.0.0.0:0"))?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut question = Message::query();
        let name = Name::from_ascii(format!("{name}.")).unwrap();
        question.add_query(Query::query(name, RecordType::A));
        socket.send_to(&question.to_vec().unwrap(), "169.254.100.2:53")?;
        let mut bytes = [0; 1500];
        let (length, _) = socket.recv_from(&mut bytes)?;
        let answer = Message::from_vec(&bytes[..length]).map_err(io::Error::other)?;
        let addresses = answer
            .answers
            .iter()
            .filter_map(|record| match record.data {
                RData::A(address) => Some(address.0),
                _ => None,
            });
        Ok(addresses.into_iter().next())
    }
}
