//! System calls whose arguments hold addresses inside structures: what the table of [`super::pass`]
//! cannot express, one safe function each.

use super::pass::syscall;
use super::pointer::{GuestPtr, IoVec, raw_pointer};
use super::signals::{CallError, interruptible};
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
) -> Result<u64, CallError> {
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
) -> Result<u64, CallError> {
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

impl Message<'_> {
    fn raw(&self) -> RawMessage {
        RawMessage {
            name: self.name.map_or(0, raw_pointer),
            name_len: self.name_len,
            pad: 0,
            list: self.list.as_ptr() as u64,
            list_len: self.list.len() as u64,
            control: self.control.map_or(0, raw_pointer),
            control_len: self.control_len,
            flags: self.flags,
            pad2: 0,
        }
    }

    fn take(&mut self, raw: &RawMessage) {
        (self.name_len, self.control_len, self.flags) = (raw.name_len, raw.control_len, raw.flags);
    }
}

/// sendmsg(2) or, if `receive`, recvmsg(2).
pub fn message(receive: bool, socket: i32, message: &mut Message<'_>, flags: u32) -> Result<u64, CallError> {
    let mut raw = message.raw();
    let number = if receive { libc::SYS_recvmsg } else { libc::SYS_sendmsg };
    // SAFETY: `raw` is live and in the kernel's layout; the addresses in it are of guest memory, and
    // of a list of guest memory.
    let result = unsafe { interruptible(number, [socket as u64, (&raw mut raw) as u64, flags.into(), 0, 0, 0]) };
    message.take(&raw);
    result
}

/// The kernel's `struct mmsghdr`.
#[repr(C)]
struct RawMessages {
    message: RawMessage,
    len: u32,
    pad: u32,
}

