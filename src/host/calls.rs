//! System calls whose arguments hold addresses inside structures: what the table of [`super::pass`]
//! cannot express, one safe function each.

use super::pass::syscall;
use super::pointer::{GuestPtr, IoVec, raw_pointer};
use super::signals::interruptible;
use rustix::io::Errno;

/// The kernel's `struct timespec`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timespec {
    /// Seconds.
    pub sec: i64,
    /// Nanoseconds.
    pub nsec: i64,
}

const SIGSET_SIZE: u64 = 8;

/// pselect6(2) on sets in guest memory, with the kernel's own way of passing the mask. What is left
/// of the time is put back into `timeout`.
pub fn pselect(
    count: i32,
    sets: [Option<GuestPtr>; 3],
    timeout: Option<&mut Timespec>,
    mask: Option<u64>,
) -> Result<u64, Errno> {
    let set = |i: usize| sets[i].map_or(0, raw_pointer);
    let timeout = timeout.map_or(std::ptr::null_mut(), std::ptr::from_mut);
    let mask_ptr = mask.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let sigmask = [mask_ptr as u64, SIGSET_SIZE];
    // SAFETY: the kernel writes to the sets, which are guest memory, and to the time, which is live
    // and ours; it reads the mask.
    unsafe {
        interruptible(
            libc::SYS_pselect6,
            [count as u64, set(0), set(1), set(2), timeout as u64, sigmask.as_ptr() as u64],
        )
    }
}

/// An event as the host's epoll has it.
#[repr(C, packed)]
#[derive(Clone, Copy, Debug, Default)]
pub struct EpollEvent {
    /// What happened.
    pub events: u32,
    /// The caller's mark.
    pub data: u64,
}

/// epoll_pwait2(2).
pub fn epoll_wait(
    epoll: i32,
    events: &mut [EpollEvent],
    timeout: Option<Timespec>,
    mask: Option<u64>,
) -> Result<u64, Errno> {
    let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let mask = mask.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let (at, count) = (events.as_mut_ptr() as u64, events.len() as u64);
    // SAFETY: the kernel writes at most as many events as there are elements, and reads the time and
    // the mask, all of which are live.
    unsafe {
        interruptible(libc::SYS_epoll_pwait2, [epoll as u64, at, count, timeout as u64, mask as u64, SIGSET_SIZE])
    }
}

/// A message of sendmsg(2) or recvmsg(2): the address and the control data in guest memory, with
/// their lengths, and the checked list of pieces.
#[derive(Debug)]
pub struct Message<'a> {
    /// The socket address.
    pub name: Option<GuestPtr>,
    /// Its length, or the room for it; what the kernel wrote afterwards.
    pub name_len: i32,
    /// The pieces.
    pub list: &'a [IoVec],
    /// The control data.
    pub control: Option<GuestPtr>,
    /// Its length, or the room for it; what the kernel wrote afterwards.
    pub control_len: u64,
    /// What the kernel says about a received message.
    pub flags: u32,
}

#[repr(C)]
struct RawMessage {
    name: u64,
    name_len: i32,
    pad: u32,
    list: u64,
    list_len: u64,
    control: u64,
    control_len: u64,
    flags: u32,
    pad2: u32,
}

/// sendmsg(2) or, if `receive`, recvmsg(2).
pub fn message(receive: bool, socket: i32, message: &mut Message<'_>, flags: u32) -> Result<u64, Errno> {
    let mut raw = RawMessage {
        name: message.name.map_or(0, raw_pointer),
        name_len: message.name_len,
        pad: 0,
        list: message.list.as_ptr() as u64,
        list_len: message.list.len() as u64,
        control: message.control.map_or(0, raw_pointer),
        control_len: message.control_len,
        flags: message.flags,
        pad2: 0,
    };
    let number = if receive { libc::SYS_recvmsg } else { libc::SYS_sendmsg };
    // SAFETY: `raw` is live and in the kernel's layout; the addresses in it are of guest memory, and
    // of a list of guest memory.
    let result = unsafe { interruptible(number, [socket as u64, (&raw mut raw) as u64, flags.into(), 0, 0, 0]) };
    (message.name_len, message.control_len, message.flags) = (raw.name_len, raw.control_len, raw.flags);
    result
}

/// The host's personality(2) of this process, which it was started with.
pub fn personality() -> u32 {
    const ASK: u64 = 0xffff_ffff;
    // SAFETY: the call changes nothing.
    let asked = unsafe { syscall(libc::SYS_personality, [ASK, 0, 0, 0, 0, 0]) };
    asked.map_or(0, |bits| bits as u32)
}

/// newfstatat(2).
pub fn stat_at(dir: i32, path: &std::ffi::CStr, flags: i32) -> Result<libc::stat, Errno> {
    let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the kernel reads the path and writes one structure, both of which are live.
    unsafe {
        let args = [dir as u64, path.as_ptr() as u64, stat.as_mut_ptr() as u64, flags as u64, 0, 0];
        syscall(libc::SYS_newfstatat, args)?;
        Ok(stat.assume_init())
    }
}

/// A descriptor that the guest names, to be used while its call lasts; `None` if it cannot be one.
/// Should the guest close it meanwhile, a host call on it answers EBADF or works on what the guest has
/// opened instead: never on anything of remu's, whose descriptors the guest cannot name.
pub fn guest_fd<'a>(fd: i32) -> Option<std::os::fd::BorrowedFd<'a>> {
    // SAFETY: the descriptor is not the value that is reserved, and no ownership is claimed by anyone
    // in this process: see above for what happens when it is closed.
    (fd >= 0).then(|| unsafe { std::os::fd::BorrowedFd::borrow_raw(fd) })
}

/// mq_notify(2) by a message to a netlink socket, which is how C libraries start a thread for it.
pub fn notify_by_socket(queue: i32, cookie: &[u8; 32], socket: i32) -> Result<u64, Errno> {
    #[repr(C)]
    struct Sigevent {
        value: u64,
        signo: i32,
        notify: i32,
        rest: [u64; 6],
    }
    let event = Sigevent { value: cookie.as_ptr() as u64, signo: socket, notify: libc::SIGEV_THREAD, rest: [0; 6] };
    // SAFETY: the kernel reads the structure, which is 64 bytes, and the 32 bytes that it names.
    unsafe { interruptible(libc::SYS_mq_notify, [queue as u64, (&raw const event) as u64, 0, 0, 0, 0]) }
}

/// shmat(2): attaches a segment over whatever is mapped at `at`.
///
/// # Safety
/// The pages from `at`, as many as the segment has, must be the caller's to replace.
pub unsafe fn attach_segment(id: i32, at: *mut std::ffi::c_void, flags: i32) -> Result<(), Errno> {
    let flags = flags | libc::SHM_REMAP;
    // SAFETY: as promised by the caller.
    unsafe { syscall(libc::SYS_shmat, [id as u64, at as u64, flags as u64, 0, 0, 0]) }.map(|_| ())
}
