//! Formats system calls as strace(1) does, from the rows of the table.
//!
//! Input arguments are printed before the call, so that a blocking call is visible; the others after it returns. All
//! values are read from guest memory. An address that cannot be read is printed as a number.

pub mod admin;
mod classes;
pub mod errno;
pub mod files;
pub mod filter;
pub mod flags;
pub mod ipc;
pub mod memory;
pub mod mounts;
pub mod processes;
mod quote;
pub mod seccomp;
mod signals;
mod sockets;
pub mod special;
pub mod structs;
mod summary;
mod terminals;
mod tracer;

pub use filter::{Filter, FilterError};
pub use tracer::{PidStyle, Timestamps, TraceConfig, TraceSink, Traced, Tracer, UnfinishedLine};

use super::abi::structs::{INT, SIGSET, Struct, TIMESPEC};
use super::outcome::{CallEnd, SysResult};
use super::table::{ArgKind, Restart, Row, Shape};
use crate::memory::{GuestAddr, UserSpace};
use errno::{errno_name, errno_text};
use flags::{Names, signal_name};
use quote::{quote_bytes, quote_hex, quote_path};
use rustix::io::Errno;

/// How many bytes of a string are shown.
pub const STRING_LIMIT: usize = 32;

/// How many elements of an array are shown.
pub const ARRAY_LIMIT: usize = 32;

/// A call to be printed, before or after its return.
pub struct CallPrinter<'a> {
    /// Guest memory.
    pub mem: &'a UserSpace,
    /// The row of the call.
    pub row: &'static Row,
    /// Its arguments.
    pub args: &'a [u64; 6],
    /// Its result, after it has returned.
    pub result: Option<SysResult>,
    /// The guest's stack pointer at the call, for the frame of rt_sigreturn.
    pub sp: u64,
    /// How many bytes of a string are shown.
    pub limit: usize,
    /// The input-output arguments as they were before the call.
    before: [Option<String>; 6],
}

impl<'a> CallPrinter<'a> {
    /// A call that is about to start.
    pub fn new(mem: &'a UserSpace, row: &'static Row, args: &'a [u64; 6], sp: u64, limit: usize) -> Self {
        Self { mem, row, args, result: None, sp, limit, before: Default::default() }
    }

    /// The result of a successful call.
    pub fn success(&self) -> Option<u64> {
        self.result.and_then(Result::ok)
    }

    /// The signed 32-bit value of an argument.
    pub fn int(&self, i: usize) -> i32 {
        self.args[i] as i32
    }

    /// A number in hexadecimal, or `0`.
    pub fn number(value: u64) -> String {
        if value == 0 { "0".to_owned() } else { format!("{value:#x}") }
    }

    /// An address that is not followed.
    pub fn pointer(addr: u64) -> String {
        if addr == 0 { "NULL".to_owned() } else { format!("{addr:#x}") }
    }

    /// A pathname, in full.
    pub fn path(&self, addr: u64) -> String {
        if addr == 0 {
            return "NULL".to_owned();
        }
        match self.mem.read_cstr(GuestAddr(addr), libc::PATH_MAX as usize) {
            Ok(Some(path)) => quote_path(path.as_bytes()),
            _ => Self::pointer(addr),
        }
    }

    /// A string, truncated to the limit.
    pub fn string(&self, addr: u64) -> String {
        if addr == 0 {
            return "NULL".to_owned();
        }
        match self.mem.read_cstr(GuestAddr(addr), libc::PATH_MAX as usize) {
            Ok(Some(text)) => quote_bytes(text.as_bytes(), text.as_bytes().len() as u64, self.limit),
            _ => Self::pointer(addr),
        }
    }

    /// `len` bytes of memory, truncated to the limit.
    pub fn bytes(&self, addr: u64, len: u64) -> String {
        if addr == 0 {
            return "NULL".to_owned();
        }
        let mut buf = vec![0; (len as usize).min(self.limit)];
        match self.mem.read_bytes(GuestAddr(addr), &mut buf) {
            Ok(()) => quote_bytes(&buf, len, self.limit),
            Err(_) => Self::pointer(addr),
        }
    }

    /// `len` bytes of binary data.
    fn raw_bytes(&self, addr: u64, len: u64) -> String {
        let mut buf = vec![0; (len as usize).min(self.limit)];
        match self.mem.read_bytes(GuestAddr(addr), &mut buf) {
            Ok(()) => quote_hex(&buf, len, self.limit),
            Err(_) => Self::pointer(addr),
        }
    }

