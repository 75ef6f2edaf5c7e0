//! System calls handed through to the host kernel.
//!
//! A system call can be made safely where the kernel touches no memory but what its pointer
//! arguments name. For each call in [`Sys`] the table says which arguments are pointers; only a
//! checked pointer is accepted there: guest memory ([`GuestPtr`], which Rust never refers to), or a
//! slice the caller lends. Calls that change mappings, signals or threads are not in the table.

use rustix::io::Errno;

/// An address inside the guest's window, for the host kernel to follow. Only `memory` makes one.
#[derive(Clone, Copy, Debug)]
pub struct GuestPtr(*mut u8);

impl GuestPtr {
    /// An address that the host kernel refuses: what becomes of a guest address that no guest memory
    /// can be at, so that it is the kernel that answers EFAULT, and after what else it checks.
    pub const BAD: GuestPtr = GuestPtr(std::ptr::without_provenance_mut(1 << 63));

    /// Takes a host address on trust.
    ///
    /// # Safety
    /// As many bytes as the system call it is used in may access must lie within the guest's
    /// window, or be refused by the host kernel.
    pub unsafe fn new(p: *mut u8) -> Self {
        Self(p)
    }
}

/// The number behind a checked pointer, for a structure that the kernel follows.
pub(super) fn raw_pointer(p: GuestPtr) -> u64 {
    p.0 as u64
}

/// An element of a scatter/gather list in guest memory, in the kernel's layout.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct IoVec {
    base: GuestPtr,
    len: usize,
}

impl IoVec {
    /// `len` bytes at `base`.
    ///
    /// # Safety
    /// The whole range must lie within the guest's window.
    pub unsafe fn new(base: GuestPtr, len: usize) -> Self {
        Self { base, len }
    }
}

/// An argument of a system call.
#[derive(Debug)]
pub enum SysArg<'a> {
    /// A number.
    Val(u64),
    /// A pointer to guest memory.
    Guest(GuestPtr),
    /// A pointer to bytes that the kernel reads; the callee's length argument must not exceed them.
    In(&'a [u8]),
    /// A pointer to bytes that the kernel writes; the callee's length argument must not exceed them.
    Out(&'a mut [u8]),
    /// The null pointer.
    Null,
}

/// How many bytes the kernel may access behind a pointer argument.
#[derive(Clone, Copy)]
enum Extent {
    /// As many as the argument of this index says.
    Arg(usize),
    /// So many.
    Fixed(usize),
    /// Up to a terminating zero.
    CString,
    /// As far as is not told by a single argument: guest memory only.
    Guest,
}

struct Pointer {
    arg: usize,
    written: bool,
    extent: Extent,
}

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident = $nr:ident [$($arg:literal $dir:ident $extent:expr),*];)*) => {
        /// The host calls that can be handed through.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Sys { $($(#[$doc])* $name,)* }

        impl Sys {
            fn number(self) -> libc::c_long {
                match self { $(Sys::$name => libc::$nr,)* }
            }

            fn pointers(self) -> &'static [Pointer] {
                use Extent::*;
                match self {
                    $(Sys::$name => &[$(Pointer { arg: $arg, written: calls!(@ $dir), extent: $extent }),*],)*
                }
            }
        }
    };
    (@ reads) => { false };
    (@ writes) => { true };
}

