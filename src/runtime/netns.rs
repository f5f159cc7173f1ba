//! Network namespaces, each with a thread of its own that lives inside it.
//!
//! Sockets made by that thread belong to the namespace and can be used from
//! anywhere afterwards; processes it starts are born inside. No other thread
//! ever changes its namespace.

use std::io::{self, Write};
use std::net::{SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};

use rustix::mount::UnmountFlags;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::thread::UnshareFlags;
use thiserror::Error;
use tokio::sync::oneshot;

use super::sys;

type Job = Box<dyn FnOnce() + Send>;

/// Why something in a network namespace failed.
#[derive(Debug, Error)]
pub enum NetnsError {
    /// The namespace could not be made.
    #[error("cannot make the network namespace `{name}`")]
    Create {
        /// Its name.
        name: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A command is not there or could not run.
    #[error("cannot run `{program}` (package `{package}`)")]
    Command {
        /// The command.
        program: &'static str,
        /// The package that usually has it.
        package: &'static str,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A command refused what it was given.
    #[error("`{program}` refused its input in namespace `{name}`: {message}")]
    Refused {
        /// The command.
        program: &'static str,
        /// The namespace.
        name: String,
        /// What it printed.
        message: String,
    },
    /// A socket could not be opened.
    #[error("cannot open a socket at {address} in namespace `{name}`")]
    Socket {
        /// Where.
        address: SocketAddr,
        /// The namespace.
        name: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The thread inside has ended.
    #[error("the network namespace `{0}` is gone")]
    Gone(String),
}

/// A handle to a network namespace; the last one to go takes its thread along.
#[derive(Clone, Debug)]
pub(crate) struct Netns(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    name: String,
    path: Option<PathBuf>,
    jobs: mpsc::Sender<Job>,
}

// === impl Netns ===

impl Netns {
    /// Makes a namespace, held by a mount at `folder/name`.
    pub(crate) async fn create(folder: &Path, name: &str) -> Result<Self, NetnsError> {
        let path = folder.join(name);
        let held = path.clone();
        let netns = Self::worker(name, Some(path));
        let made = netns.run(move || hold_new(&held)).await?;
        made.map_err(|source| NetnsError::Create {
            name: name.to_owned(),
            source,
        })?;
        Ok(netns)
    }

    /// The namespace that this process is in.
    pub(crate) fn own() -> Self {
        Self::worker("host", None)
    }

    fn worker(name: &str, path: Option<PathBuf>) -> Self {
        let (jobs, queue) = mpsc::channel::<Job>();
        let thread = std::thread::Builder::new().name(format!("netns {name}"));
        let run = move || queue.into_iter().for_each(|job| job());
        thread.spawn(run).expect("a thread can be started");
        Self(Arc::new(Inside {
            name: name.to_owned(),
            path,
            jobs,
        }))
    }

    /// The file that stands for it; none for this process's own.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// Runs `job` on the thread inside and gives what it returned.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NetnsError> {
        let (done, result) = oneshot::channel();
        let job: Job = Box::new(move || drop(done.send(job())));
        let gone = || NetnsError::Gone(self.0.name.clone());
        self.0.jobs.send(job).map_err(|_| gone())?;
        result.await.map_err(|_| gone())
    }

    /// Feeds `text` to `ip -batch`.
    pub(crate) async fn ip(&self, text: String) -> Result<(), NetnsError> {
        self.feed("ip", "iproute2", &["-batch", "-"], text).await
    }

    /// Feeds `text` to `nft`.
    pub(crate) async fn nft(&self, text: String) -> Result<(), NetnsError> {
        self.feed("nft", "nftables", &["-f", "-"], text).await
    }

    async fn feed(
        &self,
        program: &'static str,
        package: &'static str,
        arguments: &'static [&'static str],
        text: String,
    ) -> Result<(), NetnsError> {
        let ran = self.run(move || feed(program, arguments, &text)).await?;
        let message = ran.map_err(|source| NetnsError::Command {
            program,
            package,
            source,
        })?;
        message.map_or(Ok(()), |message| {
            Err(NetnsError::Refused {
                program,
                name: self.0.name.clone(),
                message,
            })
        })
    }

    /// Lets processes without privileges listen on any port, as containers do.
    pub(crate) async fn open_low_ports(&self) -> Result<(), NetnsError> {
        let file = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
        let written = self.run(move || std::fs::write(file, "0")).await?;
        written.map_err(|source| NetnsError::Create {
            name: self.0.name.clone(),
            source,
        })
    }

    /// A TCP listener inside.
    pub(crate) async fn listen(
        &self,
        address: SocketAddr,
    ) -> Result<tokio::net::TcpListener, NetnsError> {
        let made = self.run(move || nonblocking_listener(address)).await?;
        let listener = made.and_then(tokio::net::TcpListener::from_std);
        listener.map_err(|source| self.socket_error(address, source))
    }

    /// A UDP socket inside.
    pub(crate) async fn udp(
        &self,
        address: SocketAddr,
    ) -> Result<tokio::net::UdpSocket, NetnsError> {
        let bind = move || {
            let socket = UdpSocket::bind(address)?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        };
        let socket = self
            .run(bind)
            .await?
            .and_then(tokio::net::UdpSocket::from_std);
        socket.map_err(|source| self.socket_error(address, source))
    }

    /// A TCP connection made inside.
    pub(crate) async fn connect(
        &self,
        address: SocketAddrV4,
    ) -> Result<tokio::net::TcpStream, NetnsError> {
        let failed = |source| self.socket_error(address.into(), source);
        let socket = self.run(unconnected).await?.map_err(failed)?;
        let socket = tokio::net::TcpSocket::from_std_stream(socket);
        socket.connect(address.into()).await.map_err(failed)
    }

    fn socket_error(&self, address: SocketAddr, source: io::Error) -> NetnsError {
        NetnsError::Socket {
            address,
            name: self.0.name.clone(),
            source,
        }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _already_gone = rustix::mount::unmount(path, UnmountFlags::DETACH);
            let _already_gone = std::fs::remove_file(path);
        }
    }
}

