//! Arguments that another argument decides about.

use super::Shown;
use super::flags;
use super::structs::{self, Struct};
use crate::linux::abi::file::Flock;
use crate::linux::abi::poll::Pollfd;
use crate::linux::abi::riscv::HwprobePair;
use crate::linux::abi::tty::{Termios, Winsize};
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
        libc::F_SETFL => Some(Shown::open_flags(s.args[i])),
        libc::F_GETLK | libc::F_SETLK | libc::F_SETLKW | libc::F_OFD_GETLK | libc::F_OFD_SETLK | libc::F_OFD_SETLKW => {
            Some(lock(s, s.args[i]))
        }
        _ => Some(s.int(i).to_string()),
    };
    /// ioctl: by request.
    IOCTL_ARG after |s, i| Some(match s.args[1] as u32 as libc::Ioctl {
        libc::TCGETS => s.written(s.args[i], || termios(s, s.args[i])),
        libc::TCSETS | libc::TCSETSW | libc::TCSETSF => termios(s, s.args[i]),
        libc::TIOCGWINSZ => s.written(s.args[i], || winsize(s, s.args[i])),
        libc::TIOCSWINSZ => winsize(s, s.args[i]),
        libc::FIONREAD | libc::TIOCGPGRP | libc::TIOCOUTQ | libc::TIOCGSID | libc::TIOCGPTN => {
            s.written(s.args[i], || s.structure(&structs::INT, s.args[i]))
        }
        libc::FIONBIO | libc::TIOCSPGRP | libc::TIOCSPTLCK | libc::FIOASYNC => s.structure(&structs::INT, s.args[i]),
        libc::FIOCLEX | libc::FIONCLEX => return None,
        _ => Shown::pointer(s.args[i]),
    });
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
        0 | 6 | 9 | 11 | 13 => Some(s.structure(&structs::TIMESPEC, s.args[i])),
        3..=5 | 12 => Some((s.args[i] as u32).to_string()),
        _ => None,
    };
    /// futex: second word.
    FUTEX_WORD2 before |s, i| match s.args[1] & 0x7f {
        3..=5 | 11 | 12 => Some(Shown::pointer(s.args[i])),
        _ => None,
    };
    /// futex: bits or expected value.
    FUTEX_LAST before |s, i| match s.args[1] & 0x7f {
        9 | 10 if s.args[i] as u32 == u32::MAX => Some("FUTEX_BITSET_MATCH_ANY".to_owned()),
        4 | 5 | 9 | 10 | 12 => Some(format!("{:#x}", s.args[i] as u32)),
        _ => None,
    };
    /// prctl: by option.
    PRCTL_ARG after |s, i| match s.int(0) {
        libc::PR_GET_DUMPABLE | libc::PR_GET_KEEPCAPS | libc::PR_GET_TIMERSLACK | libc::PR_GET_SECUREBITS => None,
        libc::PR_SET_NAME => Some(s.string(s.args[i])),
        libc::PR_GET_NAME => Some(s.written(s.args[i], || s.string(s.args[i]))),
        libc::PR_SET_PDEATHSIG => Some(flags::signal_name(s.args[i])),
        libc::PR_SET_DUMPABLE | libc::PR_SET_KEEPCAPS | libc::PR_SET_NO_NEW_PRIVS | libc::PR_SET_CHILD_SUBREAPER
        | libc::PR_SET_TIMERSLACK => Some(s.args[i].to_string()),
        _ => Some(Shown::pointer(s.args[i]).replace("NULL", "0")),
    };
    /// prctl: further arguments, of which most options have none.
    PRCTL_REST before |s, i| match s.int(0) {
        libc::PR_SET_NO_NEW_PRIVS | libc::PR_GET_NO_NEW_PRIVS | libc::PR_SET_VMA | libc::PR_CAP_AMBIENT
        | libc::PR_SET_MM => Some(Shown::pointer(s.args[i]).replace("NULL", "0")),
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
    SOCKET_OPTION before |s, i| Some(match s.int(1) {
        libc::SOL_SOCKET => flags::SO.show_value(s.args[i]),
        libc::SOL_TCP => flags::TCP.show_value(s.args[i]),
        _ => format!("{:#x}", s.args[i]),
    });
    /// setsockopt: the value, as a number if it is as long as one.
    OPTION_IN before |s, i| Some(match s.args[4] as u32 {
        4 => s.structure(&structs::INT, s.args[i]),
        len => s.bytes(s.args[i], len.into()),
    });
    /// socket: the protocol by its domain.
    PROTOCOL before |s, i| Some(match s.int(0) {
        libc::AF_INET | libc::AF_INET6 => flags::IPPROTO.show_value(s.args[i]),
        _ => s.int(i).to_string(),
    });
    /// mknodat: the device, if it is one.
    NODE_DEVICE before |s, i| match s.args[2] as u32 & libc::S_IFMT {
        libc::S_IFCHR | libc::S_IFBLK => Some(structs::device(s.args[i])),
        _ => None,
    };
    /// getsockopt: the value, as long as the kernel says.
    OPTION_VALUE after |s, i| Some(s.written(s.args[i], || match s.mem.read::<u32>(GuestAddr(s.args[4])) {
        Ok(4) => s.structure(&structs::INT, s.args[i]),
        Ok(len) => s.bytes(s.args[i], len.into()),
        Err(_) => Shown::pointer(s.args[i]),
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
    MREMAP_TO before |s, i| (s.args[3] & 2 != 0).then(|| Shown::pointer(s.args[i]));
    /// riscv_hwprobe: keys and values.
    HWPROBE_PAIRS after |s, i| Some(s.array(&PAIR, s.args[i], s.args[1]));
}

static PAIR: Struct = Struct {
    size: 16,
    show: |s, addr| {
        let pair: HwprobePair = s.mem.read(addr).ok()?;
        Some(format!("{{key={}, value={:#x}}}", pair.key, pair.value))
    },
};

fn lock(s: &Shown<'_>, addr: u64) -> String {
    let Ok(l) = s.mem.read::<Flock>(GuestAddr(addr)) else { return Shown::pointer(addr) };
    let kind = flags::LOCK.show_value(l.kind as u64);
    let whence = flags::WHENCE.show_value(l.whence as u64);
    let pid = if matches!(s.int(1), libc::F_GETLK | libc::F_OFD_GETLK) {
        format!(", l_pid={}", l.pid)
    } else {
        String::new()
    };
    format!("{{l_type={kind}, l_whence={whence}, l_start={}, l_len={}{pid}}}", l.start, l.len)
}

fn termios(s: &Shown<'_>, addr: u64) -> String {
    let Ok(t) = s.mem.read::<Termios>(GuestAddr(addr)) else { return Shown::pointer(addr) };
    format!("{{c_iflag={:#x}, c_oflag={:#x}, c_cflag={:#x}, c_lflag={:#x}, ...}}", t.iflag, t.oflag, t.cflag, t.lflag)
}

fn winsize(s: &Shown<'_>, addr: u64) -> String {
    let Ok(w) = s.mem.read::<Winsize>(GuestAddr(addr)) else { return Shown::pointer(addr) };
    format!("{{ws_row={}, ws_col={}, ws_xpixel={}, ws_ypixel={}}}", w.row, w.col, w.xpixel, w.ypixel)
}

/// The result of fcntl, which for some commands is a set of flags.
pub(super) fn fcntl_result(s: &Shown<'_>, value: u64) -> String {
    match s.int(1) {
        libc::F_GETFL => format!("{value:#x} (flags {})", Shown::open_flags(value)),
        libc::F_GET_SEALS if value != 0 => format!("{value:#x} (seals {})", flags::SEALS.show_flags(value)),
        libc::F_GETFD if value != 0 => format!("{value:#x} (flags {})", flags::FDFLAGS.show_flags(value)),
        _ => (value as i64).to_string(),
    }
}

/// What is added to a result in parentheses.
pub(super) fn comment(s: &Shown<'_>, value: u64) -> String {
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
            parts.push(["SUID_DUMP_DISABLE", "SUID_DUMP_USER", "SUID_DUMP_ROOT"][value.min(2) as usize].to_owned());
        }
        "sched_getscheduler" => parts.push(flags::SCHED.show_value(value)),
        _ => {}
    }
    // What the kernel has left of a time limit.
    let limit = match s.row.name {
        "ppoll" => s.args[2],
        "pselect6" => s.args[4],
        _ => 0,
    };
    if limit != 0 {
        parts.push(format!("left {}", s.structure(&structs::TIMESPEC, limit)));
    }
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn ready_files(s: &Shown<'_>) -> Vec<String> {
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
