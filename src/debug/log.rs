//! A log that the guest cannot disturb: on a descriptor of its own, outside the guest's numbers, each
//! entry in one write.

use crate::host::fd::duplicate_high;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;

/// A log. Copies write to the same place.
#[derive(Clone, Debug)]
pub struct Log(Arc<OwnedFd>);

impl Log {
    /// Logs to a duplicate of `fd`.
    pub fn new(fd: impl AsFd) -> io::Result<Self> {
        Ok(Self(Arc::new(duplicate_high(fd)?)))
    }

    /// The descriptor, which is not the guest's.
    pub fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Writes an entry. A log that cannot be written is no reason to disturb the program.
    pub fn put(&self, text: &str) {
        let _ = (&*self).write_all(text.as_bytes());
    }
}

impl Write for &Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(&*self.0, bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
