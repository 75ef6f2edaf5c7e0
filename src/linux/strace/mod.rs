//! System calls in words, in the manner of strace(1), from the rows of the table.
//!
//! What the call reads is written before it is made, so that a call that waits can be seen waiting;
//! the rest when it has come back. Everything is read from guest memory as the guest left it: an
//! address that cannot be read is shown as the number it is.

pub mod errno;
pub mod flags;
pub mod ipc;
mod quote;
pub mod special;
pub mod structs;

use super::abi::signal::Siginfo;
use super::call::SysResult;
use super::table::{Kind, Row, Shape};
use crate::memory::{GuestAddr, UserSpace};
use errno::{errno_name, errno_text};
use flags::{Names, signal_name};
use quote::{quote_bytes, quote_path};
use rustix::io::Errno;
use std::io::Write;
use std::sync::Mutex;
use structs::Struct;

/// How much of a string is shown.
pub const STRING_LIMIT: usize = 32;

/// How many elements of an array are shown.
pub const ARRAY_LIMIT: usize = 32;

/// A call as far as it is known: what the functions that write arguments work from.
pub struct Shown<'a> {
    /// Guest memory.
    pub mem: &'a UserSpace,
    /// The row of the call.
    pub row: &'static Row,
    /// Its arguments.
    pub args: &'a [u64; 6],
    /// Its result, once there is one.
    pub result: Option<SysResult>,
    /// What the arguments that are read and written were before the call.
    pub before: [Option<String>; 6],
}

