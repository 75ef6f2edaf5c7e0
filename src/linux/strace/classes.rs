//! The classes of calls that strace(1) names.
//!
//! Calls that take a path are in `%file`. Calls that take a descriptor are in `%desc`, unless they are in `%network`.
//! The other classes are lists.

use crate::linux::table::{ArgKind, Row};

/// A class.
pub(super) struct Class {
    /// Its name, with the percent sign.
    name: &'static str,
    /// Selects further calls by their arguments.
    kind: Option<fn(&ArgKind) -> bool>,
    /// The listed calls.
    list: &'static [&'static str],
}

impl Class {
    /// Whether a call is in it.
    pub fn has(&self, row: &Row) -> bool {
        let by_arguments = self.kind.is_some_and(|kind| row.args.iter().any(kind));
        (by_arguments && !NETWORK.contains(&row.name)) || self.list.contains(&row.name)
    }
}

/// The class of a name. Older classes may be written without the percent sign.
pub(super) fn find(name: &str) -> Option<&'static Class> {
    const OLD: [&str; 7] = ["file", "process", "network", "signal", "ipc", "desc", "memory"];
    CLASSES.iter().find(|c| match name.strip_prefix('%') {
        Some("net") => c.name == "%network",
        Some(_) => c.name == name,
        None => OLD.contains(&name) && &c.name[1..] == name,
    })
}

/// All names, for messages.
pub(super) fn names() -> String {
    CLASSES.iter().map(|c| c.name).collect::<Vec<_>>().join(", ")
}

const NETWORK: &[&str] = &[
    "socket",
    "socketpair",
    "bind",
    "listen",
    "accept",
    "accept4",
    "connect",
    "getsockname",
    "getpeername",
    "sendto",
    "recvfrom",
    "setsockopt",
    "getsockopt",
    "shutdown",
    "sendmsg",
    "recvmsg",
    "sendmmsg",
    "recvmmsg",
    "sendfile",
];

#[rustfmt::skip]
const CLASSES: &[Class] = &[
    Class {
        name: "%file",
        kind: Some(|kind| matches!(kind, ArgKind::Path(..) | ArgKind::PathOrNull(..))),
        list: &["getcwd", "swapon", "swapoff", "quotactl"],
    },
    Class {
        name: "%desc",
        kind: Some(|kind| matches!(kind, ArgKind::Fd | ArgKind::ChangedFd | ArgKind::DirFd)),
        list: &[
            "sendfile",
            "pipe2", "epoll_create1", "eventfd2", "timerfd_create", "inotify_init1", "memfd_create", "memfd_secret",
            "ppoll", "pselect6", "fanotify_init", "mq_open", "perf_event_open", "bpf", "userfaultfd", "io_uring_setup",
            "pidfd_open", "fsopen", "landlock_create_ruleset",
        ],
    },
    Class {
        name: "%memory",
        kind: None,
        list: &[
            "brk", "mmap", "munmap", "mprotect", "mremap", "msync", "mincore", "madvise", "mlock", "mlock2", "munlock",
            "mlockall", "munlockall", "remap_file_pages", "mbind", "get_mempolicy", "set_mempolicy",
            "set_mempolicy_home_node", "migrate_pages", "move_pages", "pkey_mprotect", "io_setup", "io_destroy",
            "shmat", "shmdt", "map_shadow_stack", "mseal",
        ],
    },
    Class { name: "%network", kind: None, list: NETWORK },
    Class {
        name: "%process",
        kind: None,
        list: &[
            "clone", "clone3", "execve", "execveat", "exit", "exit_group", "wait4", "waitid", "unshare", "kill",
            "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal",
        ],
    },
    Class {
        name: "%signal",
        kind: None,
        list: &[
            "rt_sigaction", "rt_sigprocmask", "rt_sigpending", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
            "rt_sigqueueinfo", "rt_tgsigqueueinfo", "sigaltstack", "signalfd4", "kill", "tkill", "tgkill",
            "pidfd_send_signal",
        ],
    },
    Class {
        name: "%ipc",
        kind: None,
        list: &[
            "msgget", "msgctl", "msgrcv", "msgsnd", "semget", "semctl", "semop", "semtimedop", "shmget", "shmctl",
            "shmat", "shmdt",
        ],
    },
    Class {
        name: "%creds",
        kind: None,
        list: &[
            "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups", "setuid", "setgid",
            "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid", "setgroups", "capget", "capset",
            "prctl",
        ],
    },
    Class {
        name: "%clock",
        kind: None,
        list: &[
            "clock_gettime", "clock_settime", "clock_getres", "clock_adjtime", "gettimeofday", "settimeofday",
            "adjtimex",
        ],
    },
    Class {
        name: "%pure",
        kind: None,
        list: &["getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid"],
    },
    // riscv64 has no calls of these names. These are the calls that C libraries make instead.
    Class { name: "%stat", kind: None, list: &["newfstatat"] },
    Class { name: "%lstat", kind: None, list: &["newfstatat"] },
    Class { name: "%fstat", kind: None, list: &["fstat", "newfstatat", "statx"] },
    Class { name: "%%stat", kind: None, list: &["fstat", "newfstatat", "statx"] },
    Class { name: "%statfs", kind: None, list: &["statfs"] },
    Class { name: "%fstatfs", kind: None, list: &["fstatfs"] },
    Class { name: "%%statfs", kind: None, list: &["statfs", "fstatfs"] },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::table;

    #[test]
    fn every_name_in_a_class_is_a_call() {
        for class in CLASSES {
            for name in class.list {
                assert!(table::rows().iter().any(|r| r.name == *name), "{}: {name}", class.name);
            }
        }
    }
}