// The second column is the number by name; then, for each pointer argument, its index, what the
// kernel does with the memory, and how far it goes.
calls! {
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
    Mount = SYS_mount [0 reads CString, 1 reads CString, 2 reads CString, 4 reads CString];
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
    Getdents64 = SYS_getdents64 [1 writes Arg(2)];
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
    Syslog = SYS_syslog [1 writes Arg(2)];
    /// sched_setparam(2)
    SchedSetparam = SYS_sched_setparam [1 reads Fixed(4)];
    /// sched_setscheduler(2)
    SchedSetscheduler = SYS_sched_setscheduler [2 reads Fixed(4)];
    /// sched_getscheduler(2)
    SchedGetscheduler = SYS_sched_getscheduler [];
    /// sched_getparam(2)
    SchedGetparam = SYS_sched_getparam [1 writes Fixed(4)];
    /// sched_setaffinity(2)
    SchedSetaffinity = SYS_sched_setaffinity [2 reads Arg(1)];
    /// sched_getaffinity(2)
    SchedGetaffinity = SYS_sched_getaffinity [2 writes Arg(1)];
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
    Getgroups = SYS_getgroups [1 writes Guest];
    /// setgroups(2)
    Setgroups = SYS_setgroups [1 reads Guest];
    /// sethostname(2)
    Sethostname = SYS_sethostname [0 reads Arg(1)];
    /// setdomainname(2)
    Setdomainname = SYS_setdomainname [0 reads Arg(1)];
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
    Bind = SYS_bind [1 reads Arg(2)];
    /// listen(2)
    Listen = SYS_listen [];
    /// accept(2)
    Accept = SYS_accept [1 writes Guest, 2 writes Fixed(4)];
    /// connect(2)
    Connect = SYS_connect [1 reads Arg(2)];
    /// getsockname(2)
    Getsockname = SYS_getsockname [1 writes Guest, 2 writes Fixed(4)];
    /// getpeername(2)
    Getpeername = SYS_getpeername [1 writes Guest, 2 writes Fixed(4)];
    /// sendto(2)
    Sendto = SYS_sendto [1 reads Arg(2), 4 reads Arg(5)];
    /// recvfrom(2)
    Recvfrom = SYS_recvfrom [1 writes Arg(2), 4 writes Guest, 5 writes Fixed(4)];
    /// shutdown(2)
    Shutdown = SYS_shutdown [];
    /// readahead(2)
    Readahead = SYS_readahead [];
    /// fadvise64(2)
    Fadvise64 = SYS_fadvise64 [];
    /// accept4(2)
    Accept4 = SYS_accept4 [1 writes Guest, 2 writes Fixed(4)];
    /// wait4(2)
    Wait4 = SYS_wait4 [1 writes Fixed(4), 3 writes Fixed(144)];
    /// clock_adjtime(2)
    ClockAdjtime = SYS_clock_adjtime [1 writes Fixed(208)];
    /// syncfs(2)
    Syncfs = SYS_syncfs [];
    /// sched_setattr(2)
    SchedSetattr = SYS_sched_setattr [1 reads Fixed(56)];
    /// sched_getattr(2)
    SchedGetattr = SYS_sched_getattr [1 writes Arg(2)];
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
    Readlinkat = SYS_readlinkat [1 reads CString, 2 writes Arg(3)];
    /// openat2(2)
    Openat2 = SYS_openat2 [1 reads CString, 2 reads Arg(3)];
    /// dup3(2)
    Dup3 = SYS_dup3 [];
    /// fcntl(2) with a number
    Fcntl = SYS_fcntl [];
    /// fcntl(2) with a structure: a lock, an owner or a hint
    FcntlStruct = SYS_fcntl [2 writes Fixed(32)];
    /// ioctl(2) with a number
    Ioctl = SYS_ioctl [];
    /// ioctl(2) with a structure
    IoctlStruct = SYS_ioctl [2 writes Guest];
    /// close_range(2)
    CloseRange = SYS_close_range [];
    /// ppoll(2)
    Ppoll = SYS_ppoll [0 writes Guest, 2 writes Fixed(16), 3 reads Fixed(8)];
    /// setitimer(2)
    Setitimer = SYS_setitimer [1 reads Fixed(32), 2 writes Fixed(32)];
    /// futex(2) with a time limit
    FutexWait = SYS_futex [0 writes Fixed(4), 3 reads Fixed(16)];
    /// futex(2) with a second count and word
    FutexTwo = SYS_futex [0 writes Fixed(4), 4 writes Fixed(4)];
    /// setsockopt(2)
    Setsockopt = SYS_setsockopt [3 reads Arg(4)];
    /// getsockopt(2)
    Getsockopt = SYS_getsockopt [3 writes Guest, 4 writes Fixed(4)];
    /// epoll_ctl(2), with the host's structure
    EpollCtl = SYS_epoll_ctl [3 reads Fixed(12)];
    /// madvise(2)
    Madvise = SYS_madvise [0 writes Guest];
    /// msync(2)
    Msync = SYS_msync [0 reads Guest];
    /// mincore(2)
    Mincore = SYS_mincore [0 reads Guest, 2 writes Guest];
    /// kill(2)
    Kill = SYS_kill [];
    /// tkill(2)
    Tkill = SYS_tkill [];
    /// tgkill(2)
    Tgkill = SYS_tgkill [];
    /// prlimit(2)
    Prlimit64 = SYS_prlimit64 [2 reads Fixed(16), 3 writes Fixed(16)];
    /// prctl(2) with numbers only
    Prctl = SYS_prctl [];
    /// prctl(2) whose first argument is a name or where a number goes
    PrctlPointer = SYS_prctl [1 writes Guest];
}