impl Shown<'_> {
    /// The result if the call has come back well.
    pub fn success(&self) -> Option<u64> {
        self.result.and_then(Result::ok)
    }

    /// The signed 32-bit value of an argument.
    pub fn int(&self, i: usize) -> i32 {
        self.args[i] as i32
    }

    /// An address that is not followed.
    pub fn pointer(addr: u64) -> String {
        if addr == 0 { "NULL".to_owned() } else { format!("{addr:#x}") }
    }

    /// A pathname, whole.
    pub fn path(&self, addr: u64) -> String {
        if addr == 0 {
            return "NULL".to_owned();
        }
        match self.mem.read_cstr(GuestAddr(addr), libc::PATH_MAX as usize) {
            Ok(Some(path)) => quote_path(path.as_bytes()),
            _ => Self::pointer(addr),
        }
    }

    /// A string, cut.
    pub fn string(&self, addr: u64) -> String {
        if addr == 0 {
            return "NULL".to_owned();
        }
        match self.mem.read_cstr(GuestAddr(addr), libc::PATH_MAX as usize) {
            Ok(Some(text)) => quote_bytes(text.as_bytes(), text.as_bytes().len() as u64),
            _ => Self::pointer(addr),
        }
    }

    /// `len` bytes of memory, cut.
    pub fn bytes(&self, addr: u64, len: u64) -> String {
        if addr == 0 {
            return "NULL".to_owned();
        }
        let mut buf = [0; STRING_LIMIT];
        let shown = (len as usize).min(STRING_LIMIT);
        match self.mem.read_bytes(GuestAddr(addr), &mut buf[..shown]) {
            Ok(()) => quote_bytes(&buf[..shown], len),
            Err(_) => Self::pointer(addr),
        }
    }

    /// A structure at an address.
    pub fn structure(&self, s: &Struct, addr: u64) -> String {
        if addr == 0 {
            return "NULL".to_owned();
        }
        (s.show)(self, GuestAddr(addr)).unwrap_or_else(|| Self::pointer(addr))
    }

    /// An array of structures.
    pub fn array(&self, s: &Struct, addr: u64, count: u64) -> String {
        if addr == 0 {
            return "NULL".to_owned();
        }
        let shown = count.min(ARRAY_LIMIT as u64);
        let mut items = Vec::new();
        for i in 0..shown {
            match (s.show)(self, GuestAddr(addr).offset(i * s.size)) {
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

    /// A list of pieces of memory, whose contents are `total` bytes in all.
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
        // Where strace(1) has it: after O_DIRECT, whose bit is the one below.
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

    /// What the kernel has written there, or the address if it has not.
    fn written(&self, addr: u64, show: impl FnOnce() -> String) -> String {
        if self.success().is_some() { show() } else { Self::pointer(addr) }
    }

    /// One argument; `None` if it is left out.
    fn argument(&self, i: usize) -> Option<String> {
        let (value, kind) = (self.args[i], &self.row.args[i]);
        Some(match *kind {
            Kind::Int => (value as i32).to_string(),
            Kind::UInt => (value as u32).to_string(),
            Kind::Long => (value as i64).to_string(),
            Kind::Size => value.to_string(),
            Kind::Hex | Kind::HexOffset => {
                if value == 0 {
                    "0".to_owned()
                } else {
                    format!("{value:#x}")
                }
            }
            Kind::Ptr | Kind::NullOrPtr => Self::pointer(value),
            Kind::Fd => (value as i32).to_string(),
            Kind::DirFd => Self::dirfd(value as i32),
            Kind::Path(_) | Kind::PathOrNull(_) => self.path(value),
            Kind::Str => self.string(value),
            Kind::Flags(names) => names.show_flags(u64::from(value as u32)),
            Kind::Enum(names) => self.enumerated(names, value),
            Kind::Open => Self::open_flags(u64::from(value as u32)),
            Kind::Mode => octal(value as u32),
            Kind::CreateMode => {
                let flags = self.args[i - 1] as i32;
                if flags & libc::O_CREAT == 0 && flags & libc::O_TMPFILE != libc::O_TMPFILE {
                    return None;
                }
                octal(value as u32)
            }
            Kind::NodeMode => structs::file_mode(value as u32),
            Kind::Signal => signal_name(u64::from(value as u32)),
            Kind::In(s) => self.structure(s, value),
            Kind::Out(s) => self.written(value, || self.structure(s, value)),
            Kind::InOut(s) => self.changed(i, s),
            Kind::OutOnInterrupt(s) => match self.result {
                Some(Err(Errno::INTR)) => self.structure(s, value),
                _ => Self::pointer(value),
            },
            Kind::InArray(s, n) => self.array(s, value, self.args[n]),
            Kind::OutArray(s, _) => self.written(value, || self.array(s, value, self.success().unwrap_or(0))),
            Kind::InOutArray(s, n) => self.array(s, value, self.args[n]),
            Kind::InBuf(n) => self.bytes(value, self.args[n]),
            Kind::OutBuf(_) => self.written(value, || self.bytes(value, self.success().unwrap_or(0))),
            Kind::OutStr(_) => self.written(value, || {
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
            Kind::OutBits(_) => self.written(value, || structs::bits(self, value, self.success().unwrap_or(0))),
            Kind::OutSet(_) => self.written(value, || self.structure(&structs::SIGSET, value)),
            Kind::Dirents(_) => self.written(value, || {
                let count = structs::count_entries(self, value, self.success().unwrap_or(0));
                format!("{value:#x} /* {count} entries */")
            }),
            Kind::InVec(n) => self.vector(value, self.args[n], u64::MAX),
            Kind::OutVec(n) => self.written(value, || self.vector(value, self.args[n], self.success().unwrap_or(0))),
            Kind::InAddr(n) => structs::socket_address(self, value, self.args[n]),
            Kind::OutAddr(n) => self.written(value, || match self.mem.read::<u32>(GuestAddr(self.args[n])) {
                Ok(len) => structs::socket_address(self, value, len.into()),
                Err(_) => Self::pointer(value),
            }),
            Kind::Special(s) => return (s.show)(self, i),
        })
    }

    /// What was there before the call and, where that says more, what is there now.
    fn changed(&self, i: usize, s: &Struct) -> String {
        let now = || self.structure(s, self.args[i]);
        let Some(before) = &self.before[i] else { return now() };
        // A time limit is told of as what is left; offsets are as a rule shown as they were.
        if self.success().is_none() || std::ptr::eq(s, &raw const structs::TIMESPEC) {
            return before.clone();
        }
        match (now(), self.row.name) {
            (after, _) if after == *before => after,
            (after, "sendfile") => format!("{before} => {after}"),
            (_, "splice" | "copy_file_range") => before.clone(),
            (after, _) if std::ptr::eq(s, &raw const structs::INT) => {
                format!("{} => {}", before.trim_end_matches(']'), after.trim_start_matches('['))
            }
            (after, _) => after,
        }
    }

    /// Notes what the arguments that are read and written are before the call.
    pub fn note_inputs(&mut self) {
        for (i, kind) in self.row.args.iter().enumerate() {
            if let Kind::InOut(s) = kind {
                self.before[i] = Some(self.structure(s, self.args[i]));
            }
        }
    }

    fn enumerated(&self, names: &Names, value: u64) -> String {
        names.show_value(u64::from(value as u32))
    }

    /// Whether an argument can be shown only when the call is back.
    fn is_late(&self, i: usize) -> bool {
        use Kind::*;
        match self.row.args[i] {
            Out(_) | InOut(_) | OutOnInterrupt(_) | OutArray(..) | OutBuf(_) | OutStr(_) | OutBits(_) | OutSet(_)
            | Dirents(_) | OutVec(_) | OutAddr(_) => self.args[i] != 0,
            Special(s) => s.after,
            _ => false,
        }
    }

    fn result_text(&self) -> String {
        match self.result {
            None => "?".to_owned(),
            Some(Err(e)) => failure(e),
            Some(Ok(value)) => match self.row.shape {
                Shape::NoReturn => "?".to_owned(),
                Shape::Hex if value == 0 => "0".to_owned(),
                Shape::Hex => format!("{value:#x}"),
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

fn failure(errno: Errno) -> String {
    let number = errno.raw_os_error();
    match errno_name(number) {
        Some(name) => format!("-1 {name} ({})", errno_text(number)),
        None => format!("-1 (errno {number})"),
    }
}

/// Writes the calls of a process to wherever the command line says.
pub struct Tracer {
    sink: Mutex<Box<dyn Write + Send>>,
}

impl std::fmt::Debug for Tracer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tracer").finish_non_exhaustive()
    }
}

impl Tracer {
    /// A tracer that writes to `sink`.
    pub fn new(sink: Box<dyn Write + Send>) -> Self {
        Self { sink: Mutex::new(sink) }
    }

    /// A trace that cannot be written is no reason to disturb the program.
    fn put(&self, text: &str) {
        let mut sink = self.sink.lock().expect("no panic happens with the lock held");
        let _ = sink.write_all(text.as_bytes()).and_then(|()| sink.flush());
    }

    /// Writes the beginning of a call; yields how many of its arguments are written.
    pub fn enter(&self, call: &Shown<'_>) -> usize {
        let mut text = format!("{}(", call.row.name);
        let count = (0..call.row.args.len()).find(|&i| call.is_late(i)).unwrap_or(call.row.args.len());
        add_arguments(&mut text, call, 0..count);
        self.put(&text);
        count
    }

    /// Writes the rest of a call, from the argument `written`.
    pub fn leave(&self, call: &Shown<'_>, written: usize) {
        let mut text = String::new();
        add_arguments(&mut text, call, written..call.row.args.len());
        text.push_str(") = ");
        text.push_str(&call.result_text());
        text.push('\n');
        self.put(&text);
    }

    /// Writes a call whose number nobody knows.
    pub fn unknown(&self, number: u64, args: &[u64; 6]) {
        let args: Vec<String> = args.iter().map(|a| format!("{a:#x}")).collect();
        self.put(&format!("syscall_{number:#x}({}) = {}\n", args.join(", "), failure(Errno::NOSYS)));
    }

    /// Writes a signal that is delivered.
    pub fn signal(&self, info: &Siginfo) {
        self.put(&format!("--- {} {} ---\n", signal_name(info.signo as u64), structs::siginfo_text(info)));
    }

    /// Writes the end of a process that left by itself.
    pub fn exited(&self, status: i32) {
        self.put(&format!("+++ exited with {} +++\n", status & 0xff));
    }

    /// Writes the end of a process by a signal.
    pub fn killed(&self, signal: i32) {
        self.put(&format!("+++ killed by {} +++\n", signal_name(signal as u64)));
    }
}

fn add_arguments(text: &mut String, call: &Shown<'_>, range: std::ops::Range<usize>) {
    for i in range {
        if let Some(argument) = call.argument(i) {
            if i > 0 {
                text.push_str(", ");
            }
            text.push_str(&argument);
        }
    }
}
