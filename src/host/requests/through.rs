//! ioctl(2) requests with an address inside their structure. The address is replaced by the host's.

use crate::host::pass::syscall;
use crate::host::pointer::GuestPtr;
use rustix::io::Errno;

/// A request whose structure contains one address, at which the kernel reads or writes plain data from the start.
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

    /// The size of the structure.
    pub fn size(self) -> usize {
        if self == Through::InterfaceList { 16 } else { 40 }
    }

    /// The offset of the address in the structure.
    fn at(self) -> usize {
        if self == Through::InterfaceList { 8 } else { 16 }
    }
}

/// Makes such a request with an unmapped structure. The kernel decides whether the structure or the descriptor is the
/// first error.
pub fn ioctl_refused(fd: i32, through: Through, guest: u64) -> Result<u64, Errno> {
    let structure = GuestPtr::refused(guest).open().addr();
    // SAFETY: no memory is mapped at the address, so the kernel reads no address there to follow.
    unsafe { syscall(libc::SYS_ioctl, [fd as u64, through.request().into(), structure, 0, 0, 0]) }
}

/// Makes such a request. `target` converts the guest's address to the host's pointer. The guest's structure keeps the
/// guest's address.
///
/// # Panics
/// If `structure` does not have the request's size, which is a bug in the caller.
pub fn ioctl_through<'w>(
    fd: i32,
    through: Through,
    structure: &mut [u8],
    target: impl FnOnce(u64) -> Option<GuestPtr<'w>>,
) -> Result<u64, Errno> {
    assert_eq!(structure.len(), through.size(), "{through:?}");
    let at = through.at()..through.at() + 8;
    let guest: [u8; 8] = structure[at.clone()].try_into().expect("eight bytes");
    let host = target(u64::from_ne_bytes(guest)).map_or(0, |p| p.open().addr());
    structure[at.clone()].copy_from_slice(&host.to_ne_bytes());
    // SAFETY: the kernel reads and writes the structure, which is borrowed, and its target, which is guest memory or
    // rejected; these requests have no addresses there. The kernel accesses the target from the start, in steps shorter
    // than the smallest guard of the window, and stops at unmapped memory. So it does not leave the window, however
    // much it transfers.
    let result = unsafe {
        syscall(libc::SYS_ioctl, [fd as u64, through.request().into(), structure.as_mut_ptr() as u64, 0, 0, 0])
    };
    structure[at].copy_from_slice(&guest);
    result
}
