//! io_uring. The host kernel follows the addresses in submissions, so the calls exist only where guest addresses are the
//! host's.

use super::poll::{mask_at, waiting};
use crate::host::{self, SETUP_NO_MMAP, UringMemory, UringParams, UringPart};
use crate::linux::call::Call;
use crate::linux::outcome::SysResult;
use crate::linux::rings::Ring;
use crate::memory::{Backing, GuestAddr};
use rustix::io::Errno;

/// The name of a ring's descriptor under /proc.
pub(super) const LINK: &[u8] = b"anon_inode:[io_uring]";

// Offsets for mmap(2): the two rings, which share their memory, and the submissions.
const OFF_SQ_RING: u64 = 0;
const OFF_CQ_RING: u64 = 0x800_0000;
const OFF_SQES: u64 = 0x1000_0000;

/// The bits of an offset that count.
const OFF_MASK: u64 = 0xf800_0000;

const SETUP_SQPOLL: u32 = 1 << 1;
const SETUP_ATTACH_WQ: u32 = 1 << 5;
const ENTER_EXT_ARG: u32 = 1 << 3;
const ENTER_REGISTERED_RING: u32 = 1 << 4;
const ENTER_EXT_ARG_REG: u32 = 1 << 6;

/// IORING_REGISTER_RESIZE_RINGS: the memory of the new rings would have to be the kernel's.
const REGISTER_RESIZE_RINGS: u32 = 33;

/// IORING_REGISTER_PBUF_RING, and the flag that asks the kernel for the memory of the ring of buffers.
const REGISTER_BUFFER_RING: u32 = 22;
const BUFFER_RING_MMAP: u16 = 1;

/// The operations that have a `struct epoll_event`.
const OP_EPOLL_CTL: u8 = 29;
const OP_EPOLL_WAIT: u8 = 59;

/// The bit of an operation that says that the descriptor is the number of a registered ring.
const REGISTER_BY_NUMBER: u32 = 1 << 31;

pub(in crate::linux) fn io_uring_setup(c: &mut Call<'_>) -> SysResult {
    if !c.task.mm.is_identity() {
        c.unimplemented("io_uring_setup where addresses are not the host's".to_owned());
        return Err(Errno::NOSYS.into());
    }
    let entries = c.args[0] as u32;
    let mut params: UringParams = c.read(c.args[1])?;
    if params.flags & SETUP_ATTACH_WQ != 0 && c.task.files.is_ours(params.workers) {
        return Err(Errno::BADF.into());
    }
    if params.flags & SETUP_SQPOLL != 0 {
        c.unimplemented("io_uring: epoll operations of a ring with IORING_SETUP_SQPOLL".to_owned());
    }
    let fd = if params.flags & SETUP_NO_MMAP != 0 {
        let fd = host::uring_in_guest_memory(entries, &mut params)?;
        c.task.files.rings.add(fd, Ring::new(params, None));
        fd
    } else {
        let made = UringMemory::set_up(entries, &mut params);
        if made.as_ref().err() == Some(&Errno::NOSYS) {
            c.unimplemented("io_uring_setup on a host before Linux 6.10".to_owned());
        }
        let (fd, memory) = made?;
        c.task.files.rings.add(fd, Ring::new(params, Some(memory)));
        fd
    };
    if let Err(error) = c.write(c.args[1], &params) {
        c.task.files.rings.closing(&(fd..=fd));
        host::close(fd);
        return Err(error.into());
    }
    Ok(fd as u64)
}

/// What mmap(2) maps for a ring's descriptor at an offset.
pub(super) fn mapped<'a>(memory: &'a UringMemory, offset: u64, len: u64) -> Result<Backing<'a>, Errno> {
    let part = match offset & OFF_MASK {
        OFF_SQ_RING | OFF_CQ_RING => UringPart::Rings,
        OFF_SQES => UringPart::Submissions,
        _ => return Err(Errno::INVAL),
    };
    let fits = len <= memory.len(part);
    if fits { Ok(Backing::Uring { memory, part, offset }) } else { Err(Errno::INVAL) }
}

