//! Formats the arguments of execve, clone and prctl(2).

use super::flags::{self, signal_name};
use super::{ARRAY_LIMIT, CallPrinter, seccomp};
use crate::linux::abi::structs::INT;
use crate::linux::table::Special;
use crate::memory::GuestAddr;

/// The strings of a null-terminated array of pointers; `None` if it cannot be read.
fn pointers(s: &CallPrinter<'_>, addr: u64, most: usize) -> Option<Vec<u64>> {
    let mut list = Vec::new();
    while list.len() < most {
        match s.mem.read::<u64>(GuestAddr(addr).offset(8 * list.len() as u64)).ok()? {
            0 => break,
            string => list.push(string),
        }
    }
    Some(list)
}

/// The maximum length of such an array: as many strings as fit below the kernel's limit.
const MOST_STRINGS: usize = 1 << 20;

/// Arguments of a new program.
fn strings(s: &CallPrinter<'_>, addr: u64) -> String {
    if addr == 0 {
        return "NULL".to_owned();
    }
    let Some(list) = pointers(s, addr, ARRAY_LIMIT + 1) else { return CallPrinter::pointer(addr) };
    let mut items: Vec<String> = list.iter().take(ARRAY_LIMIT).map(|&string| s.string(string)).collect();
    if list.len() > ARRAY_LIMIT {
        items.push("...".to_owned());
    }
    format!("[{}]", items.join(", "))
}

/// An environment. Only its size is shown.
fn environment(s: &CallPrinter<'_>, addr: u64) -> String {
    match pointers(s, addr, MOST_STRINGS).filter(|_| addr != 0) {
        None => CallPrinter::pointer(addr),
        Some(list) if list.len() == 1 => format!("{addr:#x} /* 1 var */"),
        Some(list) => format!("{addr:#x} /* {} vars */", list.len()),
    }
}

/// The low byte of the flags is the child's exit signal.
const SIGNAL: u64 = 0xff;

fn clone_flags(flags: u64) -> String {
    let (bits, signal) = (flags & !SIGNAL, flags & SIGNAL);
    match (bits, signal) {
        (0, 0) => "0".to_owned(),
        (0, _) => signal_name(signal),
        (_, 0) => flags::CLONE.show_flags(bits),
        _ => format!("{}|{}", flags::CLONE.show_flags(bits), signal_name(signal)),
    }
}

const CHILD_TID: u64 = (libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID) as u64;
const PARENT_TID: u64 = libc::CLONE_PARENT_SETTID as u64;
const PIDFD: u64 = libc::CLONE_PIDFD as u64;
const TLS: u64 = libc::CLONE_SETTLS as u64;

/// The first version of `struct clone_args`.
const CLONE_ARGS: u64 = 64;

/// `struct clone_args`, and the values that the kernel wrote through its pointers.
fn clone_args(s: &CallPrinter<'_>, addr: u64, size: u64) -> String {
    if size < CLONE_ARGS {
        return CallPrinter::pointer(addr);
    }
    let Ok(a) = s.mem.read::<[u64; 8]>(GuestAddr(addr)) else { return CallPrinter::pointer(addr) };
    let [bits, pidfd, child_tid, parent_tid, signal, stack, stack_size, tls] = a;
    let mut fields = vec![format!("flags={}", flags::CLONE.show_flags(bits))];
    let mut optional = |mask: u64, name: &str, value: u64| {
        if bits & mask != 0 {
            fields.push(format!("{name}={}", CallPrinter::pointer(value)));
        }
    };
    optional(PIDFD, "pidfd", pidfd);
    optional(CHILD_TID, "child_tid", child_tid);
    optional(PARENT_TID, "parent_tid", parent_tid);
    let signal = if signal == 0 { "0".to_owned() } else { signal_name(signal) };
    fields.push(format!("exit_signal={signal}, stack={}", CallPrinter::pointer(stack)));
    fields.push(format!("stack_size={}", CallPrinter::number(stack_size)));
    if bits & TLS != 0 {
        fields.push(format!("tls={}", CallPrinter::pointer(tls)));
    }
    let mut text = format!("{{{}}}", fields.join(", "));
    let mut written = Vec::new();
    for (mask, name, at) in [(PIDFD, "pidfd", pidfd), (PARENT_TID, "parent_tid", parent_tid)] {
        if bits & mask != 0 && s.success().is_some() {
            written.push(format!("{name}={}", s.structure(&INT, at)));
        }
    }
    if !written.is_empty() {
        text += &format!(" => {{{}}}", written.join(", "));
    }
    text
}

fn capability(number: u64) -> String {
    let name = usize::try_from(number).ok().and_then(|n| flags::CAPABILITIES.get(n));
    name.map_or_else(|| format!("{number:#x} /* CAP_??? */"), |name| (*name).to_owned())
}

