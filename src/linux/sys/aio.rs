//! Asynchronous I/O: io_setup and the calls on its contexts.
//!
//! The host kernel follows the addresses in requests and finds a context by the address of its ring. So the calls exist
//! only where guest addresses are the host's.

use super::poll::{MaskArgument, mask_at, waiting};
use crate::host::{self, AioWait, Timespec as HostTime};
use crate::linux::abi::file::{Iocb, Iovec};
use crate::linux::abi::time::Timespec;
use crate::linux::call::Call;
use crate::linux::outcome::SysResult;
use crate::memory::GuestAddr;
use rustix::io::Errno;

// The operations of `linux/aio_abi.h` that have a buffer, or iovecs.
const PREAD: u16 = 0;
const PWRITE: u16 = 1;
const PREADV: u16 = 7;
const PWRITEV: u16 = 8;

/// IOCB_FLAG_RESFD: completion is told to an event descriptor.
const FLAG_RESFD: u32 = 1;

/// Fails where the host kernel could not follow the guest's addresses.
fn need_identity(c: &Call<'_>) -> Result<(), Errno> {
    if c.task.mm.is_identity() {
        return Ok(());
    }
    c.unimplemented(format!("{} where addresses are not the host's", c.row.name));
    Err(Errno::NOSYS)
}

pub(in crate::linux) fn io_setup(c: &mut Call<'_>) -> SysResult {
    need_identity(c)?;
    let place: u64 = c.read(c.args[1])?;
    if place != 0 {
        return Err(Errno::INVAL.into());
    }
    let context = c.task.mm.new_ring(c.args[0] as u32)?;
    if let Err(error) = c.write(c.args[1], &context.0) {
        // It was made just above.
        let _ = c.task.mm.destroy_ring(context);
        return Err(error.into());
    }
    Ok(0)
}

pub(in crate::linux) fn io_destroy(c: &mut Call<'_>) -> SysResult {
    need_identity(c)?;
    c.task.mm.destroy_ring(c.addr(0))?;
    Ok(0)
}

/// Checks the descriptors and the addresses in a request.
fn check(c: &Call<'_>, request: &Iocb) -> Result<(), Errno> {
    let is_ours = |fd: u32| c.task.files.is_ours(fd as i32);
    if is_ours(request.fildes) || request.flags & FLAG_RESFD != 0 && is_ours(request.resfd) {
        return Err(Errno::BADF);
    }
    match request.opcode {
        PREAD | PWRITE => {
            c.task.mm.host_range(GuestAddr(request.buf), request.nbytes.min(i32::MAX as u64))?;
        }
        PREADV | PWRITEV => {
            c.iovecs(request.buf, request.nbytes, |iovec: Iovec| {
                Ok(c.task.mm.host_range(GuestAddr(iovec.base), iovec.len.min(i32::MAX as u64)).map(drop)?)
            })?;
        }
        _ => {}
    }
    Ok(())
}

pub(in crate::linux) fn io_submit(c: &mut Call<'_>) -> SysResult {
    need_identity(c)?;
    let [context, count, list, ..] = c.args;
    if (count as i64) < 0 {
        return Err(Errno::INVAL.into());
    }
    host::aio_submit(context, None)?;
    for i in 0..count {
        let submit = || {
            let at: u64 = c.read(list.wrapping_add(i.wrapping_mul(8)))?;
            // The kernel reports a request that cannot be read.
            if let Ok(request) = c.read::<Iocb>(at) {
                check(c, &request)?;
            }
            let request = c.pointer(at, size_of::<Iocb>() as u64);
            Ok(host::aio_submit(context, Some(request))?)
        };
        match submit() {
            Ok(_) => {}
            Err(error) if i == 0 => return Err(error),
            Err(_) => return Ok(i),
        }
    }
    Ok(count)
}

pub(in crate::linux) fn io_cancel(c: &mut Call<'_>) -> SysResult {
    need_identity(c)?;
    let [context, request, event, ..] = c.args;
    let request = c.pointer(request, size_of::<Iocb>() as u64);
    Ok(host::aio_cancel(context, request, c.nullable(event, 32))?)
}

/// Waits for events, with a temporary mask.
fn events(c: &mut Call<'_>, mask: Option<u64>) -> SysResult {
    need_identity(c)?;
    let [context, least, most, events, timeout, _] = c.args;
    let timeout = c.read_opt::<Timespec>(timeout)?.map(|t| HostTime { sec: t.sec, nsec: t.nsec });
    let (least, most) = (least as i64, most as i64);
    if least < 0 || most < least {
        return Err(Errno::INVAL.into());
    }
    // No ring holds more.
    let most = most.min(i32::MAX.into()) as u32;
    waiting(c, mask, |c| {
        let wait = AioWait { context, least, most, timeout, mask };
        Ok(wait.events(c.nullable(events, u64::from(most) * 32))?)
    })
}

pub(in crate::linux) fn io_getevents(c: &mut Call<'_>) -> SysResult {
    events(c, None)
}

pub(in crate::linux) fn io_pgetevents(c: &mut Call<'_>) -> SysResult {
    let mask = match c.read_opt::<MaskArgument>(c.args[5])? {
        Some(m) => mask_at(c, m.mask, m.size)?,
        None => None,
    };
    events(c, mask)
}
