//! ioctl(2): a closed table of requests, because only the request tells what its argument is.

use crate::host::{self, Sys, SysArg};
use crate::linux::call::{Call, SysResult};
use rustix::io::Errno;

/// What the argument of a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Argument {
    /// A number, or nothing.
    Number,
    /// A structure of this size, laid out as on the host and without addresses in it.
    Struct(u64),
}

use Argument::{Number, Struct};

/// The size of the kernel's `struct termios` and of `struct termios2`.
const TERMIOS: u64 = 36;
const TERMIOS2: u64 = 44;

fn argument(request: u32) -> Option<Argument> {
    Some(match libc::Ioctl::from(request) {
        libc::TCGETS | libc::TCSETS | libc::TCSETSW | libc::TCSETSF => Struct(TERMIOS),
        libc::TCGETS2 | libc::TCSETS2 | libc::TCSETSW2 | libc::TCSETSF2 => Struct(TERMIOS2),
        libc::TIOCGWINSZ | libc::TIOCSWINSZ => Struct(8),
        libc::TCSBRK
        | libc::TCSBRKP
        | libc::TCXONC
        | libc::TCFLSH
        | libc::TIOCEXCL
        | libc::TIOCNXCL
        | libc::TIOCSCTTY
        | libc::TIOCNOTTY
        | libc::TIOCSBRK
        | libc::TIOCCBRK
        | libc::TIOCGPTPEER
        | libc::FIOCLEX
        | libc::FIONCLEX => Number,
        libc::TIOCGPGRP
        | libc::TIOCSPGRP
        | libc::TIOCOUTQ
        | libc::TIOCGSID
        | libc::TIOCMGET
        | libc::TIOCMSET
        | libc::TIOCMBIS
        | libc::TIOCMBIC
        | libc::TIOCGSOFTCAR
        | libc::TIOCSSOFTCAR
        | libc::TIOCGETD
        | libc::TIOCSETD
        | libc::TIOCPKT
        | libc::FIONREAD
        | libc::FIONBIO
        | libc::FIOASYNC
        | libc::TIOCGPTN
        | libc::TIOCSPTLCK
        | libc::TIOCGPTLCK
        | libc::TIOCGPKT
        | libc::TIOCGEXCL
        | libc::TIOCGDEV => Struct(4),
        libc::TIOCSTI => Struct(1),
        // Files: attributes are a long in the number and an int in the kernel.
        libc::FS_IOC_GETFLAGS | libc::FS_IOC_SETFLAGS | libc::FS_IOC_GETVERSION => Struct(8),
        libc::FICLONE => Number,
        libc::FICLONERANGE => Struct(32),
        // FIBMAP, FIGETBSZ, FIOQSIZE.
        1 | 2 => Struct(4),
        0x5460 => Struct(8),
        // Block devices: BLKROGET, BLKSSZGET, BLKBSZGET, BLKPBSZGET, BLKGETSIZE64, BLKGETSIZE, BLKFLSBUF.
        0x125e | 0x1268 | 0x127b => Struct(4),
        0x8008_1270 | 0x8008_1272 | 0x1260 => Struct(8),
        0x1261 => Number,
        // Sockets: SIOCATMARK, FIOSETOWN, SIOCSPGRP, FIOGETOWN, SIOCGPGRP; `struct ifreq` by name, where it
        // holds no address.
        0x8901..=0x8905 => Struct(4),
        0x8910 | 0x8913 | 0x8914 | 0x8915 | 0x8917 | 0x8919 | 0x891b | 0x891d | 0x8921 | 0x8922 | 0x8927 | 0x8933
        | 0x8942 => Struct(40),
        // The real-time clock: RTC_RD_TIME.
        0x8024_7009 => Struct(36),
        _ => return None,
    })
}

pub(in crate::linux) fn ioctl(c: &mut Call<'_>) -> SysResult {
    let fd = SysArg::Val(c.fd(0)? as u64);
    let request = c.args[1] as u32;
    let number = SysArg::Val(request.into());
    match argument(request) {
        Some(Number) => host::pass(Sys::Ioctl, &mut [fd, number, SysArg::Val(c.args[2])]),
        Some(Struct(size)) => {
            let structure = c.guest(c.args[2], size);
            host::pass(Sys::IoctlStruct, &mut [fd, number, structure])
        }
        None => {
            // A descriptor that is not open comes first, as in the kernel.
            host::pass(Sys::Fcntl, &mut [fd, SysArg::Val(libc::F_GETFD as u64), SysArg::Val(0)])?;
            c.unimplemented(format!("ioctl request {request:#x}"));
            Err(Errno::NOTTY)
        }
    }
}
