//! The witness: what really arrives in a namespace outside, packet by packet.
//!
//! It reads whatever passes any interface there, and counts what carries a
//! probe's marker or goes to a probe's address. It asks no client and no
//! proxy.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::net::{AddressFamily, Protocol, RecvFlags, SocketFlags, SocketType, sockopt};

use super::orders::Run;
use super::table::all;

/// How long it waits for a packet before it looks whether it should go on.
const GLANCE: Duration = Duration::from_millis(50);
/// How much of unread packets the kernel keeps.
const ROOM: usize = 16 * 1024 * 1024;
/// Every kind of frame, in network order.
const EVERYTHING: u32 = (0x0003_u16).to_be() as u32;

/// What arrived of one probe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Packets to its foreign address.
    pub foreign: usize,
    /// Packets with its marker.
    pub marked: usize,
}

/// What arrived, by run and place of the probe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// What arrived of each probe of which anything did.
    pub probes: BTreeMap<(Run, usize), Sight>,
    /// Packets that were sent to show that the witness sees.
    pub controls: usize,
    /// Packets in all.
    pub packets: usize,
}

/// A witness in one namespace.
#[derive(Debug)]
pub struct Witness {
    end: Arc<AtomicBool>,
    reading: JoinHandle<Counts>,
}

// === impl Witness ===

impl Witness {
    /// A witness in the network namespace of this thread.
    pub fn here(token: &str) -> io::Result<Self> {
        let (packet, kind) = (AddressFamily::from_raw(17), SocketType::RAW);
        let everything = std::num::NonZeroU32::new(EVERYTHING).map(Protocol::from_raw);
        let socket = rustix::net::socket_with(packet, kind, SocketFlags::CLOEXEC, everything)?;
        // Root of a namespace may not force it; then it gets what it may have.
        let _as_much = sockopt::set_socket_recv_buffer_size_force(&socket, ROOM)
            .or_else(|_| sockopt::set_socket_recv_buffer_size(&socket, ROOM));
        sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(GLANCE))?;
        let end = Arc::new(AtomicBool::new(false));
        let (ended, wanted) = (Arc::clone(&end), Wanted::new(token));
        let thread = std::thread::Builder::new().name("witness".to_owned());
        let reading = thread.spawn(move || read(&socket, &wanted, &ended))?;
        Ok(Self { end, reading })
    }

    /// What arrived until now; it looks no longer.
    pub fn finish(self) -> Counts {
        self.end.store(true, Ordering::Release);
        self.reading.join().unwrap_or_default()
    }
}

/// The text of a packet that shows that a witness sees.
pub(in crate::runtime) fn control(token: &str) -> String {
    format!("cm{token}-control")
}

fn read(socket: &OwnedFd, wanted: &Wanted, ended: &AtomicBool) -> Counts {
    let mut counts = Counts::default();
    let mut frame = vec![0; 65_536];
    loop {
        match rustix::net::recv(socket, frame.as_mut_slice(), RecvFlags::empty()) {
            Ok((count, _)) => wanted.count(&frame[..count], &mut counts),
            // Only when there is nothing left to read may it end.
            Err(_) if ended.load(Ordering::Acquire) => return counts,
            Err(_) => {}
        }
    }
}

/// What a witness looks for.
struct Wanted {
    prefix: Vec<u8>,
    control: Vec<u8>,
    markers: BTreeMap<Vec<u8>, (Run, usize)>,
    addresses: BTreeMap<IpAddr, (Run, usize)>,
}

// === impl Wanted ===

impl Wanted {
    fn new(token: &str) -> Self {
        let (mut markers, mut addresses) = (BTreeMap::new(), BTreeMap::new());
        for run in Run::ALL {
            for probe in all() {
                let key = (run, probe.place);
                markers.insert(run.marker(token, probe.place).into_bytes(), key);
                addresses.extend(run.addresses(probe.place).map(|address| (address, key)));
            }
        }
        Self {
            prefix: format!("cm{token}").into_bytes(),
            control: control(token).into_bytes(),
            markers,
            addresses,
        }
    }

    fn count(&self, frame: &[u8], counts: &mut Counts) {
        counts.packets += 1;
        if let Some(key) = destination(frame).and_then(|to| self.addresses.get(&to)) {
            counts.probes.entry(*key).or_default().foreign += 1;
        }
        let rest = frame
            .windows(self.prefix.len())
            .position(|w| w == self.prefix);
        let Some(rest) = rest.map(|at| &frame[at..]) else {
            return;
        };
        if rest.starts_with(&self.control) {
            counts.controls += 1;
        } else if let Some(key) = rest
            .get(..self.prefix.len() + 3)
            .and_then(|m| self.markers.get(m))
        {
            counts.probes.entry(*key).or_default().marked += 1;
        }
    }
}

/// Where a frame of Ethernet is going.
fn destination(frame: &[u8]) -> Option<IpAddr> {
    match frame.get(12..14)? {
        [0x08, 0x00] => {
            let octets: [u8; 4] = frame.get(30..34)?.try_into().ok()?;
            Some(Ipv4Addr::from(octets).into())
        }
        [0x86, 0xdd] => {
            let octets: [u8; 16] = frame.get(38..54)?.try_into().ok()?;
            Some(Ipv6Addr::from(octets).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::bytes;
    use super::*;

    #[test]
    fn a_packet_is_known_by_its_marker_and_by_its_address() {
        let wanted = Wanted::new("01234567");
        let mut counts = Counts::default();
        let marker = Run::Root.marker("01234567", 3);
        let packet = |to, text: &str| {
            bytes::frame(&bytes::ipv4(
                17,
                Ipv4Addr::LOCALHOST,
                to,
                &bytes::udp(text.as_bytes()),
            ))
        };
        wanted.count(&packet(Ipv4Addr::LOCALHOST, &marker), &mut counts);
        wanted.count(&packet(Run::App.foreign(7), "x"), &mut counts);
        wanted.count(&packet(Ipv4Addr::LOCALHOST, "cm76543210a03"), &mut counts);
        wanted.count(
            &packet(Ipv4Addr::LOCALHOST, &control("01234567")),
            &mut counts,
        );
        let sights = [
            (
                (Run::App, 7),
                Sight {
                    foreign: 1,
                    marked: 0,
                },
            ),
            (
                (Run::Root, 3),
                Sight {
                    foreign: 0,
                    marked: 1,
                },
            ),
        ];
        assert_eq!(counts.probes, BTreeMap::from(sights));
        assert_eq!((counts.controls, counts.packets), (1, 4));
    }
}
