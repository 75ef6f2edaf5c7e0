//! The system calls of riscv64 Linux, one row each: the number, the name, the arguments, and what happens when a signal
//! interrupts the call. Brackets hold the format of the result (if it is not a plain number) and the implementation.
//!
//! * `pass` hands the call to the host kernel. Paths are looked up and descriptors checked as the argument kinds say,
//!   pointers as `host::Sys` says.
//! * `native` names our function.
//! * `part` names what is missing, then our function.
//! * `unimplemented` says why the call returns ENOSYS. `-d unimp` logs it.
//! * `required` is the same, and also tells the user, since programs seldom work without the call.
//! * `unsupported` is the same as `unimplemented`, without the log, for calls that every C library tries.

use super::abi::structs::*;
use super::strace::admin::*;
use super::strace::files::*;
use super::strace::flags::*;
use super::strace::ipc::*;
use super::strace::memory::*;
use super::strace::mounts::*;
use super::strace::processes::*;
use super::strace::seccomp::*;
use super::strace::special::*;
use super::sys::{
    admin, aio, clock, exec, fd, fs, futex, io_uring, ioctl, ipc, keys, mem, misc, net, numa, poll, prctl, process,
    program, robust, seccomp, signal, thread, vm, xattr,
};
use super::sysroot::Intent::*;
use super::table::ArgKind::*;
use super::table::FollowLink::*;
use super::table::{Restart, Row, Run, Shape, Support, descriptors, has_copies, passthrough};
use crate::host::Sys;

macro_rules! rows {
    ($($number:literal $name:ident($($arg:expr),*) $restart:ident [$($how:tt)*];)*) => {
        &[$(Row {
            number: $number,
            name: stringify!($name),
            args: &[$($arg),*],
            descriptors: descriptors(&[$($arg),*]),
            has_copies: has_copies(&[$($arg),*]),
            restart: Restart::$restart,
            shape: rows!(@shape $($how)*),
            support: rows!(@support $($how)*),
            run: rows!(@run [$($arg),*] $($how)*),
        }),*]
    };
    (@shape $shape:ident: $($how:tt)*) => { Shape::$shape };
    (@shape $($how:tt)*) => { Shape::Number };
    (@support $shape:ident: $($how:tt)*) => { rows!(@support $($how)*) };
    (@support pass $call:ident) => { Support::Full };
    (@support native $function:expr) => { Support::Full };
    (@support part $lacks:literal $function:expr) => { Support::Partial($lacks) };
    (@support unsupported $why:literal) => { Support::Unsupported($why) };
    (@support unimplemented $why:literal) => { Support::Unsupported($why) };
    (@support required $why:literal) => { Support::Unsupported($why) };
    (@run $args:tt $shape:ident: $($how:tt)*) => { rows!(@run $args $($how)*) };
    (@run $args:tt pass $call:ident) => { passthrough(&$args, Sys::$call) };
    (@run $args:tt native $function:expr) => { Run::Native($function) };
    (@run $args:tt part $lacks:literal $function:expr) => { Run::Native($function) };
    (@run $args:tt unsupported $why:literal) => { Run::Unsupported };
    (@run $args:tt unimplemented $why:literal) => { Run::Unimplemented };
    (@run $args:tt required $why:literal) => { Run::Required };
}