/// Makes a host system call; arguments that are not given are zero.
///
/// # Panics
/// If an argument is not of the kind that the table asks for, or a slice is shorter than what the
/// kernel may access: a bug in the caller.
pub fn pass(call: Sys, args: &mut [SysArg<'_>]) -> Result<u64, Errno> {
    let mut raw = [0u64; 6];
    let mut numbers = [0u64; 6];
    for (number, arg) in numbers.iter_mut().zip(args.iter()) {
        *number = if let SysArg::Val(v) = arg { *v } else { 0 };
    }
    for (i, arg) in args.iter_mut().enumerate() {
        let pointer = call.pointers().iter().find(|p| p.arg == i);
        raw[i] = match (arg, pointer) {
            (SysArg::Val(v), None) => *v,
            (SysArg::Null, Some(_)) => 0,
            (SysArg::Guest(p), Some(_)) => p.0 as u64,
            (SysArg::In(s), Some(p)) if !p.written => {
                check_extent(call, p, s, &numbers);
                s.as_ptr() as u64
            }
            (SysArg::Out(s), Some(p)) => {
                check_extent(call, p, s, &numbers);
                s.as_mut_ptr() as u64
            }
            (arg, _) => panic!("{call:?}: argument {i} may not be {arg:?}"),
        };
    }
    // SAFETY: the calls in the table access no memory but through their pointer arguments, and each
    // of those is guest memory, null, or a live slice at least as long as the kernel's access and
    // mutable where the kernel writes: checked above.
    unsafe { syscall(call.number(), raw) }
}

fn check_extent(call: Sys, pointer: &Pointer, slice: &[u8], numbers: &[u64]) {
    let fits = match pointer.extent {
        Extent::Arg(n) => numbers[n] <= slice.len() as u64,
        Extent::Fixed(n) => n <= slice.len(),
        Extent::CString => slice.contains(&0),
        Extent::Guest => false,
    };
    assert!(fits, "{call:?}: the kernel may go past the {} bytes lent to it", slice.len());
}

/// A call on a scatter/gather list in guest memory: readv, writev, and their positioned forms with
/// the offset and flags in `rest` (both halves of the offset, as the kernel takes it).
pub fn pass_vectored(write: bool, fd: i32, list: &[IoVec], rest: Option<(u64, u64)>) -> Result<u64, Errno> {
    let number = match (write, rest) {
        (false, None) => libc::SYS_readv,
        (true, None) => libc::SYS_writev,
        (false, Some(_)) => libc::SYS_preadv2,
        (true, Some(_)) => libc::SYS_pwritev2,
    };
    let (offset, flags) = rest.unwrap_or((0, 0));
    // SAFETY: the list is a live slice in the kernel's layout, and each range in it lies within the
    // guest's window by the contract of `IoVec::new`.
    unsafe { syscall(number, [fd as u64, list.as_ptr() as u64, list.len() as u64, offset, 0, flags]) }
}

/// # Safety
/// The call with these arguments must not break Rust's view of memory.
pub(super) unsafe fn syscall(number: libc::c_long, a: [u64; 6]) -> Result<u64, Errno> {
    let result: i64;
    // SAFETY: the Linux system call convention of x86-64; what the call does is the caller's promise.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") a[0], in("rsi") a[1], in("rdx") a[2], in("r10") a[3], in("r8") a[4], in("r9") a[5],
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    if (-4095..0).contains(&result) { Err(Errno::from_raw_os_error(-result as i32)) } else { Ok(result as u64) }
}
