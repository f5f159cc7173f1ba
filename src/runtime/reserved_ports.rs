//! Ports of loopback that are promised to load balancers: held from the moment
//! they are chosen, so that no other program gets them in between.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Listeners that wait for their load balancers; all copies are the same.
#[derive(Clone, Debug, Default)]
pub struct ReservedPorts(Arc<Mutex<BTreeMap<u16, TcpListener>>>);

// === impl ReservedPorts ===

impl ReservedPorts {
    /// Reserves the wanted port or else the first of the usual ones that is
    /// free; any other when none is.
    pub fn reserve(&self, wanted: Option<u16>, usual: Range<u16>) -> io::Result<u16> {
        let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let mut candidates = wanted.into_iter().chain(usual);
        let listener = match candidates.find_map(|port| bind(port).ok()) {
            Some(listener) => listener,
            None => bind(0)?,
        };
        let port = listener.local_addr()?.port();
        self.listeners().insert(port, listener);
        Ok(port)
    }

    /// Hands a reserved port over.
    pub(super) fn take(&self, port: u16) -> Option<TcpListener> {
        self.listeners().remove(&port)
    }

    fn listeners(&self) -> MutexGuard<'_, BTreeMap<u16, TcpListener>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_port_is_promised_once_and_held() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let first = taken.local_addr().unwrap().port();
        let ports = ReservedPorts::default();
        let one = ports.reserve(None, first..first + 1).unwrap();
        assert_ne!(one, first, "another program has it");
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, one)).is_err());
        assert_eq!(ports.take(one).unwrap().local_addr().unwrap().port(), one);
        assert!(ports.take(one).is_none());
        assert_eq!(ports.reserve(Some(one), first..first).unwrap(), one);
    }
}
