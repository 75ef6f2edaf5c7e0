//! Formats structures.

use super::flags::{self, signal_name};
use super::signals::{siginfo_text, signal_set};
use super::{CallPrinter, octal, sockets};
use crate::host::clock::local_time;
use crate::linux::abi::file::{DirentHead, OpenHow, Stat, Statfs, Statx};
use crate::linux::abi::ipc::MqAttr;
use crate::linux::abi::net::{Linger, Mmsghdr, Msghdr};
use crate::linux::abi::poll::{EpollEvent, Pollfd, SigmaskArg};
use crate::linux::abi::process::{CapData, CapHeader, Rlimit, Rusage, SchedAttr, SchedParam, Sysinfo, Utsname};
use crate::linux::abi::signal::{Sigaction, Sigevent, Siginfo, StackT};
use crate::linux::abi::structs::*;
use crate::linux::abi::time::{Itimerspec, Itimerval, Timespec, Timeval, Timex, Timezone, Tms};
use crate::memory::GuestAddr;

/// The formatter of a structure.
pub(super) struct Text {
    of: &'static Struct,
    /// Formats it; `None` if it cannot be read.
    show: fn(&CallPrinter<'_>, GuestAddr) -> Option<String>,
}

impl Text {
    /// A formatter that reads the structure itself.
    pub const fn new(of: &'static Struct, show: fn(&CallPrinter<'_>, GuestAddr) -> Option<String>) -> Self {
        Self { of, show }
    }
}

/// All formatters, by topic.
static TEXTS: [&[Text]; 7] = [
    STRUCTS,
    super::files::STRUCTS,
    super::files::HANDLES,
    super::ipc::STRUCTS,
    super::memory::STRUCTS,
    super::mounts::STRUCTS,
    super::special::STRUCTS,
];

/// Formats the structure at an address; `None` if it cannot be read.
pub(super) fn show(shown: &CallPrinter<'_>, what: &Struct, addr: GuestAddr) -> Option<String> {
    let text = TEXTS.into_iter().flatten().find(|text| std::ptr::eq(text.of, what))?;
    (text.show)(shown, addr)
}

