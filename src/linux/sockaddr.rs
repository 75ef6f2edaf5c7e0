//! Paths in the addresses of Unix sockets, where some of the guest's files are in a sysroot.
//!
//! An address that the guest sends is looked up like any path. An address that the guest receives is translated back:
//! a socket in the sysroot has the guest's name for it.

use super::call::Call;
use super::process::Fs;
use super::sysroot::Intent;
use crate::host;
use crate::memory::GuestAddr;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, OwnedFd};

/// Where the path is in `struct sockaddr_un`.
const PATH: usize = std::mem::offset_of!(libc::sockaddr_un, sun_path);

/// The size of `struct sockaddr_un`.
const SIZE: usize = size_of::<libc::sockaddr_un>();

/// Room for any address.
const ROOM: usize = size_of::<libc::sockaddr_storage>();

/// The path of an address; `None` for an address of another family, an abstract one, and that of an unnamed socket.
fn path_of(address: &[u8]) -> Option<&[u8]> {
    let path = address.strip_prefix(&(libc::AF_UNIX as u16).to_ne_bytes())?;
    let path = path.split(|&b| b == 0).next()?;
    (!path.is_empty()).then_some(path)
}

/// The address with this path.
fn address_of(path: &[u8]) -> Vec<u8> {
    [&(libc::AF_UNIX as u16).to_ne_bytes(), path, b"\0"].concat()
}

/// An address for the host kernel in place of the guest's.
#[derive(Debug)]
pub struct HostAddress {
    bytes: Vec<u8>,
    /// The socket that the address names by its descriptor.
    _socket: Option<OwnedFd>,
}

impl HostAddress {
    /// The address as the kernel reads it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn new(path: &CStr, intent: Intent) -> Result<Self, Errno> {
        let bytes = address_of(path.to_bytes());
        if bytes.len() <= SIZE {
            return Ok(Self { bytes, _socket: None });
        }
        if intent == Intent::Create {
            // The kernel keeps the address of a bound socket as it was given, for other processes to read. A name by
            // a descriptor of this process would mean nothing to them.
            return Err(Errno::NAMETOOLONG);
        }
        let socket = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        let socket = host::fd::duplicate_high(socket)?;
        let bytes = address_of(host::path_of_fd(socket.as_raw_fd()).as_bytes());
        Ok(Self { bytes, _socket: Some(socket) })
    }
}

/// A buffer for an address that the host kernel writes, to be translated for the guest.
#[derive(Debug)]
pub struct ReceivedAddress {
    /// The address.
    pub bytes: [u8; ROOM],
    /// Its length, in the machine's byte order.
    pub len: [u8; 4],
}

impl ReceivedAddress {
    /// An empty buffer.
    fn new() -> Self {
        Self { bytes: [0; ROOM], len: (ROOM as u32).to_ne_bytes() }
    }

    /// The address as the guest knows it.
    fn translated(&self, fs: &Fs) -> Vec<u8> {
        let len = (u32::from_ne_bytes(self.len) as usize).min(ROOM);
        let address = &self.bytes[..len];
        let guest = path_of(address).and_then(|path| Some((path, fs.guest_name_of(path)?)));
        match guest {
            Some((path, guest)) if guest != path => address_of(guest),
            _ => address.to_vec(),
        }
    }
}

impl Fs {
    /// The guest's name of a path that a process of the host has given, unless a `..` makes it uncertain.
    fn guest_name_of<'a>(&self, path: &'a [u8]) -> Option<&'a [u8]> {
        let certain = path.starts_with(b"/") && path.split(|&b| b == b'/').all(|name| name != b"..");
        certain.then(|| self.guest_path(path))
    }
}

impl Call<'_> {
    /// The address at `at` for a call on the socket in the first argument, if its path leads elsewhere on the host.
    pub fn host_address(&self, at: u64, len: u64, intent: Intent) -> Result<Option<HostAddress>, Errno> {
        let len = len as usize;
        if self.task.fs.sysroot.is_none() || !(PATH + 1..=SIZE).contains(&len) {
            return Ok(None);
        }
        let mut address = vec![0; len];
        // The host kernel reports what it cannot read.
        if self.task.mm.read_bytes(GuestAddr(at), &mut address).is_err() {
            return Ok(None);
        }
        // And that the descriptor is not a Unix socket.
        let domain = self.task.files.guest_fd(self.int(0)).and_then(rustix::net::sockopt::socket_domain);
        let (Ok(rustix::net::AddressFamily::UNIX), Some(path)) = (domain, path_of(&address)) else {
            return Ok(None);
        };
        let path = CString::new(path).expect("it ends at the first zero");
        let binds = intent == Intent::Create;
        let host = self.task.fs.host_path(libc::AT_FDCWD, path.clone(), !binds, intent)?;
        if host == path { Ok(None) } else { HostAddress::new(&host, intent).map(Some) }
    }

    /// A buffer for an address that the guest wants at `at`, if the address has to be translated.
    pub fn received_address(&self, at: u64) -> Option<ReceivedAddress> {
        (self.task.fs.sysroot.is_some() && at != 0).then(ReceivedAddress::new)
    }

    /// Copies a received address out to `at`, as far as the guest has room, and yields its length.
    pub fn write_address(&self, received: &ReceivedAddress, at: u64, room: i32) -> Result<u32, Errno> {
        let room = usize::try_from(room).map_err(|_| Errno::INVAL)?;
        let address = received.translated(&self.task.fs);
        self.task.mm.write_bytes(GuestAddr(at), &address[..address.len().min(room)])?;
        Ok(address.len() as u32)
    }
}
