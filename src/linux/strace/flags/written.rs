//! Names with explicit values: `libc` does not have them, or not by the name that strace(1) uses.

use super::{Names, values};

values! {
    /// `AT_` flags of faccessat2(2), for which 0x200 has a different name.
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
    /// si_code, for any signal.
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
    /// PR_SET_DUMPABLE.
    DUMPABLE "SUID_DUMP_???" [SUID_DUMP_DISABLE = 0, SUID_DUMP_USER = 1, SUID_DUMP_ROOT = 2];
    /// PR_SET_SECCOMP.
    SECCOMP_MODE "SECCOMP_MODE_???" [
        SECCOMP_MODE_DISABLED = 0,
        SECCOMP_MODE_STRICT = 1,
        SECCOMP_MODE_FILTER = 2,
    ];
    /// PR_CAP_AMBIENT.
    CAP_AMBIENT "PR_CAP_AMBIENT_???" [
        PR_CAP_AMBIENT_IS_SET = 1,
        PR_CAP_AMBIENT_RAISE = 2,
        PR_CAP_AMBIENT_LOWER = 3,
        PR_CAP_AMBIENT_CLEAR_ALL = 4,
    ];
    /// PR_SET_VMA.
    SET_VMA "PR_SET_VMA_???" [PR_SET_VMA_ANON_NAME = 0];
    /// PR_SET_MM.
    SET_MM "PR_SET_MM_???" [
        PR_SET_MM_START_CODE = 1,
        PR_SET_MM_END_CODE = 2,
        PR_SET_MM_START_DATA = 3,
        PR_SET_MM_END_DATA = 4,
        PR_SET_MM_START_STACK = 5,
        PR_SET_MM_START_BRK = 6,
        PR_SET_MM_BRK = 7,
        PR_SET_MM_ARG_START = 8,
        PR_SET_MM_ARG_END = 9,
        PR_SET_MM_ENV_START = 10,
        PR_SET_MM_ENV_END = 11,
        PR_SET_MM_AUXV = 12,
        PR_SET_MM_EXE_FILE = 13,
        PR_SET_MM_MAP = 14,
        PR_SET_MM_MAP_SIZE = 15,
    ];
    /// Keys of riscv_hwprobe(2).
    HWPROBE_KEY "RISCV_HWPROBE_KEY_???" [
        RISCV_HWPROBE_KEY_MVENDORID = 0,
        RISCV_HWPROBE_KEY_MARCHID = 1,
        RISCV_HWPROBE_KEY_MIMPID = 2,
        RISCV_HWPROBE_KEY_BASE_BEHAVIOR = 3,
        RISCV_HWPROBE_KEY_IMA_EXT_0 = 4,
        RISCV_HWPROBE_KEY_CPUPERF_0 = 5,
        RISCV_HWPROBE_KEY_ZICBOZ_BLOCK_SIZE = 6,
        RISCV_HWPROBE_KEY_HIGHEST_VIRT_ADDRESS = 7,
        RISCV_HWPROBE_KEY_TIME_CSR_FREQ = 8,
        RISCV_HWPROBE_KEY_MISALIGNED_SCALAR_PERF = 9,
        RISCV_HWPROBE_KEY_MISALIGNED_VECTOR_PERF = 10,
        RISCV_HWPROBE_KEY_VENDOR_EXT_THEAD_0 = 11,
        RISCV_HWPROBE_KEY_ZICBOM_BLOCK_SIZE = 12,
        RISCV_HWPROBE_KEY_VENDOR_EXT_SIFIVE_0 = 13,
        RISCV_HWPROBE_KEY_VENDOR_EXT_MIPS_0 = 14,
        RISCV_HWPROBE_KEY_ZICBOP_BLOCK_SIZE = 15,
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