/// Declares formatters, each by a type of the ABI and a function from its value.
macro_rules! structs {
    ($($id:ident: $t:ty => $show:expr;)*) => {
        pub(super) static STRUCTS: &[crate::linux::strace::structs::Text] = &[$({
            const _: () = assert!(size_of::<$t>() as u64 == $id.size, "the type has the wrong size for this structure");
            crate::linux::strace::structs::Text::new(&$id, |shown, addr| {
                let value: $t = shown.mem.read(addr).ok()?;
                let show: fn(&crate::linux::strace::CallPrinter<'_>, &$t) -> String = $show;
                Some(show(shown, &value))
            })
        }),*];
    };
}
pub(super) use structs;

structs! {
    TIMESPEC: Timespec => |_, t| timespec(t);
    UTIMES: [Timespec; 2] => |_, t| format!("[{}, {}]", utime(&t[0]), utime(&t[1]));
    TIMEVAL: Timeval => |_, t| timeval(t);
    ITIMERVAL: Itimerval => |_, t| format!("{{it_interval={}, it_value={}}}", timeval(&t.interval), timeval(&t.value));
    ITIMERSPEC: Itimerspec => |_, t| {
        format!("{{it_interval={}, it_value={}}}", timespec(&t.interval), timespec(&t.value))
    };
    TIMEZONE: Timezone => |_, t| format!("{{tz_minuteswest={}, tz_dsttime={}}}", t.minuteswest, t.dsttime);
    TMS: Tms => |_, t| {
        let (user, system, children, their) = (ticks(t.utime), ticks(t.stime), ticks(t.cutime), ticks(t.cstime));
        format!("{{tms_utime={user}, tms_stime={system}, tms_cutime={children}, tms_cstime={their}}}")
    };
    TIMEX: Timex => |_, t| timex(t);
    STAT: Stat => |_, s| {
        let what = match s.mode & libc::S_IFMT {
            libc::S_IFCHR | libc::S_IFBLK => format!("st_rdev={}", device(s.rdev)),
            _ => format!("st_size={}", s.size),
        };
        format!("{{st_mode={}, {what}, ...}}", file_mode(s.mode))
    };
    STATX: Statx => |_, s| {
        let (mask, attributes) = (flags::STATX_MASK.show_flags(s.mask.into()), s.attributes);
        let attributes = if attributes == 0 { "0".to_owned() } else { format!("{attributes:#x}") };
        format!(
            "{{stx_mask={mask}, stx_attributes={attributes}, stx_mode={}, stx_size={}, ...}}",
            file_mode(s.mode.into()),
            s.size
        )
    };
    STATFS: Statfs => |_, s| {
        format!(
            "{{f_type={}, f_bsize={}, f_blocks={}, f_bfree={}, f_bavail={}, f_files={}, f_ffree={}, \
             f_fsid={{val=[{}, {}]}}, f_namelen={}, f_frsize={}, f_flags={}}}",
            file_system(s.kind as u64), s.bsize, s.blocks, s.bfree, s.bavail, s.files, s.ffree, hex(s.fsid[0] as u32), hex(s.fsid[1] as u32), s.namelen,
            s.frsize, flags::ST.show_flags(s.flags as u64)
        )
    };
    RLIMIT64: Rlimit => |_, r| format!("{{rlim_cur={}, rlim_max={}}}", limit(r.cur), limit(r.max));
    RUSAGE: Rusage => |_, r| format!("{{ru_utime={}, ru_stime={}, ...}}", timeval(&r.utime), timeval(&r.stime));
    UTSNAME: Utsname => |_, u| format!("{{sysname={}, nodename={}, ...}}", text(&u.sysname), text(&u.nodename));
    SYSINFO: Sysinfo => |_, s| {
        format!(
            "{{uptime={}, loads=[{}, {}, {}], totalram={}, freeram={}, sharedram={}, bufferram={}, totalswap={}, \
             freeswap={}, procs={}, totalhigh={}, freehigh={}, mem_unit={}}}",
            s.uptime, s.loads[0], s.loads[1], s.loads[2], s.totalram, s.freeram, s.sharedram, s.bufferram,
            s.totalswap, s.freeswap, s.procs, s.totalhigh, s.freehigh, s.mem_unit
        )
    };
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
    STACK_T: StackT => |_, s| {
        let flags = flags::ALTSTACK.show_flags(u64::from(s.flags as u32));
        format!("{{ss_sp={}, ss_flags={flags}, ss_size={}}}", CallPrinter::pointer(s.sp), s.size)
    };
    SIGSET: u64 => |_, set| signal_set(*set);
    SIGINFO: Siginfo => |_, info| siginfo_text(info);
    SIGEVENT: Sigevent => |_, e| {
        let value = format!("{{sival_int={}, sival_ptr={}}}", e.value as i32, CallPrinter::pointer(e.value));
        let target = if e.notify == 4 { format!(", sigev_notify_thread_id={}", e.tid) } else { String::new() };
        // Without notification by signal, the signal number has no meaning.
        let signal = if matches!(e.notify, 0 | 4) { signal_name(u64::from(e.signo as u32)) } else { e.signo.to_string() };
        format!(
            "{{sigev_value={value}, sigev_signo={signal}, sigev_notify={}{target}}}",
            flags::SIGEV.show_value(u64::from(e.notify as u32))
        )
    };
    POLLFD: Pollfd => |shown, p| {
        if shown.result.is_some() && shown.row.name != "ppoll" {
            return format!("{{fd={}, revents={}}}", p.fd, flags::POLL.show_flags((p.revents as u16).into()));
        }
        format!("{{fd={}, events={}}}", p.fd, flags::POLL.show_flags((p.events as u16).into()))
    };
    EPOLL_EVENT: EpollEvent => |_, e| {
        let data = format!("u32={}, u64={}", e.data as u32, e.data);
        format!("{{events={}, data={{{data}}}}}", epoll_events(e.events))
    };
    INT: i32 => |_, n| format!("[{n}]");
    INT_PAIR: [i32; 2] => |_, n| format!("[{}, {}]", n[0], n[1]);
    UINT: u32 => |shown, n| {
        if shown.row.name.ends_with("groups") { n.to_string() } else { format!("[{n}]") }
    };
    LONG: i64 => |_, n| format!("[{n}]");
    WAIT_STATUS: i32 => |_, s| wait_status(*s);
    SCHED_PARAM: SchedParam => |_, p| format!("[{}]", p.priority);
    SCHED_ATTR: SchedAttr => |_, a| {
        // The first version of the structure ends before the clamps.
        let has_clamps = a.size as usize >= size_of::<SchedAttr>();
        let clamps = format!(", sched_util_min={}, sched_util_max={}", a.util_min, a.util_max);
        format!(
            "{{size={}, sched_policy={}, sched_flags={}, sched_nice={}, sched_priority={}, sched_runtime={}, \
             sched_deadline={}, sched_period={}{}}}",
            a.size, flags::SCHED.show_value(a.policy.into()), flags::SCHED_FLAGS.show_flags(a.flags), a.nice, a.priority,
            a.runtime, a.deadline, a.period, if has_clamps { &clamps } else { "" }
        )
    };
    MQ_ATTR: MqAttr => |_, a| {
        let flags = if a.flags == 0 { "0".to_owned() } else { flags::OPEN.show_flags(a.flags as u64) };
        format!("{{mq_flags={flags}, mq_maxmsg={}, mq_msgsize={}, mq_curmsgs={}}}", a.maxmsg, a.msgsize, a.curmsgs)
    };
    CAP_HEADER: CapHeader => |_, h| {
        format!("{{version={}, pid={}}}", flags::CAP_VERSION.show_value(h.version.into()), h.pid)
    };
    CAP_DATA: [CapData; 2] => |_, d| {
        let both = |of: fn(&CapData) -> u32| capabilities(u64::from(of(&d[0])) | u64::from(of(&d[1])) << 32);
        let (effective, permitted) = (both(|d| d.effective), both(|d| d.permitted));
        format!("{{effective={effective}, permitted={permitted}, inheritable={}}}", both(|d| d.inheritable))
    };
    LINGER: Linger => |_, l| format!("{{l_onoff={}, l_linger={}}}", l.onoff, l.linger);
    SIGMASK_ARG: SigmaskArg => |s, m| {
        format!("{{sigmask={}, sigsetsize={}}}", s.structure(&SIGSET, m.set), m.size)
    };
    OPEN_HOW: OpenHow => |_, h| {
        let mode = if h.mode == 0 { String::new() } else { format!(", mode={}", octal(h.mode as u32)) };
        format!("{{flags={}{mode}, resolve={}}}", CallPrinter::open_flags(h.flags), flags::RESOLVE.show_flags(h.resolve))
    };
    MSGHDR: Msghdr => sockets::message;
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

/// A comment with the local time.
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

/// A number of clock ticks, at 100 Hz.
fn ticks(n: i64) -> String {
    if n == 0 { "0".to_owned() } else { format!("{n} /* {}.{:02} s */", n / 100, n % 100) }
}

fn timex(t: &Timex) -> String {
    let modes = flags::ADJ.show_flags(t.modes.into());
    let status = flags::STA.show_flags((t.status as u32).into());
    format!(
        "{{modes={modes}, offset={}, freq={}, maxerror={}, esterror={}, status={status}, constant={}, precision={}, \
         tolerance={}, time={}, tick={}, ppsfreq={}, jitter={}, shift={}, stabil={}, jitcnt={}, calcnt={}, errcnt={}, \
         stbcnt={}, tai={}}}",
        t.offset,
        t.freq,
        t.maxerror,
        t.esterror,
        t.constant,
        t.precision,
        t.tolerance,
        timeval(&t.time),
        t.tick,
        t.ppsfreq,
        t.jitter,
        t.shift,
        t.stabil,
        t.jitcnt,
        t.calcnt,
        t.errcnt,
        t.stbcnt,
        t.tai
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

/// A zero-terminated string, in full.
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

/// In hexadecimal, or `0`.
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

/// A bit set, as a list of numbers.
pub(super) fn bits(shown: &CallPrinter<'_>, addr: u64, bytes: u64) -> String {
    let mut buf = vec![0; bytes.min(1024) as usize];
    if shown.mem.read_bytes(GuestAddr(addr), &mut buf).is_err() {
        return CallPrinter::pointer(addr);
    }
    let set: Vec<String> =
        (0..buf.len() * 8).filter(|i| buf[i / 8] >> (i % 8) & 1 != 0).map(|i| i.to_string()).collect();
    format!("[{}]", set.join(" "))
}

/// The number of directory entries in `bytes` bytes.
pub(super) fn count_entries(shown: &CallPrinter<'_>, addr: u64, bytes: u64) -> u64 {
    let (mut at, mut count) = (0, 0);
    while at < bytes {
        let Ok(head) = shown.mem.read::<DirentHead>(GuestAddr(addr).offset(at)) else { break };
        at += u64::from(u16::from_le_bytes(head.reclen)).max(1);
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::abi::structs::ALL;

    #[test]
    fn every_structure_has_one_text() {
        for what in ALL {
            let count = TEXTS.into_iter().flatten().filter(|text| std::ptr::eq(text.of, *what)).count();
            assert_eq!(count, 1, "{}", what.name);
        }
        assert_eq!(TEXTS.into_iter().flatten().count(), ALL.len());
    }
}
