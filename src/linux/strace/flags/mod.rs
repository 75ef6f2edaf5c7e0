//! The names of flags and enumerated values, as `strace` prints them.

mod shared;
mod written;

use crate::host;
pub use shared::*;
pub use written::*;

/// A set of named values: bits that are or-ed together, or values that exclude each other.
#[derive(Debug)]
pub struct Names {
    /// The names, in the order they are tried.
    pub list: &'static [(&'static str, u64)],
    /// The comment after a value without a name.
    pub unknown: &'static str,
}

impl Names {
    /// The name of exactly this value, truncated to 32 bits as its C type is.
    pub fn find(&self, value: u64) -> Option<&'static str> {
        self.list.iter().find(|(_, v)| *v as u32 == value as u32).map(|(n, _)| *n)
    }

    /// Formats one of several exclusive values.
    pub fn show_value(&self, value: u64) -> String {
        match self.find(value) {
            Some(name) => name.to_owned(),
            None => format!("{value:#x} /* {} */", self.unknown),
        }
    }

    /// Formats flags or-ed together.
    pub fn show_flags(&self, value: u64) -> String {
        if value == 0 {
            return self.find(0).unwrap_or("0").to_owned();
        }
        let mut rest = value;
        let mut text = String::new();
        for &(name, bits) in self.list {
            if bits != 0 && rest & bits == bits {
                rest &= !bits;
                if !text.is_empty() {
                    text.push('|');
                }
                text.push_str(name);
            }
        }
        match (text.is_empty(), rest) {
            (true, _) => format!("{rest:#x} /* {} */", self.unknown),
            (false, 0) => text,
            (false, _) => format!("{text}|{rest:#x}"),
        }
    }
}

/// Names whose values are the same on the host.
macro_rules! names {
    ($($(#[$meta:meta])* $id:ident $unknown:literal [$($name:ident),* $(,)?];)*) => {$(
        $(#[$meta])*
        pub static $id: Names = Names {
            list: &[$((stringify!($name), libc::$name as u64)),*],
            unknown: $unknown,
        };
    )*};
}

/// Names with explicit values, which `libc` does not have.
macro_rules! values {
    ($($(#[$meta:meta])* $id:ident $unknown:literal [$($name:ident = $value:expr),* $(,)?];)*) => {$(
        $(#[$meta])*
        pub static $id: Names = Names { list: &[$((stringify!($name), $value)),*], unknown: $unknown };
    )*};
}
pub(super) use {names, values};

/// The capabilities, by bit.
#[rustfmt::skip]
pub const CAPABILITIES: [&str; 41] = [
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
    "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN",
    "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
];

/// The name of a signal as strace prints it: `SIGSEGV`, `SIGRT_3`.
pub fn signal_name(signal: u64) -> String {
    match host::signal_name(signal as u32) {
        Some(name) => name.to_owned(),
        None if signal == 32 => "SIGRTMIN".to_owned(),
        None if (33..=64).contains(&signal) => format!("SIGRT_{}", signal - 32),
        None => signal.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_joined_and_leftovers_shown() {
        assert_eq!(PROT.show_flags(0), "PROT_NONE");
        assert_eq!(PROT.show_flags(3), "PROT_READ|PROT_WRITE");
        assert_eq!(PROT.show_flags(0x103), "PROT_READ|PROT_WRITE|0x100");
        assert_eq!(MSYNC.show_flags(0x80), "0x80 /* MS_??? */");
        assert_eq!(WHENCE.show_value(9), "0x9 /* SEEK_??? */");
        assert_eq!(EVENTFD.show_flags(0), "0");
    }

    #[test]
    fn compound_flags_win_over_their_parts() {
        assert_eq!(OPEN.show_flags(libc::O_TMPFILE as u64), "O_TMPFILE");
        assert_eq!(OPEN.show_flags(libc::O_SYNC as u64), "O_SYNC");
        assert_eq!(OPEN.show_flags(libc::O_DSYNC as u64), "O_DSYNC");
    }

    #[test]
    fn real_time_signals_are_counted_from_the_first() {
        assert_eq!(signal_name(11), "SIGSEGV");
        assert_eq!(signal_name(32), "SIGRTMIN");
        assert_eq!(signal_name(34), "SIGRT_2");
        assert_eq!(signal_name(99), "99");
    }
}
