//! The host kernel and CPU: the bottom layer, which knows no guest.
//!
//! This layer contains the unsafe interaction with the host, so that the kernel interface above is safe code: system
//! calls can only touch memory that their caller names, and faults are returned as values.

mod aio;
mod alloc;
mod calls;
mod child_memory;
pub mod clock;
mod die;
mod exec;
pub mod fault;
pub mod fd;
mod fork;
pub mod fp;
mod io_uring;
mod limits;
mod lock;
mod pass;
mod pointer;
mod profile;
mod random;
pub mod requests;
mod robust;
mod running;
mod segment;
mod shown;
mod signal_names;
mod signals;
mod start;
mod stop;
mod sys;
mod terminal;
mod thread;
mod vfork;
mod vm_clone;

pub use aio::{AioRing, AioWait, aio_cancel, aio_destroy, aio_submit};
pub use calls::{
    Attribute, EpollEvent, FutexWaiter, Message, Notification, Timespec, attribute, epoll_wait, futex_requeue,
    futex_wait_any, mdwe, message, messages, mirror_personality, move_pages, mq_notify, personality, pselect,
    remap_file_pages, stat_at,
};
pub use die::{die_by_signal, exit_now};
pub use exec::{ExecStrings, MEMFD_LINK, Next, OwnFile, Received, execute_native, public_part, received};
pub use fd::{GuestFd, OwnFds, close, path_of_fd};
pub use fork::{ChildProcess, Forked, NewProcess, UntilExec, fork};
pub use io_uring::{
    SETUP_NO_MMAP, UringMemory, UringParams, UringPart, uring_enter, uring_in_guest_memory, uring_register,
};
pub use limits::{InheritedLimits, limits_behind, memory_limits};
pub use lock::{
    Lock, LockGuard, LockRef, LockSet, LockSetGuard, Rank, assert_no_lock_is_held, is_in_others_memory,
    sleep as futex_sleep, wake as futex_wake,
};
pub use pass::{pass, pass_guest};
pub use pointer::{GuestPtr, IoVec, SysArg};
pub use profile::{ProfilerMapping, map_for_profiler};
pub use random::split_mix;
pub use requests::{
    FcntlRequest, FilterOption, FsconfigRequest, FutexRequest, FutexWake, GetOption, IoctlRequest, KcmpEpoll,
    KcmpRequest, KeyctlAgree, KeyctlCrypt, KeyctlQuery, KeyctlRequest, PrctlRequest, QuotaRequest, SEMID_DS,
    SemctlRequest, SetOption, Through, ioctl_refused, ioctl_through,
};
pub use robust::{clear_tid_at_end, robust_list, set_robust_list};
pub use running::{is_marked_running, is_open_for_writing, mark_running};
pub use segment::{attach_segment, detach_segment};
pub use shown::ShownProgram;
pub use signal_names::{signal_name, signal_number};
pub use signals::{
    Attachment, CallError, Disposition, NEVER_BLOCKED, SignalInfo, SignalsOfProgram, attach, begin_signals,
    block_all_signals, block_every_signal, has_arrived, is_ignored, pending_signals, send_to_self, send_to_thread,
    set_disposition, set_signal_mask, signal_mask, stop_self, suspend, take_signal, try_set_signal_mask,
    wait_for_signal,
};
pub use start::{Registered, environment, is_secure, registered, start};
pub use stop::{StopFlag, StopHandle};
pub use sys::{Extent, Pointer, Sys};
pub use terminal::RawTerminal;
pub use thread::{exit_first_thread, spawn, with_own_descriptors};
pub use vfork::{VforkDone, vfork};
pub use vm_clone::{MakeVmClone, VmClone, clone_vm};
