//! The outside world: one TLS server that is every host, and the DNS that
//! says so.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Result;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_rustls::TlsAcceptor;

/// Where every host is.
pub(crate) const ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(198, 51, 100, 10)), 443);
/// The bytes of a request and of its answer.
pub(crate) const REQUEST: usize = 128;
pub(crate) const ANSWER: usize = 1024;

/// Starts both; the result is how clients come to trust the server.
pub(crate) async fn start() -> Result<Arc<ClientConfig>> {
    let signed = rcgen::generate_simple_self_signed(["*.outside.test".to_owned()])?;
    let certificate: CertificateDer<'static> = signed.cert.der().clone();
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der())
        .map_err(|error| anyhow::anyhow!(error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate)?;
    let mut client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // Each new connection pays for its whole handshake.
    client.resumption = rustls::client::Resumption::disabled();
    let listener = TcpListener::bind(ADDRESS).await?;
    tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(server))));
    tokio::spawn(names(UdpSocket::bind("127.0.0.1:53").await?));
    Ok(Arc::new(client))
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor) {
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move { answer(stream, acceptor).await });
    }
}

async fn answer(stream: TcpStream, acceptor: TlsAcceptor) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = acceptor.accept(stream).await?;
    let (mut request, answer) = ([0; REQUEST], [0; ANSWER]);
    loop {
        stream.read_exact(&mut request).await?;
        stream.write_all(&answer).await?;
        stream.flush().await?;
    }
}

/// Every name has the one address, and no other records.
async fn names(socket: UdpSocket) {
    let mut buffer = [0; 512];
    while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
        if let Some(answer) = record(&buffer[..length]) {
            let _client_gone = socket.send_to(&answer, client).await;
        }
    }
}

fn record(question: &[u8]) -> Option<Vec<u8>> {
    const HEAD: usize = 12;
    let mut end = HEAD;
    while *question.get(end)? != 0 {
        end += usize::from(question[end]) + 1;
    }
    let asked = question.get(HEAD..end + 5)?;
    let is_v4 = asked.ends_with(&[0, 1, 0, 1]);
    let mut answer = question[..2].to_vec();
    answer.extend([0x81, 0x80, 0, 1, 0, u8::from(is_v4), 0, 0, 0, 0]);
    answer.extend(asked);
    if is_v4 {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        let std::net::IpAddr::V4(address) = ADDRESS.ip() else {
            return None;
        };
        answer.extend(address.octets());
    }
    Some(answer)
}
