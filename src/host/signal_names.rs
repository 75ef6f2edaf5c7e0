//! Names of the standard signals, the same on x86-64 and RISC-V.

/// The names by number, from signal 1 on.
const NAMES: [&str; 31] = [
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

/// The name of a standard signal; real-time signals have none.
pub fn signal_name(signal: u32) -> Option<&'static str> {
    let index = usize::try_from(signal.checked_sub(1)?).ok()?;
    NAMES.get(index).copied()
}

/// The number of a standard signal.
pub fn signal_number(name: &str) -> Option<u64> {
    (1..).zip(NAMES).find(|&(_, known)| known == name).map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_agree_with_the_host() {
        for (number, name) in [(libc::SIGHUP, "SIGHUP"), (libc::SIGSTKFLT, "SIGSTKFLT"), (libc::SIGSYS, "SIGSYS")] {
            assert_eq!(signal_name(number as u32), Some(name));
            assert_eq!(signal_number(name), Some(number as u64));
        }
        assert_eq!(signal_name(0), None);
        assert_eq!(signal_name(32), None);
        assert_eq!(signal_number("SIGRTMIN"), None);
    }
}
