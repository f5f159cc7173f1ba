//! The DNS of the fake internet: it answers what it is told to, for as long as
//! it is told to, and remembers every question.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use hickory_proto::op::{Message, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA};
use hickory_proto::rr::{RData, Record, RecordType};

use crate::live::netns::within;

/// What is answered for a name.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    /// These addresses, for so many seconds.
    Addresses(Vec<IpAddr>, u32),
    /// The same, but late.
    Late(Vec<IpAddr>, Duration),
    /// An error.
    Error(ResponseCode),
    /// Nothing at all.
    Silence,
}

/// A question that came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) name: String,
    pub(crate) kind: RecordType,
}

/// An answer, and when it is sent.
struct Answer {
    bytes: Vec<u8>,
    late: Duration,
}

#[derive(Debug, Default)]
struct Book {
    says: BTreeMap<String, Says>,
    asked: Vec<Asked>,
}

/// The server; it serves until the test ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dns(Arc<Mutex<Book>>);

// === impl Dns ===

impl Dns {
    /// Serves at this address of a network namespace.
    pub(crate) fn serve(&self, network: &Path, address: Ipv4Addr) {
        let at = SocketAddr::from((address, 53));
        let (socket, listener) = within(network, || {
            (UdpSocket::bind(at).unwrap(), TcpListener::bind(at).unwrap())
        });
        let (packets, streams) = (self.clone(), self.clone());
        thread::spawn(move || packets.packets(&socket));
        thread::spawn(move || streams.streams(&listener));
    }

    pub(crate) fn say(&self, name: &str, says: Says) {
        self.0.lock().unwrap().says.insert(name.to_owned(), says);
    }

    pub(crate) fn what(&self, name: &str) -> Says {
        self.0.lock().unwrap().says[name].clone()
    }

    /// All questions so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.0.lock().unwrap().asked.clone()
    }

    pub(crate) fn asked_for(&self, name: &str) -> usize {
        let asked = self.asked();
        asked.iter().filter(|asked| asked.name == name).count()
    }

    fn packets(&self, socket: &UdpSocket) {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let (Some(answer), socket) = (self.answer(&buffer[..length]), socket.try_clone())
            else {
                continue;
            };
            thread::spawn(move || {
                thread::sleep(answer.late);
                let _ = socket.unwrap().send_to(&answer.bytes, from);
            });
        }
    }

    fn streams(&self, listener: &TcpListener) {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
            let mut length = [0; 2];
            while stream.read_exact(&mut length).is_ok() {
                let mut question = vec![0; u16::from_be_bytes(length).into()];
                let read = stream.read_exact(&mut question);
                let Some(answer) = read.ok().and_then(|()| self.answer(&question)) else {
                    break;
                };
                let length = u16::try_from(answer.bytes.len()).unwrap().to_be_bytes();
                let _ = stream.write_all(&[&length, answer.bytes.as_slice()].concat());
            }
        }
    }

    fn answer(&self, bytes: &[u8]) -> Option<Answer> {
        let question = Message::from_vec(bytes).ok()?;
        let query = question.queries.first()?.clone();
        let name = query.name().to_ascii().to_lowercase();
        let name = name.trim_end_matches('.').to_owned();
        let kind = query.query_type();
        let says = {
            let mut book = self.0.lock().unwrap();
            book.asked.push(Asked {
                name: name.clone(),
                kind,
            });
            book.says.get(&name).cloned()
        };
        let mut answer = Message::response(question.metadata.id, OpCode::Query);
        answer.metadata.recursion_available = true;
        answer.add_query(query.clone());
        let (mut late, mut seconds) = (Duration::ZERO, 60);
        let addresses = match says {
            Some(Says::Silence) => return None,
            Some(Says::Error(code)) => {
                answer.metadata.response_code = code;
                Vec::new()
            }
            None => {
                answer.metadata.response_code = ResponseCode::NXDomain;
                Vec::new()
            }
            Some(Says::Addresses(addresses, valid)) => {
                seconds = valid;
                addresses
            }
            Some(Says::Late(addresses, by)) => {
                late = by;
                addresses
            }
        };
        let data = addresses.into_iter().filter_map(|address| match address {
            IpAddr::V4(address) if kind == RecordType::A => Some(RData::A(A(address))),
            IpAddr::V6(address) if kind == RecordType::AAAA => Some(RData::AAAA(AAAA(address))),
            _ => None,
        });
        let record = |data| Record::from_rdata(query.name().clone(), seconds, data);
        answer.add_answers(data.map(record));
        let bytes = answer.to_vec().ok()?;
        Some(Answer { bytes, late })
    }
}
