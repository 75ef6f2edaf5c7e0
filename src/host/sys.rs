//! The passthrough system calls of the host: which of their arguments are pointers, and how much memory the kernel
//! accesses there. Calls that change mappings, signal handlers or threads are not included.
//!
//! This is the only description of them. The kernel interface passes a guest's arguments by it, and its own table,
//! which says how arguments are shown, is checked against it when it is compiled.

/// System call numbers. `libc` lacks the newest ones.
#[allow(non_upper_case_globals, reason = "the names are libc's")]
mod numbers {
    pub use libc::*;

    pub const SYS_cachestat: c_long = 451;
    pub const SYS_futex_wake: c_long = 454;
    pub const SYS_futex_wait: c_long = 455;
    pub const SYS_statmount: c_long = 457;
    pub const SYS_listmount: c_long = 458;
    pub const SYS_lsm_get_self_attr: c_long = 459;
    pub const SYS_lsm_set_self_attr: c_long = 460;
    pub const SYS_lsm_list_modules: c_long = 461;
    pub const SYS_listxattrat: c_long = 465;
    pub const SYS_removexattrat: c_long = 466;
    pub const SYS_open_tree_attr: c_long = 467;
    pub const SYS_file_getattr: c_long = 468;
    pub const SYS_file_setattr: c_long = 469;
    pub const SYS_listns: c_long = 470;
}

/// How much memory the kernel may access at a pointer argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// As many bytes as the argument of this index says.
    Arg(usize),
    /// As many bytes as the low 32 bits of the argument of this index say.
    Int(usize),
    /// As many elements of this size as the argument of this index says. The kernel uses its low 32 bits or rejects
    /// larger values.
    Items(usize, u64),
    /// As many iovecs, in a borrowed slice, as the argument of this index says.
    Vector(usize),
    /// The pages of a range, of as many bytes as the argument of this index says. The kernel changes the state of the
    /// pages.
    Range(usize),
    /// One byte per page of a range, of as many bytes as the argument of this index says.
    Pages(usize),
    /// A set of memory nodes: whole words, for one bit less than the argument of this index says.
    Nodes(usize),
    /// This many bytes.
    Fixed(u64),
    /// Up to a terminating zero.
    CString,
    /// A socket address: as far as memory tells, and no further than `struct sockaddr_storage`.
    Address,
    /// An amount that only memory determines. Only guest memory is accepted.
    Open,
}

impl Extent {
    /// The number of bytes; `None` if the arguments do not determine it.
    #[inline]
    pub fn bytes(self, numbers: &[u64; 6]) -> Option<u64> {
        const PAGE: u64 = 4096;
        Some(match self {
            Extent::Arg(n) | Extent::Range(n) => numbers[n],
            Extent::Int(n) => u64::from(numbers[n] as u32),
            Extent::Items(n, size) => u64::from(numbers[n] as u32) * size,
            Extent::Pages(n) => numbers[n].div_ceil(PAGE),
            // The kernel rejects more than a page of bits before it reads any.
            Extent::Nodes(n) if numbers[n] > PAGE * 8 + 1 => 0,
            Extent::Nodes(n) => numbers[n].saturating_sub(1).div_ceil(64) * 8,
            Extent::Fixed(n) => n,
            // Only a slice of iovecs is accepted.
            Extent::Vector(_) => u64::MAX,
            Extent::CString | Extent::Address | Extent::Open => return None,
        })
    }

    /// Whether the kernel accesses no memory of remu's through a null pointer.
    pub fn may_be_null(self, numbers: &[u64; 6]) -> bool {
        match self {
            // A range that starts at address 0 may be long enough to reach remu's memory.
            Extent::Range(n) => numbers[n] == 0,
            _ => true,
        }
    }
}

/// The kernel's use of a pointer argument.
#[derive(Clone, Copy, Debug)]
pub struct Pointer {
    /// The index of the argument.
    pub arg: usize,
    /// Whether the kernel may write to the memory.
    pub written: bool,
    /// How much memory the kernel may access.
    pub extent: Extent,
}

