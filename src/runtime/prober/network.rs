//! Changing the network itself, and then trying again. All of this happens in
//! a copy of the app's network, since some of it may succeed: the rules are
//! not what holds the app.

use std::io;
use std::net::{Ipv4Addr, TcpStream};

use super::datagram::send;
use super::netlink::{Message, attribute, route, rules};
use super::process;
use super::raw::interfaces;
use super::scene::{GLANCE, Outcome, Scene, word};

const NEW_LINK: u16 = 16;
const DELETE_LINK: u16 = 17;
const NEW_ADDRESS: u16 = 20;
const NEW_ROUTE: u16 = 24;
const INTERFACE_NAME: u16 = 3;
const LINK_INFO: u16 = 18;
const PEER_NAMESPACE: u16 = 19;
/// `lo`.
const LOOPBACK: u32 = 1;

/// Takes away the table that redirects.
pub(super) fn flush(scene: &Scene) -> Outcome {
    const NFTABLES: u16 = 10;
    const IPV4: u8 = 2;
    // The family, the version, and the subsystem in network order.
    let all = [0, 0, 0, NFTABLES.to_le_bytes()[0]];
    let messages = [
        Message::of_batch(16, 0, &all),
        Message::of_batch(NFTABLES << 8 | 2, 4, &[IPV4, 0, 0, 0]).attribute(1, b"colormesh\0"),
        Message::of_batch(17, 0, &all),
    ];
    then_send(scene, "the rules", rules(&messages))
}

/// Gives the app another address.
pub(super) fn address(scene: &Scene) -> Outcome {
    let mut head = vec![2, 24, 0, 0];
    head.extend(LOOPBACK.to_ne_bytes());
    let own = Ipv4Addr::new(10, 99, 0, 2).octets();
    let message = Message::new(NEW_ADDRESS, &head)
        .attribute(2, &own)
        .attribute(1, &own);
    then_send(scene, "the address", route(&message))
}

/// Gives it a route that goes around, through the last interface there is.
pub(super) fn default_route(scene: &Scene) -> Outcome {
    // IPv4, /24, the main table, by hand, of the link, a route to others.
    let head = [2, 24, 0, 0, 254, 3, 253, 1, 0, 0, 0, 0];
    let interfaces = interfaces().into_iter().map(|(_, index)| index);
    let interface = interfaces.max().unwrap_or(1);
    let [a, b, c, _] = scene.foreign.octets();
    let message = Message::new(NEW_ROUTE, &head)
        .attribute(1, &[a, b, c, 0])
        .attribute(4, &interface.to_ne_bytes());
    then_send(scene, "the route", route(&message))
}

/// Lays a cable to the namespace of the proxy.
pub(super) fn cable(scene: &Scene) -> Outcome {
    let laid = scene.orders.sidecars.iter().map(|process| {
        let name = format!("cm{}", process % 10_000);
        if process::is_another(*process) {
            return Outcome::sent(process::ANOTHER);
        }
        match route(&veth(&name, *process)) {
            // Somebody who was born meanwhile got that number.
            Ok(()) if process::is_another(*process) => {
                let head = [0_u8; 16];
                let message = Message::new(DELETE_LINK, &head)
                    .attribute(INTERFACE_NAME, format!("{name}\0").as_bytes());
                let _as_it_was = route(&message);
                Outcome::sent(process::ANOTHER)
            }
            Ok(()) => Outcome::reached(format!("a cable to process {process}")),
            Err(error) => Outcome::sent(format!("a cable: {}", word(&error))),
        }
    });
    Outcome::together(laid)
}

fn veth(name: &str, process: u32) -> Message {
    let head = [0_u8; 16];
    let named = |name: String| attribute(INTERFACE_NAME, format!("{name}\0").as_bytes());
    let mut peer = head.to_vec();
    peer.extend(named(format!("{name}p")));
    peer.extend(attribute(PEER_NAMESPACE, &process.to_ne_bytes()));
    let mut info = attribute(1, b"veth\0");
    info.extend(attribute(2, &attribute(1, &peer)));
    Message::new(NEW_LINK, &head)
        .attribute(INTERFACE_NAME, format!("{name}\0").as_bytes())
        .attribute(LINK_INFO, &info)
}

fn then_send(scene: &Scene, what: &str, done: io::Result<()>) -> Outcome {
    let change = match done {
        Ok(()) => format!("{what}: changed"),
        Err(error) => format!("{what}: {}", word(&error)),
    };
    // The first packet of a connection is enough for the witness.
    let connected = match TcpStream::connect_timeout(&scene.at(443), GLANCE) {
        Ok(_) => Outcome::sent("connected"),
        Err(error) => Outcome::sent(word(&error)),
    };
    let tries = [connected, send(scene.at(9), scene.marker.as_bytes())];
    let then = Outcome::together(tries);
    Outcome {
        seen: format!("{change}; then {}", then.seen),
        reached: then.reached,
    }
}
