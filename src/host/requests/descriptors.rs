//! ioctl(2) and fcntl(2).

use super::ioctl_table::IoctlArg;
use super::{Through, guest_of, int};
use crate::host::pass::make;
use crate::host::pointer::{GuestPtr, SysArg};
use crate::host::signals::CallError;
use crate::host::sys::ByRequest;

/// A request of ioctl(2), by what its argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoctlRequest {
    /// A number.
    Number(NumberRequest),
    /// Nothing.
    Plain(PlainRequest),
    /// A structure without addresses, the same on both CPUs.
    Struct(StructRequest),
    /// A structure that holds an address.
    Through(Through),
}

impl IoctlRequest {
    /// The request of a number; `None` if it is not known what its argument is.
    pub fn new(request: u32) -> Option<Self> {
        Some(match IoctlArg::of(request)? {
            IoctlArg::Number => Self::Number(NumberRequest { call: Call::Ioctl, request }),
            IoctlArg::Nothing => Self::Plain(PlainRequest(request)),
            IoctlArg::Struct(size) => Self::Struct(StructRequest { call: Call::Ioctl, request, size }),
            IoctlArg::Holds(through) => Self::Through(through),
        })
    }
}

/// A command of fcntl(2), by what its argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FcntlRequest {
    /// A number, or nothing.
    Number(NumberRequest),
    /// A structure without addresses.
    Struct(StructRequest),
}

impl FcntlRequest {
    /// The request of a command; `None` if it is not known what its argument is.
    pub fn new(command: i32) -> Option<Self> {
        let request = command as u32;
        let number = Self::Number(NumberRequest { call: Call::Fcntl, request });
        let structure = |size| Self::Struct(StructRequest { call: Call::Fcntl, request, size });
        Some(match command {
            libc::F_DUPFD
            | libc::F_DUPFD_CLOEXEC
            | libc::F_GETFD
            | libc::F_SETFD
            | libc::F_GETFL
            | libc::F_SETFL
            | libc::F_GETOWN
            | libc::F_SETOWN
            | F_SETSIG
            | F_GETSIG
            | libc::F_SETLEASE
            | libc::F_GETLEASE
            | libc::F_NOTIFY
            | F_CANCELLK
            | libc::F_GETPIPE_SZ
            | libc::F_SETPIPE_SZ
            | libc::F_GET_SEALS
            | libc::F_ADD_SEALS
            | F_DUPFD_QUERY
            | F_CREATED_QUERY => number,
            // `struct flock`.
            libc::F_GETLK
            | libc::F_SETLK
            | libc::F_SETLKW
            | libc::F_OFD_GETLK
            | libc::F_OFD_SETLK
            | libc::F_OFD_SETLKW => structure(32),
            F_GETOWN_EX | F_SETOWN_EX | F_GETOWNER_UIDS | F_GET_RW_HINT..=F_SET_FILE_RW_HINT => structure(8),
            _ => return None,
        })
    }
}

// From `linux/fcntl.h`; not all of them are in libc for every target.
const F_SETSIG: i32 = 10;
const F_GETSIG: i32 = 11;
const F_SETOWN_EX: i32 = 15;
const F_GETOWN_EX: i32 = 16;
const F_GETOWNER_UIDS: i32 = 17;
const F_DUPFD_QUERY: i32 = 1027;
const F_CREATED_QUERY: i32 = 1028;
const F_CANCELLK: i32 = 1029;
const F_GET_RW_HINT: i32 = 1035;
const F_SET_FILE_RW_HINT: i32 = 1038;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Ioctl,
    Fcntl,
}

/// A request of ioctl(2) or fcntl(2) whose argument is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberRequest {
    call: Call,
    request: u32,
}

impl NumberRequest {
    /// F_GETFD, which fails if the descriptor is not open.
    pub const GETFD: Self = Self { call: Call::Fcntl, request: libc::F_GETFD as u32 };

    /// Makes the call.
    pub fn make(self, fd: i32, value: u64) -> Result<u64, CallError> {
        let row = match self.call {
            Call::Ioctl => ByRequest::IoctlNumber,
            Call::Fcntl => ByRequest::FcntlNumber,
        };
        make(row, &mut [int(fd), SysArg::Val(self.request.into()), SysArg::Val(value)])
    }
}

/// A request of ioctl(2) without an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainRequest(u32);

impl PlainRequest {
    /// Makes the call. The kernel is given 0, since the number may mean another request on another kind of file, with
    /// an address.
    pub fn make(self, fd: i32) -> Result<u64, CallError> {
        NumberRequest { call: Call::Ioctl, request: self.0 }.make(fd, 0)
    }
}

/// A request of ioctl(2) or fcntl(2) whose argument is a structure without addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StructRequest {
    call: Call,
    request: u32,
    size: u64,
}

impl StructRequest {
    /// The size of the structure: the kernel accesses no more.
    pub fn size(self) -> u64 {
        self.size
    }

    /// Makes the call.
    pub fn make(self, fd: i32, structure: Option<GuestPtr<'_>>) -> Result<u64, CallError> {
        let row = match self.call {
            Call::Ioctl => ByRequest::IoctlStruct,
            Call::Fcntl => ByRequest::FcntlStruct,
        };
        make(row, &mut [int(fd), SysArg::Val(self.request.into()), guest_of(structure, self.size)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_no_list_is_no_request() {
        assert_eq!(IoctlRequest::new(0xdead_beef), None);
        assert_eq!(FcntlRequest::new(12345), None);
    }

    #[test]
    fn the_shape_is_what_the_kernel_takes_the_argument_for() {
        use IoctlRequest::{Number, Plain, Struct};
        assert!(matches!(IoctlRequest::new(libc::TIOCGWINSZ as u32), Some(Struct(s)) if s.size() == 8));
        assert!(matches!(IoctlRequest::new(libc::TCFLSH as u32), Some(Number(_))));
        // SIOCUNIXFILE, whose number is a multicast router's SIOCGETVIFCNT.
        assert!(matches!(IoctlRequest::new(0x89e0), Some(Plain(_))));
        // SIOCETHTOOL.
        assert_eq!(IoctlRequest::new(0x8946), Some(IoctlRequest::Through(Through::Ethtool)));
        assert!(matches!(FcntlRequest::new(libc::F_GETLK), Some(FcntlRequest::Struct(s)) if s.size() == 32));
    }

    #[test]
    fn a_request_is_made() {
        let Some(FcntlRequest::Number(request)) = FcntlRequest::new(libc::F_GETFD) else { panic!("a number") };
        assert!(request.make(0, 0).is_ok());
    }
}