/// Changes a submission whose structure differs on the host. x86-64 packs `struct epoll_event`: its data follow the
/// events without padding. So the events are copied into the padding, and the host gets that address. A submission that
/// was changed before, and not taken then, is found by its address and changed in the same way.
///
/// A thread of the kernel's that polls for submissions (IORING_SETUP_SQPOLL) takes them before remu sees them.
fn use_hosts_layout(c: &Call<'_>, ring: &Ring, at: u64) {
    // struct io_uring_sqe: the opcode, the address, and the length, here the operation of epoll_ctl.
    const ADDRESS: u64 = 16;
    const OPERATION: u64 = 24;
    let mm = &c.task.mm;
    let load = |offset| ring.load(mm, UringPart::Submissions, at + offset);
    let store = |offset, value| ring.store(mm, UringPart::Submissions, at + offset, value);
    let Some(first) = load(0) else { return };
    match first as u8 {
        OP_EPOLL_CTL if load(OPERATION) != Some(libc::EPOLL_CTL_DEL as u32) => {
            let (Some(low), Some(high)) = (load(ADDRESS), load(ADDRESS + 4)) else { return };
            let event = (u64::from(high) << 32 | u64::from(low)) & !7;
            let events = mm.read::<u32>(GuestAddr(event));
            if events.and_then(|events| mm.write(GuestAddr(event + 4), &events)).is_ok() {
                store(ADDRESS, event as u32 + 4);
            }
        }
        OP_EPOLL_WAIT => {
            c.missing_form("IORING_OP_EPOLL_WAIT");
            // The kernel knows no such operation, and completes the submission with EINVAL.
            store(0, first | 0xff);
        }
        _ => {}
    }
}

/// A ring's descriptor, or the number of a registered ring.
fn ring(c: &Call<'_>, by_number: bool) -> Result<i32, Errno> {
    if by_number { Ok(c.int(0)) } else { c.fd(0) }
}

pub(in crate::linux) fn io_uring_enter(c: &mut Call<'_>) -> SysResult {
    if !c.task.mm.is_identity() {
        return Err(Errno::NOSYS.into());
    }
    let [_, submit, wait, flags, arg, size] = c.args;
    let flags = flags as u32;
    let fd = ring(c, flags & ENTER_REGISTERED_RING != 0)?;
    let mask = match flags {
        _ if flags & ENTER_EXT_ARG_REG != 0 => None,
        // struct io_uring_getevents_arg: the mask's address and size, a minimal wait, the timeout's address.
        _ if flags & ENTER_EXT_ARG != 0 && size == 24 => match c.read::<[u64; 3]>(arg) {
            Ok([mask, sizes, _]) => mask_at(c, mask, sizes & 0xffff_ffff)?,
            // The host reports it, after errors of the ring.
            Err(_) => None,
        },
        _ if flags & ENTER_EXT_ARG != 0 => None,
        _ => mask_at(c, arg, size).unwrap_or(None),
    };
    let counts = [submit as u32, wait as u32];
    if counts[0] != 0 {
        // The descriptor may be a duplicate or the number of a registered ring.
        for ring in c.task.files.rings.all() {
            for at in ring.pending(&c.task.mm) {
                use_hosts_layout(c, &ring, at);
            }
        }
    }
    waiting(c, mask, |c| Ok(host::uring_enter(fd, counts, flags, c.nullable(arg, size), size)?))
}

pub(in crate::linux) fn io_uring_register(c: &mut Call<'_>) -> SysResult {
    if !c.task.mm.is_identity() {
        return Err(Errno::NOSYS.into());
    }
    let operation = c.args[1] as u32;
    if operation & !REGISTER_BY_NUMBER == REGISTER_RESIZE_RINGS {
        c.unimplemented("io_uring_register: IORING_REGISTER_RESIZE_RINGS".to_owned());
        return Err(Errno::INVAL.into());
    }
    // struct io_uring_buf_reg: the ring's address, its entries, the group and the flags.
    let buffers = || c.read::<[u16; 8]>(c.args[2]).is_ok_and(|words| words[7] & BUFFER_RING_MMAP != 0);
    if operation & !REGISTER_BY_NUMBER == REGISTER_BUFFER_RING && buffers() {
        c.unimplemented("io_uring_register: IORING_REGISTER_PBUF_RING with IOU_PBUF_RING_MMAP".to_owned());
        return Err(Errno::INVAL.into());
    }
    // Some operations concern no ring.
    let fd = ring(c, operation & REGISTER_BY_NUMBER != 0)?;
    Ok(host::uring_register(fd, operation, c.nullable(c.args[2], 1), c.args[3] as u32)?)
}
