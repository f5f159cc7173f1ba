//! Messages: a question taken apart, an answer put together.

use std::net::IpAddr;

use hickory_proto::op::{Edns, Message, MessageType, Metadata, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA};
use hickory_proto::rr::{DNSClass, RData, Record, RecordType};

use super::Transport;
use super::zone::plain;

/// The longest packet that is sent: longer ones may be lost in pieces.
const LONGEST_PACKET: u16 = 1232;
/// The longest packet for whoever says nothing about it.
const SHORT_PACKET: u16 = 512;
/// The length of a message without anything in it.
const HEADER: usize = 12;

/// A question that can be answered.
#[derive(Debug)]
pub(super) struct Question {
    message: Message,
    query: Query,
    transport: Transport,
    /// The name asked for, in plain form.
    pub(super) name: String,
}

// === impl Question ===

impl Question {
    /// Reads a message; the error is what to send back, if anything.
    pub(super) fn read(bytes: &[u8], transport: Transport) -> Result<Self, Option<Vec<u8>>> {
        let Ok(message) = Message::from_vec(bytes) else {
            return Err(malformed(bytes));
        };
        if message.metadata.message_type != MessageType::Query {
            return Err(None);
        }
        let [query] = message.queries.as_slice() else {
            return Err(malformed(bytes));
        };
        let question = Self {
            name: plain(&query.name().to_ascii()),
            query: query.clone(),
            message,
            transport,
        };
        match question.objection() {
            None => Ok(question),
            Some(code) => Err(question.finish(question.empty(code))),
        }
    }

    /// Why this is not for us to answer.
    fn objection(&self) -> Option<ResponseCode> {
        if self.message.metadata.op_code != OpCode::Query {
            return Some(ResponseCode::NotImp);
        }
        if self.message.edns.as_ref().is_some_and(|e| e.version() > 0) {
            return Some(ResponseCode::BADVERS);
        }
        let internet = matches!(self.query.query_class(), DNSClass::IN | DNSClass::ANY);
        (!internet).then_some(ResponseCode::Refused)
    }

    /// The type asked for.
    pub(super) fn kind(&self) -> RecordType {
        self.query.query_type()
    }

    /// The addresses of the kind that was asked for; without any, no data.
    pub(super) fn addresses(&self, addresses: &[IpAddr], seconds: u32) -> Option<Vec<u8>> {
        let mut answer = self.empty(ResponseCode::NoError);
        let asked = self.kind();
        let data = addresses.iter().map(|address| match address {
            IpAddr::V4(address) => RData::A(A(*address)),
            IpAddr::V6(address) => RData::AAAA(AAAA(*address)),
        });
        let data = data.filter(|data| asked == RecordType::ANY || asked == data.record_type());
        let name = self.query.name();
        answer.add_answers(data.map(|data| Record::from_rdata(name.clone(), seconds, data)));
        self.finish(answer)
    }

    /// No such name.
    ///
    /// Not `REFUSED`: a client takes that for a fault of this server, asks
    /// again and elsewhere, and tells its user to try later.
    pub(super) fn no_such_name(&self) -> Option<Vec<u8>> {
        self.finish(self.empty(ResponseCode::NXDomain))
    }

    /// Nobody who would know answers.
    pub(super) fn failure(&self) -> Option<Vec<u8>> {
        self.finish(self.empty(ResponseCode::ServFail))
    }

    fn empty(&self, code: ResponseCode) -> Message {
        let mut answer = Message::response(self.message.metadata.id, OpCode::Query);
        answer.metadata = Metadata::response_from_request(&self.message.metadata);
        answer.metadata.recursion_available = true;
        answer.metadata.response_code = code;
        answer.add_query(self.query.clone());
        if self.message.edns.is_some() {
            let mut edns = Edns::new();
            edns.set_max_payload(LONGEST_PACKET).set_version(0);
            answer.set_edns(edns);
        }
        answer
    }

    /// The message as bytes; what does not fit a packet is to be asked for
    /// over a connection.
    fn finish(&self, answer: Message) -> Option<Vec<u8>> {
        let bytes = answer.to_vec().ok()?;
        if self.transport == Transport::Tcp || bytes.len() <= self.room().into() {
            return Some(bytes);
        }
        answer.truncate().to_vec().ok()
    }

    fn room(&self) -> u16 {
        let told = self.message.edns.as_ref().map(Edns::max_payload);
        told.map_or(SHORT_PACKET, |told| {
            told.clamp(SHORT_PACKET, LONGEST_PACKET)
        })
    }
}

/// What a message deserves that cannot be read: nothing when it is none, or
/// when it is an answer itself.
fn malformed(bytes: &[u8]) -> Option<Vec<u8>> {
    const ANSWER: u8 = 0x80;
    let header = bytes.get(..HEADER)?;
    let id = u16::from_be_bytes([header[0], header[1]]);
    let error = Message::error_msg(id, OpCode::Query, ResponseCode::FormErr);
    (header[2] & ANSWER == 0).then(|| error.to_vec().ok())?
}

#[cfg(test)]
pub(super) mod tests;
