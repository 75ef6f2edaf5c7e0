//! The names of flags and enumerated values, as `strace` prints them.

/// A set of named values: bits that are or-ed together, or values that exclude each other.
#[derive(Debug)]
pub struct Names {
    /// The names, in the order they are tried.
    pub list: &'static [(&'static str, u64)],
    /// What stands in the comment behind a value nobody has named.
    pub unknown: &'static str,
}

impl Names {
    /// The name of exactly this value, which like its C type has 32 bits.
    pub fn find(&self, value: u64) -> Option<&'static str> {
        self.list.iter().find(|(_, v)| *v as u32 == value as u32).map(|(n, _)| *n)
    }

    /// As one of several values that exclude each other.
    pub fn show_value(&self, value: u64) -> String {
        match self.find(value) {
            Some(name) => name.to_owned(),
            None => format!("{value:#x} /* {} */", self.unknown),
        }
    }

    /// As flags or-ed together.
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

/// Names whose values the host's headers share with the guest's.
macro_rules! names {
    ($($(#[$meta:meta])* $id:ident $unknown:literal [$($name:ident),* $(,)?];)*) => {$(
        $(#[$meta])*
        pub static $id: Names = Names {
            list: &[$((stringify!($name), libc::$name as u64)),*],
            unknown: $unknown,
        };
    )*};
}

/// Names whose values are written out: those of kernel headers that `libc` does not have.
macro_rules! values {
    ($($(#[$meta:meta])* $id:ident $unknown:literal [$($name:ident = $value:expr),* $(,)?];)*) => {$(
        $(#[$meta])*
        pub static $id: Names = Names { list: &[$((stringify!($name), $value)),*], unknown: $unknown };
    )*};
}
pub(super) use {names, values};

names! {
    /// open(2), without the access mode.
    OPEN "O_???" [
        O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC, O_APPEND, O_NONBLOCK, O_SYNC, O_DSYNC, O_ASYNC, O_DIRECT, O_NOFOLLOW,
        O_NOATIME, O_CLOEXEC, O_PATH, O_TMPFILE, O_DIRECTORY,
    ];
    /// mmap(2), permissions.
    PROT "PROT_???" [PROT_NONE, PROT_READ, PROT_WRITE, PROT_EXEC, PROT_GROWSDOWN, PROT_GROWSUP];
    /// mmap(2), flags after the sharing type.
    MAP "MAP_???" [
        MAP_FIXED, MAP_ANONYMOUS, MAP_GROWSDOWN, MAP_DENYWRITE, MAP_EXECUTABLE, MAP_LOCKED, MAP_NORESERVE,
        MAP_POPULATE, MAP_NONBLOCK, MAP_STACK, MAP_HUGETLB, MAP_SYNC, MAP_FIXED_NOREPLACE,
    ];
    /// mremap(2).
    MREMAP "MREMAP_???" [MREMAP_MAYMOVE, MREMAP_FIXED, MREMAP_DONTUNMAP];
    /// msync(2).
    MSYNC "MS_???" [MS_ASYNC, MS_INVALIDATE, MS_SYNC];
    /// mlockall(2).
    MLOCKALL "MCL_???" [MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT];
    /// madvise(2).
    MADVISE "MADV_???" [
        MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED, MADV_FREE, MADV_REMOVE,
        MADV_DONTFORK, MADV_DOFORK, MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_HUGEPAGE, MADV_NOHUGEPAGE,
        MADV_DONTDUMP, MADV_DODUMP, MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_COLD, MADV_PAGEOUT,
        MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_HWPOISON,
    ];
    /// access(2).
    ACCESS "?_OK" [F_OK, R_OK, W_OK, X_OK];
    /// The `AT_` flags.
    AT "AT_???" [
        AT_SYMLINK_NOFOLLOW, AT_REMOVEDIR, AT_SYMLINK_FOLLOW, AT_NO_AUTOMOUNT, AT_EMPTY_PATH,
    ];
    /// statx(2): flags.
    STATX_FLAGS "AT_???" [
        AT_STATX_SYNC_AS_STAT, AT_SYMLINK_NOFOLLOW, AT_NO_AUTOMOUNT, AT_EMPTY_PATH, AT_STATX_FORCE_SYNC,
        AT_STATX_DONT_SYNC,
    ];
    /// statx(2): mask.
    STATX_MASK "STATX_???" [
        STATX_ALL, STATX_BASIC_STATS, STATX_TYPE, STATX_MODE, STATX_NLINK, STATX_UID, STATX_GID, STATX_ATIME,
        STATX_MTIME, STATX_CTIME, STATX_INO, STATX_SIZE, STATX_BLOCKS, STATX_BTIME, STATX_MNT_ID,
    ];
    /// lseek(2).
    WHENCE "SEEK_???" [SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE];
    /// fallocate(2).
    FALLOCATE "FALLOC_FL_???" [
        FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_ZERO_RANGE,
        FALLOC_FL_INSERT_RANGE, FALLOC_FL_UNSHARE_RANGE,
    ];
    /// fcntl(2): commands.
    FCNTL "F_???" [
        F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW, F_SETOWN, F_GETOWN, F_OFD_GETLK,
        F_OFD_SETLK, F_OFD_SETLKW, F_DUPFD_CLOEXEC, F_SETPIPE_SZ, F_GETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS,
        F_SETLEASE, F_GETLEASE, F_NOTIFY,
    ];
    /// fcntl(2): lock types.
    LOCK "F_???" [F_RDLCK, F_WRLCK, F_UNLCK];
    /// fcntl(2): descriptor flags.
    FDFLAGS "FD_???" [FD_CLOEXEC];
    /// flock(2).
    FLOCK "LOCK_???" [LOCK_SH, LOCK_EX, LOCK_UN, LOCK_NB];
    /// pipe2(2), dup3(2) and others.
    PIPE "O_???" [O_NONBLOCK, O_DIRECT, O_CLOEXEC];
    /// poll(2).
    POLL "POLL_???" [POLLIN, POLLPRI, POLLOUT, POLLERR, POLLHUP, POLLNVAL, POLLRDNORM, POLLRDBAND, POLLWRNORM, POLLWRBAND, POLLRDHUP];
    /// epoll_ctl(2): operations.
    EPOLL_OP "EPOLL_CTL_???" [EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD];
    /// epoll_create1(2).
    EPOLL_CREATE "EPOLL_???" [EPOLL_CLOEXEC];
    /// eventfd2(2).
    EVENTFD "EFD_???" [EFD_CLOEXEC, EFD_NONBLOCK, EFD_SEMAPHORE];
    /// timerfd_create(2).
    TIMERFD "TFD_???" [TFD_CLOEXEC, TFD_NONBLOCK];
    /// timerfd_settime(2).
    TIMERFD_SET "TFD_???" [TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET];
    /// signalfd4(2).
    SIGNALFD "SFD_???" [SFD_CLOEXEC, SFD_NONBLOCK];
    /// inotify_init1(2).
    INOTIFY "IN_???" [IN_CLOEXEC, IN_NONBLOCK];
    /// inotify_add_watch(2).
    INOTIFY_MASK "IN_???" [
        IN_ACCESS, IN_MODIFY, IN_ATTRIB, IN_CLOSE_WRITE, IN_CLOSE_NOWRITE, IN_OPEN, IN_MOVED_FROM, IN_MOVED_TO,
        IN_CREATE, IN_DELETE, IN_DELETE_SELF, IN_MOVE_SELF, IN_UNMOUNT, IN_Q_OVERFLOW, IN_IGNORED, IN_ONLYDIR,
        IN_DONT_FOLLOW, IN_EXCL_UNLINK, IN_MASK_CREATE, IN_MASK_ADD, IN_ISDIR, IN_ONESHOT,
    ];
    /// fcntl(2): seals.
    SEALS "F_SEAL_???" [F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE, F_SEAL_FUTURE_WRITE];
    /// Options of SOL_TCP.
    TCP "TCP_???" [
        TCP_NODELAY, TCP_MAXSEG, TCP_CORK, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_SYNCNT, TCP_LINGER2,
        TCP_DEFER_ACCEPT, TCP_WINDOW_CLAMP, TCP_INFO, TCP_QUICKACK, TCP_CONGESTION, TCP_USER_TIMEOUT, TCP_FASTOPEN,
    ];
    /// Protocols of the internet domains.
    IPPROTO "IPPROTO_???" [
        IPPROTO_IP, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_IPV6, IPPROTO_ICMPV6, IPPROTO_SCTP, IPPROTO_RAW,
    ];
    /// memfd_create(2).
    MEMFD "MFD_???" [MFD_CLOEXEC, MFD_ALLOW_SEALING, MFD_HUGETLB, MFD_NOEXEC_SEAL, MFD_EXEC];
    /// splice(2).
    SPLICE "SPLICE_F_???" [SPLICE_F_MOVE, SPLICE_F_NONBLOCK, SPLICE_F_MORE, SPLICE_F_GIFT];
    /// getrandom(2).
    RANDOM "GRND_???" [GRND_NONBLOCK, GRND_RANDOM, GRND_INSECURE];
    /// renameat2(2).
    RENAME "RENAME_???" [RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT];
    /// setxattr(2).
    XATTR "XATTR_???" [XATTR_CREATE, XATTR_REPLACE];
    /// posix_fadvise(2).
    FADVISE "POSIX_FADV_???" [
        POSIX_FADV_NORMAL, POSIX_FADV_RANDOM, POSIX_FADV_SEQUENTIAL, POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED,
        POSIX_FADV_NOREUSE,
    ];
    /// Clocks.
    CLOCK "CLOCK_???" [
        CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW,
        CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM,
        CLOCK_TAI,
    ];
    /// clock_nanosleep(2).
    TIMER_FLAGS "TIMER_???" [TIMER_ABSTIME];
    /// struct sigevent.
    SIGEV "SIGEV_???" [SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD, SIGEV_THREAD_ID];
    /// setitimer(2).
    ITIMER "ITIMER_???" [ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF];
    /// Resource limits.
    RLIMIT "RLIMIT_???" [
        RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_RSS, RLIMIT_NPROC, RLIMIT_NOFILE,
        RLIMIT_MEMLOCK, RLIMIT_AS, RLIMIT_LOCKS, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_RTPRIO,
        RLIMIT_RTTIME,
    ];
    /// getrusage(2).
    RUSAGE_WHO "RUSAGE_???" [RUSAGE_SELF, RUSAGE_CHILDREN, RUSAGE_THREAD];
    /// getpriority(2).
    PRIO "PRIO_???" [PRIO_PROCESS, PRIO_PGRP, PRIO_USER];
    /// Scheduling policies.
    SCHED "SCHED_???" [SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE, SCHED_DEADLINE];
    /// wait4(2).
    WAIT "W???" [WNOHANG, WUNTRACED, WEXITED, WCONTINUED, WNOWAIT];
    /// waitid(2).
    WAITID "P_???" [P_ALL, P_PID, P_PGID, P_PIDFD];
    /// rt_sigprocmask(2).
    SIGMASK_HOW "SIG_???" [SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK];
    /// prctl(2).
    PRCTL "PR_???" [
        PR_SET_PDEATHSIG, PR_GET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_GET_KEEPCAPS, PR_SET_KEEPCAPS,
        PR_GET_TIMING, PR_SET_TIMING, PR_SET_NAME, PR_GET_NAME, PR_GET_SECCOMP, PR_SET_SECCOMP, PR_CAPBSET_READ,
        PR_CAPBSET_DROP, PR_GET_SECUREBITS, PR_SET_SECUREBITS, PR_SET_TIMERSLACK, PR_GET_TIMERSLACK,
        PR_MCE_KILL, PR_MCE_KILL_GET, PR_SET_MM, PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER,
        PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS, PR_GET_TID_ADDRESS, PR_SET_THP_DISABLE, PR_GET_THP_DISABLE,
        PR_CAP_AMBIENT, PR_SET_PTRACER, PR_SET_VMA,
    ];
    /// Socket domains.
    AF "AF_???" [AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_ALG, AF_VSOCK];
    /// Socket types.
    SOCK_TYPE "SOCK_???" [SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_RDM, SOCK_SEQPACKET];
    /// Socket creation flags.
    SOCK_FLAGS "SOCK_???" [SOCK_CLOEXEC, SOCK_NONBLOCK];
    /// send(2) and recv(2).
    MSG "MSG_???" [
        MSG_OOB, MSG_PEEK, MSG_DONTROUTE, MSG_CTRUNC, MSG_TRUNC, MSG_DONTWAIT, MSG_EOR, MSG_WAITALL, MSG_CONFIRM,
        MSG_ERRQUEUE, MSG_NOSIGNAL, MSG_MORE, MSG_WAITFORONE, MSG_FASTOPEN, MSG_CMSG_CLOEXEC,
    ];
    /// shutdown(2).
    SHUT "SHUT_???" [SHUT_RD, SHUT_WR, SHUT_RDWR];
    /// Socket option levels.
    SOL "SOL_???" [SOL_SOCKET, SOL_IP, SOL_TCP, SOL_UDP, SOL_IPV6, SOL_RAW, SOL_NETLINK, SOL_PACKET];
    /// Options of SOL_SOCKET.
    SO "SO_???" [
        SO_DEBUG, SO_REUSEADDR, SO_TYPE, SO_ERROR, SO_DONTROUTE, SO_BROADCAST, SO_SNDBUF, SO_RCVBUF, SO_KEEPALIVE,
        SO_OOBINLINE, SO_PRIORITY, SO_LINGER, SO_REUSEPORT, SO_PASSCRED, SO_PEERCRED, SO_RCVLOWAT, SO_SNDLOWAT,
        SO_RCVTIMEO, SO_SNDTIMEO, SO_BINDTODEVICE, SO_ATTACH_FILTER, SO_TIMESTAMP, SO_ACCEPTCONN, SO_SNDBUFFORCE,
        SO_RCVBUFFORCE, SO_PROTOCOL, SO_DOMAIN,
    ];
    /// statfs(2) flags.
    ST "ST_???" [ST_RDONLY, ST_NOSUID, ST_NODEV, ST_NOEXEC, ST_SYNCHRONOUS, ST_MANDLOCK, ST_NOATIME, ST_NODIRATIME, ST_RELATIME];
    /// clone(2).
    CLONE "CLONE_???" [
        CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_SIGHAND, CLONE_PIDFD, CLONE_PTRACE, CLONE_VFORK, CLONE_PARENT,
        CLONE_THREAD, CLONE_NEWNS, CLONE_SYSVSEM, CLONE_SETTLS, CLONE_PARENT_SETTID, CLONE_CHILD_CLEARTID,
        CLONE_DETACHED, CLONE_UNTRACED, CLONE_CHILD_SETTID, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
        CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, CLONE_IO,
    ];
    /// Signals.
    SIGNAL "SIG???" [
        SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1, SIGSEGV, SIGUSR2,
        SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGXCPU,
        SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR, SIGSYS,
    ];
    /// ioctl(2) requests.
    IOCTL "???" [
        TCGETS, TCSETS, TCSETSW, TCSETSF, TCSBRK, TCXONC, TCFLSH, TIOCEXCL, TIOCNXCL, TIOCSCTTY, TIOCGPGRP, TIOCSPGRP,
        TIOCOUTQ, TIOCSTI, TIOCGWINSZ, TIOCSWINSZ, TIOCMGET, TIOCMBIS, TIOCMBIC, TIOCMSET, FIONREAD, TIOCCONS,
        TIOCGSID, TIOCNOTTY, TIOCGPTN, TIOCSPTLCK, TIOCGEXCL, TIOCGDEV, FIONBIO, FIOASYNC, FIONCLEX, FIOCLEX,
        TCSBRKP, TIOCGPTPEER, FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FICLONE,
    ];
}

values! {
    /// `AT_` flags of faccessat2(2), where 0x200 has a name of its own.
    AT_ACCESS "AT_???" [AT_SYMLINK_NOFOLLOW = 0x100, AT_EACCESS = 0x200, AT_EMPTY_PATH = 0x1000];
    /// unlinkat(2), where 0x200 means a directory.
    AT_UNLINK "AT_???" [AT_REMOVEDIR = 0x200];
    /// close_range(2).
    CLOSE_RANGE "CLOSE_RANGE_???" [CLOSE_RANGE_UNSHARE = 2, CLOSE_RANGE_CLOEXEC = 4];
    /// riscv_flush_icache(2).
    FLUSH_ICACHE "SYS_RISCV_FLUSH_ICACHE_???" [SYS_RISCV_FLUSH_ICACHE_LOCAL = 1];
    /// riscv_hwprobe(2).
    HWPROBE "RISCV_HWPROBE_???" [RISCV_HWPROBE_WHICH_CPUS = 1];
    /// membarrier(2).
    MEMBARRIER "MEMBARRIER_CMD_???" [
        MEMBARRIER_CMD_QUERY = 0,
        MEMBARRIER_CMD_GLOBAL = 1,
        MEMBARRIER_CMD_GLOBAL_EXPEDITED = 2,
        MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED = 4,
        MEMBARRIER_CMD_PRIVATE_EXPEDITED = 8,
        MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED = 16,
        MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE = 32,
        MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 64,
    ];
    /// futex(2): operations without their modifiers.
    FUTEX "FUTEX_???" [
        FUTEX_WAIT = 0,
        FUTEX_WAKE = 1,
        FUTEX_FD = 2,
        FUTEX_REQUEUE = 3,
        FUTEX_CMP_REQUEUE = 4,
        FUTEX_WAKE_OP = 5,
        FUTEX_LOCK_PI = 6,
        FUTEX_UNLOCK_PI = 7,
        FUTEX_TRYLOCK_PI = 8,
        FUTEX_WAIT_BITSET = 9,
        FUTEX_WAKE_BITSET = 10,
        FUTEX_WAIT_REQUEUE_PI = 11,
        FUTEX_CMP_REQUEUE_PI = 12,
        FUTEX_LOCK_PI2 = 13,
    ];
    /// rseq(2).
    RSEQ "RSEQ_FLAG_???" [RSEQ_FLAG_UNREGISTER = 1];
    /// `sa_flags`.
    SA "SA_???" [
        SA_NOCLDSTOP = 1,
        SA_NOCLDWAIT = 2,
        SA_SIGINFO = 4,
        SA_EXPOSE_TAGBITS = 0x800,
        SA_ONSTACK = 0x0800_0000,
        SA_RESTART = 0x1000_0000,
        SA_NODEFER = 0x4000_0000,
        SA_RESETHAND = 0x8000_0000,
    ];
    /// `ss_flags`.
    ALTSTACK "SS_???" [SS_ONSTACK = 1, SS_DISABLE = 2, SS_AUTODISARM = 0x8000_0000];
    /// si_code of SIGSEGV.
    SEGV "SEGV_???" [SI_USER = 0, SEGV_MAPERR = 1, SEGV_ACCERR = 2, SI_KERNEL = 0x80];
    /// si_code of SIGBUS.
    BUS "BUS_???" [SI_USER = 0, BUS_ADRALN = 1, BUS_ADRERR = 2, BUS_OBJERR = 3, SI_KERNEL = 0x80];
    /// si_code of SIGILL.
    ILL "ILL_???" [SI_USER = 0, ILL_ILLOPC = 1, ILL_ILLOPN = 2, ILL_ILLADR = 3, ILL_ILLTRP = 4];
    /// si_code of SIGTRAP.
    TRAP "TRAP_???" [SI_USER = 0, TRAP_BRKPT = 1, TRAP_TRACE = 2];
}

/// The name of a signal: `SIGSEGV`, `SIGRT_3`.
pub fn signal_name(signal: u64) -> String {
    match SIGNAL.find(signal) {
        Some(name) => name.to_owned(),
        None if signal == 32 || signal == 33 || (34..=64).contains(&signal) => format!("SIGRT_{}", signal - 32),
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
        assert_eq!(signal_name(34), "SIGRT_2");
        assert_eq!(signal_name(99), "99");
    }
}
