//! select, poll and epoll.

use crate::host::{self, EpollEvent as HostEvent, Sys, SysArg, Timespec as HostTime};
use crate::linux::abi::poll::EpollEvent;
use crate::linux::abi::time::Timespec;
use crate::linux::call::{Call, pass};
use crate::linux::outcome::{CallEnd, SysResult};
use crate::memory::GuestAddr;
use rustix::io::Errno;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The maximum number of events for one epoll_wait (EP_MAX_EVENTS).
const EVENTS_MAX: i32 = i32::MAX / size_of::<EpollEvent>() as i32;

/// The maximum number of events fetched from the host at a time. Others stay ready.
const EVENTS_AT_ONCE: usize = 4096;

/// The temporary signal mask of a call.
pub(super) fn mask_at(c: &Call<'_>, addr: u64, size: u64) -> Result<Option<u64>, Errno> {
    match addr {
        0 => Ok(None),
        _ if size != 8 => Err(Errno::INVAL),
        _ => c.read(addr).map(Some),
    }
}

/// Waits with a temporary mask. A signal that ends the wait is delivered under this mask, and its handler returns to
/// the old one.
pub(super) fn waiting(c: &mut Call<'_>, mask: Option<u64>, wait: impl FnOnce(&mut Call<'_>) -> SysResult) -> SysResult {
    let Some(mask) = mask else { return wait(c) };
    // A signal that the host cannot block may already be pending.
    let result = if c.task.pending_set() & !mask != 0 { Err(Errno::INTR.into()) } else { wait(c) };
    result.map_err(|e| if e == CallEnd::Errno(Errno::INTR) { c.task.woken(mask).into() } else { e })
}

pub(in crate::linux) fn ppoll(c: &mut Call<'_>) -> SysResult {
    let mask = mask_at(c, c.args[3], c.args[4])?;
    waiting(c, mask, |c| c.pass(Sys::Ppoll))
}

/// The sixth argument of pselect6 and io_pgetevents.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(super) struct MaskArgument {
    pub mask: u64,
    pub size: u64,
}

pub(in crate::linux) fn pselect6(c: &mut Call<'_>) -> SysResult {
    let count = c.int(0);
    let mask = match c.read_opt::<MaskArgument>(c.args[5])? {
        Some(m) => mask_at(c, m.mask, m.size)?,
        None => None,
    };
    let mut timeout: Option<HostTime> =
        c.read_opt::<Timespec>(c.args[4])?.map(|t| HostTime { sec: t.sec, nsec: t.nsec });
    // The kernel uses whole words of the sets.
    let bytes = u64::from(count.max(0) as u32).div_ceil(64) * 8;
    let mm = c.task.mm.clone();
    let set = |i: usize| match c.args[i] {
        0 => None,
        addr => Some(mm.host_range(GuestAddr(addr), bytes).unwrap_or(host::GuestPtr::refused(addr))),
    };
    let sets = [set(1), set(2), set(3)];
    let result = waiting(c, mask, |_| Ok(host::pselect(count, sets, timeout.as_mut(), mask)?));
    if let Some(left) = timeout {
        // As in the kernel, a failure to write this back is ignored.
        let _ = c.write(c.args[4], &Timespec { sec: left.sec, nsec: left.nsec });
    }
    result
}

pub(in crate::linux) fn epoll_ctl(c: &mut Call<'_>) -> SysResult {
    let (epoll, target) = (c.fd(0)?, c.fd(2)?);
    let event: EpollEvent = match c.int(1) {
        libc::EPOLL_CTL_DEL => EpollEvent { events: 0, pad: 0, data: 0 },
        _ => c.read(c.args[3])?,
    };
    // x86-64 packs the structure.
    let mut packed = [0; 12];
    packed[..4].copy_from_slice(&event.events.to_ne_bytes());
    packed[4..].copy_from_slice(&event.data.to_ne_bytes());
    pass(
        Sys::EpollCtl,
        &mut [SysArg::Val(epoll as u64), SysArg::Val(c.args[1]), SysArg::Val(target as u64), SysArg::In(&packed)],
    )
}

fn epoll_wait(c: &mut Call<'_>, timeout: Option<HostTime>, mask: Option<u64>) -> SysResult {
    let (epoll, max) = (c.fd(0)?, c.int(2));
    if max <= 0 || max > EVENTS_MAX {
        return Err(Errno::INVAL.into());
    }
    // The kernel checks that the whole output array is in user space before it waits.
    let end = c.args[1].checked_add(max as u64 * size_of::<EpollEvent>() as u64);
    if end.is_none_or(|end| end > c.task.mm.limit().0) {
        return Err(Errno::FAULT.into());
    }
    let mut events = vec![HostEvent::default(); (max as usize).min(EVENTS_AT_ONCE)];
    let count = waiting(c, mask, |_| Ok(host::epoll_wait(epoll, &mut events, timeout, mask)?))?;
    for (i, event) in events[..count as usize].iter().enumerate() {
        let event = EpollEvent { events: event.events, pad: 0, data: event.data };
        // If some events were written, their number is the result.
        if let Err(e) = c.write(c.args[1].wrapping_add((i * size_of::<EpollEvent>()) as u64), &event) {
            return if i == 0 { Err(e.into()) } else { Ok(i as u64) };
        }
    }
    Ok(count)
}

pub(in crate::linux) fn epoll_pwait(c: &mut Call<'_>) -> SysResult {
    let timeout = match c.int(3) {
        negative if negative < 0 => None,
        ms => Some(HostTime { sec: (ms / 1000).into(), nsec: i64::from(ms % 1000) * 1_000_000 }),
    };
    let mask = mask_at(c, c.args[4], c.args[5])?;
    epoll_wait(c, timeout, mask)
}

pub(in crate::linux) fn epoll_pwait2(c: &mut Call<'_>) -> SysResult {
    let timeout = c.read_opt::<Timespec>(c.args[3])?.map(|t| HostTime { sec: t.sec, nsec: t.nsec });
    let mask = mask_at(c, c.args[4], c.args[5])?;
    epoll_wait(c, timeout, mask)
}