    /// A structure at an address.
    pub fn structure(&self, s: &Struct, addr: u64) -> String {
        if addr == 0 {
            return "NULL".to_owned();
        }
        structs::show(self, s, GuestAddr(addr)).unwrap_or_else(|| Self::pointer(addr))
    }

    /// An array of structures.
    pub fn array(&self, s: &Struct, addr: u64, count: u64) -> String {
        if addr == 0 {
            return "NULL".to_owned();
        }
        let shown = count.min(ARRAY_LIMIT as u64);
        let mut items = Vec::new();
        for i in 0..shown {
            match structs::show(self, s, GuestAddr(addr).offset(i * s.size)) {
                Some(text) => items.push(text),
                None if i == 0 => return Self::pointer(addr),
                None => {
                    items.push(format!("... /* {:#x} */", addr + i * s.size));
                    return format!("[{}]", items.join(", "));
                }
            }
        }
        if count > shown {
            items.push("...".to_owned());
        }
        format!("[{}]", items.join(", "))
    }

    /// An array of iovecs, which hold `total` bytes of data in all.
    fn vector(&self, addr: u64, count: u64, mut total: u64) -> String {
        if addr == 0 {
            return "NULL".to_owned();
        }
        let mut items = Vec::new();
        for i in 0..count.min(ARRAY_LIMIT as u64) {
            let Ok(piece) = self.mem.read::<super::abi::file::Iovec>(GuestAddr(addr).offset(i * 16)) else {
                return Self::pointer(addr);
            };
            let len = piece.len.min(total);
            total -= len;
            items.push(format!("{{iov_base={}, iov_len={}}}", self.bytes(piece.base, len), piece.len));
        }
        if count > ARRAY_LIMIT as u64 {
            items.push("...".to_owned());
        }
        format!("[{}]", items.join(", "))
    }

    fn open_flags(flags: u64) -> String {
        const LARGE: u64 = 0o100_000;
        // strace(1) prints it after O_DIRECT, the bit below.
        const FIRST: u64 = (libc::O_CREAT
            | libc::O_EXCL
            | libc::O_NOCTTY
            | libc::O_TRUNC
            | libc::O_APPEND
            | libc::O_NONBLOCK
            | libc::O_SYNC
            | libc::O_ASYNC
            | libc::O_DIRECT) as u64;
        let access = match flags & 3 {
            0 => "O_RDONLY",
            1 => "O_WRONLY",
            2 => "O_RDWR",
            _ => "O_ACCMODE",
        };
        let mut text = access.to_owned();
        let mut add = |bits: u64| {
            if bits != 0 {
                text.push('|');
                text.push_str(&flags::OPEN.show_flags(bits));
            }
        };
        let bits = flags & !3;
        add(bits & FIRST);
        if bits & LARGE != 0 {
            text.push_str("|O_LARGEFILE");
        }
        let rest = bits & !FIRST & !LARGE;
        if rest != 0 {
            text.push('|');
            text.push_str(&flags::OPEN.show_flags(rest));
        }
        text
    }

    fn dirfd(fd: i32) -> String {
        if fd == libc::AT_FDCWD { "AT_FDCWD".to_owned() } else { fd.to_string() }
    }

    /// An output argument: the value if the call has succeeded, else the address.
    fn written(&self, addr: u64, show: impl FnOnce() -> String) -> String {
        if self.success().is_some() { show() } else { Self::pointer(addr) }
    }

