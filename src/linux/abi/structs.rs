//! Structures as the system call table names them, with their sizes. `strace` formats them.

use super::file::{Cachestat, CachestatRange, FileAttr, FileHandle, OpenHow, Stat, Statfs, Statx, XattrArgs};
use super::futex::FutexWaitv;
use super::ipc::{MqAttr, MsqidDs, Sembuf, SemidDs, Seminfo, ShmInfo, ShmidDs, Shminfo};
use super::mount::{MntIdReq, MountAttr, NsIdReq, StatmountHead};
use super::net::{Linger, Mmsghdr, Msghdr};
use super::poll::{EpollEvent, Pollfd, SigmaskArg};
use super::process::{CapData, CapHeader, Rlimit, Rusage, SchedAttr, SchedParam, Sysinfo, Utsname};
use super::riscv::HwprobePair;
use super::signal::{Sigaction, Sigevent, Siginfo, StackT};
use super::time::{Itimerspec, Itimerval, Timespec, Timeval, Timex, Timezone, Tms};

/// A structure that a call reads or writes.
#[derive(Debug)]
pub struct Struct {
    /// Its name in the table.
    pub name: &'static str,
    /// Its size in guest memory.
    pub size: u64,
}

/// Declares structures by a type of the ABI.
macro_rules! structs {
    ($($(#[$meta:meta])* $id:ident: $t:ty;)*) => {
        $($(#[$meta])* pub static $id: Struct = Struct { name: stringify!($id), size: size_of::<$t>() as u64 };)*

        /// All of them.
        #[cfg(test)]
        pub static ALL: &[&Struct] = &[$(&$id),*];
    };
}

structs! {
    /// `struct timespec`.
    TIMESPEC: Timespec;
    /// Two `struct timespec`, for utimensat.
    UTIMES: [Timespec; 2];
    /// `struct timeval`.
    TIMEVAL: Timeval;
    /// `struct itimerval`.
    ITIMERVAL: Itimerval;
    /// `struct itimerspec`.
    ITIMERSPEC: Itimerspec;
    /// `struct timezone`.
    TIMEZONE: Timezone;
    /// `struct tms`.
    TMS: Tms;
    /// `struct timex`.
    TIMEX: Timex;
    /// `struct stat`.
    STAT: Stat;
    /// `struct statx`.
    STATX: Statx;
    /// `struct statfs`.
    STATFS: Statfs;
    /// `struct rlimit`.
    RLIMIT64: Rlimit;
    /// `struct rusage`.
    RUSAGE: Rusage;
    /// `struct utsname`.
    UTSNAME: Utsname;
    /// `struct sysinfo`.
    SYSINFO: Sysinfo;
    /// `struct sigaction`.
    SIGACTION: Sigaction;
    /// `stack_t`.
    STACK_T: StackT;
    /// The kernel's `sigset_t`.
    SIGSET: u64;
    /// `siginfo_t`.
    SIGINFO: Siginfo;
    /// `struct sigevent`.
    SIGEVENT: Sigevent;
    /// `struct pollfd`.
    POLLFD: Pollfd;
    /// `struct epoll_event`.
    EPOLL_EVENT: EpollEvent;
    /// `int`.
    INT: i32;
    /// `int[2]`.
    INT_PAIR: [i32; 2];
    /// `unsigned int`.
    UINT: u32;
    /// `loff_t`.
    LONG: i64;
    /// The status of a child.
    WAIT_STATUS: i32;
    /// `struct sched_param`.
    SCHED_PARAM: SchedParam;
    /// `struct sched_attr`.
    SCHED_ATTR: SchedAttr;
    /// `struct mq_attr`.
    MQ_ATTR: MqAttr;
    /// `struct __user_cap_header_struct`.
    CAP_HEADER: CapHeader;
    /// Two `struct __user_cap_data_struct`.
    CAP_DATA: [CapData; 2];
    /// `struct linger`.
    LINGER: Linger;
    /// The last argument of pselect6.
    SIGMASK_ARG: SigmaskArg;
    /// `struct open_how`.
    OPEN_HOW: OpenHow;
    /// `struct msghdr`.
    MSGHDR: Msghdr;
    /// `struct mmsghdr`.
    MMSGHDR: Mmsghdr;
    /// `struct xattr_args`.
    XATTR_ARGS: XattrArgs;
    /// `struct file_attr`.
    FILE_ATTR: FileAttr;
    /// `struct cachestat_range`.
    CACHESTAT_RANGE: CachestatRange;
    /// `struct cachestat`.
    CACHESTAT: Cachestat;
    /// `struct mount_attr`.
    MOUNT_ATTR: MountAttr;
    /// `struct mnt_id_req`.
    MNT_ID_REQ: MntIdReq;
    /// The fixed part of `struct statmount`.
    STATMOUNT: StatmountHead;
    /// `struct ns_id_req`.
    NS_ID_REQ: NsIdReq;
    /// The number of a mount or of a namespace.
    OBJECT_ID: u64;
    /// `struct sembuf`.
    SEMBUF: Sembuf;
    /// `struct shmid64_ds`.
    SHMID_DS: ShmidDs;
    /// `struct shminfo64`.
    SHMINFO: Shminfo;
    /// `struct shm_info`.
    SHM_USE: ShmInfo;
    /// `struct semid64_ds`.
    SEMID_DS: SemidDs;
    /// `struct seminfo`.
    SEMINFO: Seminfo;
    /// `struct msqid64_ds`.
    MSQID_DS: MsqidDs;
    /// `struct futex_waitv`.
    FUTEX_WAITV: FutexWaitv;
    /// The policy that get_mempolicy returns.
    POLICY_OUT: u32;
    /// An address in move_pages.
    PAGE_ADDRESS: u64;
    /// A word of a node mask.
    NODE_WORD: u64;
    /// A node in move_pages.
    NODE: i32;
    /// The status of a page in move_pages: its node or an error.
    PAGE_STATUS: i32;
    /// Two `struct futex_waitv`, for futex_requeue.
    FUTEX_PAIR: [FutexWaitv; 2];
    /// `struct file_handle` of the maximum length.
    FILE_HANDLE: FileHandle;
    /// `struct riscv_hwprobe`.
    HWPROBE_PAIR: HwprobePair;
}