/// sendmmsg(2) or, if `receive`, recvmmsg(2): yields the lengths of the messages that went. What is left
/// of the time is put back into `timeout`.
pub fn messages(
    receive: bool,
    socket: i32,
    list: &mut [Message<'_>],
    flags: u32,
    timeout: Option<&mut Timespec>,
) -> Result<Vec<u32>, CallError> {
    let mut raw: Vec<_> = list.iter().map(|m| RawMessages { message: m.raw(), len: 0, pad: 0 }).collect();
    let timeout = timeout.map_or(std::ptr::null_mut(), std::ptr::from_mut);
    let number = if receive { libc::SYS_recvmmsg } else { libc::SYS_sendmmsg };
    let args = [socket as u64, raw.as_mut_ptr() as u64, raw.len() as u64, flags.into(), timeout as u64, 0];
    // SAFETY: `raw` holds as many messages as are said, in the kernel's layout; the addresses in them are
    // of guest memory, and of lists of guest memory. The time is live.
    let count = unsafe { interruptible(number, args)? };
    for (message, raw) in list.iter_mut().zip(&raw) {
        message.take(&raw.message);
    }
    Ok(raw[..count as usize].iter().map(|raw| raw.len).collect())
}

/// setsockopt(2) of an option whose value is a packet filter (`struct sock_fprog`): so many
/// instructions in guest memory.
pub fn set_filter(socket: i32, level: i32, option: i32, count: u16, filter: GuestPtr) -> Result<u64, Errno> {
    let program = [u64::from(count), raw_pointer(filter)];
    let args = [socket as u64, level as u64, option as u64, program.as_ptr() as u64, size_of_val(&program) as u64, 0];
    // SAFETY: the kernel reads the structure, which is live, and the instructions, which are in guest
    // memory and hold no addresses.
    unsafe { syscall(libc::SYS_setsockopt, args) }
}

/// The flags of this process by which memory that can be written is not executed (PR_GET_MDWE); none where
/// the kernel does not know them.
pub fn mdwe() -> u32 {
    // SAFETY: the call takes no pointer and changes nothing.
    let flags = unsafe { syscall(libc::SYS_prctl, [libc::PR_GET_MDWE as u64, 0, 0, 0, 0, 0]) };
    flags.map_or(0, |flags| flags as u32)
}

/// The host's personality(2) of this process, which it was started with.
pub fn personality() -> u32 {
    const ASK: u64 = 0xffff_ffff;
    // SAFETY: the call changes nothing.
    let asked = unsafe { syscall(libc::SYS_personality, [ASK, 0, 0, 0, 0, 0]) };
    asked.map_or(0, |bits| bits as u32)
}

/// Has the host behave by these bits of personality(2), which change nothing for remu itself: the release
/// that uname tells, and whether select and poll write their times back.
pub fn mirror_personality(bits: u32) {
    let own = (libc::UNAME26 | libc::STICKY_TIMEOUTS) as u32;
    let wanted = personality() & !own | bits & own;
    // SAFETY: the bits that change have to do with the results of system calls only.
    let changed = unsafe { syscall(libc::SYS_personality, [wanted.into(), 0, 0, 0, 0, 0]) };
    debug_assert!(changed.is_ok());
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
pub fn notify_by_socket(queue: i32, cookie: &[u8; 32], socket: i32) -> Result<u64, CallError> {
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

/// One of the words that futex_waitv(2) waits for, or that futex_requeue(2) works on.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FutexWaiter {
    /// What the word is expected to be.
    pub value: u64,
    /// The word.
    pub word: GuestPtr,
    /// Its size, and whether it is shared.
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
}

/// futex_waitv(2).
pub fn futex_wait_any(words: &[FutexWaiter], timeout: Option<GuestPtr>, clock: i32) -> Result<u64, CallError> {
    let (at, count) = (words.as_ptr() as u64, words.len() as u64);
    let timeout = timeout.map_or(0, raw_pointer);
    // SAFETY: the kernel reads the list, which is live and in its layout; the addresses in it and that of the
    // time are of guest memory.
    unsafe { interruptible(libc::SYS_futex_waitv, [at, count, 0, timeout, clock as u64, 0]) }
}

/// futex_requeue(2) without flags: from the first word to the second.
pub fn futex_requeue(words: &[FutexWaiter; 2], wake: i32, requeue: i32) -> Result<u64, Errno> {
    const SYS_FUTEX_REQUEUE: libc::c_long = 456;
    // SAFETY: as for `futex_wait_any`.
    unsafe { syscall(SYS_FUTEX_REQUEUE, [words.as_ptr() as u64, 0, wake as u64, requeue as u64, 0, 0]) }
}

/// What setxattrat(2) and getxattrat(2) are told.
#[derive(Debug)]
pub struct Attribute<'a> {
    /// The directory.
    pub dir: i32,
    /// The file's path from there.
    pub path: Option<&'a std::ffi::CStr>,
    /// AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH.
    pub at_flags: u32,
    /// The attribute's name.
    pub name: GuestPtr,
    /// Its value.
    pub value: Option<GuestPtr>,
    /// The value's length, or the room for it.
    pub size: u32,
    /// XATTR_CREATE and XATTR_REPLACE.
    pub flags: u32,
}

/// setxattrat(2) or, unless `set`, getxattrat(2).
pub fn attribute(set: bool, attribute: &Attribute<'_>) -> Result<u64, Errno> {
    const SYS_SETXATTRAT: libc::c_long = 463;
    const SYS_GETXATTRAT: libc::c_long = 464;
    let Attribute { dir, path, at_flags, name, value, size, flags } = *attribute;
    let path = path.map_or(std::ptr::null(), std::ffi::CStr::as_ptr);
    let value = value.map_or(0, raw_pointer);
    let inner = [value, u64::from(size) | u64::from(flags) << 32];
    let number = if set { SYS_SETXATTRAT } else { SYS_GETXATTRAT };
    let args = [dir as u64, path as u64, at_flags.into(), raw_pointer(name), inner.as_ptr() as u64, 16];
    // SAFETY: the kernel reads the path and `inner`, which is a `struct xattr_args`, both of them live; the name,
    // and the value behind it, are guest memory.
    unsafe { syscall(number, args) }
}

/// move_pages(2) on this process: `pages` are looked at or, if there are `nodes`, moved there.
pub fn move_pages(
    pages: &[GuestPtr],
    nodes: Option<GuestPtr>,
    status: Option<GuestPtr>,
    flags: u32,
) -> Result<u64, Errno> {
    let (nodes, status) = (nodes.map_or(0, raw_pointer), status.map_or(0, raw_pointer));
    let args = [0, pages.len() as u64, pages.as_ptr() as u64, nodes, status, flags.into()];
    // SAFETY: the kernel reads the list, of pointers in the layout of plain ones, and does not access what they
    // point at; the numbers it reads and writes are in guest memory.
    unsafe { syscall(libc::SYS_move_pages, args) }
}

/// remap_file_pages(2): maps other pages of a file over some that are mapped.
///
/// # Safety
/// The memory from `at`, `len` bytes, must be the caller's to replace.
pub unsafe fn remap_file_pages(at: *mut std::ffi::c_void, len: u64, page: u64, flags: u32) -> Result<(), Errno> {
    // SAFETY: as promised by the caller.
    unsafe { syscall(libc::SYS_remap_file_pages, [at as u64, len, 0, page, flags.into(), 0]) }.map(|_| ())
}
