//! setsockopt(2) and getsockopt(2).

use super::{guest, int};
use crate::host::pass::{make, syscall};
use crate::host::pointer::GuestPtr;
use crate::host::signals::CallError;
use crate::host::sys::ByRequest;

/// The size of the host's `struct sock_fprog`: the number of instructions of a packet filter, and their address.
const SOCK_FPROG: i32 = 16;

/// The size of `struct sock_filter`, an instruction.
const SOCK_FILTER: u64 = 8;

/// SOL_MPTCP.
const SOL_MPTCP: i32 = 284;

/// Whether the value is a packet filter.
fn is_filter(level: i32, option: i32) -> bool {
    match level {
        libc::SOL_SOCKET => matches!(option, libc::SO_ATTACH_FILTER | libc::SO_ATTACH_REUSEPORT_CBPF),
        // Of this length only: else it is the descriptor of a program.
        libc::SOL_PACKET => option == libc::PACKET_FANOUT_DATA,
        _ => false,
    }
}

/// A socket option to be set, by what its value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOption {
    /// Bytes without addresses.
    Flat(FlatOption),
    /// A packet filter, in a structure of the size that is right for it.
    Filter(FilterOption),
}

impl SetOption {
    /// The request for a value of `len` bytes; `None` if it holds addresses otherwise: the tables of netfilter
    /// (IPT_SO_SET_REPLACE, ARPT_SO_SET_REPLACE, EBT_SO_*), reliable datagrams, and XDP_UMEM_REG.
    pub fn new(level: i32, option: i32, len: i32) -> Option<Self> {
        match level {
            libc::SOL_IP if matches!(option, 64 | 96 | 128..=131) => None,
            libc::SOL_IPV6 if option == 64 => None,
            libc::SOL_XDP if option == 4 => None,
            libc::SOL_RDS => None,
            _ if is_filter(level, option) && len == SOCK_FPROG => Some(Self::Filter(FilterOption { level, option })),
            // The kernel refuses a filter in a structure of another size.
            _ => Some(Self::Flat(FlatOption { level, option, len })),
        }
    }
}

/// An option whose value is bytes without addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlatOption {
    level: i32,
    option: i32,
    len: i32,
}

impl FlatOption {
    /// Sets it.
    pub fn set(self, socket: i32, value: Option<GuestPtr<'_>>) -> Result<u64, CallError> {
        let args = &mut [int(socket), int(self.level), int(self.option), guest(value), int(self.len)];
        make(ByRequest::SetOption, args)
    }
}

/// An option whose value is a packet filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterOption {
    level: i32,
    option: i32,
}

impl FilterOption {
    /// The size in bytes of so many instructions.
    pub fn size(count: u16) -> u64 {
        u64::from(count) * SOCK_FILTER
    }

    /// Sets it to so many instructions.
    pub fn set(self, socket: i32, count: u16, filter: GuestPtr<'_>) -> Result<u64, CallError> {
        let program = [u64::from(count), filter.raw(Self::size(count)).addr()];
        let [level, option] = [self.level, self.option].map(|number| number as u64);
        let args = [socket as u64, level, option, program.as_ptr() as u64, size_of_val(&program) as u64, 0];
        // SAFETY: the kernel reads the structure, which is live, and the instructions, which are in guest memory and
        // hold no addresses.
        Ok(unsafe { syscall(libc::SYS_setsockopt, args) }?)
    }

    /// Fails as the kernel does where the structure cannot be read.
    pub fn unreadable(self, socket: i32, guest: u64) -> Result<u64, CallError> {
        FlatOption { level: self.level, option: self.option, len: SOCK_FPROG }
            .set(socket, Some(GuestPtr::refused(guest)))
    }
}

/// A socket option to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetOption {
    level: i32,
    option: i32,
}

impl GetOption {
    /// The request; `None` if the value holds addresses: EBT_SO_*, reliable datagrams, SCTP_SOCKOPT_CONNECTX3,
    /// TCP_ZEROCOPY_RECEIVE, and MPTCP_FULL_INFO.
    pub fn new(level: i32, option: i32) -> Option<Self> {
        let holds_addresses = match level {
            libc::SOL_IP => matches!(option, 128..=131),
            libc::SOL_RDS => true,
            libc::IPPROTO_SCTP => option == 111,
            libc::SOL_TCP => option == 35,
            SOL_MPTCP => option == 4,
            _ => false,
        };
        (!holds_addresses).then_some(Self { level, option })
    }

    /// The unit of the value's length in bytes: that of a filter is told in instructions (SO_GET_FILTER is
    /// SO_ATTACH_FILTER).
    pub fn unit(self) -> u64 {
        if self.level == libc::SOL_SOCKET && is_filter(self.level, self.option) { SOCK_FILTER } else { 1 }
    }

    /// Reads it. How much is written the kernel takes from `len`, which another thread may change meanwhile.
    pub fn get(self, socket: i32, value: Option<GuestPtr<'_>>, len: Option<GuestPtr<'_>>) -> Result<u64, CallError> {
        let args = &mut [int(socket), int(self.level), int(self.option), guest(value), guest(len)];
        make(ByRequest::GetOption, args)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_hold_addresses_are_no_requests() {
        // IPT_SO_SET_REPLACE, XDP_UMEM_REG; TCP_ZEROCOPY_RECEIVE.
        assert_eq!(SetOption::new(libc::SOL_IP, 64, 96), None);
        assert_eq!(SetOption::new(libc::SOL_XDP, 4, 32), None);
        assert_eq!(GetOption::new(libc::SOL_TCP, 35), None);
        let filter = |len| SetOption::new(libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, len);
        assert!(matches!(filter(16), Some(SetOption::Filter(_))));
        assert!(matches!(filter(8), Some(SetOption::Flat(_))), "refused by its length");
    }
}
