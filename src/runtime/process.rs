//! Somebody else's process, such as the daemon: asked to end, waited for.
//!
//! By a descriptor, since a number may become another process's. A process
//! that has ended counts as gone before its parent has taken notice.

use std::io;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::unix::AsyncFd;

use super::sys;

/// A process that ran when this was made.
#[derive(Debug)]
pub struct Process {
    number: i32,
    descriptor: AsyncFd<OwnedFd>,
}

// === impl Process ===

impl Process {
    /// The process of that number; `None` when there is none. To be called
    /// inside tokio.
    pub fn open(number: i32) -> io::Result<Option<Self>> {
        let process = Pid::from_raw(number).ok_or(io::ErrorKind::InvalidData)?;
        let descriptor = match pidfd_open(process, PidfdFlags::empty()) {
            Ok(descriptor) => descriptor,
            Err(rustix::io::Errno::SRCH) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let descriptor = sys::readable(descriptor)?;
        Ok(Some(Self { number, descriptor }))
    }

    /// Its number.
    pub fn number(&self) -> i32 {
        self.number
    }

    /// Sends it a signal; one that has ended gets none.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(self.descriptor.get_ref(), signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until it has ended, with everything in its namespaces.
    pub async fn ended(&self) {
        // It fails only when there is nothing to wait for.
        let _ = self.descriptor.readable().await;
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn an_ended_process_is_gone_although_nobody_waited_for_it() {
        let mut child = std::process::Command::new("sleep")
            .arg("100")
            .spawn()
            .unwrap();
        let process = Process::open(child.id().try_into().unwrap())
            .unwrap()
            .unwrap();
        let ended = tokio::time::timeout(Duration::from_millis(20), process.ended());
        assert!(ended.await.is_err());
        process.signal(Signal::KILL).unwrap();
        process.ended().await;
        process.signal(Signal::KILL).unwrap();
        child.wait().unwrap();
        process.ended().await;
    }
}
