//! Sockets: messages and options.

use crate::host::{self, Message, Sys, SysArg};
use crate::linux::abi::net::{Mmsghdr, Msghdr};
use crate::linux::abi::time::Timespec;
use crate::linux::call::{Call, SysResult};
use crate::memory::GuestAddr;
use rustix::io::Errno;
use std::mem::offset_of;
use std::time::{Duration, Instant};

/// Whether the value of a socket option holds addresses, which the host kernel would follow: packet
/// filters and the tables of netfilter.
fn holds_addresses(level: i32, option: i32) -> bool {
    match level {
        libc::SOL_SOCKET => matches!(option, libc::SO_ATTACH_FILTER | libc::SO_ATTACH_REUSEPORT_CBPF),
        // IPT_SO_* and IP6T_SO_*; ARPT_SO_* and EBT_SO_*.
        libc::SOL_IP | libc::SOL_IPV6 => matches!(option, 64..=67 | 96..=99 | 128..=131),
        // TCP_ZEROCOPY_RECEIVE.
        libc::SOL_TCP => option == 35,
        libc::SOL_PACKET => option == libc::PACKET_FANOUT_DATA,
        _ => false,
    }
}

fn refuse(c: &Call<'_>) -> SysResult {
    c.unimplemented(format!("{}: option {} of level {}", c.row.name, c.int(2), c.int(1)));
    Err(Errno::NOPROTOOPT)
}

pub(in crate::linux) fn setsockopt(c: &mut Call<'_>) -> SysResult {
    let [_, level, option, value, len, _] = c.args;
    if holds_addresses(c.int(1), c.int(2)) {
        return refuse(c);
    }
    let fd = SysArg::Val(c.fd(0)? as u64);
    let value = c.guest(value, u64::from(len as u32));
    host::pass(Sys::Setsockopt, &mut [fd, SysArg::Val(level), SysArg::Val(option), value, SysArg::Val(len)])
}

pub(in crate::linux) fn getsockopt(c: &mut Call<'_>) -> SysResult {
    let [_, level, option, value, len, _] = c.args;
    if holds_addresses(c.int(1), c.int(2)) {
        return refuse(c);
    }
    let fd = SysArg::Val(c.fd(0)? as u64);
    // The kernel writes no more than the length says when it reads it; should another thread raise
    // that meanwhile, what follows guest memory is a guard.
    let room: u32 = c.read(len).unwrap_or(0);
    let (value, len) = (c.guest(value, room.into()), c.guest(len, 4));
    host::pass(Sys::Getsockopt, &mut [fd, SysArg::Val(level), SysArg::Val(option), value, len])
}

/// Sends or receives one message described at `at`; what the kernel says of it goes back there.
fn one_message(c: &mut Call<'_>, receive: bool, at: u64, flags: u32) -> SysResult {
    let fd = c.fd(0)?;
    let header: Msghdr = c.read(at)?;
    if header.namelen < 0 {
        return Err(Errno::INVAL);
    }
    if header.controllen > i32::MAX as u64 {
        return Err(Errno::NOBUFS);
    }
    let list = c.vector(header.iov, header.iovlen).map_err(|e| match e {
        Errno::INVAL if header.iovlen > 1024 => Errno::MSGSIZE,
        other => other,
    })?;
    let range = |addr: u64, len: u64| -> Result<_, Errno> {
        if addr == 0 { Ok(None) } else { Ok(Some(c.task.mm.host_range(GuestAddr(addr), len)?)) }
    };
    let mut message = Message {
        name: range(header.name, header.namelen as u64)?,
        name_len: header.namelen,
        list: &list,
        control: range(header.control, header.controllen)?,
        control_len: header.controllen,
        flags: header.flags,
    };
    let count = host::message(receive, fd, &mut message, flags)?;
    if receive {
        if header.name != 0 {
            c.write(at + offset_of!(Msghdr, namelen) as u64, &message.name_len)?;
        }
        c.write(at + offset_of!(Msghdr, controllen) as u64, &message.control_len)?;
        c.write(at + offset_of!(Msghdr, flags) as u64, &message.flags)?;
    }
    Ok(count)
}

pub(in crate::linux) fn sendmsg(c: &mut Call<'_>) -> SysResult {
    one_message(c, false, c.args[1], c.args[2] as u32)
}

pub(in crate::linux) fn recvmsg(c: &mut Call<'_>) -> SysResult {
    one_message(c, true, c.args[1], c.args[2] as u32)
}

/// Several messages: an error counts only if there was none before it.
fn messages(c: &mut Call<'_>, receive: bool, deadline: Option<Instant>) -> SysResult {
    let mut flags = c.args[3] as u32;
    let wait_for_one = receive && flags & libc::MSG_WAITFORONE as u32 != 0;
    flags &= !(libc::MSG_WAITFORONE as u32);
    let total = u64::from(c.args[2] as u32).min(1024);
    let mut done = 0;
    while done < total {
        let at = c.args[1].wrapping_add(done * size_of::<Mmsghdr>() as u64);
        let len = offset_of!(Mmsghdr, len) as u64;
        let one = one_message(c, receive, at, flags).and_then(|count| c.write(at + len, &(count as u32)));
        match one {
            Ok(()) => done += 1,
            Err(e) if done == 0 => return Err(e),
            Err(_) => break,
        }
        if wait_for_one {
            flags |= libc::MSG_DONTWAIT as u32;
        }
        if deadline.is_some_and(|end| Instant::now() >= end) {
            break;
        }
    }
    Ok(done)
}

pub(in crate::linux) fn sendmmsg(c: &mut Call<'_>) -> SysResult {
    c.fd(0)?;
    messages(c, false, None)
}

pub(in crate::linux) fn recvmmsg(c: &mut Call<'_>) -> SysResult {
    c.fd(0)?;
    let timeout: Option<Timespec> = c.read_opt(c.args[4])?;
    let deadline = match timeout {
        None => None,
        Some(t) if t.sec < 0 || !(0..1_000_000_000).contains(&t.nsec) => return Err(Errno::INVAL),
        Some(t) => Instant::now().checked_add(Duration::new(t.sec as u64, t.nsec as u32)),
    };
    let done = messages(c, true, deadline)?;
    if let Some(end) = deadline {
        let left = end.saturating_duration_since(Instant::now());
        c.write(c.args[4], &Timespec { sec: left.as_secs() as i64, nsec: left.subsec_nanos().into() })?;
    }
    Ok(done)
}
