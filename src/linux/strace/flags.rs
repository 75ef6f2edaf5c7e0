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
    MSYNC "MS_???" [MS_SYNC, MS_ASYNC, MS_INVALIDATE];
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
        AT_SYMLINK_NOFOLLOW, AT_REMOVEDIR, AT_SYMLINK_FOLLOW, AT_NO_AUTOMOUNT, AT_EMPTY_PATH, AT_RECURSIVE,
    ];
    /// statx(2): flags.
    STATX_FLAGS "AT_???" [
        AT_STATX_SYNC_AS_STAT, AT_STATX_FORCE_SYNC, AT_STATX_DONT_SYNC, AT_SYMLINK_NOFOLLOW, AT_NO_AUTOMOUNT,
        AT_EMPTY_PATH,
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
    EVENTFD "EFD_???" [EFD_SEMAPHORE, EFD_CLOEXEC, EFD_NONBLOCK];
    /// timerfd_create(2).
    TIMERFD "TFD_???" [TFD_CLOEXEC, TFD_NONBLOCK];
    /// timerfd_settime(2).
    TIMERFD_SET "TFD_???" [TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET];
    /// signalfd4(2).
    SIGNALFD "SFD_???" [SFD_CLOEXEC, SFD_NONBLOCK];
    /// inotify_init1(2).
    INOTIFY "IN_???" [IN_NONBLOCK, IN_CLOEXEC];
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
    WAIT "W???" [WNOHANG, WSTOPPED, WEXITED, WCONTINUED, WNOWAIT];
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
        SO_BINDTODEVICE, SO_ATTACH_FILTER, SO_TIMESTAMP, SO_ACCEPTCONN, SO_SNDBUFFORCE,
        SO_RCVBUFFORCE, SO_PROTOCOL, SO_DOMAIN,
    ];
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
    /// sync_file_range(2).
    SYNC_RANGE "SYNC_FILE_RANGE_???" [
        SYNC_FILE_RANGE_WAIT_BEFORE, SYNC_FILE_RANGE_WRITE, SYNC_FILE_RANGE_WAIT_AFTER,
    ];
    /// preadv2(2) and pwritev2(2).
    RWF "RWF_???" [RWF_HIPRI, RWF_DSYNC, RWF_SYNC, RWF_NOWAIT, RWF_APPEND];
    /// Options of SOL_IP.
    IP "IP_???" [
        IP_TOS, IP_TTL, IP_HDRINCL, IP_OPTIONS, IP_RECVOPTS, IP_RETOPTS, IP_PKTINFO, IP_MTU_DISCOVER, IP_RECVERR,
        IP_RECVTTL, IP_RECVTOS, IP_MTU, IP_FREEBIND, IP_TRANSPARENT, IP_BIND_ADDRESS_NO_PORT, IP_MULTICAST_IF,
        IP_MULTICAST_TTL, IP_MULTICAST_LOOP, IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP,
    ];
    /// Options of SOL_IPV6.
    IPV6 "IPV6_???" [
        IPV6_ADDRFORM, IPV6_CHECKSUM, IPV6_UNICAST_HOPS, IPV6_MULTICAST_IF, IPV6_MULTICAST_HOPS, IPV6_MULTICAST_LOOP,
        IPV6_ADD_MEMBERSHIP, IPV6_DROP_MEMBERSHIP, IPV6_MTU_DISCOVER, IPV6_MTU, IPV6_RECVERR, IPV6_V6ONLY,
        IPV6_RECVPKTINFO, IPV6_PKTINFO, IPV6_RECVHOPLIMIT, IPV6_HOPLIMIT, IPV6_RECVTCLASS, IPV6_TCLASS,
    ];
    /// adjtimex(2): modes.
    ADJ "ADJ_???" [
        ADJ_OFFSET_SINGLESHOT, ADJ_OFFSET_SS_READ, ADJ_OFFSET, ADJ_FREQUENCY, ADJ_MAXERROR, ADJ_ESTERROR, ADJ_STATUS,
        ADJ_TIMECONST, ADJ_SETOFFSET, ADJ_MICRO, ADJ_NANO, ADJ_TICK,
    ];
    /// adjtimex(2): status.
    STA "STA_???" [
        STA_PLL, STA_PPSFREQ, STA_PPSTIME, STA_FLL, STA_INS, STA_DEL, STA_UNSYNC, STA_FREQHOLD, STA_PPSSIGNAL,
        STA_PPSJITTER, STA_PPSWANDER, STA_PPSERROR, STA_CLOCKERR, STA_NANO, STA_MODE, STA_CLK,
    ];
    /// adjtimex(2): results.
    TIME_STATE "TIME_???" [TIME_OK, TIME_INS, TIME_DEL, TIME_OOP, TIME_WAIT, TIME_ERROR];
    /// personality(2): flags.
    PERSONALITY_FLAGS "PER_???" [
        UNAME26, ADDR_NO_RANDOMIZE, FDPIC_FUNCPTRS, MMAP_PAGE_ZERO, ADDR_COMPAT_LAYOUT, READ_IMPLIES_EXEC,
        ADDR_LIMIT_32BIT, SHORT_INODE, WHOLE_SECONDS, STICKY_TIMEOUTS, ADDR_LIMIT_3GB,
    ];
    /// mount(2).
    MOUNT "MS_???" [
        MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_SYNCHRONOUS, MS_REMOUNT, MS_MANDLOCK, MS_DIRSYNC, MS_NOATIME,
        MS_NODIRATIME, MS_BIND, MS_MOVE, MS_REC, MS_SILENT, MS_POSIXACL, MS_UNBINDABLE, MS_PRIVATE, MS_SLAVE, MS_SHARED,
        MS_RELATIME, MS_KERNMOUNT, MS_I_VERSION, MS_STRICTATIME, MS_LAZYTIME,
    ];
    /// umount2(2).
    UMOUNT "MNT_???" [MNT_FORCE, MNT_DETACH, MNT_EXPIRE, UMOUNT_NOFOLLOW];
    /// Terminals: input.
    IFLAG "?" [
        IGNBRK, BRKINT, IGNPAR, PARMRK, INPCK, ISTRIP, INLCR, IGNCR, ICRNL, IUCLC, IXON, IXANY, IXOFF, IMAXBEL, IUTF8,
    ];
    /// Terminals: output, but for the delays.
    OFLAG "?" [OPOST, OLCUC, ONLCR, OCRNL, ONOCR, ONLRET, OFILL, OFDEL];
    /// Terminals: delays.
    NLDLY "?" [NL0, NL1];
    /// Terminals: delays.
    CRDLY "?" [CR0, CR1, CR2, CR3];
    /// Terminals: delays.
    TABDLY "?" [TAB0, TAB1, TAB2, TAB3];
    /// Terminals: delays.
    BSDLY "?" [BS0, BS1];
    /// Terminals: delays.
    VTDLY "?" [VT0, VT1];
    /// Terminals: delays.
    FFDLY "?" [FF0, FF1];
    /// Terminals: speed.
    BAUD "?" [
        B0, B50, B75, B110, B134, B150, B200, B300, B600, B1200, B1800, B2400, B4800, B9600, B19200, B38400, B57600,
        B115200, B230400, B460800, B500000, B576000, B921600, B1000000, B1152000, B1500000, B2000000, B2500000,
        B3000000, B3500000, B4000000,
    ];
    /// Terminals: size of a character.
    CSIZE "?" [CS5, CS6, CS7, CS8];
    /// Terminals: control, but for speed and size.
    CFLAG "?" [CSTOPB, CREAD, PARENB, PARODD, HUPCL, CLOCAL, CMSPAR, CRTSCTS];
    /// Terminals: the line discipline.
    LFLAG "?" [
        ISIG, ICANON, XCASE, ECHO, ECHOE, ECHOK, ECHONL, NOFLSH, IEXTEN, ECHOCTL, ECHOPRT, ECHOKE, FLUSHO, PENDIN, TOSTOP,
        EXTPROC,
    ];
    /// TCFLSH.
    TCFLSH "TC???" [TCIFLUSH, TCOFLUSH, TCIOFLUSH];
    /// TCXONC.
    TCXONC "TC???" [TCOOFF, TCOON, TCIOFF, TCION];
    /// Kinds of control messages of SOL_SOCKET.
    SCM "SCM_???" [SCM_RIGHTS, SCM_CREDENTIALS, SCM_TIMESTAMP, SCM_TIMESTAMPNS, SCM_TIMESTAMPING];
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
        SA_ONSTACK = 0x0800_0000,
        SA_RESTART = 0x1000_0000,
        SA_NODEFER = 0x4000_0000,
        SA_RESETHAND = 0x8000_0000,
        SA_SIGINFO = 4,
        SA_NOCLDSTOP = 1,
        SA_NOCLDWAIT = 2,
        SA_EXPOSE_TAGBITS = 0x800,
    ];
    /// `ss_flags`.
    ALTSTACK "SS_???" [SS_ONSTACK = 1, SS_DISABLE = 2, SS_AUTODISARM = 0x8000_0000];
    /// si_code, whatever the signal.
    SI "SI_???" [
        SI_USER = 0,
        SI_QUEUE = -1i32 as u64,
        SI_TIMER = -2i32 as u64,
        SI_MESGQ = -3i32 as u64,
        SI_ASYNCIO = -4i32 as u64,
        SI_SIGIO = -5i32 as u64,
        SI_TKILL = -6i32 as u64,
        SI_DETHREAD = -7i32 as u64,
        SI_ASYNCNL = -60i32 as u64,
        SI_KERNEL = 0x80,
    ];
    /// si_code of SIGSEGV.
    SEGV "SEGV_???" [SEGV_MAPERR = 1, SEGV_ACCERR = 2, SEGV_BNDERR = 3, SEGV_PKUERR = 4];
    /// si_code of SIGBUS.
    BUS "BUS_???" [BUS_ADRALN = 1, BUS_ADRERR = 2, BUS_OBJERR = 3, BUS_MCEERR_AR = 4, BUS_MCEERR_AO = 5];
    /// si_code of SIGILL.
    ILL "ILL_???" [
        ILL_ILLOPC = 1, ILL_ILLOPN = 2, ILL_ILLADR = 3, ILL_ILLTRP = 4, ILL_PRVOPC = 5, ILL_PRVREG = 6,
        ILL_COPROC = 7, ILL_BADSTK = 8,
    ];
    /// si_code of SIGFPE.
    FPE "FPE_???" [
        FPE_INTDIV = 1, FPE_INTOVF = 2, FPE_FLTDIV = 3, FPE_FLTOVF = 4, FPE_FLTUND = 5, FPE_FLTRES = 6,
        FPE_FLTINV = 7, FPE_FLTSUB = 8,
    ];
    /// si_code of SIGTRAP.
    TRAP "TRAP_???" [TRAP_BRKPT = 1, TRAP_TRACE = 2, TRAP_BRANCH = 3, TRAP_HWBKPT = 4];
    /// si_code of SIGCHLD.
    CLD "CLD_???" [
        CLD_EXITED = 1, CLD_KILLED = 2, CLD_DUMPED = 3, CLD_TRAPPED = 4, CLD_STOPPED = 5, CLD_CONTINUED = 6,
    ];
    /// si_code of SIGIO.
    POLL_CODE "POLL_???" [POLL_IN = 1, POLL_OUT = 2, POLL_MSG = 3, POLL_ERR = 4, POLL_PRI = 5, POLL_HUP = 6];
    /// si_code of SIGSYS.
    SYS_CODE "SYS_???" [SYS_SECCOMP = 1];
    /// open(2), without the access mode.
    OPEN "O_???" [
        O_CREAT = 0o100,
        O_EXCL = 0o200,
        O_NOCTTY = 0o400,
        O_TRUNC = 0o1000,
        O_APPEND = 0o2000,
        O_NONBLOCK = 0o4000,
        O_SYNC = 0o4010000,
        O_DSYNC = 0o10000,
        FASYNC = 0o20000,
        O_DIRECT = 0o40000,
        O_NOFOLLOW = 0o400000,
        O_NOATIME = 0o1000000,
        O_CLOEXEC = 0o2000000,
        O_PATH = 0o10000000,
        O_TMPFILE = 0o20200000,
        O_DIRECTORY = 0o200000,
    ];
    /// Options of SOL_SOCKET that have a successor with 64-bit times.
    SO_OLD "SO_???" [SO_RCVTIMEO_OLD = 20, SO_SNDTIMEO_OLD = 21];
    /// openat2(2).
    RESOLVE "RESOLVE_???" [
        RESOLVE_NO_XDEV = 1,
        RESOLVE_NO_MAGICLINKS = 2,
        RESOLVE_NO_SYMLINKS = 4,
        RESOLVE_BENEATH = 8,
        RESOLVE_IN_ROOT = 16,
        RESOLVE_CACHED = 32,
    ];
    /// statfs(2): flags.
    ST "ST_???" [
        ST_VALID = 0x20, ST_RDONLY = 1, ST_NOSUID = 2, ST_NODEV = 4, ST_NOEXEC = 8, ST_SYNCHRONOUS = 0x10,
        ST_MANDLOCK = 0x40, ST_NOATIME = 0x400, ST_NODIRATIME = 0x800, ST_RELATIME = 0x1000, ST_NOSYMFOLLOW = 0x2000,
    ];
    /// statfs(2): file systems.
    FILE_SYSTEM "???" [
        ADFS_SUPER_MAGIC = 0xadf5,
        AFS_SUPER_MAGIC = 0x5346_414f,
        AUTOFS_SUPER_MAGIC = 0x0187,
        BPF_FS_MAGIC = 0xcafe_4a11,
        BTRFS_SUPER_MAGIC = 0x9123_683e,
        CEPH_SUPER_MAGIC = 0x00c3_6400,
        CGROUP_SUPER_MAGIC = 0x0027_e0eb,
        CGROUP2_SUPER_MAGIC = 0x6367_7270,
        CIFS_SUPER_MAGIC = 0xff53_4d42,
        CRAMFS_MAGIC = 0x28cd_3d45,
        DEBUGFS_MAGIC = 0x6462_6720,
        DEVPTS_SUPER_MAGIC = 0x1cd1,
        ECRYPTFS_SUPER_MAGIC = 0xf15f,
        EROFS_SUPER_MAGIC_V1 = 0xe0f5_e1e2,
        EXFAT_SUPER_MAGIC = 0x2011_bab0,
        EXT2_SUPER_MAGIC = 0xef53,
        F2FS_SUPER_MAGIC = 0xf2f5_2010,
        FUSE_SUPER_MAGIC = 0x6573_5546,
        HUGETLBFS_MAGIC = 0x9584_58f6,
        ISOFS_SUPER_MAGIC = 0x9660,
        JFFS2_SUPER_MAGIC = 0x72b6,
        MINIX_SUPER_MAGIC = 0x137f,
        MQUEUE_MAGIC = 0x1980_0202,
        MSDOS_SUPER_MAGIC = 0x4d44,
        NFS_SUPER_MAGIC = 0x6969,
        NSFS_MAGIC = 0x6e73_6673,
        NTFS_SB_MAGIC = 0x5346_544e,
        OVERLAYFS_SUPER_MAGIC = 0x794c_7630,
        PIPEFS_MAGIC = 0x5049_5045,
        PROC_SUPER_MAGIC = 0x9fa0,
        PSTOREFS_MAGIC = 0x6165_676c,
        RAMFS_MAGIC = 0x8584_58f6,
        REISERFS_SUPER_MAGIC = 0x5265_4973,
        ROMFS_MAGIC = 0x7275,
        SECURITYFS_MAGIC = 0x7363_6673,
        SELINUX_MAGIC = 0xf97c_ff8c,
        SOCKFS_MAGIC = 0x534f_434b,
        SQUASHFS_MAGIC = 0x7371_7368,
        SYSFS_MAGIC = 0x6265_6572,
        TMPFS_MAGIC = 0x0102_1994,
        TRACEFS_MAGIC = 0x7472_6163,
        UDF_SUPER_MAGIC = 0x1501_3346,
        V9FS_MAGIC = 0x0102_1997,
        XENFS_SUPER_MAGIC = 0xabba_1974,
        XFS_SUPER_MAGIC = 0x5846_5342,
        ZONEFS_MAGIC = 0x5a4f_4653,
    ];
    /// ioprio_get(2).
    IOPRIO_WHO "IOPRIO_WHO_???" [IOPRIO_WHO_PROCESS = 1, IOPRIO_WHO_PGRP = 2, IOPRIO_WHO_USER = 3];
    /// Classes of ioprio_set(2).
    IOPRIO_CLASS "IOPRIO_CLASS_???" [
        IOPRIO_CLASS_NONE = 0,
        IOPRIO_CLASS_RT = 1,
        IOPRIO_CLASS_BE = 2,
        IOPRIO_CLASS_IDLE = 3,
    ];
    /// syslog(2).
    SYSLOG "SYSLOG_ACTION_???" [
        SYSLOG_ACTION_CLOSE = 0,
        SYSLOG_ACTION_OPEN = 1,
        SYSLOG_ACTION_READ = 2,
        SYSLOG_ACTION_READ_ALL = 3,
        SYSLOG_ACTION_READ_CLEAR = 4,
        SYSLOG_ACTION_CLEAR = 5,
        SYSLOG_ACTION_CONSOLE_OFF = 6,
        SYSLOG_ACTION_CONSOLE_ON = 7,
        SYSLOG_ACTION_CONSOLE_LEVEL = 8,
        SYSLOG_ACTION_SIZE_UNREAD = 9,
        SYSLOG_ACTION_SIZE_BUFFER = 10,
    ];
    /// sched_setattr(2).
    SCHED_FLAGS "SCHED_FLAG_???" [
        SCHED_FLAG_RESET_ON_FORK = 1,
        SCHED_FLAG_RECLAIM = 2,
        SCHED_FLAG_DL_OVERRUN = 4,
        SCHED_FLAG_KEEP_POLICY = 8,
        SCHED_FLAG_KEEP_PARAMS = 16,
        SCHED_FLAG_UTIL_CLAMP_MIN = 32,
        SCHED_FLAG_UTIL_CLAMP_MAX = 64,
    ];
    /// mlock2(2).
    MLOCK2 "MLOCK_???" [MLOCK_ONFAULT = 1];
    /// personality(2): execution domains.
    PERSONALITY "PER_???" [
        PER_LINUX = 0,
        PER_SVR4 = 1,
        PER_SVR3 = 2,
        PER_SCOSVR3 = 3,
        PER_WYSEV386 = 4,
        PER_ISCR4 = 5,
        PER_BSD = 6,
        PER_XENIX = 7,
        PER_LINUX32 = 8,
        PER_IRIX32 = 9,
        PER_IRIXN32 = 0xa,
        PER_IRIX64 = 0xb,
        PER_RISCOS = 0xc,
        PER_SOLARIS = 0xd,
        PER_UW7 = 0xe,
        PER_OSF4 = 0xf,
        PER_HPUX = 0x10,
    ];
    /// Versions of capget(2).
    CAP_VERSION "_LINUX_CAPABILITY_VERSION_???" [
        _LINUX_CAPABILITY_VERSION_1 = 0x1998_0330,
        _LINUX_CAPABILITY_VERSION_2 = 0x2007_1026,
        _LINUX_CAPABILITY_VERSION_3 = 0x2008_0522,
    ];
}

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

/// The name of a signal: `SIGSEGV`, `SIGRT_3`.
pub fn signal_name(signal: u64) -> String {
    match SIGNAL.find(signal) {
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
