//! Requests of ioctl(2) whose structure holds an address, which is exchanged for the host's.

use super::pass::syscall;
use super::pointer::{GuestPtr, raw_pointer};
use rustix::io::Errno;

/// A request whose structure holds one address, at which the kernel reads or writes plain data from the front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// SIOCGIFCONF: `struct ifconf`.
    InterfaceList,
    /// SIOCETHTOOL: `struct ifreq`.
    Ethtool,
    /// SIOCSHWTSTAMP: `struct ifreq`.
    SetTimestamping,
    /// SIOCGHWTSTAMP: `struct ifreq`.
    GetTimestamping,
}

impl Through {
    /// The request's number.
    pub fn request(self) -> u32 {
        match self {
            Through::InterfaceList => 0x8912,
            Through::Ethtool => 0x8946,
            Through::SetTimestamping => 0x89b0,
            Through::GetTimestamping => 0x89b1,
        }
    }

    /// The size of its structure.
    pub fn size(self) -> usize {
        if self == Through::InterfaceList { 16 } else { 40 }
    }

    /// Where the address is in it.
    fn at(self) -> usize {
        if self == Through::InterfaceList { 8 } else { 16 }
    }
}

/// Makes such a request with a structure that no guest memory is at: it is for the kernel to say whether that or
/// the descriptor is what it refuses first.
pub fn ioctl_refused(fd: i32, through: Through, guest: u64) -> Result<u64, Errno> {
    let structure = raw_pointer(GuestPtr::refused(guest));
    // SAFETY: the kernel finds no memory at the address, and so reads no address there to follow.
    unsafe { syscall(libc::SYS_ioctl, [fd as u64, through.request().into(), structure, 0, 0, 0]) }
}

/// Makes such a request. `target` yields the host's pointer for an address; to the guest, the structure
/// keeps its own.
///
/// # Panics
/// If the structure has another size than the request's: a bug in the caller.
pub fn ioctl_through(
    fd: i32,
    through: Through,
    structure: &mut [u8],
    target: impl FnOnce(u64) -> Option<GuestPtr>,
) -> Result<u64, Errno> {
    assert_eq!(structure.len(), through.size(), "{through:?}");
    let at = through.at()..through.at() + 8;
    let guest: [u8; 8] = structure[at.clone()].try_into().expect("eight bytes");
    let host = target(u64::from_ne_bytes(guest)).map_or(0, raw_pointer);
    structure[at.clone()].copy_from_slice(&host.to_ne_bytes());
    // SAFETY: the kernel reads and writes the structure, which is lent, and what it points to, which is
    // guest memory or refused; what these requests have there holds no address. The kernel goes through it from
    // the front, in steps that are shorter than the smallest guard of the window, and stops at what is not
    // mapped, so that it does not leave the window however much it wants to transfer.
    let result = unsafe {
        syscall(libc::SYS_ioctl, [fd as u64, through.request().into(), structure.as_mut_ptr() as u64, 0, 0, 0])
    };
    structure[at].copy_from_slice(&guest);
    result
}
