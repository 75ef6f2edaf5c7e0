//! Arguments whose meaning depends on another argument.

use super::CallPrinter;
use super::structs::{self, structs};
use super::{flags, signals, sockets, terminals};
use crate::linux::abi::file::Flock;
use crate::linux::abi::poll::Pollfd;
use crate::linux::abi::riscv::HwprobePair;
use crate::linux::abi::structs::{HWPROBE_PAIR, MMSGHDR, OPEN_HOW, SIGMASK_ARG, TIMESPEC};
use crate::linux::table::Special;
use crate::memory::GuestAddr;

macro_rules! specials {
    ($($(#[$meta:meta])* $id:ident $when:ident $show:expr;)*) => {$(
        $(#[$meta])*
        pub static $id: Special = Special { after: specials!(@ $when), show: $show };
    )*};
    (@ before) => { false };
    (@ after) => { true };
}
pub(super) use specials;

specials! {
    /// fcntl: by command.
    FCNTL_ARG after |s, i| match s.int(1) {
        libc::F_GETFD | libc::F_GETFL | libc::F_GETOWN | libc::F_GETPIPE_SZ | libc::F_GET_SEALS | libc::F_GETLEASE => None,
        libc::F_SETFD => Some(flags::FDFLAGS.show_flags(s.args[i])),
        libc::F_ADD_SEALS => Some(flags::SEALS.show_flags(s.args[i])),
        libc::F_SETFL => Some(CallPrinter::open_flags(s.args[i])),
        libc::F_GETLK | libc::F_SETLK | libc::F_SETLKW | libc::F_OFD_GETLK | libc::F_OFD_SETLK | libc::F_OFD_SETLKW => {
            Some(lock(s, s.args[i]))
        }
        _ => Some(s.int(i).to_string()),
    };
    /// ioctl: the request.
    IOCTL_REQUEST before |s, i| Some(terminals::request_name(s.args[i]));
    /// ioctl: by request.
    IOCTL_ARG after terminals::argument;
    /// A set of descriptors of pselect6.
    FD_SET before |s, i| Some(if s.args[i] == 0 {
        "NULL".to_owned()
    } else {
        structs::bits(s, s.args[i], u64::from(s.args[0] as u32).div_ceil(8))
    });
    /// futex: operation with its modifiers.
    FUTEX_OP before |s, i| {
        let op = s.args[i];
        let mut text = flags::FUTEX.show_value(op & 0x7f);
        if op & 0x80 != 0 {
            text.push_str("_PRIVATE");
        }
        if op & 0x100 != 0 {
            text.push_str("|FUTEX_CLOCK_REALTIME");
        }
        Some(text)
    };
    /// futex: time limit or second count.
    FUTEX_ARG before |s, i| match s.args[1] & 0x7f {
        0 | 6 | 9 | 11 | 13 => Some(s.structure(&TIMESPEC, s.args[i])),
        3..=5 | 12 => Some((s.args[i] as u32).to_string()),
        _ => None,
    };
    /// futex: second word.
    FUTEX_WORD2 before |s, i| match s.args[1] & 0x7f {
        3..=5 | 11 | 12 => Some(CallPrinter::pointer(s.args[i])),
        _ => None,
    };
    /// futex: bits or expected value.
    FUTEX_LAST before |s, i| match s.args[1] & 0x7f {
        9 | 10 if s.args[i] as u32 == u32::MAX => Some("FUTEX_BITSET_MATCH_ANY".to_owned()),
        4 | 12 => Some((s.args[i] as u32).to_string()),
        5 | 9 | 10 => Some(format!("{:#x}", s.args[i] as u32)),
        _ => None,
    };
    /// socket: type with its flags.
    SOCKET_TYPE before |s, i| {
        let kind = flags::SOCK_TYPE.show_value(s.args[i] & 0xf);
        Some(match s.args[i] & !0xf {
            0 => kind,
            rest => format!("{kind}|{}", flags::SOCK_FLAGS.show_flags(rest)),
        })
    };
    /// setsockopt and getsockopt: the option by its level.
    SOCKET_OPTION before |s, i| Some(sockets::option_name(s.int(1), s.args[i]));
    /// setsockopt: the value.
    OPTION_IN before |s, i| Some(sockets::option_value(s, s.args[i], u64::from(s.args[4] as u32)));
    /// socket: the protocol by its domain.
    PROTOCOL before |s, i| Some(match s.int(0) {
        libc::AF_INET | libc::AF_INET6 => flags::IPPROTO.show_value(s.args[i]),
        _ => s.int(i).to_string(),
    });
    /// mknodat: the device number, for device files only.
    NODE_DEVICE before |s, i| match s.args[2] as u32 & libc::S_IFMT {
        libc::S_IFCHR | libc::S_IFBLK => Some(structs::device(s.args[i])),
        _ => None,
    };
    /// getsockopt: the value, of the length that the kernel returned.
    OPTION_VALUE after |s, i| Some(s.written(s.args[i], || match s.mem.read::<u32>(GuestAddr(s.args[4])) {
        Ok(len) => sockets::option_value(s, s.args[i], len.into()),
        Err(_) => CallPrinter::pointer(s.args[i]),
    }));
    /// mmap: sharing type and flags.
    MAP_FLAGS before |s, i| {
        let kind = match s.args[i] & 0xf {
            1 => "MAP_SHARED",
            2 => "MAP_PRIVATE",
            3 => "MAP_SHARED_VALIDATE",
            0 => "MAP_FILE",
            _ => "0xf /* MAP_??? */",
        };
        Some(match s.args[i] & !0xf {
            0 => kind.to_owned(),
            rest => format!("{kind}|{}", flags::MAP.show_flags(rest)),
        })
    };
    /// mremap: the new address, if one is given.
    MREMAP_TO before |s, i| (s.args[3] & 2 != 0).then(|| CallPrinter::pointer(s.args[i]));
    /// preadv2 and pwritev2: the upper half of the position, which is ignored on 64 bits.
    UPPER_HALF before |_, _| None;
    /// openat2: the structure, of the size passed.
    OPEN_HOW_ARG before |s, i| Some(match s.args[3] {
        0..24 => CallPrinter::pointer(s.args[i]),
        _ => s.structure(&OPEN_HOW, s.args[i]),
    });
    /// pselect6: the signal mask and its size.
    SELECT_MASK before |s, i| Some(s.structure(&SIGMASK_ARG, s.args[i]));
    /// mincore: which pages are resident.
    PAGES_PRESENT after |s, i| Some(s.written(s.args[i], || {
        let pages = s.args[1].div_ceil(crate::memory::PAGE_SIZE);
        let mut present = vec![0; pages.min(super::ARRAY_LIMIT as u64) as usize];
        if s.mem.read_bytes(GuestAddr(s.args[i]), &mut present).is_err() {
            return CallPrinter::pointer(s.args[i]);
        }
        let mut items: Vec<&str> = present.iter().map(|p| if p & 1 != 0 { "1" } else { "0" }).collect();
        if pages > present.len() as u64 {
            items.push("...");
        }
        format!("[{}]", items.join(", "))
    }));
    /// membarrier: the CPU, for the command that has one.
    MEMBARRIER_CPU before |s, i| (s.args[1] & 1 != 0).then(|| s.int(i).to_string());
    /// ioprio_set: class and level.
    IO_PRIORITY before |s, i| Some(io_priority(s.args[i]));
    /// personality: a domain with flags, or the query.
    PERSONALITY_ARG before |s, i| Some(personality(s.args[i]));
    /// rt_sigreturn, which has no arguments: the mask that it restores.
    RETURN_MASK before |s, _| signals::return_mask(s);
    /// The messages of sendmmsg.
    MESSAGES_OUT after |s, i| {
        Some(s.array(&MMSGHDR, s.args[i], s.success().unwrap_or(s.args[2] as u32 as u64)))
    };
    /// The messages of recvmmsg.
    MESSAGES_IN after |s, i| {
        Some(s.written(s.args[i], || s.array(&MMSGHDR, s.args[i], s.success().unwrap_or(0))))
    };
    /// riscv_hwprobe: keys and values.
    HWPROBE_PAIRS after |s, i| Some(s.array(&HWPROBE_PAIR, s.args[i], s.args[1]));
}

structs! {
    HWPROBE_PAIR: HwprobePair => |_, pair| {
        let key = flags::HWPROBE_KEY.show_value(pair.key as u64);
        format!("{{key={key}, value={}}}", CallPrinter::number(pair.value))
    };
}

fn io_priority(value: u64) -> String {
    let class = flags::IOPRIO_CLASS.show_value(u64::from(value as u32 >> 13));
    format!("IOPRIO_PRIO_VALUE({class}, {})", value & 0x1fff)
}

fn personality(value: u64) -> String {
    let value = value as u32;
    if value == u32::MAX {
        return format!("{value:#x}");
    }
    let domain = flags::PERSONALITY.show_value(u64::from(value & 0xff));
    match value & !0xff {
        0 => domain,
        bits => format!("{domain}|{}", flags::PERSONALITY_FLAGS.show_flags(bits.into())),
    }
}

fn lock(s: &CallPrinter<'_>, addr: u64) -> String {
    let Ok(l) = s.mem.read::<Flock>(GuestAddr(addr)) else { return CallPrinter::pointer(addr) };
    let kind = flags::LOCK.show_value(l.kind as u64);
    let whence = flags::WHENCE.show_value(l.whence as u64);
    let pid = if matches!(s.int(1), libc::F_GETLK | libc::F_OFD_GETLK) {
        format!(", l_pid={}", l.pid)
    } else {
        String::new()
    };
    format!("{{l_type={kind}, l_whence={whence}, l_start={}, l_len={}{pid}}}", l.start, l.len)
}

/// The result of fcntl, which for some commands is a set of flags.
pub(super) fn fcntl_result(s: &CallPrinter<'_>, value: u64) -> String {
    match s.int(1) {
        libc::F_GETFL => format!("{value:#x} (flags {})", CallPrinter::open_flags(value)),
        libc::F_GET_SEALS if value != 0 => format!("{value:#x} (seals {})", flags::SEALS.show_flags(value)),
        libc::F_GETFD if value != 0 => format!("{value:#x} (flags {})", flags::FDFLAGS.show_flags(value)),
        _ => (value as i64).to_string(),
    }
}

/// The text in parentheses after a result.
pub(super) fn comment(s: &CallPrinter<'_>, value: u64) -> String {
    let mut parts = Vec::new();
    match s.row.name {
        "ppoll" | "pselect6" if value == 0 => return " (Timeout)".to_owned(),
        "ppoll" => parts.push(format!("[{}]", ready_files(s).join(", "))),
        "pselect6" => {
            for (i, name) in [(1, "in"), (2, "out"), (3, "except")] {
                let set = structs::bits(s, s.args[i], u64::from(s.args[0] as u32).div_ceil(8));
                if s.args[i] != 0 && set != "[]" {
                    parts.push(format!("{name} {set}"));
                }
            }
        }
        "prctl" if s.int(0) == libc::PR_GET_DUMPABLE => {
            parts.push(flags::DUMPABLE.show_value(value));
        }
        "ioprio_get" => parts.push(io_priority(value)),
        "personality" => parts.push(personality(value)),
        "rt_sigtimedwait" => parts.push(flags::signal_name(value)),
        "adjtimex" | "clock_adjtime" => parts.push(flags::TIME_STATE.show_value(value)),
        "sched_getscheduler" => parts.push(flags::SCHED.show_value(value)),
        _ => {}
    }
    // The remaining time.
    let limit = match s.row.name {
        "ppoll" => s.args[2],
        "pselect6" => s.args[4],
        _ => 0,
    };
    if limit != 0 {
        parts.push(format!("left {}", s.structure(&TIMESPEC, limit)));
    }
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn ready_files(s: &CallPrinter<'_>) -> Vec<String> {
    let mut ready = Vec::new();
    for i in 0..s.args[1].min(super::ARRAY_LIMIT as u64) {
        let Ok(p) = s.mem.read::<Pollfd>(GuestAddr(s.args[0]).offset(i * 8)) else { break };
        if p.revents != 0 {
            let events = flags::POLL.show_flags((p.revents as u16).into());
            ready.push(format!("{{fd={}, revents={events}}}", p.fd));
        }
    }
    ready
}
