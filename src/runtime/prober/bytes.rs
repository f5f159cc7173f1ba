//! First bytes of protocols, made by hand so that they carry a marker.

use std::net::Ipv4Addr;

/// A TLS handshake's first message. The marker is its session's name.
pub(super) fn client_hello(server_name: Option<&str>, marker: &str) -> Vec<u8> {
    let mut extensions = Vec::new();
    if let Some(name) = server_name {
        let mut list = vec![0];
        list.extend(counted_16(name.as_bytes()));
        extension(&mut extensions, 0, &counted_16(&list));
    }
    // Curves x25519 and P-256; points; signatures with ECDSA and RSA.
    extension(&mut extensions, 10, &counted_16(&[0, 29, 0, 23]));
    extension(&mut extensions, 11, &[1, 0]);
    let signatures = [4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1];
    extension(&mut extensions, 13, &counted_16(&signatures));
    let mut session = marker.as_bytes().to_vec();
    session.resize(32, b'.');
    let mut body = vec![3, 3];
    body.extend(&session);
    body.push(32);
    body.extend(&session);
    body.extend(counted_16(&[
        0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x2c, 0xc0, 0x30,
    ]));
    body.extend([1, 0]);
    body.extend(counted_16(&extensions));
    let length = u32::try_from(body.len()).expect("a hello is short");
    let mut message = vec![1];
    message.extend(&length.to_be_bytes()[1..]);
    message.extend(body);
    let mut record = vec![22, 3, 1];
    record.extend(counted_16(&message));
    record
}

fn extension(extensions: &mut Vec<u8>, kind: u16, body: &[u8]) {
    extensions.extend(kind.to_be_bytes());
    extensions.extend(counted_16(body));
}

fn counted_16(bytes: &[u8]) -> Vec<u8> {
    let count = u16::try_from(bytes.len()).expect("a field is short");
    let mut counted = count.to_be_bytes().to_vec();
    counted.extend(bytes);
    counted
}

/// What opens a QUIC connection: a long header whose connection is the marker.
pub(super) fn quic_initial(marker: &str) -> Vec<u8> {
    let mut packet = vec![0xc3, 0, 0, 0, 1];
    packet.push(u8::try_from(marker.len()).expect("a marker is short"));
    packet.extend(marker.as_bytes());
    packet.extend([0, 0, 0x44, 0x90]);
    packet.resize(1200, 0);
    packet
}

/// A question for one type of record.
pub(super) fn question(name: &str, kind: u16) -> Vec<u8> {
    let mut message = vec![0x43, 0x4d, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).expect("a label is short"));
        message.extend(label.as_bytes());
    }
    message.push(0);
    message.extend(kind.to_be_bytes());
    message.extend([0, 1]);
    message
}

/// A whole IPv4 packet around `payload`.
pub(super) fn ipv4(protocol: u8, from: Ipv4Addr, to: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
    let total = u16::try_from(20 + payload.len()).expect("a packet is short");
    let mut packet = vec![0x45, 0];
    packet.extend(total.to_be_bytes());
    packet.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
    packet.extend(from.octets());
    packet.extend(to.octets());
    let sum = checksum(&packet).to_be_bytes();
    packet[10..12].copy_from_slice(&sum);
    packet.extend(payload);
    packet
}

/// A UDP datagram to port 53; its check sum may be missing in IPv4.
pub(super) fn udp(payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).expect("a datagram is short");
    let mut datagram = vec![0x9c, 0x40, 0, 53];
    datagram.extend(length.to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    datagram
}

/// A TCP segment that opens a connection to port 443 and carries data.
pub(super) fn syn(from: Ipv4Addr, to: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
    let mut segment = vec![
        0x9c, 0x41, 1, 0xbb, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff,
    ];
    segment.extend([0, 0, 0, 0]);
    segment.extend(payload);
    let length = u16::try_from(segment.len()).expect("a segment is short");
    let mut summed = [from.octets(), to.octets()].concat();
    summed.extend([0, 6]);
    summed.extend(length.to_be_bytes());
    summed.extend(&segment);
    let sum = checksum(&summed).to_be_bytes();
    segment[16..18].copy_from_slice(&sum);
    segment
}

/// An echo request; version 6 leaves its check sum to the kernel.
pub(super) fn echo(kind: u8, marker: &str) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, 0, 0x43, 0x4d, 0, 1];
    message.extend(marker.as_bytes());
    if message.len() % 2 == 1 {
        message.push(0);
    }
    let sum = checksum(&message).to_be_bytes();
    message[2..4].copy_from_slice(&sum);
    message
}

/// A frame of Ethernet to everybody.
pub(super) fn frame(packet: &[u8]) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend([2, 0, 0, 0, 0, 1, 8, 0]);
    frame.extend(packet);
    frame
}

fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| match pair {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        [high] => u32::from(*high) << 8,
        _ => 0,
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("it was folded")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_hello_is_one_that_a_real_server_reads() {
        let mut acceptor = rustls::server::Acceptor::default();
        let hello = client_hello(Some("a.example"), "cm01234567a01");
        acceptor.read_tls(&mut hello.as_slice()).unwrap();
        let accepted = acceptor.accept().unwrap().unwrap();
        assert_eq!(accepted.client_hello().server_name(), Some("a.example"));
    }

    #[test]
    fn a_question_is_one_that_a_real_resolver_reads() {
        let message = hickory_proto::op::Message::from_vec(&question("a.example", 16)).unwrap();
        assert_eq!(message.queries[0].name().to_ascii(), "a.example.");
    }

    #[test]
    fn a_header_with_its_check_sum_sums_to_nothing() {
        let packet = ipv4(17, Ipv4Addr::LOCALHOST, Ipv4Addr::BROADCAST, b"x");
        assert_eq!(checksum(&packet[..20]), 0);
    }
}
