//! Questions as clients put them, well and badly.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::net::Ipv4Addr;

use hickory_proto::rr::Name;
use proptest::prelude::*;

use super::*;

pub(in crate::runtime::dns) fn question(name: &str, kind: RecordType) -> Vec<u8> {
    asking(name, kind).to_vec().unwrap()
}

fn asking(name: &str, kind: RecordType) -> Message {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    message
}

fn read(bytes: &[u8]) -> Question {
    Question::read(bytes, Transport::Udp).unwrap()
}

/// What comes back instead of an answer.
fn objection(bytes: &[u8]) -> ResponseCode {
    let refused = Question::read(bytes, Transport::Udp).unwrap_err();
    let refused = Message::from_vec(&refused.unwrap()).unwrap();
    assert_eq!(refused.metadata.message_type, MessageType::Response);
    refused.metadata.response_code
}

const SIX: &str = "2001:db8::1";

fn both() -> [IpAddr; 2] {
    [Ipv4Addr::LOCALHOST.into(), SIX.parse().unwrap()]
}

#[test]
fn another_type_of_a_known_name_is_no_data_and_not_no_name() {
    let service_binding = RecordType::from(65);
    let others = [
        RecordType::AAAA,
        RecordType::MX,
        RecordType::TXT,
        RecordType::SRV,
        RecordType::NS,
        RecordType::SOA,
        service_binding,
    ];
    for kind in others {
        let question = read(&question("Go.dev.", kind));
        let answer = question
            .addresses(&[Ipv4Addr::LOCALHOST.into()], 5)
            .unwrap();
        let answer = Message::from_vec(&answer).unwrap();
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
        assert!(answer.answers.is_empty(), "{kind}");
        assert_eq!(question.name, "go.dev");
    }
}

#[test]
fn addresses_are_answered_by_their_kind() {
    let data = |kind| {
        let answer = read(&question("go.dev", kind)).addresses(&both(), 5);
        let answer = Message::from_vec(&answer.unwrap()).unwrap();
        assert!(answer.answers.iter().all(|record| record.ttl == 5));
        answer
            .answers
            .iter()
            .map(|record| record.data.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(data(RecordType::A), ["127.0.0.1"]);
    assert_eq!(data(RecordType::AAAA), [SIX]);
    assert_eq!(data(RecordType::ANY), ["127.0.0.1", SIX]);
}

#[test]
fn the_question_comes_back_as_it_was_spelled() {
    let bytes = question("GiThUb.CoM", RecordType::A);
    let name = b"\x06GiThUb\x03CoM\0";
    for answer in [
        read(&bytes).addresses(&both(), 5),
        read(&bytes).no_such_name(),
    ] {
        assert_eq!(&answer.unwrap()[HEADER..HEADER + name.len()], name);
    }
    assert_eq!(read(&bytes).name, "github.com");
}

#[test]
fn who_speaks_edns_is_answered_in_kind() {
    let mut message = asking("go.dev", RecordType::A);
    let mut edns = Edns::new();
    edns.set_max_payload(4096);
    message.set_edns(edns.clone());
    let answer = read(&message.to_vec().unwrap()).addresses(&both(), 5);
    let answer = Message::from_vec(&answer.unwrap()).unwrap();
    assert_eq!(answer.edns.unwrap().max_payload(), LONGEST_PACKET);
    edns.set_version(1);
    message.set_edns(edns);
    // The number of `BADVERS` is that of another code too.
    let objection = objection(&message.to_vec().unwrap());
    assert_eq!(u16::from(objection), u16::from(ResponseCode::BADVERS));
}

#[test]
fn what_does_not_fit_a_packet_is_to_be_asked_for_over_a_connection() {
    let many: Vec<IpAddr> = (0..100)
        .map(|n| Ipv4Addr::new(10, 0, 0, n).into())
        .collect();
    let bytes = question("many.test", RecordType::A);
    let packet = read(&bytes).addresses(&many, 5).unwrap();
    assert!(packet.len() <= SHORT_PACKET.into());
    assert!(Message::from_vec(&packet).unwrap().metadata.truncation);
    let stream = Question::read(&bytes, Transport::Tcp).unwrap();
    let whole = Message::from_vec(&stream.addresses(&many, 5).unwrap()).unwrap();
    assert_eq!(
        (whole.answers.len(), whole.metadata.truncation),
        (100, false)
    );
}

#[test]
fn what_is_not_for_us_is_refused_with_its_reason() {
    let mut message = asking("version.bind", RecordType::TXT);
    message.queries[0].set_query_class(DNSClass::CH);
    assert_eq!(objection(&message.to_vec().unwrap()), ResponseCode::Refused);
    let mut message = asking("go.dev", RecordType::A);
    message.metadata.op_code = OpCode::Update;
    assert_eq!(objection(&message.to_vec().unwrap()), ResponseCode::NotImp);
    let mut message = asking("go.dev", RecordType::A);
    message.add_query(message.queries[0].clone());
    assert_eq!(objection(&message.to_vec().unwrap()), ResponseCode::FormErr);
}

#[test]
fn what_is_no_question_is_refused_or_ignored() {
    let silent = |bytes: &[u8]| matches!(Question::read(bytes, Transport::Udp), Err(None));
    assert!(silent(&[]) && silent(&[7]) && silent(&[0; HEADER - 1]));
    // Two servers that object to each other's objections would never end.
    let mut answer = vec![0xff; 30];
    assert!(silent(&answer));
    answer[2] = 0;
    assert_eq!(objection(&answer), ResponseCode::FormErr);
}

#[test]
fn a_name_that_points_to_itself_ends() {
    let mut looped = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    looped.extend([0xc0, 12, 0, 1, 0, 1]);
    assert_eq!(objection(&looped), ResponseCode::FormErr);
    let mut chased = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    chased.extend([1, b'a', 0xc0, 14, 0xc0, 12, 0, 1, 0, 1]);
    assert_eq!(objection(&chased), ResponseCode::FormErr);
}

/// Whatever comes, what goes back is an answer to it or nothing.
fn survives(bytes: &[u8]) -> Result<(), TestCaseError> {
    for transport in [Transport::Udp, Transport::Tcp] {
        let answers = match Question::read(bytes, transport) {
            Ok(question) => vec![
                question.addresses(&both(), 5),
                question.no_such_name(),
                question.failure(),
            ],
            Err(refusal) => vec![refusal],
        };
        for answer in answers.into_iter().flatten() {
            prop_assert_eq!(&answer[..2], &bytes[..2]);
            prop_assert_eq!(answer[2] & 0x80, 0x80);
            let packet = usize::from(LONGEST_PACKET);
            prop_assert!(transport == Transport::Tcp || answer.len() <= packet);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_bytes_bring_the_server_down(bytes in prop::collection::vec(any::<u8>(), 0..1500)) {
        survives(&bytes)?;
    }

    #[test]
    fn no_damaged_question_brings_the_server_down(
        name in "[a-zA-Z][a-zA-Z0-9-]{0,19}(\\.[a-z]{1,20}){0,8}",
        kind in any::<u16>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        keep in any::<prop::sample::Index>(),
        more in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let mut bytes = question(&name, kind.into());
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes.truncate(keep.index(bytes.len()) + 1);
        bytes.extend(more);
        survives(&bytes)?;
    }
}
