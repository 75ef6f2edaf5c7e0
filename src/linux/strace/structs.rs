//! Structures in words.

use super::flags::{self, signal_name};
use super::{Shown, octal};
use crate::linux::abi::file::{DirentHead, OpenHow, Stat, Statfs, Statx};
use crate::linux::abi::net::Msghdr;
use crate::linux::abi::poll::{EpollEvent, Pollfd};
use crate::linux::abi::process::{Rlimit, Rusage, SchedParam, Sysinfo, Utsname};
use crate::linux::abi::signal::{Sigaction, Sigevent, Siginfo, StackT};
use crate::linux::abi::time::{Itimerspec, Itimerval, Timespec, Timeval, Timezone, Tms};
use crate::memory::GuestAddr;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A structure as the table knows it: how large, and how it is shown.
#[derive(Debug)]
pub struct Struct {
    /// Its size in guest memory.
    pub size: u64,
    /// Writes it; `None` if it cannot be read.
    pub show: fn(&Shown<'_>, GuestAddr) -> Option<String>,
}

/// Declares structures by a type of the ABI and a function from its value to text.
macro_rules! structs {
    ($($(#[$meta:meta])* $id:ident: $t:ty => $show:expr;)*) => {$(
        $(#[$meta])*
        pub static $id: Struct = Struct {
            size: size_of::<$t>() as u64,
            show: |shown, addr| {
                let value: $t = shown.mem.read(addr).ok()?;
                let show: fn(&Shown<'_>, &$t) -> String = $show;
                Some(show(shown, &value))
            },
        };
    )*};
}
pub(super) use structs;

structs! {
    /// struct timespec
    TIMESPEC: Timespec => |_, t| timespec(t);
    /// Two of them, for utimensat.
    UTIMES: [Timespec; 2] => |_, t| format!("[{}, {}]", utime(&t[0]), utime(&t[1]));
    /// struct timeval
    TIMEVAL: Timeval => |_, t| timeval(t);
    /// struct itimerval
    ITIMERVAL: Itimerval => |_, t| format!("{{it_interval={}, it_value={}}}", timeval(&t.interval), timeval(&t.value));
    /// struct itimerspec
    ITIMERSPEC: Itimerspec => |_, t| {
        format!("{{it_interval={}, it_value={}}}", timespec(&t.interval), timespec(&t.value))
    };
    /// struct timezone
    TIMEZONE: Timezone => |_, t| format!("{{tz_minuteswest={}, tz_dsttime={}}}", t.minuteswest, t.dsttime);
    /// struct tms
    TMS: Tms => |_, t| {
        format!("{{tms_utime={}, tms_stime={}, tms_cutime={}, tms_cstime={}}}", t.utime, t.stime, t.cutime, t.cstime)
    };
    /// struct timex, of which only the mode is shown
    TIMEX: [u32; 52] => |_, t| format!("{{modes={:#x}, ...}}", t[0]);
    /// struct stat
    STAT: Stat => |_, s| {
        let what = match s.mode & libc::S_IFMT {
            libc::S_IFCHR | libc::S_IFBLK => format!("st_rdev={}", device(s.rdev)),
            _ => format!("st_size={}", s.size),
        };
        format!("{{st_mode={}, {what}, ...}}", file_mode(s.mode))
    };
    /// struct statx
    STATX: Statx => |_, s| {
        let (mask, attributes) = (flags::STATX_MASK.show_flags(s.mask.into()), s.attributes);
        let attributes = if attributes == 0 { "0".to_owned() } else { format!("{attributes:#x}") };
        format!(
            "{{stx_mask={mask}, stx_attributes={attributes}, stx_mode={}, stx_size={}, ...}}",
            file_mode(s.mode.into()),
            s.size
        )
    };
    /// struct statfs
    STATFS: Statfs => |_, s| {
        format!(
            "{{f_type={:#x}, f_bsize={}, f_blocks={}, f_bfree={}, f_bavail={}, f_files={}, f_ffree={}, \
             f_fsid={{val=[{}, {}]}}, f_namelen={}, f_frsize={}, f_flags={}}}",
            s.kind, s.bsize, s.blocks, s.bfree, s.bavail, s.files, s.ffree, hex(s.fsid[0] as u32), hex(s.fsid[1] as u32), s.namelen,
            s.frsize, flags::ST.show_flags(s.flags as u64)
        )
    };
    /// struct rlimit
    RLIMIT64: Rlimit => |_, r| format!("{{rlim_cur={}, rlim_max={}}}", limit(r.cur), limit(r.max));
    /// struct rusage
    RUSAGE: Rusage => |_, r| format!("{{ru_utime={}, ru_stime={}, ...}}", timeval(&r.utime), timeval(&r.stime));
    /// struct utsname
    UTSNAME: Utsname => |_, u| format!("{{sysname={}, nodename={}, ...}}", text(&u.sysname), text(&u.nodename));
    /// struct sysinfo
    SYSINFO: Sysinfo => |_, s| {
        format!(
            "{{uptime={}, loads=[{}, {}, {}], totalram={}, freeram={}, sharedram={}, bufferram={}, totalswap={}, \
             freeswap={}, procs={}, totalhigh={}, freehigh={}, mem_unit={}}}",
            s.uptime, s.loads[0], s.loads[1], s.loads[2], s.totalram, s.freeram, s.sharedram, s.bufferram,
            s.totalswap, s.freeswap, s.procs, s.totalhigh, s.freehigh, s.mem_unit
        )
    };
    /// struct sigaction
    SIGACTION: Sigaction => |_, s| {
        let handler = match s.handler {
            0 => "SIG_DFL".to_owned(),
            1 => "SIG_IGN".to_owned(),
            other => format!("{other:#x}"),
        };
        format!(
            "{{sa_handler={handler}, sa_mask={}, sa_flags={}}}",
            signal_set(s.mask),
            flags::SA.show_flags(s.flags)
        )
    };
    /// stack_t
    STACK_T: StackT => |_, s| {
        let flags = flags::ALTSTACK.show_flags(u64::from(s.flags as u32));
        format!("{{ss_sp={}, ss_flags={flags}, ss_size={}}}", Shown::pointer(s.sp), s.size)
    };
    /// sigset_t of the kernel
    SIGSET: u64 => |_, set| signal_set(*set);
    /// siginfo_t
    SIGINFO: Siginfo => |_, info| siginfo_text(info);
    /// struct sigevent
    SIGEVENT: Sigevent => |_, e| {
        let value = format!("{{sival_int={}, sival_ptr={}}}", e.value as i32, Shown::pointer(e.value));
        let target = if e.notify == 4 { format!(", sigev_notify_thread_id={}", e.tid) } else { String::new() };
        format!(
            "{{sigev_value={value}, sigev_signo={}, sigev_notify={}{target}}}",
            signal_name(u64::from(e.signo as u32)),
            flags::SIGEV.show_value(u64::from(e.notify as u32))
        )
    };
    /// struct pollfd
    POLLFD: Pollfd => |shown, p| {
        if shown.result.is_some() && shown.row.name != "ppoll" {
            return format!("{{fd={}, revents={}}}", p.fd, flags::POLL.show_flags((p.revents as u16).into()));
        }
        format!("{{fd={}, events={}}}", p.fd, flags::POLL.show_flags((p.events as u16).into()))
    };
    /// struct epoll_event
    EPOLL_EVENT: EpollEvent => |_, e| {
        let data = format!("u32={}, u64={}", e.data as u32, e.data);
        format!("{{events={}, data={{{data}}}}}", epoll_events(e.events))
    };
    /// int
    INT: i32 => |_, n| format!("[{n}]");
    /// `int[2]`
    INT_PAIR: [i32; 2] => |_, n| format!("[{}, {}]", n[0], n[1]);
    /// unsigned int
    UINT: u32 => |shown, n| {
        if shown.row.name.ends_with("groups") { n.to_string() } else { format!("[{n}]") }
    };
    /// loff_t
    LONG: i64 => |_, n| format!("[{n}]");
    /// The status of a child.
    WAIT_STATUS: i32 => |_, s| wait_status(*s);
    /// struct sched_param
    SCHED_PARAM: SchedParam => |_, p| format!("[{}]", p.priority);
    /// struct sched_attr
    SCHED_ATTR: [u32; 14] => |_, a| {
        format!("{{size={}, sched_policy={}, ...}}", a[0], flags::SCHED.show_value(a[1].into()))
    };
    /// struct mq_attr
    MQ_ATTR: [i64; 8] => |_, a| {
        format!("{{mq_flags={:#x}, mq_maxmsg={}, mq_msgsize={}, mq_curmsgs={}}}", a[0], a[1], a[2], a[3])
    };
    /// struct __user_cap_header_struct
    CAP_HEADER: [u32; 2] => |_, h| format!("{{version={:#x}, pid={}}}", h[0], h[1] as i32);
    /// struct __user_cap_data_struct, two of them
    CAP_DATA: [u32; 6] => |_, d| {
        let both = |i: usize| u64::from(d[i]) | u64::from(d[i + 3]) << 32;
        format!("{{effective={:#x}, permitted={:#x}, inheritable={:#x}}}", both(0), both(1), both(2))
    };
    /// struct open_how
    OPEN_HOW: OpenHow => |_, h| {
        let mode = if h.mode == 0 { String::new() } else { format!(", mode={}", octal(h.mode as u32)) };
        format!("{{flags={}{mode}, resolve={:#x}}}", Shown::open_flags(h.flags), h.resolve)
    };
    /// struct msghdr
    MSGHDR: Msghdr => |shown, m| {
        let total = if shown.row.name == "recvmsg" { shown.success().unwrap_or(0) } else { u64::MAX };
        let name = socket_address(shown, m.name, m.namelen as u64);
        format!(
            "{{msg_name={name}, msg_namelen={}, msg_iov={}, msg_iovlen={}, msg_controllen={}, msg_flags={}}}",
            m.namelen,
            shown.vector(m.iov, m.iovlen, total),
            m.iovlen,
            m.controllen,
            flags::MSG.show_flags(m.flags.into())
        )
    };
}

fn timespec(t: &Timespec) -> String {
    format!("{{tv_sec={}, tv_nsec={}}}", t.sec, t.nsec)
}

fn utime(t: &Timespec) -> String {
    match t.nsec {
        libc::UTIME_NOW => "UTIME_NOW".to_owned(),
        libc::UTIME_OMIT => "UTIME_OMIT".to_owned(),
        _ => timespec(t),
    }
}

fn timeval(t: &Timeval) -> String {
    format!("{{tv_sec={}, tv_usec={}}}", t.sec, t.usec)
}

fn limit(value: u64) -> String {
    match value {
        u64::MAX => "RLIM64_INFINITY".to_owned(),
        n if n > 1024 && n % 1024 == 0 => format!("{}*1024", n / 1024),
        n => n.to_string(),
    }
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    super::quote::quote_path(&bytes[..end])
}

/// File type and permissions.
pub fn file_mode(mode: u32) -> String {
    let kind = match mode & libc::S_IFMT {
        libc::S_IFREG => "S_IFREG|",
        libc::S_IFDIR => "S_IFDIR|",
        libc::S_IFLNK => "S_IFLNK|",
        libc::S_IFCHR => "S_IFCHR|",
        libc::S_IFBLK => "S_IFBLK|",
        libc::S_IFIFO => "S_IFIFO|",
        libc::S_IFSOCK => "S_IFSOCK|",
        _ => "",
    };
    let special: String = [(0o4000, "S_ISUID|"), (0o2000, "S_ISGID|"), (0o1000, "S_ISVTX|")]
        .iter()
        .filter(|(bit, _)| mode & bit != 0)
        .map(|(_, name)| *name)
        .collect();
    format!("{kind}{special}{}", octal(mode & 0o777))
}

/// A device number.
pub fn device(dev: u64) -> String {
    format!("makedev({}, {})", hex(libc::major(dev)), hex(libc::minor(dev)))
}

/// In hexadecimal, but for zero.
fn hex(n: u32) -> String {
    if n == 0 { "0".to_owned() } else { format!("{n:#x}") }
}

/// A signal set; one that has most of the signals is shown by those it lacks.
pub fn signal_set(set: u64) -> String {
    let (mark, set) = if set.count_ones() > 42 { ("~", !set) } else { ("", set) };
    let names: Vec<String> = (1..=64)
        .filter(|n| set >> (n - 1) & 1 != 0)
        .map(|n| signal_name(n).trim_start_matches("SIG").to_owned())
        .collect();
    format!("{mark}[{}]", names.join(" "))
}

fn epoll_events(events: u32) -> String {
    let names = [
        ("EPOLLIN", 1),
        ("EPOLLPRI", 2),
        ("EPOLLOUT", 4),
        ("EPOLLERR", 8),
        ("EPOLLHUP", 0x10),
        ("EPOLLRDNORM", 0x40),
        ("EPOLLRDBAND", 0x80),
        ("EPOLLWRNORM", 0x100),
        ("EPOLLWRBAND", 0x200),
        ("EPOLLRDHUP", 0x2000),
        ("EPOLLEXCLUSIVE", 1 << 28),
        ("EPOLLWAKEUP", 1 << 29),
        ("EPOLLONESHOT", 1 << 30),
        ("EPOLLET", 1 << 31),
    ];
    let mut found: Vec<String> =
        names.iter().filter(|(_, bit)| events & bit != 0).map(|(name, _)| (*name).to_owned()).collect();
    let rest = names.iter().fold(events, |rest, (_, bit)| rest & !bit);
    if rest != 0 || found.is_empty() {
        found.push(if rest == 0 { "0".to_owned() } else { format!("{rest:#x}") });
    }
    found.join("|")
}

fn wait_status(status: i32) -> String {
    if libc::WIFEXITED(status) {
        format!("[{{WIFEXITED(s) && WEXITSTATUS(s) == {}}}]", libc::WEXITSTATUS(status))
    } else if libc::WIFSIGNALED(status) {
        format!("[{{WIFSIGNALED(s) && WTERMSIG(s) == {}}}]", signal_name(libc::WTERMSIG(status) as u64))
    } else if libc::WIFSTOPPED(status) {
        format!("[{{WIFSTOPPED(s) && WSTOPSIG(s) == {}}}]", signal_name(libc::WSTOPSIG(status) as u64))
    } else {
        format!("[{status:#x}]")
    }
}

/// What a signal carries.
pub fn siginfo_text(info: &Siginfo) -> String {
    let names = match info.signo {
        libc::SIGSEGV => Some(&flags::SEGV),
        libc::SIGBUS => Some(&flags::BUS),
        libc::SIGILL => Some(&flags::ILL),
        libc::SIGTRAP => Some(&flags::TRAP),
        _ => None,
    };
    let name = signal_name(info.signo as u64);
    let code = match info.code {
        0 => "SI_USER".to_owned(),
        -1 => "SI_QUEUE".to_owned(),
        -6 => "SI_TKILL".to_owned(),
        0x80 => "SI_KERNEL".to_owned(),
        code => names.and_then(|n| n.find(code as u64)).map_or_else(|| code.to_string(), str::to_owned),
    };
    if names.is_some() && info.code > 0 && info.code < 0x80 {
        return format!("{{si_signo={name}, si_code={code}, si_addr={}}}", Shown::pointer(info.addr()));
    }
    if info.code == 0x80 {
        return format!("{{si_signo={name}, si_code={code}}}");
    }
    let (pid, uid) = info.sender();
    format!("{{si_signo={name}, si_code={code}, si_pid={pid}, si_uid={uid}}}")
}

/// A set of bits, as the numbers in it.
pub(super) fn bits(shown: &Shown<'_>, addr: u64, bytes: u64) -> String {
    let mut buf = vec![0; bytes.min(1024) as usize];
    if shown.mem.read_bytes(GuestAddr(addr), &mut buf).is_err() {
        return Shown::pointer(addr);
    }
    let set: Vec<String> =
        (0..buf.len() * 8).filter(|i| buf[i / 8] >> (i % 8) & 1 != 0).map(|i| i.to_string()).collect();
    format!("[{}]", set.join(" "))
}

/// How many directory entries there are in `bytes` bytes.
pub(super) fn count_entries(shown: &Shown<'_>, addr: u64, bytes: u64) -> u64 {
    let (mut at, mut count) = (0, 0);
    while at < bytes {
        let Ok(head) = shown.mem.read::<DirentHead>(GuestAddr(addr).offset(at)) else { break };
        at += u64::from(u16::from_le_bytes(head.reclen)).max(1);
        count += 1;
    }
    count
}

/// A socket address.
pub(super) fn socket_address(shown: &Shown<'_>, addr: u64, len: u64) -> String {
    let mut buf = [0u8; 128];
    let size = (len as usize).min(buf.len());
    if addr == 0 || size < 2 || shown.mem.read_bytes(GuestAddr(addr), &mut buf[..size]).is_err() {
        return Shown::pointer(addr);
    }
    let family = u16::from_le_bytes([buf[0], buf[1]]);
    let port = u16::from_be_bytes([buf[2], buf[3]]);
    let name = flags::AF.show_value(family.into());
    match i32::from(family) {
        libc::AF_INET if size >= 8 => {
            let ip = Ipv4Addr::new(buf[4], buf[5], buf[6], buf[7]);
            format!("{{sa_family={name}, sin_port=htons({port}), sin_addr=inet_addr(\"{ip}\")}}")
        }
        libc::AF_INET6 if size >= 24 => {
            let mut ip = [0u8; 16];
            ip.copy_from_slice(&buf[8..24]);
            let ip = Ipv6Addr::from(ip);
            format!("{{sa_family={name}, sin6_port=htons({port}), sin6_addr={ip}, ...}}")
        }
        libc::AF_UNIX if size > 2 && buf[2] == 0 => {
            format!("{{sa_family={name}, sun_path=@{}}}", super::quote::quote_path(&buf[3..size]))
        }
        libc::AF_UNIX if size > 2 => format!("{{sa_family={name}, sun_path={}}}", text(&buf[2..size])),
        _ => format!("{{sa_family={name}, sa_data={}}}", super::quote::quote_bytes(&buf[2..size], (size - 2) as u64)),
    }
}