/// The table.
pub(super) static ROWS: &[Row] = rows! {
    0 io_setup(UInt, Ptr) Never [part "where guest addresses are not the host's, ENOSYS" aio::io_setup];
    1 io_destroy(Hex) Never [part "where guest addresses are not the host's, ENOSYS" aio::io_destroy];
    2 io_submit(Hex, Long, Ptr) Never [part "where guest addresses are not the host's, ENOSYS" aio::io_submit];
    3 io_cancel(Hex, Ptr, Ptr) Never [part "where guest addresses are not the host's, ENOSYS" aio::io_cancel];
    4 io_getevents(Hex, Long, Long, Ptr, In(&TIMESPEC)) Eintr [part "where guest addresses are not the host's, ENOSYS" aio::io_getevents];
    5 setxattr(Path(Follow, Change), Str, InBuf(3), Size, Flags(&XATTR)) Never [pass Setxattr];
    6 lsetxattr(Path(Keep, Change), Str, InBuf(3), Size, Flags(&XATTR)) Never [pass Lsetxattr];
    7 fsetxattr(ChangedFd, Str, InBuf(3), Size, Flags(&XATTR)) Never [pass Fsetxattr];
    8 getxattr(Path(Follow, Read), Str, OutBuf(3), Size) Never [pass Getxattr];
    9 lgetxattr(Path(Keep, Read), Str, OutBuf(3), Size) Never [pass Lgetxattr];
    10 fgetxattr(Fd, Str, OutBuf(3), Size) Never [pass Fgetxattr];
    11 listxattr(Path(Follow, Read), OutBuf(2), Size) Never [pass Listxattr];
    12 llistxattr(Path(Keep, Read), OutBuf(2), Size) Never [pass Llistxattr];
    13 flistxattr(Fd, OutBuf(2), Size) Never [pass Flistxattr];
    14 removexattr(Path(Follow, Change), Str) Never [pass Removexattr];
    15 lremovexattr(Path(Keep, Change), Str) Never [pass Lremovexattr];
    16 fremovexattr(ChangedFd, Str) Never [pass Fremovexattr];
    17 getcwd(OutStr(1), Size) Never [native fs::getcwd];
    18 lookup_dcookie(Hex, Ptr, Size) Never [unimplemented "removed from Linux, which also returns ENOSYS"];
    19 eventfd2(UInt, Flags(&EVENTFD)) Never [pass Eventfd2];
    20 epoll_create1(Flags(&EPOLL_CREATE)) Never [pass EpollCreate1];
    21 epoll_ctl(Fd, Enum(&EPOLL_OP), Fd, In(&EPOLL_EVENT)) Never [native poll::epoll_ctl];
    22 epoll_pwait(Fd, OutArray(&EPOLL_EVENT, 2), Int, Int, In(&SIGSET), Size) Eintr [native poll::epoll_pwait];
    23 dup(Fd) Never [pass Dup];
    24 dup3(Fd, Fd, Flags(&PIPE)) Never [native fd::dup3];
    25 fcntl(Fd, Enum(&FCNTL), Special(&FCNTL_ARG)) RestartSys
        [Fcntl: native fd::fcntl];
    26 inotify_init1(Flags(&INOTIFY)) Never [pass InotifyInit1];
    27 inotify_add_watch(Fd, Path(Follow, Read), Flags(&INOTIFY_MASK)) Never [pass InotifyAddWatch];
    28 inotify_rm_watch(Fd, Int) Never [pass InotifyRmWatch];
    29 ioctl(Fd, Special(&IOCTL_REQUEST), Special(&IOCTL_ARG)) RestartSys
        [part "device requests whose structures are unknown or contain addresses return ENOTTY" ioctl::ioctl];
    30 ioprio_set(Enum(&IOPRIO_WHO), Int, Special(&IO_PRIORITY)) Never [pass IoprioSet];
    31 ioprio_get(Enum(&IOPRIO_WHO), Int) Never [pass IoprioGet];
    32 flock(Fd, Flags(&FLOCK)) RestartSys [pass Flock];
    33 mknodat(DirFd, Path(Keep, Create), NodeMode, Special(&NODE_DEVICE)) Never [pass Mknodat];
    34 mkdirat(DirFd, Path(Keep, CreateDirectory), Mode) Never [pass Mkdirat];
    35 unlinkat(DirFd, Path(Keep, Remove), Flags(&AT_UNLINK)) Never [pass Unlinkat];
    36 symlinkat(Str, DirFd, Path(Keep, Create)) Never [pass Symlinkat];
    37 linkat(DirFd, Path(KeepUnless(4), Link), DirFd, Path(Keep, Create), Flags(&AT)) Never [pass Linkat];
    39 umount2(Path(Follow, Change), Flags(&UMOUNT)) Never [pass Umount2];
    40 mount(Str, Path(Follow, Change), Str, Flags(&MOUNT), Str) Never [native admin::mount];
    41 pivot_root(Path(Follow, Change), Path(Follow, Change)) Never [pass PivotRoot];
    42 nfsservctl(Int, Ptr, Ptr) Never [unimplemented "removed from Linux, which also returns ENOSYS"];
    43 statfs(Path(Follow, Read), Out(&STATFS)) Never [pass Statfs];
    44 fstatfs(Fd, Out(&STATFS)) Never [pass Fstatfs];
    45 truncate(Path(Follow, Truncate), Long) Never [native program::truncate];
    46 ftruncate(Fd, Long) Never [pass Ftruncate];
    47 fallocate(Fd, Flags(&FALLOCATE), Long, Long) RestartSys [pass Fallocate];
    48 faccessat(DirFd, Path(Follow, Read), Flags(&ACCESS)) Never [native fs::faccessat];
    49 chdir(Path(Follow, Read)) Never [pass Chdir];
    50 fchdir(Fd) Never [pass Fchdir];
    51 chroot(Path(Follow, Read)) Never [pass Chroot];
    52 fchmod(ChangedFd, Mode) Never [pass Fchmod];
    53 fchmodat(DirFd, Path(Follow, Change), Mode) Never [pass Fchmodat];
    54 fchownat(DirFd, Path(FollowUnless(4), Change), Int, Int, Flags(&AT)) Never [pass Fchownat];
    55 fchown(ChangedFd, Int, Int) Never [pass Fchown];
    56 openat(DirFd, Path(Follow, Read), Open, CreateMode) RestartSys [native fs::openat];
    57 close(Fd) Never [native fd::close];
    58 vhangup() Never [pass Vhangup];
    59 pipe2(Out(&INT_PAIR), Flags(&PIPE)) Never [pass Pipe2];
    60 quotactl(Special(&QUOTA_COMMAND), PathOrNull(Follow, Read), Special(&QUOTA_ID), Special(&QUOTA_ADDR)) Never [native admin::quotactl];
    61 getdents64(Fd, Dirents(2), Size) Never [native fs::getdents64];
    62 lseek(Fd, Long, Enum(&WHENCE)) Never [pass Lseek];
    63 read(Fd, OutBuf(2), Size) RestartSys [native fd::read];
    64 write(Fd, InBuf(2), Size) RestartSys [pass Write];
    65 readv(Fd, OutVec(2), Size) RestartSys [native fd::readv];
    66 writev(Fd, InVec(2), Size) RestartSys [native fd::writev];
    67 pread64(Fd, OutBuf(2), Size, Long) RestartSys [native fd::pread64];
    68 pwrite64(Fd, InBuf(2), Size, Long) RestartSys [pass Pwrite64];
    69 preadv(Fd, OutVec(2), Size, Long) RestartSys [native fd::preadv];
    70 pwritev(Fd, InVec(2), Size, Long) RestartSys [native fd::pwritev];
    71 sendfile(Fd, Fd, InOut(&LONG), Size) RestartSys [native fd::sendfile];
    72 pselect6(Int, Special(&FD_SET), Special(&FD_SET), Special(&FD_SET), InOut(&TIMESPEC), Special(&SELECT_MASK)) RestartNoHand
        [native poll::pselect6];
    73 ppoll(InOutArray(&POLLFD, 1), UInt, InOut(&TIMESPEC), In(&SIGSET), Size) RestartNoHand [native poll::ppoll];
    74 signalfd4(Fd, In(&SIGSET), Size, Flags(&SIGNALFD)) Never
        [part "SIGSEGV and SIGBUS from other processes are delivered, never read from the descriptor" signal::signalfd4];
    75 vmsplice(Fd, InVec(2), Size, Flags(&SPLICE)) RestartSys [native fd::vmsplice];
    76 splice(Fd, InOut(&LONG), Fd, InOut(&LONG), Size, Flags(&SPLICE)) RestartSys [native fd::splice];
    77 tee(Fd, Fd, Size, Flags(&SPLICE)) RestartSys [pass Tee];
    78 readlinkat(DirFd, Path(Keep, Read), OutStr(3), Size) Never [native fs::readlinkat];
    79 newfstatat(DirFd, PathOrNull(FollowUnless(3), Read), Out(&STAT), Flags(&AT)) Never [native fs::newfstatat];
    80 fstat(Fd, Out(&STAT)) Never [native fs::fstat];
    81 sync() Never [pass Sync];
    82 fsync(Fd) Never [pass Fsync];
    83 fdatasync(Fd) Never [pass Fdatasync];
    84 sync_file_range(Fd, Long, Long, Flags(&SYNC_RANGE)) Never [pass SyncFileRange];
    85 timerfd_create(Enum(&CLOCK), Flags(&TIMERFD)) Never [pass TimerfdCreate];
    86 timerfd_settime(Fd, Flags(&TIMERFD_SET), In(&ITIMERSPEC), Out(&ITIMERSPEC)) Never [pass TimerfdSettime];
    87 timerfd_gettime(Fd, Out(&ITIMERSPEC)) Never [pass TimerfdGettime];
    88 utimensat(DirFd, PathOrNull(FollowUnless(3), Change), In(&UTIMES), Flags(&AT)) Never [native fs::utimensat];
    89 acct(PathOrNull(Follow, OpenWith(libc::O_WRONLY))) Never [pass Acct];
    90 capget(In(&CAP_HEADER), Out(&CAP_DATA)) Never [pass Capget];
    91 capset(In(&CAP_HEADER), In(&CAP_DATA)) Never [pass Capset];
    92 personality(Special(&PERSONALITY_ARG)) Never
        [Hex: part "READ_IMPLIES_EXEC has no effect" process::personality];
    93 exit(Int) Never [NoReturn: native process::exit];
    94 exit_group(Int) Never [NoReturn: native process::exit_group];
    95 waitid(Enum(&WAITID), Int, Out(&SIGINFO), Flags(&WAIT), Out(&RUSAGE)) RestartSys [pass Waitid];
    96 set_tid_address(Ptr) Never [native process::set_tid_address];
    97 unshare(Flags(&NAMESPACE)) Never [pass Unshare];
    98 futex(Ptr, Special(&FUTEX_OP), UInt, Special(&FUTEX_ARG), Special(&FUTEX_WORD2), Special(&FUTEX_LAST))
        RestartBlock [native futex::futex];
    99 set_robust_list(Ptr, Size) Never
        [part "the locks of a killed owner are not marked where guest addresses are not the host's, nor those of a killed vfork child" robust::set_robust_list];
    100 get_robust_list(Int, Ptr, Ptr) Never [part "where guest addresses are not the host's, only the caller's own list can be read" robust::get_robust_list];
    101 nanosleep(In(&TIMESPEC), OutOnInterrupt(&TIMESPEC)) RestartBlock [pass Nanosleep];
    102 getitimer(Enum(&ITIMER), Out(&ITIMERVAL)) Never [pass Getitimer];
    103 setitimer(Enum(&ITIMER), In(&ITIMERVAL), Out(&ITIMERVAL)) Never [pass Setitimer];
    104 kexec_load(Hex, Size, Ptr, Hex) Never [unimplemented "the host cannot boot a kernel for the guest's CPU"];
    105 init_module(Ptr, Size, Str) Never [unimplemented "the host kernel cannot load modules built for the guest's CPU"];
    106 delete_module(Str, Hex) Never [unimplemented "the host kernel cannot load modules built for the guest's CPU"];
    107 timer_create(Enum(&CLOCK), In(&SIGEVENT), Out(&INT)) Never [pass TimerCreate];
    108 timer_gettime(Int, Out(&ITIMERSPEC)) Never [pass TimerGettime];
    109 timer_getoverrun(Int) Never [pass TimerGetoverrun];
    110 timer_settime(Int, Flags(&TIMER_FLAGS), In(&ITIMERSPEC), Out(&ITIMERSPEC)) Never [pass TimerSettime];
    111 timer_delete(Int) Never [pass TimerDelete];
    112 clock_settime(Enum(&CLOCK), In(&TIMESPEC)) Never [pass ClockSettime];
    113 clock_gettime(Enum(&CLOCK), Out(&TIMESPEC)) Never [native clock::clock_gettime];
    114 clock_getres(Enum(&CLOCK), Out(&TIMESPEC)) Never [native clock::clock_getres];
    115 clock_nanosleep(Enum(&CLOCK), Flags(&TIMER_FLAGS), In(&TIMESPEC), OutOnInterrupt(&TIMESPEC)) RestartBlock
        [pass ClockNanosleep];
    116 syslog(Enum(&SYSLOG), OutBuf(2), Int) RestartSys [pass Syslog];
    117 ptrace(Int, Int, Ptr, Ptr) Never [required "a tracer would see the host's registers and calls, not the guest's"];
    118 sched_setparam(Int, In(&SCHED_PARAM)) Never [pass SchedSetparam];
    119 sched_setscheduler(Int, Enum(&SCHED), In(&SCHED_PARAM)) Never [pass SchedSetscheduler];
    120 sched_getscheduler(Int) Never [pass SchedGetscheduler];
    121 sched_getparam(Int, Out(&SCHED_PARAM)) Never [pass SchedGetparam];
    122 sched_setaffinity(Int, Size, InBits(1)) Never [pass SchedSetaffinity];
    123 sched_getaffinity(Int, Size, OutBits(1)) Never [pass SchedGetaffinity];
    124 sched_yield() Never [pass SchedYield];
    125 sched_get_priority_max(Enum(&SCHED)) Never [pass SchedGetPriorityMax];
    126 sched_get_priority_min(Enum(&SCHED)) Never [pass SchedGetPriorityMin];
    127 sched_rr_get_interval(Int, Out(&TIMESPEC)) Never [pass SchedRrGetInterval];
    128 restart_syscall() Never [native signal::restart_syscall];
    129 kill(Int, Signal) Never [pass Kill];
    130 tkill(Int, Signal) Never [pass Tkill];
    131 tgkill(Int, Int, Signal) Never [pass Tgkill];
    132 sigaltstack(In(&STACK_T), Out(&STACK_T)) Never [native signal::sigaltstack];
    133 rt_sigsuspend(In(&SIGSET), Size) RestartNoHand [native signal::rt_sigsuspend];
    134 rt_sigaction(Signal, In(&SIGACTION), Out(&SIGACTION), Size) Never [native signal::rt_sigaction];
    135 rt_sigprocmask(Enum(&SIGMASK_HOW), In(&SIGSET), Out(&SIGSET), Size) Never [native signal::rt_sigprocmask];
    136 rt_sigpending(OutSet(1), Size) Never [native signal::rt_sigpending];
    137 rt_sigtimedwait(In(&SIGSET), Out(&SIGINFO), In(&TIMESPEC), Size) Eintr [native signal::rt_sigtimedwait];
    138 rt_sigqueueinfo(Int, Signal, In(&SIGINFO)) Never [native signal::rt_sigqueueinfo];
    139 rt_sigreturn(Special(&RETURN_MASK)) Never [native signal::rt_sigreturn];
    140 setpriority(Enum(&PRIO), Int, Int) Never [pass Setpriority];
    141 getpriority(Enum(&PRIO), Int) Never [pass Getpriority];
    142 reboot(Enum(&REBOOT_MAGIC), Enum(&REBOOT_MAGIC), Enum(&REBOOT), Special(&REBOOT_ARG)) Never [native admin::reboot];
    143 setregid(Int, Int) Never [pass Setregid];
    144 setgid(Int) Never [pass Setgid];
    145 setreuid(Int, Int) Never [pass Setreuid];
    146 setuid(Int) Never [pass Setuid];
    147 setresuid(Int, Int, Int) Never [pass Setresuid];
    148 getresuid(Out(&UINT), Out(&UINT), Out(&UINT)) Never [pass Getresuid];
    149 setresgid(Int, Int, Int) Never [pass Setresgid];
    150 getresgid(Out(&UINT), Out(&UINT), Out(&UINT)) Never [pass Getresgid];
    151 setfsuid(Int) Never [pass Setfsuid];
    152 setfsgid(Int) Never [pass Setfsgid];
    153 times(Out(&TMS)) Never [pass Times];
    154 setpgid(Int, Int) Never [pass Setpgid];
    155 getpgid(Int) Never [pass Getpgid];
    156 getsid(Int) Never [pass Getsid];
    157 setsid() Never [pass Setsid];
    158 getgroups(Int, OutArray(&UINT, 0)) Never [pass Getgroups];
    159 setgroups(Int, InArray(&UINT, 0)) Never [pass Setgroups];
    160 uname(Out(&UTSNAME)) Never [native misc::uname];
    161 sethostname(InBuf(1), Size) Never [pass Sethostname];
    162 setdomainname(InBuf(1), Size) Never [pass Setdomainname];
    163 getrlimit(Enum(&RLIMIT), Out(&RLIMIT64)) Never [native process::getrlimit];
    164 setrlimit(Enum(&RLIMIT), In(&RLIMIT64)) Never [native process::setrlimit];
    165 getrusage(Enum(&RUSAGE_WHO), Out(&RUSAGE)) Never [pass Getrusage];
    166 umask(Mode) Never [Octal: pass Umask];
    167 prctl(Enum(&PRCTL), Special(&PRCTL_ARG), Special(&PRCTL_REST), Special(&PRCTL_REST), Special(&PRCTL_REST)) Never
        [part "PR_SET_MM, PR_SCHED_CORE and system call user dispatch return EINVAL" prctl::prctl];
    168 getcpu(Out(&UINT), Out(&UINT), Ptr) Never [pass Getcpu];
    169 gettimeofday(Out(&TIMEVAL), Out(&TIMEZONE)) Never [native clock::gettimeofday];
    170 settimeofday(In(&TIMEVAL), In(&TIMEZONE)) Never [pass Settimeofday];
    171 adjtimex(Out(&TIMEX)) Never [pass Adjtimex];
    172 getpid() Never [pass Getpid];
    173 getppid() Never [pass Getppid];
    174 getuid() Never [pass Getuid];
    175 geteuid() Never [pass Geteuid];
    176 getgid() Never [pass Getgid];
    177 getegid() Never [pass Getegid];
    178 gettid() Never [pass Gettid];
    179 sysinfo(Out(&SYSINFO)) Never [pass Sysinfo];
    180 mq_open(Str, Open, CreateMode, In(&MQ_ATTR)) Never [pass MqOpen];
    181 mq_unlink(Str) Never [pass MqUnlink];
    182 mq_timedsend(Fd, InBuf(2), Size, UInt, In(&TIMESPEC)) RestartSys [pass MqTimedsend];
    183 mq_timedreceive(Fd, OutBuf(2), Size, Out(&UINT), In(&TIMESPEC)) RestartSys [pass MqTimedreceive];
    184 mq_notify(Fd, In(&SIGEVENT)) Never [native signal::mq_notify];
    185 mq_getsetattr(Fd, In(&MQ_ATTR), Out(&MQ_ATTR)) Never [pass MqGetsetattr];
    186 msgget(Special(&IPC_KEY), Special(&IPC_FLAGS)) Never [pass Msgget];
    187 msgctl(Int, Enum(&MSGCTL), Special(&MSGCTL_ARG)) Never [native ipc::msgctl];
    188 msgrcv(Int, Special(&MESSAGE_OUT), Size, Long, Flags(&MSGRCV)) RestartNoHand [native ipc::msgrcv];
    189 msgsnd(Int, Special(&MESSAGE_IN), Size, Flags(&MSGSND)) RestartNoHand [native ipc::msgsnd];
    190 semget(Special(&IPC_KEY), Int, Special(&IPC_FLAGS)) Never [pass Semget];
    191 semctl(Int, Int, Enum(&SEMCTL), Special(&SEMCTL_ARG)) Never [native ipc::semctl];
    192 semtimedop(Int, InArray(&SEMBUF, 2), UInt, In(&TIMESPEC)) Eintr [native ipc::semtimedop];
    193 semop(Int, InArray(&SEMBUF, 2), UInt) Eintr [native ipc::semop];
    194 shmget(Special(&IPC_KEY), Size, Special(&SHMGET_FLAGS)) Never [part "SHM_HUGETLB always fails" ipc::shmget];
    195 shmctl(Int, Enum(&SHMCTL), Special(&SHMCTL_ARG)) Never [native ipc::shmctl];
    196 shmat(Int, Ptr, Flags(&SHMAT)) Never [Hex: native ipc::shmat];
    197 shmdt(Ptr) Never [native ipc::shmdt];
    198 socket(Enum(&AF), Special(&SOCKET_TYPE), Special(&PROTOCOL)) Never [pass Socket];
    199 socketpair(Enum(&AF), Special(&SOCKET_TYPE), UInt, Out(&INT_PAIR)) Never [pass Socketpair];
    200 bind(Fd, InAddr(2, Create), Int) Never [pass Bind];
    201 listen(Fd, Int) Never [pass Listen];
    202 accept(Fd, OutAddr(2), InOut(&INT)) RestartSys [pass Accept];
    203 connect(Fd, InAddr(2, Read), Int) RestartSys [pass Connect];
    204 getsockname(Fd, OutAddr(2), InOut(&INT)) Never [pass Getsockname];
    205 getpeername(Fd, OutAddr(2), InOut(&INT)) Never [pass Getpeername];
    206 sendto(Fd, InBuf(2), Size, Flags(&MSG), InAddr(5, Read), Int) RestartSys [pass Sendto];
    207 recvfrom(Fd, OutBuf(2), Size, Flags(&MSG), OutAddr(5), InOut(&INT)) RestartSys [pass Recvfrom];
    208 setsockopt(Fd, Enum(&SOL), Special(&SOCKET_OPTION), Special(&OPTION_IN), Int) Never
        [part "options whose values contain addresses (netfilter tables) return ENOPROTOOPT" net::setsockopt];
    209 getsockopt(Fd, Enum(&SOL), Special(&SOCKET_OPTION), Special(&OPTION_VALUE), InOut(&INT)) Never
        [part "options whose values contain addresses (netfilter tables) return ENOPROTOOPT" net::getsockopt];
    210 shutdown(Fd, Enum(&SHUT)) Never [pass Shutdown];
    211 sendmsg(Fd, In(&MSGHDR), Flags(&MSG)) RestartSys [native net::sendmsg];
    212 recvmsg(Fd, InOut(&MSGHDR), Flags(&MSG)) RestartSys [native net::recvmsg];
    213 readahead(Fd, Long, Size) Never [pass Readahead];
    214 brk(Ptr) Never [Hex: native mem::brk];
    215 munmap(Ptr, Size) Never [native mem::munmap];
    216 mremap(Ptr, Size, Size, Flags(&MREMAP), Special(&MREMAP_TO)) Never
        [Hex: native mem::mremap];
    217 add_key(Str, Str, InBuf(3), Size, Special(&KEY)) Never [pass AddKey];
    218 request_key(Str, Str, Str, Special(&KEY)) Never [pass RequestKey];
    219 keyctl(Enum(&KEYCTL), Special(&KEYCTL_ARG), Special(&KEYCTL_ARG), Special(&KEYCTL_ARG), Special(&KEYCTL_ARG)) Never
        [part "KEYCTL_DH_COMPUTE with a key derivation function returns EOPNOTSUPP" keys::keyctl];
    220 clone(Special(&CLONE_STACK), Special(&CLONE_FLAGS), Special(&CLONE_PARENT_TID), Special(&CLONE_TLS),
        Special(&CLONE_CHILD_TID)) Never [part "no threads of a process in the memory of another one; no chosen id of a thread (set_tid)" thread::clone];
    221 execve(Path(Follow, Read), Special(&ARGV), Special(&ENVP)) Never [native exec::execve];
    222 mmap(NullOrPtr, Size, Flags(&PROT), Special(&MAP_FLAGS), Fd, HexOffset) Never
        [Hex: part "MAP_HUGETLB always fails: no huge pages" mem::mmap];
    223 fadvise64(Fd, Long, Long, Enum(&FADVISE)) Never [pass Fadvise64];
    224 swapon(Path(Follow, Change), Flags(&SWAP)) Never [pass Swapon];
    225 swapoff(Path(Follow, Change)) Never [pass Swapoff];
    226 mprotect(Ptr, Size, Flags(&PROT)) Never [native mem::mprotect];
    227 msync(Ptr, Size, Flags(&MSYNC)) Never [native mem::msync];
    228 mlock(Ptr, Size) Never [native mem::mlock];
    229 munlock(Ptr, Size) Never [native mem::munlock];
    230 mlockall(Flags(&MLOCKALL)) Never [native mem::mlockall];
    231 munlockall() Never [native mem::munlockall];
    232 mincore(Ptr, Size, Special(&PAGES_PRESENT)) Never [native mem::mincore];
    233 madvise(Ptr, Size, Enum(&MADVISE)) Never [native mem::madvise];
    234 remap_file_pages(Ptr, Size, Flags(&PROT), Size, Special(&MAP_FLAGS)) Never [native vm::remap_file_pages];
    235 mbind(Ptr, Size, Special(&POLICY), InNodes(4), Size, Flags(&MPOL_MF)) Never [native numa::mbind];
    236 get_mempolicy(Out(&POLICY_OUT), OutNodes(2), Size, Ptr, Flags(&MPOL_F)) Never [native numa::get_mempolicy];
    237 set_mempolicy(Special(&POLICY), InNodes(2), Size) Never [native numa::set_mempolicy];
    238 migrate_pages(Int, Size, InNodes(1), InNodes(1)) Never [native numa::migrate_pages];
    239 move_pages(Int, Size, InArray(&PAGE_ADDRESS, 1), InArray(&NODE, 1), OutAll(&PAGE_STATUS, 1), Flags(&MPOL_MF)) Never
        [part "where guest addresses are not the host's, access to another process's memory gives EPERM" numa::move_pages];
    240 rt_tgsigqueueinfo(Int, Int, Signal, In(&SIGINFO)) Never [native signal::rt_tgsigqueueinfo];
    241 perf_event_open(Ptr, Int, Int, Int, Hex) Never [unimplemented "the counters would measure remu, not the guest"];
    242 accept4(Fd, OutAddr(2), InOut(&INT), Flags(&SOCK_FLAGS)) RestartSys [pass Accept4];
    243 recvmmsg(Fd, Special(&MESSAGES_IN), UInt, Flags(&MSG), In(&TIMESPEC)) RestartSys
        [native net::recvmmsg];
    258 riscv_hwprobe(Special(&HWPROBE_PAIRS), Size, Size, Ptr, Flags(&HWPROBE)) Never [native misc::riscv_hwprobe];
    259 riscv_flush_icache(Ptr, Ptr, Flags(&FLUSH_ICACHE)) Never [native misc::riscv_flush_icache];
    260 wait4(Int, Out(&WAIT_STATUS), Flags(&WAIT), Out(&RUSAGE)) RestartSys [pass Wait4];
    261 prlimit64(Int, Enum(&RLIMIT), In(&RLIMIT64), Out(&RLIMIT64)) Never [part "RLIMIT_AS, RLIMIT_DATA and RLIMIT_STACK of another guest cannot be set" process::prlimit64];
    262 fanotify_init(Special(&FANOTIFY_FLAGS), Open) Never [pass FanotifyInit];
    263 fanotify_mark(Fd, Flags(&FANOTIFY_MARK), Flags(&FANOTIFY_MASK), DirFd, PathOrNull(FollowUnlessSet(1, 4), Read)) Never
        [pass FanotifyMark];
    264 name_to_handle_at(DirFd, Path(KeepUnless(4), Read), InOut(&FILE_HANDLE), Out(&INT), Flags(&AT_HANDLE)) Never
        [pass NameToHandleAt];
    265 open_by_handle_at(DirFd, In(&FILE_HANDLE), Open) Never [native program::open_by_handle_at];
    266 clock_adjtime(Enum(&CLOCK), Out(&TIMEX)) Never [pass ClockAdjtime];
    267 syncfs(Fd) Never [pass Syncfs];
    268 setns(Fd, Flags(&NAMESPACE)) Never [pass Setns];
    269 sendmmsg(Fd, Special(&MESSAGES_OUT), UInt, Flags(&MSG)) RestartSys [native net::sendmmsg];
    270 process_vm_readv(Int, OutVec(2), Size, InVec(4), Size, Hex) Never
        [part "where guest addresses are not the host's, access to another process's memory gives EPERM" vm::process_vm_readv];
    271 process_vm_writev(Int, InVec(2), Size, InVec(4), Size, Hex) Never
        [part "where guest addresses are not the host's, access to another process's memory gives EPERM" vm::process_vm_writev];
    272 kcmp(Int, Int, Enum(&KCMP), Special(&KCMP_INDEX), Special(&KCMP_INDEX)) Never [native admin::kcmp];
    273 finit_module(Fd, Str, Hex) Never [unimplemented "the host kernel cannot load modules built for the guest's CPU"];
    274 sched_setattr(Int, In(&SCHED_ATTR), UInt) Never [pass SchedSetattr];
    275 sched_getattr(Int, OutSized(&SCHED_ATTR, 2), UInt, UInt) Never [pass SchedGetattr];
    276 renameat2(DirFd, Path(Keep, Rename), DirFd, Path(Keep, Rename), Flags(&RENAME)) Never [pass Renameat2];
    277 seccomp(Enum(&SECCOMP_OPERATION), Special(&SECCOMP_FLAGS_ARG), Special(&SECCOMP_ARG)) Never
        [part "listeners (SECCOMP_FILTER_FLAG_NEW_LISTENER) are missing, nothing is logged, and a call resumed after a stop is not filtered again" seccomp::seccomp];
    278 getrandom(OutBytes(1), Size, Flags(&RANDOM)) RestartSys [pass Getrandom];
    279 memfd_create(Str, Flags(&MEMFD)) Never [pass MemfdCreate];
    280 bpf(Int, Ptr, UInt) Never [unimplemented "BPF programs run in the host kernel and trace the host, not the guest"];
    281 execveat(DirFd, Path(FollowUnless(4), Read), Special(&ARGV), Special(&ENVP), Flags(&AT)) Never [native exec::execveat];
    282 userfaultfd(Hex) Never [unimplemented "its requests and messages contain host addresses, and handling them takes a second thread"];
    283 membarrier(Enum(&MEMBARRIER), Hex, Special(&MEMBARRIER_CPU)) Never [part "no RSEQ commands, as there is no rseq" thread::membarrier];
    284 mlock2(Ptr, Size, Flags(&MLOCK2)) Never [native mem::mlock2];
    285 copy_file_range(Fd, InOut(&LONG), Fd, InOut(&LONG), Size, Hex) RestartSys [pass CopyFileRange];
    286 preadv2(Fd, OutVec(2), Size, Long, Special(&UPPER_HALF), Flags(&RWF)) RestartSys [native fd::preadv2];
    287 pwritev2(Fd, InVec(2), Size, Long, Special(&UPPER_HALF), Flags(&RWF)) RestartSys [native fd::pwritev2];
    288 pkey_mprotect(Ptr, Size, Flags(&PROT), Int) Never [unimplemented "no riscv64 CPU has protection keys; its kernel also returns ENOSYS"];
    289 pkey_alloc(Hex, Hex) Never [unimplemented "no riscv64 CPU has protection keys; its kernel also returns ENOSYS"];
    290 pkey_free(Int) Never [unimplemented "no riscv64 CPU has protection keys; its kernel also returns ENOSYS"];
    291 statx(DirFd, PathOrNull(FollowUnless(2), Read), Flags(&STATX_FLAGS), Flags(&STATX_MASK), Out(&STATX)) Never [pass Statx];
    292 io_pgetevents(Hex, Long, Long, Ptr, In(&TIMESPEC), Special(&SELECT_MASK)) Eintr [part "where guest addresses are not the host's, ENOSYS" aio::io_pgetevents];
    293 rseq(Ptr, Size, Flags(&RSEQ), Hex) Never
        [unsupported "remu cannot observe when the host preempts it; C libraries work without rseq"];
    294 kexec_file_load(Fd, Fd, Size, Str, Hex) Never [unimplemented "the host cannot boot a kernel for the guest's CPU"];
    424 pidfd_send_signal(Fd, Signal, In(&SIGINFO), Hex) Never [native signal::pidfd_send_signal];
    425 io_uring_setup(UInt, Ptr) Never [part "where guest addresses are not the host's, ENOSYS" io_uring::io_uring_setup];
    426 io_uring_enter(Fd, UInt, UInt, Hex, Ptr, Size) Eintr [part "where guest addresses are not the host's, ENOSYS" io_uring::io_uring_enter];
    427 io_uring_register(Fd, UInt, Ptr, UInt) Never [part "where guest addresses are not the host's, ENOSYS; rings cannot be resized" io_uring::io_uring_register];
    428 open_tree(DirFd, Path(FollowUnless(2), ChangeIf(2, 1)), Flags(&OPEN_TREE)) Never [pass OpenTree];
    429 move_mount(DirFd, Path(KeepUnlessSet(4, 1), Change), DirFd, Path(KeepUnlessSet(4, 0x10), Change), Flags(&MOVE_MOUNT)) Never
        [native admin::move_mount];
    430 fsopen(Str, Flags(&FSOPEN)) Never [pass Fsopen];
    431 fsconfig(Fd, Enum(&FSCONFIG), Str, Special(&FSCONFIG_VALUE), Special(&FSCONFIG_AUX)) Never [native admin::fsconfig];
    432 fsmount(Fd, Flags(&FSMOUNT), Flags(&MOUNT_ATTR_FLAGS)) Never [pass Fsmount];
    433 fspick(DirFd, Path(FollowUnlessSet(2, 2), Read), Flags(&FSPICK)) Never [pass Fspick];
    434 pidfd_open(Int, Hex) Never [pass PidfdOpen];
    435 clone3(Special(&CLONE_ARGS_ARG), Size) Never [part "no threads of a process in the memory of another one; no chosen id of a thread (set_tid)" thread::clone3];
    436 close_range(UInt, UInt, Flags(&CLOSE_RANGE)) Never [native fd::close_range];
    437 openat2(DirFd, Path(Follow, Read), Special(&OPEN_HOW_ARG), Size) RestartSys [native fs::openat2];
    438 pidfd_getfd(Fd, Int, Hex) Never [native admin::pidfd_getfd];
    439 faccessat2(DirFd, Path(FollowUnless(3), Read), Flags(&ACCESS), Flags(&AT_ACCESS)) Never [native fs::faccessat2];
    440 process_madvise(Fd, InVec(2), Size, Enum(&MADVISE), Hex) Never
        [part "where guest addresses are not the host's, access to another process's memory gives EPERM" vm::process_madvise];
    441 epoll_pwait2(Fd, OutArray(&EPOLL_EVENT, 2), Int, In(&TIMESPEC), In(&SIGSET), Size) Eintr [native poll::epoll_pwait2];
    442 mount_setattr(DirFd, Path(FollowUnless(2), Change), Flags(&AT_MOUNT), InSized(&MOUNT_ATTR, 4), Size) Never
        [pass MountSetattr];
    443 quotactl_fd(Fd, Special(&QUOTA_COMMAND), Special(&QUOTA_ID), Special(&QUOTA_ADDR)) Never [native admin::quotactl_fd];
    444 landlock_create_ruleset(Ptr, Size, Hex) Never [unimplemented "the rules would also restrict remu, which needs files that the guest does not"];
    445 landlock_add_rule(Fd, Int, Ptr, Hex) Never [unimplemented "the rules would also restrict remu, which needs files that the guest does not"];
    446 landlock_restrict_self(Fd, Hex) Never [unimplemented "the rules would also restrict remu, which needs files that the guest does not"];
    447 memfd_secret(Flags(&MEMFD_SECRET)) Never [pass MemfdSecret];
    448 process_mrelease(Fd, Hex) Never [pass ProcessMrelease];
    449 futex_waitv(InArray(&FUTEX_WAITV, 1), UInt, Hex, In(&TIMESPEC), Enum(&CLOCK)) Eintr [native futex::futex_waitv];
    450 set_mempolicy_home_node(Ptr, Size, Size, Hex) Never [native numa::set_mempolicy_home_node];
    451 cachestat(Fd, In(&CACHESTAT_RANGE), Out(&CACHESTAT), Hex) Never [pass Cachestat];
    452 fchmodat2(DirFd, Path(FollowUnless(3), Change), Mode, Flags(&AT)) Never [pass Fchmodat2];
    453 map_shadow_stack(Ptr, Size, Hex) Never [unimplemented "the CPU models have no shadow stacks; their kernel also returns ENOSYS"];
    454 futex_wake(Ptr, Hex, Int, Flags(&FUTEX2)) Never [native futex::futex_wake];
    455 futex_wait(Ptr, Hex, Hex, Flags(&FUTEX2), In(&TIMESPEC), Enum(&CLOCK)) RestartSys [native futex::futex_wait];
    456 futex_requeue(In(&FUTEX_PAIR), Hex, Int, Int) Never [native futex::futex_requeue];
    457 statmount(In(&MNT_ID_REQ), OutSized(&STATMOUNT, 2), Size, Hex) Never [pass Statmount];
    458 listmount(In(&MNT_ID_REQ), OutArray(&OBJECT_ID, 2), Size, Hex) Never [pass Listmount];
    459 lsm_get_self_attr(Enum(&LSM_ATTR), Ptr, InOut(&UINT), Hex) Never [native admin::lsm_get_self_attr];
    460 lsm_set_self_attr(Enum(&LSM_ATTR), InBuf(2), UInt, Hex) Never [pass LsmSetSelfAttr];
    461 lsm_list_modules(OutArray(&OBJECT_ID, 1), InOut(&UINT), Hex) Never [native admin::lsm_list_modules];
    462 mseal(Ptr, Size, Hex) Never [native vm::mseal];
    463 setxattrat(DirFd, PathOrNull(FollowUnless(2), Change), Flags(&AT), Str, InSized(&XATTR_ARGS, 5), Size) Never
        [native xattr::setxattrat];
    464 getxattrat(DirFd, PathOrNull(FollowUnless(2), Read), Flags(&AT), Str, OutSized(&XATTR_ARGS, 5), Size) Never
        [native xattr::getxattrat];
    465 listxattrat(DirFd, PathOrNull(FollowUnless(2), Read), Flags(&AT), OutBuf(4), Size) Never [pass Listxattrat];
    466 removexattrat(DirFd, PathOrNull(FollowUnless(2), Change), Flags(&AT), Str) Never [pass Removexattrat];
    467 open_tree_attr(DirFd, Path(FollowUnless(2), ChangeIf(2, 1)), Flags(&OPEN_TREE), InSized(&MOUNT_ATTR, 4), Size) Never
        [pass OpenTreeAttr];
    468 file_getattr(DirFd, PathOrNull(FollowUnless(4), Read), OutSized(&FILE_ATTR, 3), Size, Flags(&AT)) Never [pass FileGetattr];
    469 file_setattr(DirFd, PathOrNull(FollowUnless(4), Change), InSized(&FILE_ATTR, 3), Size, Flags(&AT)) Never [pass FileSetattr];
    470 listns(In(&NS_ID_REQ), OutArray(&OBJECT_ID, 2), Size, Hex) Never [pass Listns];
};
