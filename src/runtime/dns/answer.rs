//! Messages: a question taken apart, an answer put together.

use std::net::Ipv4Addr;

use hickory_proto::op::{Message, MessageType, Metadata, OpCode, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record, RecordType};

use super::zone::plain;

/// A question that can be answered.
#[derive(Debug)]
pub(super) struct Question {
    message: Message,
    /// The name asked for, in plain form.
    pub(super) name: String,
    /// The type asked for.
    pub(super) kind: RecordType,
}

// === impl Question ===

impl Question {
    /// Reads a message; the error is what to send back, if anything.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Option<Vec<u8>>> {
        let Ok(message) = Message::from_vec(bytes) else {
            return Err(refusal(bytes));
        };
        if message.metadata.message_type != MessageType::Query {
            return Err(None);
        }
        let question = message
            .queries
            .first()
            .filter(|_| message.queries.len() == 1 && message.metadata.op_code == OpCode::Query);
        let Some(question) = question else {
            return Err(refusal(bytes));
        };
        let (name, kind) = (plain(&question.name().to_ascii()), question.query_type());
        Ok(Self {
            message,
            name,
            kind,
        })
    }

    /// The addresses, when addresses were asked for; else no data.
    pub(super) fn addresses(&self, addresses: &[Ipv4Addr], seconds: u32) -> Option<Vec<u8>> {
        let mut answer = self.empty(ResponseCode::NoError);
        if matches!(self.kind, RecordType::A | RecordType::ANY) {
            let name = self.message.queries.first()?.name().clone();
            let record = |address| Record::from_rdata(name.clone(), seconds, RData::A(A(address)));
            answer.add_answers(addresses.iter().copied().map(record));
        }
        answer.to_vec().ok()
    }

    /// No such name.
    pub(super) fn no_such_name(&self) -> Option<Vec<u8>> {
        self.empty(ResponseCode::NXDomain).to_vec().ok()
    }

    /// Nobody who would know answers.
    pub(super) fn failure(&self) -> Option<Vec<u8>> {
        self.empty(ResponseCode::ServFail).to_vec().ok()
    }

    fn empty(&self, code: ResponseCode) -> Message {
        let mut answer = Message::response(self.message.metadata.id, OpCode::Query);
        answer.metadata = Metadata::response_from_request(&self.message.metadata);
        answer.metadata.recursion_available = true;
        answer.metadata.response_code = code;
        answer.add_queries(self.message.queries.iter().cloned());
        answer
    }
}

/// What a message deserves that is no question; nothing when it has no number.
fn refusal(bytes: &[u8]) -> Option<Vec<u8>> {
    let id = u16::from_be_bytes([*bytes.first()?, *bytes.get(1)?]);
    Message::error_msg(id, OpCode::Query, ResponseCode::FormErr)
        .to_vec()
        .ok()
}

#[cfg(test)]
pub(super) mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use hickory_proto::op::Query;
    use hickory_proto::rr::Name;

    use super::*;

    pub(in crate::runtime::dns) fn question(name: &str, kind: RecordType) -> Vec<u8> {
        let mut message = Message::query();
        message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
        message.to_vec().unwrap()
    }

    #[test]
    fn another_type_of_a_known_name_is_no_data_and_not_no_name() {
        let question = Question::read(&question("Go.dev.", RecordType::AAAA)).unwrap();
        let answer = question.addresses(&[Ipv4Addr::LOCALHOST], 5).unwrap();
        let answer = Message::from_vec(&answer).unwrap();
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
        assert!(answer.answers.is_empty());
        assert_eq!(question.name, "go.dev");
    }

    #[test]
    fn an_address_is_answered() {
        let question = Question::read(&question("go.dev", RecordType::A)).unwrap();
        let answer = question.addresses(&[Ipv4Addr::LOCALHOST], 5).unwrap();
        let answer = Message::from_vec(&answer).unwrap();
        assert_eq!(answer.answers[0].data, RData::A(A(Ipv4Addr::LOCALHOST)));
        assert_eq!(answer.answers[0].ttl, 5);
    }

    #[test]
    fn what_is_no_question_is_refused_or_ignored() {
        assert!(matches!(Question::read(&[7]), Err(None)));
        let refused = Question::read(&[0, 7, 1, 2, 3]).unwrap_err().unwrap();
        let refused = Message::from_vec(&refused).unwrap();
        assert_eq!(
            (refused.metadata.id, refused.metadata.response_code),
            (7, ResponseCode::FormErr)
        );
    }
}