    /// An argument; `None` if it is not printed.
    fn argument(&self, i: usize) -> Option<String> {
        let (value, kind) = (self.args[i], &self.row.args[i]);
        Some(match *kind {
            ArgKind::Int => (value as i32).to_string(),
            ArgKind::UInt => (value as u32).to_string(),
            ArgKind::Long => (value as i64).to_string(),
            ArgKind::Size => value.to_string(),
            ArgKind::Hex | ArgKind::HexOffset => Self::number(value),
            ArgKind::Ptr | ArgKind::NullOrPtr => Self::pointer(value),
            ArgKind::Fd | ArgKind::ChangedFd => (value as i32).to_string(),
            ArgKind::DirFd => Self::dirfd(value as i32),
            ArgKind::Path(..) | ArgKind::PathOrNull(..) => self.path(value),
            ArgKind::Str => self.string(value),
            ArgKind::Flags(names) => names.show_flags(u64::from(value as u32)),
            ArgKind::Enum(names) => self.enumerated(names, value),
            ArgKind::Open => Self::open_flags(u64::from(value as u32)),
            ArgKind::Mode => octal(value as u32),
            ArgKind::CreateMode => {
                let flags = self.args[i - 1] as i32;
                if flags & libc::O_CREAT == 0 && flags & libc::O_TMPFILE != libc::O_TMPFILE {
                    return None;
                }
                octal(value as u32)
            }
            ArgKind::NodeMode => structs::file_mode(value as u32),
            ArgKind::Signal => signal_name(u64::from(value as u32)),
            ArgKind::In(s) | ArgKind::InSized(s, _) => self.structure(s, value),
            ArgKind::Out(s) | ArgKind::OutSized(s, _) => self.written(value, || self.structure(s, value)),
            ArgKind::InOut(s) => self.changed(i, s),
            ArgKind::OutOnInterrupt(s) => match self.result {
                Some(Err(CallEnd::Errno(Errno::INTR) | CallEnd::MayRestart)) => self.structure(s, value),
                _ => Self::pointer(value),
            },
            ArgKind::InArray(s, n) => self.array(s, value, self.args[n]),
            ArgKind::OutArray(s, _) => self.written(value, || self.array(s, value, self.success().unwrap_or(0))),
            ArgKind::OutAll(s, n) => self.written(value, || self.array(s, value, self.args[n])),
            ArgKind::InNodes(n) => memory::nodes(self, value, self.args[n]),
            ArgKind::OutNodes(n) => self.written(value, || memory::nodes(self, value, self.args[n])),
            ArgKind::InOutArray(s, n) => self.array(s, value, self.args[n]),
            ArgKind::InBuf(n) => self.bytes(value, self.args[n]),
            // With MSG_TRUNC, the result may exceed the buffer.
            ArgKind::OutBuf(n) => {
                self.written(value, || self.bytes(value, self.success().unwrap_or(0).min(self.args[n])))
            }
            ArgKind::OutBytes(_) => self.written(value, || self.raw_bytes(value, self.success().unwrap_or(0))),
            ArgKind::OutStr(_) => self.written(value, || {
                let len = self.success().unwrap_or(0);
                let mut text = vec![0; len.min(u64::from(libc::PATH_MAX as u32)) as usize];
                match self.mem.read_bytes(GuestAddr(value), &mut text) {
                    Ok(()) => {
                        text.truncate(text.iter().position(|&b| b == 0).unwrap_or(text.len()));
                        quote_path(&text)
                    }
                    Err(_) => Self::pointer(value),
                }
            }),
            ArgKind::InBits(n) => structs::bits(self, value, self.args[n]),
            ArgKind::OutBits(_) => self.written(value, || structs::bits(self, value, self.success().unwrap_or(0))),
            ArgKind::OutSet(_) => self.written(value, || self.structure(&SIGSET, value)),
            ArgKind::Dirents(_) => self.written(value, || {
                let count = structs::count_entries(self, value, self.success().unwrap_or(0));
                format!("{value:#x} /* {count} entries */")
            }),
            ArgKind::InVec(n) => self.vector(value, self.args[n], u64::MAX),
            ArgKind::OutVec(n) => self.written(value, || self.vector(value, self.args[n], self.success().unwrap_or(0))),
            ArgKind::InAddr(n, _) => sockets::socket_address(self, value, self.args[n]),
            ArgKind::OutAddr(n) => self.written(value, || match self.mem.read::<u32>(GuestAddr(self.args[n])) {
                // The kernel truncates an address that does not fit.
                Ok(len) => sockets::socket_address(self, value, len.min(self.room_before(n)).into()),
                Err(_) => Self::pointer(value),
            }),
            ArgKind::Special(s) => return (s.show)(self, i),
        })
    }

    /// The number that an argument pointed to before the call.
    fn room_before(&self, i: usize) -> u32 {
        let text = self.before[i].as_deref().map(|text| text.trim_matches(['[', ']']));
        text.and_then(|text| text.parse().ok()).unwrap_or(u32::MAX)
    }

    /// An input-output argument: the value before the call and, if strace(1) prints it, the one after.
    fn changed(&self, i: usize, s: &Struct) -> String {
        let now = || self.structure(s, self.args[i]);
        let Some(before) = &self.before[i] else { return now() };
        // The remaining time is printed after the result.
        if self.success().is_none() || std::ptr::eq(s, &raw const TIMESPEC) {
            return before.clone();
        }
        match (now(), self.row.name) {
            (after, _) if after == *before => after,
            // Before the call, only the buffer size is known.
            (after, "name_to_handle_at") => {
                let (room, rest) = (before.trim_end_matches('}'), after.trim_start_matches("{handle_bytes="));
                if after.starts_with(&format!("{room},")) { after } else { format!("{room} => {rest}") }
            }
            (after, "sendfile") => format!("{before} => {after}"),
            (_, "splice" | "copy_file_range") => before.clone(),
            (after, _) if std::ptr::eq(s, &raw const INT) => {
                format!("{} => {}", before.trim_end_matches(']'), after.trim_start_matches('['))
            }
            (after, _) => after,
        }
    }