/// A host call, with its pointer arguments.
pub(super) trait HostCall: Copy + std::fmt::Debug {
    /// The host's number.
    fn number(self) -> libc::c_long;

    /// The arguments that are pointers.
    fn pointers(self) -> &'static [Pointer];
}

macro_rules! calls {
    ($(#[$meta:meta])* $vis:vis enum $table:ident;
     $($(#[$doc:meta])* $name:ident = $nr:ident [$($arg:literal $dir:ident $extent:expr),*];)*) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $table { $($(#[$doc])* $name,)* }

        impl $table {
            /// The arguments that are pointers.
            $vis const fn pointers(self) -> &'static [Pointer] {
                use Extent::*;
                match self {
                    $($table::$name => &[$(Pointer { arg: $arg, written: calls!(@ $dir), extent: $extent }),*],)*
                }
            }
        }

        impl HostCall for $table {
            fn number(self) -> libc::c_long {
                match self { $($table::$name => numbers::$nr,)* }
            }

            fn pointers(self) -> &'static [Pointer] {
                $table::pointers(self)
            }
        }
    };
    (@ reads) => { false };
    (@ writes) => { true };
}

// The columns: the number by name and, for each pointer argument, its index, whether the kernel reads or writes the
// memory, and how much.
calls! {
    /// The host calls whose arguments mean the same in every call.
    pub enum Sys;
    /// setxattr(2)
    Setxattr = SYS_setxattr [0 reads CString, 1 reads CString, 2 reads Arg(3)];
    /// lsetxattr(2)
    Lsetxattr = SYS_lsetxattr [0 reads CString, 1 reads CString, 2 reads Arg(3)];
    /// fsetxattr(2)
    Fsetxattr = SYS_fsetxattr [1 reads CString, 2 reads Arg(3)];
    /// getxattr(2)
    Getxattr = SYS_getxattr [0 reads CString, 1 reads CString, 2 writes Arg(3)];
    /// lgetxattr(2)
    Lgetxattr = SYS_lgetxattr [0 reads CString, 1 reads CString, 2 writes Arg(3)];
    /// fgetxattr(2)
    Fgetxattr = SYS_fgetxattr [1 reads CString, 2 writes Arg(3)];
    /// listxattr(2)
    Listxattr = SYS_listxattr [0 reads CString, 1 writes Arg(2)];
    /// llistxattr(2)
    Llistxattr = SYS_llistxattr [0 reads CString, 1 writes Arg(2)];
    /// flistxattr(2)
    Flistxattr = SYS_flistxattr [1 writes Arg(2)];
    /// removexattr(2)
    Removexattr = SYS_removexattr [0 reads CString, 1 reads CString];
    /// lremovexattr(2)
    Lremovexattr = SYS_lremovexattr [0 reads CString, 1 reads CString];
    /// fremovexattr(2)
    Fremovexattr = SYS_fremovexattr [1 reads CString];
    /// getcwd(2)
    Getcwd = SYS_getcwd [0 writes Arg(1)];
    /// eventfd2(2)
    Eventfd2 = SYS_eventfd2 [];
    /// epoll_create1(2)
    EpollCreate1 = SYS_epoll_create1 [];
    /// dup(2)
    Dup = SYS_dup [];
    /// inotify_init1(2)
    InotifyInit1 = SYS_inotify_init1 [];
    /// inotify_add_watch(2)
    InotifyAddWatch = SYS_inotify_add_watch [1 reads CString];
    /// inotify_rm_watch(2)
    InotifyRmWatch = SYS_inotify_rm_watch [];
    /// ioprio_set(2)
    IoprioSet = SYS_ioprio_set [];
    /// ioprio_get(2)
    IoprioGet = SYS_ioprio_get [];
    /// flock(2)
    Flock = SYS_flock [];
    /// mknodat(2)
    Mknodat = SYS_mknodat [1 reads CString];
    /// mkdirat(2)
    Mkdirat = SYS_mkdirat [1 reads CString];
    /// unlinkat(2)
    Unlinkat = SYS_unlinkat [1 reads CString];
    /// symlinkat(2)
    Symlinkat = SYS_symlinkat [0 reads CString, 2 reads CString];
    /// linkat(2)
    Linkat = SYS_linkat [1 reads CString, 3 reads CString];
    /// umount2(2)
    Umount2 = SYS_umount2 [0 reads CString];
    /// mount(2)
    Mount = SYS_mount [0 reads CString, 1 reads CString, 2 reads CString, 4 reads Open];
    /// pivot_root(2)
    PivotRoot = SYS_pivot_root [0 reads CString, 1 reads CString];
    /// statfs(2)
    Statfs = SYS_statfs [0 reads CString, 1 writes Fixed(120)];
    /// fstatfs(2)
    Fstatfs = SYS_fstatfs [1 writes Fixed(120)];
    /// truncate(2)
    Truncate = SYS_truncate [0 reads CString];
    /// ftruncate(2)
    Ftruncate = SYS_ftruncate [];
    /// fallocate(2)
    Fallocate = SYS_fallocate [];
    /// faccessat(2)
    Faccessat = SYS_faccessat [1 reads CString];
    /// chdir(2)
    Chdir = SYS_chdir [0 reads CString];
    /// fchdir(2)
    Fchdir = SYS_fchdir [];
    /// chroot(2)
    Chroot = SYS_chroot [0 reads CString];
    /// fchmod(2)
    Fchmod = SYS_fchmod [];
    /// fchmodat(2)
    Fchmodat = SYS_fchmodat [1 reads CString];
    /// fchownat(2)
    Fchownat = SYS_fchownat [1 reads CString];
    /// fchown(2)
    Fchown = SYS_fchown [];
    /// close(2)
    Close = SYS_close [];
    /// vhangup(2)
    Vhangup = SYS_vhangup [];
    /// pipe2(2)
    Pipe2 = SYS_pipe2 [0 writes Fixed(8)];
    /// getdents64(2)
    Getdents64 = SYS_getdents64 [1 writes Int(2)];
    /// lseek(2)
    Lseek = SYS_lseek [];
    /// read(2)
    Read = SYS_read [1 writes Arg(2)];
    /// write(2)
    Write = SYS_write [1 reads Arg(2)];
    /// pread64(2)
    Pread64 = SYS_pread64 [1 writes Arg(2)];
    /// pwrite64(2)
    Pwrite64 = SYS_pwrite64 [1 reads Arg(2)];
    /// sendfile(2)
    Sendfile = SYS_sendfile [2 writes Fixed(8)];
    /// splice(2)
    Splice = SYS_splice [1 writes Fixed(8), 3 writes Fixed(8)];
    /// tee(2)
    Tee = SYS_tee [];
    /// sync(2)
    Sync = SYS_sync [];
    /// fsync(2)
    Fsync = SYS_fsync [];
    /// fdatasync(2)
    Fdatasync = SYS_fdatasync [];
    /// sync_file_range(2)
    SyncFileRange = SYS_sync_file_range [];
    /// timerfd_create(2)
    TimerfdCreate = SYS_timerfd_create [];
    /// timerfd_settime(2)
    TimerfdSettime = SYS_timerfd_settime [2 reads Fixed(32), 3 writes Fixed(32)];
    /// timerfd_gettime(2)
    TimerfdGettime = SYS_timerfd_gettime [1 writes Fixed(32)];
    /// utimensat(2)
    Utimensat = SYS_utimensat [1 reads CString, 2 reads Fixed(32)];
    /// acct(2)
    Acct = SYS_acct [0 reads CString];
    /// capget(2)
    Capget = SYS_capget [0 writes Fixed(8), 1 writes Fixed(24)];
    /// capset(2)
    Capset = SYS_capset [0 writes Fixed(8), 1 reads Fixed(24)];
    /// waitid(2)
    Waitid = SYS_waitid [2 writes Fixed(128), 4 writes Fixed(144)];
    /// nanosleep(2)
    Nanosleep = SYS_nanosleep [0 reads Fixed(16), 1 writes Fixed(16)];
    /// getitimer(2)
    Getitimer = SYS_getitimer [1 writes Fixed(32)];
    /// clock_settime(2)
    ClockSettime = SYS_clock_settime [1 reads Fixed(16)];
    /// clock_nanosleep(2)
    ClockNanosleep = SYS_clock_nanosleep [2 reads Fixed(16), 3 writes Fixed(16)];
    /// syslog(2)
    Syslog = SYS_syslog [1 writes Int(2)];
    /// sched_setparam(2)
    SchedSetparam = SYS_sched_setparam [1 reads Fixed(4)];
    /// sched_setscheduler(2)
    SchedSetscheduler = SYS_sched_setscheduler [2 reads Fixed(4)];
    /// sched_getscheduler(2)
    SchedGetscheduler = SYS_sched_getscheduler [];
    /// sched_getparam(2)
    SchedGetparam = SYS_sched_getparam [1 writes Fixed(4)];
    /// sched_setaffinity(2)
    SchedSetaffinity = SYS_sched_setaffinity [2 reads Int(1)];
    /// sched_getaffinity(2)
    SchedGetaffinity = SYS_sched_getaffinity [2 writes Int(1)];
    /// sched_yield(2)
    SchedYield = SYS_sched_yield [];
    /// sched_get_priority_max(2)
    SchedGetPriorityMax = SYS_sched_get_priority_max [];
    /// sched_get_priority_min(2)
    SchedGetPriorityMin = SYS_sched_get_priority_min [];
    /// sched_rr_get_interval(2)
    SchedRrGetInterval = SYS_sched_rr_get_interval [1 writes Fixed(16)];
    /// setpriority(2)
    Setpriority = SYS_setpriority [];
    /// getpriority(2)
    Getpriority = SYS_getpriority [];
    /// setregid(2)
    Setregid = SYS_setregid [];
    /// setgid(2)
    Setgid = SYS_setgid [];
    /// setreuid(2)
    Setreuid = SYS_setreuid [];
    /// setuid(2)
    Setuid = SYS_setuid [];
    /// setresuid(2)
    Setresuid = SYS_setresuid [];
    /// getresuid(2)
    Getresuid = SYS_getresuid [0 writes Fixed(4), 1 writes Fixed(4), 2 writes Fixed(4)];
    /// setresgid(2)
    Setresgid = SYS_setresgid [];
    /// getresgid(2)
    Getresgid = SYS_getresgid [0 writes Fixed(4), 1 writes Fixed(4), 2 writes Fixed(4)];
    /// setfsuid(2)
    Setfsuid = SYS_setfsuid [];
    /// setfsgid(2)
    Setfsgid = SYS_setfsgid [];
    /// times(2)
    Times = SYS_times [0 writes Fixed(32)];
    /// setpgid(2)
    Setpgid = SYS_setpgid [];
    /// getpgid(2)
    Getpgid = SYS_getpgid [];
    /// getsid(2)
    Getsid = SYS_getsid [];
    /// setsid(2)
    Setsid = SYS_setsid [];
    /// getgroups(2)
    Getgroups = SYS_getgroups [1 writes Items(0, 4)];
    /// setgroups(2)
    Setgroups = SYS_setgroups [1 reads Items(0, 4)];
    /// sethostname(2)
    Sethostname = SYS_sethostname [0 reads Int(1)];
    /// setdomainname(2)
    Setdomainname = SYS_setdomainname [0 reads Int(1)];
    /// getrusage(2)
    Getrusage = SYS_getrusage [1 writes Fixed(144)];
    /// umask(2)
    Umask = SYS_umask [];
    /// getcpu(2)
    Getcpu = SYS_getcpu [0 writes Fixed(4), 1 writes Fixed(4)];
    /// gettimeofday(2)
    Gettimeofday = SYS_gettimeofday [0 writes Fixed(16), 1 writes Fixed(8)];
    /// settimeofday(2)
    Settimeofday = SYS_settimeofday [0 reads Fixed(16), 1 reads Fixed(8)];
    /// adjtimex(2)
    Adjtimex = SYS_adjtimex [0 writes Fixed(208)];
    /// getpid(2)
    Getpid = SYS_getpid [];
    /// getppid(2)
    Getppid = SYS_getppid [];
    /// getuid(2)
    Getuid = SYS_getuid [];
    /// geteuid(2)
    Geteuid = SYS_geteuid [];
    /// getgid(2)
    Getgid = SYS_getgid [];
    /// getegid(2)
    Getegid = SYS_getegid [];
    /// gettid(2)
    Gettid = SYS_gettid [];
    /// sysinfo(2)
    Sysinfo = SYS_sysinfo [0 writes Fixed(112)];
    /// mq_open(2)
    MqOpen = SYS_mq_open [0 reads CString, 3 reads Fixed(64)];
    /// mq_unlink(2)
    MqUnlink = SYS_mq_unlink [0 reads CString];
    /// mq_timedsend(2)
    MqTimedsend = SYS_mq_timedsend [1 reads Arg(2), 4 reads Fixed(16)];
    /// mq_timedreceive(2)
    MqTimedreceive = SYS_mq_timedreceive [1 writes Arg(2), 3 writes Fixed(4), 4 reads Fixed(16)];
    /// mq_getsetattr(2)
    MqGetsetattr = SYS_mq_getsetattr [1 reads Fixed(64), 2 writes Fixed(64)];
    /// socket(2)
    Socket = SYS_socket [];
    /// socketpair(2)
    Socketpair = SYS_socketpair [3 writes Fixed(8)];
    /// bind(2)
    Bind = SYS_bind [1 reads Int(2)];
    /// listen(2)
    Listen = SYS_listen [];
    /// accept(2)
    Accept = SYS_accept [1 writes Address, 2 writes Fixed(4)];
    /// connect(2)
    Connect = SYS_connect [1 reads Int(2)];
    /// getsockname(2)
    Getsockname = SYS_getsockname [1 writes Address, 2 writes Fixed(4)];
    /// getpeername(2)
    Getpeername = SYS_getpeername [1 writes Address, 2 writes Fixed(4)];
    /// sendto(2)
    Sendto = SYS_sendto [1 reads Arg(2), 4 reads Int(5)];
    /// recvfrom(2)
    Recvfrom = SYS_recvfrom [1 writes Arg(2), 4 writes Address, 5 writes Fixed(4)];
    /// shutdown(2)
    Shutdown = SYS_shutdown [];
    /// readahead(2)
    Readahead = SYS_readahead [];
    /// fadvise64(2)
    Fadvise64 = SYS_fadvise64 [];
    /// accept4(2)
    Accept4 = SYS_accept4 [1 writes Address, 2 writes Fixed(4)];
    /// wait4(2)
    Wait4 = SYS_wait4 [1 writes Fixed(4), 3 writes Fixed(144)];
    /// clock_adjtime(2)
    ClockAdjtime = SYS_clock_adjtime [1 writes Fixed(208)];
    /// syncfs(2)
    Syncfs = SYS_syncfs [];
    /// sched_setattr(2)
    SchedSetattr = SYS_sched_setattr [1 writes Open];
    /// sched_getattr(2)
    SchedGetattr = SYS_sched_getattr [1 writes Int(2)];
    /// renameat2(2)
    Renameat2 = SYS_renameat2 [1 reads CString, 3 reads CString];
    /// getrandom(2)
    Getrandom = SYS_getrandom [0 writes Arg(1)];
    /// memfd_create(2)
    MemfdCreate = SYS_memfd_create [0 reads CString];
    /// membarrier(2)
    Membarrier = SYS_membarrier [];
    /// copy_file_range(2)
    CopyFileRange = SYS_copy_file_range [1 writes Fixed(8), 3 writes Fixed(8)];
    /// statx(2)
    Statx = SYS_statx [1 reads CString, 4 writes Fixed(256)];
    /// pidfd_open(2)
    PidfdOpen = SYS_pidfd_open [];
    /// faccessat2(2)
    Faccessat2 = SYS_faccessat2 [1 reads CString];
    /// fchmodat2(2)
    Fchmodat2 = SYS_fchmodat2 [1 reads CString];
    /// openat(2)
    Openat = SYS_openat [1 reads CString];
    /// readlinkat(2)
    Readlinkat = SYS_readlinkat [1 reads CString, 2 writes Int(3)];
    /// openat2(2)
    Openat2 = SYS_openat2 [1 reads CString, 2 reads Arg(3)];
    /// dup3(2)
    Dup3 = SYS_dup3 [];
    /// close_range(2)
    CloseRange = SYS_close_range [];
    /// ppoll(2)
    Ppoll = SYS_ppoll [0 writes Items(1, 8), 2 writes Fixed(16), 3 reads Fixed(8)];
    /// setitimer(2)
    Setitimer = SYS_setitimer [1 reads Fixed(32), 2 writes Fixed(32)];
    /// epoll_ctl(2), with the host's structure
    EpollCtl = SYS_epoll_ctl [3 reads Fixed(12)];
    /// madvise(2)
    Madvise = SYS_madvise [0 writes Range(1)];
    /// msync(2)
    Msync = SYS_msync [0 reads Range(1)];
    /// mincore(2)
    Mincore = SYS_mincore [0 reads Range(1), 2 writes Pages(1)];
    /// kill(2)
    Kill = SYS_kill [];
    /// tkill(2)
    Tkill = SYS_tkill [];
    /// tgkill(2)
    Tgkill = SYS_tgkill [];
    /// rt_sigqueueinfo(2)
    RtSigqueueinfo = SYS_rt_sigqueueinfo [2 reads Fixed(128)];
    /// rt_tgsigqueueinfo(2)
    RtTgsigqueueinfo = SYS_rt_tgsigqueueinfo [3 reads Fixed(128)];
    /// pidfd_send_signal(2)
    PidfdSendSignal = SYS_pidfd_send_signal [2 reads Fixed(128)];
    /// signalfd4(2)
    Signalfd4 = SYS_signalfd4 [1 reads Fixed(8)];
    /// timer_create(2)
    TimerCreate = SYS_timer_create [1 reads Fixed(64), 2 writes Fixed(4)];
    /// timer_gettime(2)
    TimerGettime = SYS_timer_gettime [1 writes Fixed(32)];
    /// timer_getoverrun(2)
    TimerGetoverrun = SYS_timer_getoverrun [];
    /// timer_settime(2)
    TimerSettime = SYS_timer_settime [2 reads Fixed(32), 3 writes Fixed(32)];
    /// timer_delete(2)
    TimerDelete = SYS_timer_delete [];
    /// prlimit(2)
    Prlimit64 = SYS_prlimit64 [2 reads Fixed(16), 3 writes Fixed(16)];
    /// shmget(2)
    Shmget = SYS_shmget [];
    /// shmctl(2)
    Shmctl = SYS_shmctl [2 writes Open];
    /// shmctl(2) with a `shmid64_ds`
    ShmctlStatus = SYS_shmctl [2 writes Fixed(112)];
    /// semget(2)
    Semget = SYS_semget [];
    /// semtimedop(2), and semop(2) without a timeout
    Semtimedop = SYS_semtimedop [1 reads Items(2, 6), 3 reads Fixed(16)];
    /// msgget(2)
    Msgget = SYS_msgget [];
    /// msgctl(2)
    Msgctl = SYS_msgctl [2 writes Open];
    /// msgsnd(2)
    Msgsnd = SYS_msgsnd [1 reads Open];
    /// msgrcv(2)
    Msgrcv = SYS_msgrcv [1 writes Open];
    /// readv(2)
    Readv = SYS_readv [1 reads Vector(2)];
    /// writev(2)
    Writev = SYS_writev [1 reads Vector(2)];
    /// preadv2(2); the first half of the offset holds all of it
    Preadv2 = SYS_preadv2 [1 reads Vector(2)];
    /// pwritev2(2), likewise
    Pwritev2 = SYS_pwritev2 [1 reads Vector(2)];
    /// vmsplice(2)
    Vmsplice = SYS_vmsplice [1 reads Vector(2)];
    /// process_vm_readv(2)
    ProcessVmReadv = SYS_process_vm_readv [1 reads Vector(2), 3 reads Vector(4)];
    /// process_vm_writev(2)
    ProcessVmWritev = SYS_process_vm_writev [1 reads Vector(2), 3 reads Vector(4)];
    /// process_madvise(2) on another process
    ProcessMadvise = SYS_process_madvise [1 reads Vector(2)];
    /// quotactl_fd(2)
    QuotactlFd = SYS_quotactl_fd [3 writes Open];
    /// unshare(2)
    Unshare = SYS_unshare [];
    /// setns(2)
    Setns = SYS_setns [];
    /// swapon(2)
    Swapon = SYS_swapon [0 reads CString];
    /// swapoff(2)
    Swapoff = SYS_swapoff [0 reads CString];
    /// reboot(2)
    Reboot = SYS_reboot [3 reads CString];
    /// add_key(2)
    AddKey = SYS_add_key [0 reads CString, 1 reads CString, 2 reads Arg(3)];
    /// request_key(2)
    RequestKey = SYS_request_key [0 reads CString, 1 reads CString, 2 reads CString];
    /// mbind(2)
    Mbind = SYS_mbind [0 reads Range(1), 3 reads Nodes(4)];
    /// get_mempolicy(2)
    GetMempolicy = SYS_get_mempolicy [0 writes Fixed(4), 1 writes Nodes(2), 3 reads Fixed(1)];
    /// set_mempolicy(2)
    SetMempolicy = SYS_set_mempolicy [1 reads Nodes(2)];
    /// set_mempolicy_home_node(2)
    SetMempolicyHomeNode = SYS_set_mempolicy_home_node [0 reads Range(1)];
    /// migrate_pages(2)
    MigratePages = SYS_migrate_pages [2 reads Nodes(1), 3 reads Nodes(1)];
    /// fanotify_init(2)
    FanotifyInit = SYS_fanotify_init [];
    /// fanotify_mark(2)
    FanotifyMark = SYS_fanotify_mark [4 reads CString];
    /// name_to_handle_at(2)
    NameToHandleAt = SYS_name_to_handle_at [1 reads CString, 2 writes Open, 3 writes Open];
    /// open_by_handle_at(2)
    OpenByHandleAt = SYS_open_by_handle_at [1 reads Open];
    /// pidfd_getfd(2)
    PidfdGetfd = SYS_pidfd_getfd [];
    /// process_mrelease(2)
    ProcessMrelease = SYS_process_mrelease [];
    /// open_tree(2)
    OpenTree = SYS_open_tree [1 reads CString];
    /// open_tree_attr(2)
    OpenTreeAttr = SYS_open_tree_attr [1 reads CString, 3 reads Arg(4)];
    /// move_mount(2)
    MoveMount = SYS_move_mount [1 reads CString, 3 reads CString];
    /// fsopen(2)
    Fsopen = SYS_fsopen [0 reads CString];
    /// fsmount(2)
    Fsmount = SYS_fsmount [];
    /// fspick(2)
    Fspick = SYS_fspick [1 reads CString];
    /// mount_setattr(2)
    MountSetattr = SYS_mount_setattr [1 reads CString, 3 reads Arg(4)];
    /// memfd_secret(2)
    MemfdSecret = SYS_memfd_secret [];
    /// futex_wake(2)
    FutexWake = SYS_futex_wake [0 reads Open];
    /// futex_wait(2)
    FutexWaitOne = SYS_futex_wait [0 reads Open, 4 reads Fixed(16)];
    /// cachestat(2)
    Cachestat = SYS_cachestat [1 reads Fixed(16), 2 writes Fixed(40)];
    /// statmount(2)
    Statmount = SYS_statmount [0 reads Open, 1 writes Arg(2)];
    /// listmount(2)
    Listmount = SYS_listmount [0 reads Open, 1 writes Items(2, 8)];
    /// listns(2)
    Listns = SYS_listns [0 reads Open, 1 writes Items(2, 8)];
    /// lsm_get_self_attr(2)
    LsmGetSelfAttr = SYS_lsm_get_self_attr [1 writes Open, 2 writes Fixed(4)];
    /// lsm_set_self_attr(2)
    LsmSetSelfAttr = SYS_lsm_set_self_attr [1 reads Int(2)];
    /// lsm_list_modules(2)
    LsmListModules = SYS_lsm_list_modules [0 writes Open, 1 writes Fixed(4)];
    /// listxattrat(2)
    Listxattrat = SYS_listxattrat [1 reads CString, 3 writes Arg(4)];
    /// removexattrat(2)
    Removexattrat = SYS_removexattrat [1 reads CString, 3 reads CString];
    /// file_getattr(2)
    FileGetattr = SYS_file_getattr [1 reads CString, 2 writes Arg(3)];
    /// file_setattr(2)
    FileSetattr = SYS_file_setattr [1 reads CString, 2 reads Arg(3)];
}

// The arguments of these mean what a request among them says: only `requests` makes them.
calls! {
    /// The host calls with one shape of arguments.
    pub(super) enum ByRequest;
    IoctlNumber = SYS_ioctl [];
    IoctlStruct = SYS_ioctl [2 writes Open];
    FcntlNumber = SYS_fcntl [];
    FcntlStruct = SYS_fcntl [2 writes Open];
    PrctlNumbers = SYS_prctl [];
    PrctlPointer = SYS_prctl [1 writes Open];
    KcmpNumbers = SYS_kcmp [];
    KcmpEpoll = SYS_kcmp [4 reads Fixed(12)];
    SemctlNumber = SYS_semctl [];
    SemctlArray = SYS_semctl [3 writes Open];
    SemctlStatus = SYS_semctl [3 writes Fixed(104)];
    FutexWait = SYS_futex [0 writes Fixed(4), 3 reads Fixed(16)];
    FutexWaitRequeue = SYS_futex [0 writes Fixed(4), 3 reads Fixed(16), 4 writes Fixed(4)];
    FutexRequeue = SYS_futex [0 writes Fixed(4), 4 writes Fixed(4)];
    SetOption = SYS_setsockopt [3 reads Int(4)];
    GetOption = SYS_getsockopt [3 writes Open, 4 writes Fixed(4)];
    QuotaFile = SYS_quotactl [1 reads CString, 3 reads CString];
    QuotaPlain = SYS_quotactl [1 reads CString, 3 writes Open];
    FsconfigBinary = SYS_fsconfig [2 reads CString, 3 reads Int(4)];
    FsconfigPath = SYS_fsconfig [2 reads CString, 3 reads CString];
    FsconfigValue = SYS_fsconfig [2 reads CString, 3 reads Open];
    KeyctlNumbers = SYS_keyctl [];
    KeyctlSession = SYS_keyctl [1 reads CString];
    KeyctlCapabilities = SYS_keyctl [1 writes Arg(2)];
    KeyctlBuffer = SYS_keyctl [2 writes Arg(3)];
    KeyctlIovecs = SYS_keyctl [2 reads Vector(3)];
    KeyctlStrings = SYS_keyctl [2 reads CString, 3 reads CString];
    KeyctlQuery = SYS_keyctl [3 reads CString, 4 writes Fixed(56)];
    KeyctlCrypt = SYS_keyctl [1 reads Fixed(40), 2 reads CString, 3 reads Open, 4 writes Open];
    KeyctlAgree = SYS_keyctl [1 reads Fixed(12), 2 writes Arg(3)];
}
