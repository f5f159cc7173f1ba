//! Ports whose protocol begins with a TLS handshake.

/// HTTPS, SMTPS, LDAPS, DNS over TLS, FTPS, TELNETS, IMAPS, POP3S, AMQPS,
/// Kubernetes, syslog, the other HTTPS, MQTTS and Kafka.
const TLS_PORTS: [u16; 15] = [
    443, 465, 636, 853, 989, 990, 992, 993, 995, 5671, 6443, 6514, 8443, 8883, 9093,
];

/// Whether a client on this port sends a TLS greeting, and in it the server's
/// name, before anything else.
pub fn starts_with_tls(port: u16) -> bool {
    TLS_PORTS.contains(&port)
}
