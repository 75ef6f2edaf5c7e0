//! Formats socket addresses, messages and options.

use super::CallPrinter;
use super::flags;
use super::quote::{quote_bytes, quote_hex, quote_path};
use super::structs;
use crate::linux::abi::net::{Mmsghdr, Msghdr};
use crate::linux::abi::structs::{INT, LINGER};
use crate::memory::GuestAddr;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A socket address.
pub(super) fn socket_address(shown: &CallPrinter<'_>, addr: u64, len: u64) -> String {
    let mut buf = [0u8; 128];
    let size = (len as usize).min(buf.len());
    if addr == 0 || size < 2 || shown.mem.read_bytes(GuestAddr(addr), &mut buf[..size]).is_err() {
        return CallPrinter::pointer(addr);
    }
    let family = u16::from_le_bytes([buf[0], buf[1]]);
    let port = u16::from_be_bytes([buf[2], buf[3]]);
    let word = |at: usize| u32::from_le_bytes([buf[at], buf[at + 1], buf[at + 2], buf[at + 3]]);
    let name = flags::AF.show_value(family.into());
    match i32::from(family) {
        libc::AF_INET if size >= 16 => {
            let ip = Ipv4Addr::new(buf[4], buf[5], buf[6], buf[7]);
            format!("{{sa_family={name}, sin_port=htons({port}), sin_addr=inet_addr(\"{ip}\")}}")
        }
        libc::AF_INET6 if size >= 24 => {
            let mut ip = [0u8; 16];
            ip.copy_from_slice(&buf[8..24]);
            let ip = Ipv6Addr::from(ip);
            let scope = if size >= 28 { format!(", sin6_scope_id={}", word(24)) } else { String::new() };
            format!(
                "{{sa_family={name}, sin6_port=htons({port}), sin6_flowinfo=htonl({}), \
                 inet_pton(AF_INET6, \"{ip}\", &sin6_addr){scope}}}",
                word(4).swap_bytes()
            )
        }
        libc::AF_NETLINK if size >= 12 => {
            format!("{{sa_family={name}, nl_pid={}, nl_groups={:08x}}}", word(4), word(8))
        }
        _ if size == 2 => format!("{{sa_family={name}}}"),
        libc::AF_UNIX if buf[2] == 0 => format!("{{sa_family={name}, sun_path=@{}}}", quote_path(&buf[3..size])),
        libc::AF_UNIX => format!("{{sa_family={name}, sun_path={}}}", structs::text(&buf[2..size])),
        _ => format!("{{sa_family={name}, sa_data={}}}", quote_bytes(&buf[2..size], (size - 2) as u64, size)),
    }
}

/// A message header with `total` bytes of data.
fn header(shown: &CallPrinter<'_>, m: &Msghdr, total: u64) -> String {
    let name = socket_address(shown, m.name, m.namelen as u64);
    let vector = shown.vector(m.iov, m.iovlen, total);
    let control = if m.controllen == 0 { String::new() } else { format!("msg_control={}, ", control(shown, m)) };
    format!(
        "{{msg_name={name}, msg_namelen={}, msg_iov={vector}, msg_iovlen={}, {control}msg_controllen={}, msg_flags={}}}",
        m.namelen,
        m.iovlen,
        m.controllen,
        flags::MSG.show_flags(m.flags.into())
    )
}

/// One message of sendmsg or recvmsg.
pub(super) fn message(shown: &CallPrinter<'_>, m: &Msghdr) -> String {
    if shown.row.name != "recvmsg" {
        return header(shown, m, u64::MAX);
    }
    match shown.success() {
        Some(received) => header(shown, m, received),
        // Only the size of the name buffer is known.
        None => format!("{{msg_namelen={}}}", m.namelen),
    }
}

/// One message of sendmmsg or recvmmsg.
pub(super) fn numbered_message(shown: &CallPrinter<'_>, m: &Mmsghdr) -> String {
    let received = shown.row.name == "recvmmsg";
    let total = if received { m.len.into() } else { u64::MAX };
    let len = if shown.success().is_some() { format!(", msg_len={}", m.len) } else { String::new() };
    format!("{{msg_hdr={}{len}}}", header(shown, &m.hdr, total))
}

/// The size of `struct cmsghdr`.
const CONTROL_HEAD: u64 = 16;

/// The control messages.
fn control(shown: &CallPrinter<'_>, m: &Msghdr) -> String {
    let mut items = Vec::new();
    let mut at = 0;
    while m.controllen - at >= CONTROL_HEAD && items.len() < super::ARRAY_LIMIT {
        let Ok([len_low, len_high, level, kind]) = shown.mem.read::<[u32; 4]>(GuestAddr(m.control).offset(at)) else {
            break;
        };
        let len = u64::from(len_low) | u64::from(len_high) << 32;
        let size = len.clamp(CONTROL_HEAD, m.controllen - at) - CONTROL_HEAD;
        let data = control_data(shown, (level, kind), GuestAddr(m.control).offset(at + CONTROL_HEAD), size);
        let name = match level as i32 {
            libc::SOL_SOCKET => flags::SCM.show_value(kind.into()),
            _ => CallPrinter::number(kind.into()),
        };
        let level = flags::SOL.show_value(level.into());
        items.push(format!("{{cmsg_len={len}, cmsg_level={level}, cmsg_type={name}{data}}}"));
        match len.checked_next_multiple_of(8).filter(|step| *step >= CONTROL_HEAD && *step <= m.controllen - at) {
            Some(step) => at += step,
            None => break,
        }
    }
    if items.is_empty() { CallPrinter::pointer(m.control) } else { format!("[{}]", items.join(", ")) }
}

fn control_data(shown: &CallPrinter<'_>, (level, kind): (u32, u32), addr: GuestAddr, size: u64) -> String {
    if size == 0 {
        return String::new();
    }
    let mut data = vec![0; size.min(256) as usize];
    if shown.mem.read_bytes(addr, &mut data).is_err() {
        return format!(", cmsg_data={:#x}", addr.0);
    }
    let words: Vec<String> =
        data.chunks_exact(4).map(|c| i32::from_le_bytes([c[0], c[1], c[2], c[3]]).to_string()).collect();
    let text = match (level as i32, kind as i32) {
        (libc::SOL_SOCKET, libc::SCM_RIGHTS) => format!("[{}]", words.join(", ")),
        (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) if words.len() >= 3 => {
            format!("{{pid={}, uid={}, gid={}}}", words[0], words[1], words[2])
        }
        _ => quote_hex(&data, size, data.len()),
    };
    format!(", cmsg_data={text}")
}

/// The name of a socket option, by its level.
pub(super) fn option_name(level: i32, option: u64) -> String {
    match level {
        libc::SOL_SOCKET => match flags::SO_OLD.find(option) {
            Some(name) => name.to_owned(),
            None => flags::SO.show_value(option),
        },
        libc::SOL_TCP => flags::TCP.show_value(option),
        libc::SOL_IP => flags::IP.show_value(option),
        libc::SOL_IPV6 => flags::IPV6.show_value(option),
        _ => CallPrinter::number(option),
    }
}

/// The value of a socket option.
pub(super) fn option_value(s: &CallPrinter<'_>, addr: u64, len: u64) -> String {
    match (s.int(1), s.int(2), len) {
        (libc::SOL_SOCKET, libc::SO_LINGER, 8) => s.structure(&LINGER, addr),
        (_, _, 4) => s.structure(&INT, addr),
        _ => s.bytes(addr, len),
    }
}
