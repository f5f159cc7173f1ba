//! What an application does: connections to names and addresses.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::netns::Netns;
use super::outside::provider;

/// Connects from inside a namespace.
pub(crate) struct Client<'a> {
    pub(crate) app: &'a Netns,
    pub(crate) roots: Arc<RootCertStore>,
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// Says a piece at a time, with a pause after each.
struct InPieces(TcpStream);

impl Write for InPieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(&bytes[..bytes.len().min(700)])?;
        thread::sleep(Duration::from_millis(5));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Read for InPieces {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}

/// An open connection.
pub(crate) struct Connection {
    stream: BufReader<Box<dyn Stream>>,
    host: String,
}

impl Client<'_> {
    pub(crate) fn connect(&self, address: Ipv4Addr, port: u16) -> io::Result<TcpStream> {
        let stream = self.app.run(|| TcpStream::connect((address, port)))?;
        stream.set_read_timeout(Some(Duration::from_secs(8)))?;
        Ok(stream)
    }

    /// The handshake happens with the first request.
    pub(crate) fn https(&self, host: &str, address: Ipv4Addr, port: u16) -> io::Result<Connection> {
        let stream = self.tls(host, self.connect(address, port)?);
        Ok(Connection::new(host, Box::new(stream)))
    }

    pub(crate) fn http(&self, host: &str, address: Ipv4Addr, port: u16) -> io::Result<Connection> {
        Ok(Connection::new(
            host,
            Box::new(self.connect(address, port)?),
        ))
    }

    /// TLS on a connection on which something else was said before.
    pub(crate) fn upgrade(&self, host: &str, stream: TcpStream) -> Connection {
        Connection::new(host, Box::new(self.tls(host, stream)))
    }

    /// With a first message of over 8 KiB, which comes in pieces.
    pub(crate) fn https_with_much_to_say(
        &self,
        host: &str,
        address: Ipv4Addr,
        port: u16,
    ) -> io::Result<Connection> {
        let protocol = |number: u8| vec![number; 255];
        let protocols = (1..=33).map(protocol).collect();
        let stream = self.connect(address, port)?;
        stream.set_nodelay(true)?;
        let stream = StreamOwned::new(self.client(host, protocols), InPieces(stream));
        Ok(Connection::new(host, Box::new(stream)))
    }

    fn tls(&self, host: &str, stream: TcpStream) -> StreamOwned<ClientConnection, TcpStream> {
        StreamOwned::new(self.client(host, Vec::new()), stream)
    }

    fn client(&self, host: &str, protocols: Vec<Vec<u8>>) -> ClientConnection {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = protocols;
        let name = ServerName::try_from(host.to_owned()).unwrap();
        ClientConnection::new(Arc::new(config), name).unwrap()
    }

    pub(crate) fn plain(&self, address: Ipv4Addr, port: u16) -> io::Result<Connection> {
        self.http("plain", address, port)
    }

    /// Tries for five seconds.
    pub(crate) fn eventually<T>(&self, attempt: impl Fn(&Self) -> io::Result<T>) -> T {
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            match attempt(self) {
                Ok(value) => return value,
                Err(error) => assert!(Instant::now() < end, "{error}"),
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// What came back for some bytes.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status of the first answer.
    pub(crate) status: Option<u16>,
    /// Everything, until the other side was silent or closed.
    pub(crate) text: String,
}

impl Client<'_> {
    /// Sends bytes as they are and gathers what comes back.
    pub(crate) fn raw(&self, address: Ipv4Addr, port: u16, bytes: &[u8]) -> Answer {
        let mut stream = self.connect(address, port).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(2)))
            .unwrap();
        stream.write_all(bytes).unwrap();
        let mut all = Vec::new();
        // The other side may keep the connection, or cut it.
        let _ = stream.read_to_end(&mut all);
        let text = String::from_utf8_lossy(&all).into_owned();
        let status = text.split(' ').nth(1).and_then(|word| word.parse().ok());
        Answer { status, text }
    }
}

impl Connection {
    fn new(host: &str, stream: Box<dyn Stream>) -> Self {
        Self {
            stream: BufReader::new(stream),
            host: host.to_owned(),
        }
    }

    /// The body of an answer with status 200.
    pub(crate) fn get(&mut self, path: &str) -> io::Result<String> {
        match self.request("GET", path)? {
            (200, body) => Ok(body),
            (status, _) => Err(io::Error::other(format!("status {status}"))),
        }
    }

    pub(crate) fn status(&mut self, path: &str) -> io::Result<u16> {
        Ok(self.request("GET", path)?.0)
    }

    pub(crate) fn post(&mut self, path: &str) -> io::Result<u16> {
        Ok(self.request("POST", path)?.0)
    }

    fn request(&mut self, method: &str, path: &str) -> io::Result<(u16, String)> {
        let host = &self.host;
        let request =
            format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\n\r\n");
        self.stream.get_mut().write_all(request.as_bytes())?;
        self.stream.get_mut().flush()?;
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.ok_or(ErrorKind::ConnectionReset)?;
        let (mut length, mut chunked) = (0, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
            chunked |= line == "transfer-encoding: chunked";
        }
        if chunked {
            return Ok((status, self.chunks()?));
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status, String::from_utf8(body).unwrap()))
    }

    fn chunks(&mut self) -> io::Result<String> {
        let mut all = String::new();
        loop {
            let length = usize::from_str_radix(&self.line()?, 16).unwrap();
            let mut chunk = vec![0; length];
            self.stream.read_exact(&mut chunk)?;
            self.line()?;
            if length == 0 {
                return Ok(all);
            }
            all.push_str(&String::from_utf8(chunk).unwrap());
        }
    }

    /// Sends a line and reads one.
    pub(crate) fn say(&mut self, line: &str) -> io::Result<String> {
        self.stream
            .get_mut()
            .write_all(format!("{line}\n").as_bytes())?;
        self.stream.get_mut().flush()?;
        self.line()
    }

    pub(crate) fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    pub(crate) fn wait_until_closed(&mut self) {
        let read = self.stream.read(&mut [0]);
        assert!(
            matches!(&read, Ok(0))
                || read.is_err_and(|error| {
                    !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
                })
        );
    }
}
