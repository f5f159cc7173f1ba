//! The app of a project's mesh, as whoever has got into it: anything can be
//! said from inside its namespace.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::project::Project;

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct App {
    network: PathBuf,
    logs: PathBuf,
    daemon: i32,
}

impl App {
    pub(crate) fn of(project: &Project) -> Self {
        let status = project
            .run(&["local", "status", "--output", "json"])
            .code(0)
            .json();
        let daemon = i32::try_from(status["pid"].as_i64().unwrap()).unwrap();
        let app = below(daemon, "/app").expect("the app's process");
        let with_names = |task: &&serde_json::Value| {
            let folder = Path::new(task["logs"].as_str().unwrap());
            folder.join("app.log").exists() && task["status"] == "running"
        };
        let tasks = status["tasks"].as_array().unwrap();
        let task = tasks.iter().find(with_names).unwrap();
        Self {
            network: format!("/proc/{app}/ns/net").into(),
            logs: task["logs"].as_str().unwrap().into(),
            daemon,
        }
    }

    /// A log file of its task.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.logs.join(name)
    }

    /// The Envoy beside it.
    pub(crate) fn sidecar(&self) -> i32 {
        let inodes = fs::read_dir("/proc").unwrap().flatten();
        let numbers = inodes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let mut sidecars = numbers.filter(|number: &i32| {
            let files = fs::read_dir(format!("/proc/{number}/fd"))
                .into_iter()
                .flatten();
            let log = self.log("denied.log");
            is_below(*number, self.daemon)
                && files
                    .flatten()
                    .any(|file| fs::read_link(file.path()).is_ok_and(|to| to == log))
        });
        sidecars.next().expect("an Envoy that writes the log")
    }

    /// Runs something inside, beside the test.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        body: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let network = File::open(&self.network).unwrap();
        thread::spawn(move || {
            let kind = Some(LinkNameSpaceType::Network);
            move_into_link_name_space(network.as_fd(), kind).unwrap();
            body()
        })
    }

    /// Says something and returns what comes back until it is silent or over.
    pub(crate) fn bytes(&self, address: &str, port: u16, said: &[u8]) -> Vec<u8> {
        let (address, said) = (address.to_owned(), said.to_owned());
        self.spawn(move || talk(&address, port, &said))
            .join()
            .unwrap()
    }

    pub(crate) fn talk(&self, address: &str, port: u16, said: &[u8]) -> String {
        String::from_utf8_lossy(&self.bytes(address, port, said)).into_owned()
    }

    /// Whether anybody took what was said.
    pub(crate) fn try_to_talk(&self, address: &str, port: u16, said: &[u8]) -> bool {
        let (address, said) = (address.to_owned(), said.to_owned());
        let tried = self.spawn(move || {
            TcpStream::connect((address.as_str(), port)).and_then(|mut stream| {
                stream.write_all(&said)?;
                // Its end shows that it was looked at.
                let _reset = stream.read(&mut [0]);
                Ok(())
            })
        });
        tried.join().unwrap().is_ok()
    }

    pub(crate) fn open(&self, address: &str, port: u16) -> TcpStream {
        let address = address.to_owned();
        let open = self.spawn(move || {
            let mut stream = TcpStream::connect((address.as_str(), port)).unwrap();
            stream.write_all(b"hello\n").unwrap();
            stream.read_exact(&mut [0]).unwrap();
            stream
        });
        open.join().unwrap()
    }

    /// The address of a name, by the app's resolver.
    pub(crate) fn address(&self, name: &str) -> Option<String> {
        let answer = self.ask(name.as_bytes())?;
        // Code 0, and an answer whose last four bytes are the address.
        let found = answer[3].trailing_zeros() >= 4 && answer[7] > 0;
        let end: [u8; 4] = answer[answer.len() - 4..].try_into().unwrap();
        found.then(|| Ipv4Addr::from(end).to_string())
    }

    /// Looks a name up, whatever it looks like.
    pub(crate) fn ask(&self, name: &[u8]) -> Option<Vec<u8>> {
        let mut question = b"\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00".to_vec();
        for label in name.split(|byte| *byte == b'.') {
            let label = &label[..label.len().min(63)];
            question.push(u8::try_from(label.len()).unwrap());
            question.extend_from_slice(label);
        }
        question.extend_from_slice(b"\x00\x00\x01\x00\x01");
        let asked = self.spawn(move || {
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            socket
                .set_read_timeout(Some(Duration::from_secs(3)))
                .unwrap();
            socket.send_to(&question, "169.254.100.2:53").unwrap();
            let mut answer = vec![0; 512];
            let length = socket.recv(&mut answer).ok()?;
            answer.truncate(length);
            Some(answer)
        });
        asked.join().unwrap()
    }

    /// Tries until it is so.
    #[track_caller]
    pub(crate) fn until(&self, mut is: impl FnMut(&Self) -> bool) {
        let started = Instant::now();
        while !is(self) {
            assert!(started.elapsed() < PATIENCE);
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Says something and returns what comes back.
pub(crate) fn talk(address: &str, port: u16, said: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect((address, port)).unwrap();
    let patience = if said.is_empty() { 10_000 } else { 500 };
    stream
        .set_read_timeout(Some(Duration::from_millis(patience)))
        .unwrap();
    let _refused = stream.write_all(said);
    let mut answer = Vec::new();
    let _over = stream.read_to_end(&mut answer);
    let _closed = stream.shutdown(Shutdown::Both);
    answer
}

/// The start of a TLS connection to a server of this name; of none when it is
/// empty.
pub(crate) fn hello(name: &str) -> Vec<u8> {
    let short = |length: usize| u16::try_from(length).unwrap().to_be_bytes();
    let mut extensions = Vec::new();
    if !name.is_empty() {
        let length = name.len();
        extensions.extend([0, 0]);
        extensions.extend(short(length + 5));
        extensions.extend(short(length + 3));
        extensions.push(0);
        extensions.extend(short(length));
        extensions.extend(name.as_bytes());
    }
    let mut body = b"\x03\x03".to_vec();
    body.extend([7; 32]);
    body.extend(b"\x00\x00\x02\xc0\x2f\x01\x00");
    body.extend(short(extensions.len()));
    body.extend(extensions);
    let mut message = vec![1];
    message.extend(&u32::try_from(body.len()).unwrap().to_be_bytes()[1..]);
    message.extend(body);
    let record = |part: &[u8]| [b"\x16\x03\x01", &short(part.len())[..], part].concat();
    message.chunks(16_000).flat_map(record).collect()
}

pub(crate) fn kill(number: i32) {
    kill_process(Pid::from_raw(number).unwrap(), Signal::KILL).unwrap();
}

pub(crate) fn interrupt(number: u32) {
    let number = i32::try_from(number).unwrap();
    kill_process(Pid::from_raw(number).unwrap(), Signal::INT).unwrap();
}

/// The process below another that runs this program.
fn below(ancestor: i32, program: &str) -> Option<i32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let mut numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.find(|number: &i32| {
        let line = fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).next() == Some(program.as_bytes())
            && is_below(*number, ancestor)
    })
}

fn is_below(number: i32, ancestor: i32) -> bool {
    let mut next = Some(number);
    while let Some(number) = next.filter(|number| *number > 1) {
        if number == ancestor {
            return true;
        }
        let status = fs::read_to_string(format!("/proc/{number}/status")).unwrap_or_default();
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        next = parent.and_then(|parent| parent.trim().parse().ok());
    }
    false
}
