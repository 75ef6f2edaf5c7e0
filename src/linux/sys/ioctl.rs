//! ioctl(2). The host layer's table of requests says what the argument of each request is.

use crate::host::requests::NumberRequest;
use crate::host::{self, GuestPtr, IoctlRequest};
use crate::linux::call::Call;
use crate::linux::outcome::SysResult;
use crate::linux::sysroot::Intent;
use crate::memory::GuestAddr;
use rustix::io::Errno;

/// Whether a request changes a file without write access to its contents: FS_IOC_SETFLAGS, FS_IOC_SETVERSION (of two
/// kinds), FS_IOC_SET_ENCRYPTION_POLICY, FS_IOC_FSSETXATTR.
fn changes_file(request: u32) -> bool {
    matches!(((request >> 8) as u8, request as u8), (b'f', 2 | 4 | 19) | (b'v', 2) | (b'X', 32))
}

pub(in crate::linux) fn ioctl(c: &mut Call<'_>) -> SysResult {
    let fd = c.fd(0)?;
    let request = c.args[1] as u32;
    if changes_file(request) {
        c.permit_fd(fd, Intent::Change)?;
    }
    match IoctlRequest::new(request) {
        Some(IoctlRequest::Number(request)) => Ok(request.make(fd, c.args[2])?),
        Some(IoctlRequest::Plain(request)) => Ok(request.make(fd)?),
        Some(IoctlRequest::Struct(request)) => Ok(request.make(fd, c.nullable(c.args[2], request.size()))?),
        Some(IoctlRequest::Through(through)) => {
            let mut structure = vec![0; through.size()];
            if c.task.mm.read_bytes(c.addr(2), &mut structure).is_err() {
                return Ok(host::ioctl_refused(fd, through, c.args[2])?);
            }
            let result = host::ioctl_through(fd, through, &mut structure, |addr| match addr {
                0 => None,
                // The kernel may access guest memory there and the guard behind it.
                addr => Some(c.task.mm.host_range(GuestAddr(addr), 1).unwrap_or(GuestPtr::refused(addr))),
            })?;
            c.task.mm.write_bytes(c.addr(2), &structure)?;
            Ok(result)
        }
        None => {
            // As in the kernel, a closed descriptor (EBADF) comes before an unknown request.
            NumberRequest::GETFD.make(fd, 0)?;
            c.unimplemented(format!("ioctl request {request:#x}"));
            Err(Errno::NOTTY.into())
        }
    }
}