/// Moves this thread into a new network namespace and mounts that at `path`.
fn hold_new(path: &Path) -> io::Result<()> {
    std::fs::write(path, "")?;
    sys::unshare(UnshareFlags::NEWNET)?;
    rustix::mount::mount_bind("/proc/thread-self/ns/net", path)?;
    Ok(())
}

/// Runs a command with `text` on its standard input; gives what it complained.
fn feed(program: &str, arguments: &[&str], text: &str) -> io::Result<Option<String>> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // A command that refuses early closes its input; its message says why.
        let _refused_early = input.write_all(text.as_bytes());
    }
    let output = child.wait_with_output()?;
    let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Ok((!output.status.success()).then_some(message))
}

fn nonblocking_listener(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn unconnected() -> io::Result<TcpStream> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
    Ok(TcpStream::from(socket))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[tokio::test]
    async fn sockets_of_the_own_namespace_work() {
        let own = Netns::own();
        let listener = own.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let SocketAddr::V4(address) = listener.local_addr().unwrap() else {
            unreachable!()
        };
        let (client, server) = tokio::join!(own.connect(address), listener.accept());
        assert_eq!(client.unwrap().local_addr().unwrap(), server.unwrap().1);
    }

    #[tokio::test]
    async fn a_missing_command_is_named_with_its_package() {
        let error = Netns::own()
            .feed("no-such-command", "some-package", &[], String::new())
            .await;
        let text = error.unwrap_err().to_string();
        assert_eq!(
            text,
            "cannot run `no-such-command` (package `some-package`)"
        );
    }

    #[test]
    fn what_a_command_complains_comes_back() {
        let message = feed("sh", &["-c", "cat >/dev/null; echo no >&2; exit 1"], "text").unwrap();
        assert_eq!(message.as_deref(), Some("no"));
    }
}
