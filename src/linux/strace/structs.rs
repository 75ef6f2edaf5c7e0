//! Structures in words.

use super::flags::{self, signal_name};
use super::signals::{siginfo_text, signal_set};
use super::{CallPrinter, octal, sockets};
use crate::host::clock::local_time;
use crate::linux::abi::file::{DirentHead, OpenHow, Stat, Statfs, Statx};
use crate::linux::abi::net::{Mmsghdr, Msghdr};
use crate::linux::abi::poll::{EpollEvent, Pollfd};
use crate::linux::abi::process::{Rlimit, Rusage, SchedParam, Sysinfo, Utsname};
use crate::linux::abi::signal::{Sigaction, Sigevent, Siginfo, StackT};
use crate::linux::abi::time::{Itimerspec, Itimerval, Timespec, Timeval, Timezone, Tms};
use crate::memory::GuestAddr;

/// A structure as the table knows it: how large, and how it is shown.
#[derive(Debug)]
pub struct Struct {
    /// Its size in guest memory.
    pub size: u64,
    /// Writes it; `None` if it cannot be read.
    pub show: fn(&CallPrinter<'_>, GuestAddr) -> Option<String>,
}

/// Declares structures by a type of the ABI and a function from its value to text.
macro_rules! structs {
    ($($(#[$meta:meta])* $id:ident: $t:ty => $show:expr;)*) => {$(
        $(#[$meta])*
        pub static $id: Struct = Struct {
            size: size_of::<$t>() as u64,
            show: |shown, addr| {
                let value: $t = shown.mem.read(addr).ok()?;
                let show: fn(&CallPrinter<'_>, &$t) -> String = $show;
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
        let (user, system, children, their) = (ticks(t.utime), ticks(t.stime), ticks(t.cutime), ticks(t.cstime));
        format!("{{tms_utime={user}, tms_stime={system}, tms_cutime={children}, tms_cstime={their}}}")
    };
    /// struct timex
    TIMEX: [i64; 26] => |_, t| timex(t);
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
            "{{f_type={}, f_bsize={}, f_blocks={}, f_bfree={}, f_bavail={}, f_files={}, f_ffree={}, \
             f_fsid={{val=[{}, {}]}}, f_namelen={}, f_frsize={}, f_flags={}}}",
            file_system(s.kind as u64), s.bsize, s.blocks, s.bfree, s.bavail, s.files, s.ffree, hex(s.fsid[0] as u32), hex(s.fsid[1] as u32), s.namelen,
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
        format!("{{ss_sp={}, ss_flags={flags}, ss_size={}}}", CallPrinter::pointer(s.sp), s.size)
    };
    /// sigset_t of the kernel
    SIGSET: u64 => |_, set| signal_set(*set);
    /// siginfo_t
    SIGINFO: Siginfo => |_, info| siginfo_text(info);
    /// struct sigevent
    SIGEVENT: Sigevent => |_, e| {
        let value = format!("{{sival_int={}, sival_ptr={}}}", e.value as i32, CallPrinter::pointer(e.value));
        let target = if e.notify == 4 { format!(", sigev_notify_thread_id={}", e.tid) } else { String::new() };
        // Where none is sent the number may mean anything.
        let signal = if matches!(e.notify, 0 | 4) { signal_name(u64::from(e.signo as u32)) } else { e.signo.to_string() };
        format!(
            "{{sigev_value={value}, sigev_signo={signal}, sigev_notify={}{target}}}",
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
        let long = |i: usize| u64::from(a[i]) | u64::from(a[i + 1]) << 32;
        // What the kernel, or the program, knows of it.
        let clamps = if a[0] < 56 { String::new() } else { format!(", sched_util_min={}, sched_util_max={}", a[12], a[13]) };
        format!(
            "{{size={}, sched_policy={}, sched_flags={}, sched_nice={}, sched_priority={}, sched_runtime={}, \
             sched_deadline={}, sched_period={}{clamps}}}",
            a[0], flags::SCHED.show_value(a[1].into()), flags::SCHED_FLAGS.show_flags(long(2)), a[4] as i32, a[5], long(6),
            long(8), long(10)
        )
    };
    /// struct mq_attr
    MQ_ATTR: [i64; 8] => |_, a| {
        let flags = if a[0] == 0 { "0".to_owned() } else { flags::OPEN.show_flags(a[0] as u64) };
        format!("{{mq_flags={flags}, mq_maxmsg={}, mq_msgsize={}, mq_curmsgs={}}}", a[1], a[2], a[3])
    };
    /// struct __user_cap_header_struct
    CAP_HEADER: [u32; 2] => |_, h| {
        format!("{{version={}, pid={}}}", flags::CAP_VERSION.show_value(h[0].into()), h[1] as i32)
    };
    /// struct __user_cap_data_struct, two of them
    CAP_DATA: [u32; 6] => |_, d| {
        let both = |i: usize| capabilities(u64::from(d[i]) | u64::from(d[i + 3]) << 32);
        format!("{{effective={}, permitted={}, inheritable={}}}", both(0), both(1), both(2))
    };
    /// struct linger
    LINGER: [i32; 2] => |_, l| format!("{{l_onoff={}, l_linger={}}}", l[0], l[1]);
    /// The last argument of pselect6: where a signal set is, and its size.
    SIGMASK_ARG: [u64; 2] => |s, m| {
        format!("{{sigmask={}, sigsetsize={}}}", s.structure(&SIGSET, m[0]), m[1])
    };
    /// struct open_how
    OPEN_HOW: OpenHow => |_, h| {
        let mode = if h.mode == 0 { String::new() } else { format!(", mode={}", octal(h.mode as u32)) };
        format!("{{flags={}{mode}, resolve={}}}", CallPrinter::open_flags(h.flags), flags::RESOLVE.show_flags(h.resolve))
    };
    /// struct msghdr
    MSGHDR: Msghdr => sockets::message;
    /// struct mmsghdr
    MMSGHDR: Mmsghdr => sockets::numbered_message;
}

fn timespec(t: &Timespec) -> String {
    format!("{{tv_sec={}, tv_nsec={}}}", t.sec, t.nsec)
}

fn utime(t: &Timespec) -> String {
    match t.nsec {
        libc::UTIME_NOW => "UTIME_NOW".to_owned(),
        libc::UTIME_OMIT => "UTIME_OMIT".to_owned(),
        _ => format!("{}{}", timespec(t), date(t)),
    }
}

/// A comment that says which time it is on clocks here.
fn date(t: &Timespec) -> String {
    if !(0..1_000_000_000).contains(&t.nsec) {
        return String::new();
    }
    let Some(l) = local_time(t.sec) else { return String::new() };
    let fraction = if t.nsec == 0 { String::new() } else { format!(".{:09}", t.nsec) };
    let (sign, minutes) = (if l.offset < 0 { '-' } else { '+' }, l.offset.abs() / 60);
    format!(
        " /* {:04}-{:02}-{:02}T{:02}:{:02}:{:02}{fraction}{sign}{:02}{:02} */",
        l.year,
        l.month,
        l.day,
        l.hour,
        l.minute,
        l.second,
        minutes / 60,
        minutes % 60
    )
}

/// A number of clock ticks, of which there are a hundred to a second.
fn ticks(n: i64) -> String {
    if n == 0 { "0".to_owned() } else { format!("{n} /* {}.{:02} s */", n / 100, n % 100) }
}

/// struct timex: 32-bit numbers lie in the halves of its words.
fn timex(t: &[i64; 26]) -> String {
    let (modes, status) =
        (flags::ADJ.show_flags(u64::from(t[0] as u32)), flags::STA.show_flags(u64::from(t[5] as u32)));
    format!(
        "{{modes={modes}, offset={}, freq={}, maxerror={}, esterror={}, status={status}, constant={}, precision={}, \
         tolerance={}, time={{tv_sec={}, tv_usec={}}}, tick={}, ppsfreq={}, jitter={}, shift={}, stabil={}, jitcnt={}, \
         calcnt={}, errcnt={}, stbcnt={}, tai={}}}",
        t[1],
        t[2],
        t[3],
        t[4],
        t[6],
        t[7],
        t[8],
        t[9],
        t[10],
        t[11],
        t[12],
        t[13],
        t[14] as i32,
        t[15],
        t[16],
        t[17],
        t[18],
        t[19],
        t[20] as i32
    )
}

fn file_system(kind: u64) -> String {
    flags::FILE_SYSTEM.find(kind).map_or_else(|| format!("{kind:#x}"), str::to_owned)
}

fn capabilities(set: u64) -> String {
    let known = |bit: &usize| set >> bit & 1 != 0;
    let mut names: Vec<String> =
        (0..flags::CAPABILITIES.len()).filter(known).map(|bit| format!("1<<{}", flags::CAPABILITIES[bit])).collect();
    let rest = set >> flags::CAPABILITIES.len() << flags::CAPABILITIES.len();
    if rest != 0 || names.is_empty() {
        names.push(CallPrinter::number(rest));
    }
    names.join("|")
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

/// A zero-terminated string, whole.
pub(super) fn text(bytes: &[u8]) -> String {
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

/// A set of bits, as the numbers in it.
pub(super) fn bits(shown: &CallPrinter<'_>, addr: u64, bytes: u64) -> String {
    let mut buf = vec![0; bytes.min(1024) as usize];
    if shown.mem.read_bytes(GuestAddr(addr), &mut buf).is_err() {
        return CallPrinter::pointer(addr);
    }
    let set: Vec<String> =
        (0..buf.len() * 8).filter(|i| buf[i / 8] >> (i % 8) & 1 != 0).map(|i| i.to_string()).collect();
    format!("[{}]", set.join(" "))
}

/// How many directory entries there are in `bytes` bytes.
pub(super) fn count_entries(shown: &CallPrinter<'_>, addr: u64, bytes: u64) -> u64 {
    let (mut at, mut count) = (0, 0);
    while at < bytes {
        let Ok(head) = shown.mem.read::<DirentHead>(GuestAddr(addr).offset(at)) else { break };
        at += u64::from(u16::from_le_bytes(head.reclen)).max(1);
        count += 1;
    }
    count
}