/// The second argument of prctl, by the option.
fn prctl_first(s: &CallPrinter<'_>, i: usize) -> Option<String> {
    let value = s.args[i];
    Some(match s.int(0) {
        libc::PR_GET_DUMPABLE
        | libc::PR_GET_KEEPCAPS
        | libc::PR_GET_TIMERSLACK
        | libc::PR_GET_SECUREBITS
        | libc::PR_GET_SECCOMP
        | libc::PR_GET_TIMING => return None,
        libc::PR_SET_NAME => s.string(value),
        libc::PR_GET_NAME => s.written(value, || s.string(value)),
        libc::PR_SET_PDEATHSIG if value != 0 => signal_name(value),
        libc::PR_GET_PDEATHSIG => s.written(value, || match s.mem.read::<i32>(GuestAddr(value)) {
            Ok(0) => "[0]".to_owned(),
            Ok(signal) => format!("[{}]", signal_name(signal as u64)),
            Err(_) => CallPrinter::pointer(value),
        }),
        libc::PR_GET_CHILD_SUBREAPER => s.written(value, || s.structure(&INT, value)),
        libc::PR_GET_TID_ADDRESS => s.written(value, || match s.mem.read::<u64>(GuestAddr(value)) {
            Ok(address) => format!("[{}]", CallPrinter::pointer(address)),
            Err(_) => CallPrinter::pointer(value),
        }),
        libc::PR_SET_DUMPABLE => flags::DUMPABLE.show_value(value),
        libc::PR_CAPBSET_READ | libc::PR_CAPBSET_DROP => capability(value),
        libc::PR_SET_PTRACER if value == u64::MAX => "PR_SET_PTRACER_ANY".to_owned(),
        libc::PR_SET_SECCOMP => flags::SECCOMP_MODE.show_value(value),
        libc::PR_CAP_AMBIENT => flags::CAP_AMBIENT.show_value(value),
        libc::PR_SET_VMA => flags::SET_VMA.show_value(value),
        libc::PR_SET_MM => flags::SET_MM.show_value(value),
        libc::PR_SET_KEEPCAPS
        | libc::PR_SET_NO_NEW_PRIVS
        | libc::PR_SET_CHILD_SUBREAPER
        | libc::PR_SET_THP_DISABLE
        | libc::PR_SET_TIMERSLACK => value.to_string(),
        _ => CallPrinter::number(value),
    })
}

/// The other arguments, which most options do not have.
fn prctl_rest(s: &CallPrinter<'_>, i: usize) -> Option<String> {
    let value = s.args[i];
    match (s.int(0), i) {
        (libc::PR_SET_VMA, 2) => Some(CallPrinter::pointer(value)),
        (libc::PR_SET_VMA, 3) => Some(value.to_string()),
        (libc::PR_SET_VMA, 4) => Some(s.string(value)),
        (libc::PR_CAP_AMBIENT, 2) => Some(capability(value)),
        (libc::PR_SET_SECCOMP, 2) => (s.args[1] == 2).then(|| seccomp::program(s, value)),
        (
            libc::PR_SET_NAME
            | libc::PR_GET_NAME
            | libc::PR_SET_PDEATHSIG
            | libc::PR_GET_PDEATHSIG
            | libc::PR_SET_DUMPABLE
            | libc::PR_GET_DUMPABLE
            | libc::PR_SET_KEEPCAPS
            | libc::PR_GET_KEEPCAPS
            | libc::PR_SET_TIMERSLACK
            | libc::PR_GET_TIMERSLACK
            | libc::PR_SET_SECUREBITS
            | libc::PR_GET_SECUREBITS
            | libc::PR_SET_SECCOMP
            | libc::PR_GET_SECCOMP
            | libc::PR_SET_TIMING
            | libc::PR_GET_TIMING
            | libc::PR_SET_CHILD_SUBREAPER
            | libc::PR_GET_CHILD_SUBREAPER
            | libc::PR_GET_TID_ADDRESS
            | libc::PR_SET_PTRACER
            | libc::PR_CAPBSET_READ
            | libc::PR_CAPBSET_DROP,
            _,
        ) => None,
        _ => Some(CallPrinter::number(value)),
    }
}

macro_rules! specials {
    ($($(#[$meta:meta])* $id:ident $after:literal $show:expr;)*) => {$(
        $(#[$meta])*
        pub static $id: Special = Special { after: $after, show: $show };
    )*};
}

specials! {
    /// execve: the arguments of the new program.
    ARGV false |s, i| Some(strings(s, s.args[i]));
    /// execve: its environment.
    ENVP false |s, i| Some(environment(s, s.args[i]));
    /// clone: the stack, which is the second argument but shown first.
    CLONE_STACK false |s, _| Some(format!("child_stack={}", CallPrinter::pointer(s.args[1])));
    /// clone: the flags.
    CLONE_FLAGS false |s, _| Some(format!("flags={}", clone_flags(s.args[0])));
    /// clone: the address for the child's thread ID or pidfd.
    CLONE_PARENT_TID true |s, i| (s.args[0] & (PARENT_TID | PIDFD) != 0).then(|| {
        format!("parent_tid={}", s.written(s.args[i], || s.structure(&INT, s.args[i])))
    });
    /// clone: the child's thread pointer.
    CLONE_TLS true |s, i| (s.args[0] & TLS != 0).then(|| format!("tls={}", CallPrinter::pointer(s.args[i])));
    /// clone: the address for the thread ID in the child's memory.
    CLONE_CHILD_TID true |s, i| {
        (s.args[0] & CHILD_TID != 0).then(|| format!("child_tidptr={}", CallPrinter::pointer(s.args[i])))
    };
    /// clone3: the structure, as large as the second argument says.
    CLONE_ARGS_ARG true |s, i| Some(clone_args(s, s.args[i], s.args[1]));
    /// prctl: by option.
    PRCTL_ARG true prctl_first;
    /// prctl: further arguments.
    PRCTL_REST false prctl_rest;
}