    /// Records the input-output arguments before the call.
    pub fn note_inputs(&mut self) {
        for (i, kind) in self.row.args.iter().enumerate() {
            if let ArgKind::InOut(s) = kind {
                self.before[i] = Some(self.structure(s, self.args[i]));
            }
        }
    }

    fn enumerated(&self, names: &Names, value: u64) -> String {
        names.show_value(u64::from(value as u32))
    }

    /// The kernel's internal error for an interrupted call. Whether the program sees EINTR is decided later.
    fn interruption(&self, end: CallEnd) -> i32 {
        match (end, self.row.restart) {
            (CallEnd::NotBegun, _) | (CallEnd::MayRestart, Restart::Never) => ERESTARTNOINTR,
            // Without a timeout, there is no restart block.
            (CallEnd::MayRestart, Restart::RestartBlock) if self.row.name == "futex" && self.args[3] == 0 => {
                ERESTARTSYS
            }
            (CallEnd::MayRestart | CallEnd::Errno(Errno::INTR), Restart::RestartBlock) => ERESTART_RESTARTBLOCK,
            (CallEnd::MayRestart | CallEnd::Errno(Errno::INTR), Restart::RestartNoHand) => ERESTARTNOHAND,
            (CallEnd::MayRestart, Restart::RestartSys) => ERESTARTSYS,
            (CallEnd::MayRestart, Restart::Eintr) => libc::EINTR,
            (CallEnd::Errno(errno), _) => errno.raw_os_error(),
            _ => unreachable!("{} does not return", self.row.name),
        }
    }

    /// Whether this argument or a later one is printed.
    fn shows_from(&self, first: usize) -> bool {
        (first..self.row.args.len()).any(|i| self.argument(i).is_some())
    }

    /// Whether an argument can be printed only after the call.
    fn is_late(&self, i: usize) -> bool {
        use ArgKind::*;
        match self.row.args[i] {
            Out(_) | OutSized(..) | InOut(_) | OutOnInterrupt(_) | OutArray(..) | OutAll(..) | OutNodes(_)
            | OutBuf(_) | OutBytes(_) | OutStr(_) | OutBits(_) | OutSet(_) | Dirents(_) | OutVec(_) | OutAddr(_) => {
                self.args[i] != 0
            }
            Special(s) => s.after,
            _ => false,
        }
    }

    /// The whole call in one line.
    pub fn text(&self) -> String {
        let arguments: Vec<String> = (0..self.row.args.len()).filter_map(|i| self.argument(i)).collect();
        format!("{}({}) = {}", self.row.name, arguments.join(", "), self.result_text())
    }

    /// The result: a number or an error.
    pub fn result_text(&self) -> String {
        match self.result {
            None => "?".to_owned(),
            Some(Err(e)) => failure(self.interruption(e)),
            Some(Ok(value)) => match self.row.shape {
                Shape::NoReturn => "?".to_owned(),
                Shape::Hex => format!("{}{}", Self::number(value), special::comment(self, value)),
                Shape::Octal => octal(value as u32),
                Shape::Fcntl => special::fcntl_result(self, value),
                Shape::Number => format!("{}{}", value as i64, special::comment(self, value)),
            },
        }
    }
}

/// An octal number with a leading zero, at least three digits.
pub fn octal(value: u32) -> String {
    if value == 0 { "000".to_owned() } else { format!("0{value:02o}") }
}

const ERESTARTSYS: i32 = 512;
const ERESTARTNOINTR: i32 = 513;
const ERESTARTNOHAND: i32 = 514;
const ERESTART_RESTARTBLOCK: i32 = 516;

/// An error: an errno value, or one internal to the kernel.
fn failure(number: i32) -> String {
    match number {
        ERESTARTSYS => "? ERESTARTSYS (To be restarted if SA_RESTART is set)".to_owned(),
        ERESTARTNOINTR => "? ERESTARTNOINTR (To be restarted)".to_owned(),
        ERESTARTNOHAND => "? ERESTARTNOHAND (To be restarted if no handler)".to_owned(),
        ERESTART_RESTARTBLOCK => "? ERESTART_RESTARTBLOCK (Interrupted by signal)".to_owned(),
        _ => match errno_name(number) {
            Some(name) => format!("-1 {name} ({})", errno_text(number)),
            None => format!("-1 (errno {number})"),
        },
    }
}
