//! System calls with addresses inside structures, which the table of [`super::pass`] cannot express. Each has a safe
//! function.

use super::pass::syscall;
use super::pointer::{GuestPtr, IoVec, RawPtr, SysArg, raw_or_null};
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

/// pselect6(2) on sets in guest memory. The mask is passed as the kernel expects it. The remaining time is stored in
/// `timeout`.
pub fn pselect(
    count: i32,
    sets: [Option<GuestPtr<'_>>; 3],
    timeout: Option<&mut Timespec>,
    mask: Option<u64>,
) -> Result<u64, CallError> {
    // The kernel works on whole words of the sets.
    let bytes = u64::from(count.max(0) as u32).div_ceil(64) * 8;
    let set = |i: usize| raw_or_null(sets[i], bytes);
    let timeout = timeout.map_or(std::ptr::null_mut(), std::ptr::from_mut);
    let mask_ptr = mask.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let sigmask = [mask_ptr as u64, SIGSET_SIZE];
    // SAFETY: the kernel writes to the sets, which are guest memory, and to `timeout`, which is live and ours. It reads
    // the mask.
    unsafe {
        interruptible(
            libc::SYS_pselect6,
            [count as u64, set(0), set(1), set(2), timeout as u64, sigmask.as_ptr() as u64],
        )
    }
}

/// The host's `struct epoll_event`.
#[repr(C, packed)]
#[derive(Clone, Copy, Debug, Default)]
pub struct EpollEvent {
    /// The event bits.
    pub events: u32,
    /// The caller's data.
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
    // SAFETY: the kernel writes at most as many events as there are elements, and reads the timeout and the mask. All
    // of them are live.
    unsafe {
        interruptible(libc::SYS_epoll_pwait2, [epoll as u64, at, count, timeout as u64, mask as u64, SIGSET_SIZE])
    }
}

/// A message of sendmsg(2) or recvmsg(2): the address and control data with their lengths, and the checked iovecs.
#[derive(Debug)]
pub struct Message<'a> {
    /// The socket address: guest memory, a slice, or null.
    pub name: SysArg<'a>,
    /// The length of the address or the size of its buffer; after the call, the length that the kernel wrote.
    pub name_len: i32,
    /// The iovecs.
    pub list: &'a [IoVec<'a>],
    /// The control data: guest memory, a slice that is sent, or null.
    pub control: SysArg<'a>,
    /// The length of the control data or the size of its buffer; after the call, the length that the kernel wrote.
    pub control_len: u64,
    /// The kernel's flags for a received message.
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
    /// # Panics
    /// If the name or the control data is shorter than what the kernel may access, or may not be written: a bug in the
    /// caller.
    fn raw(&mut self, receive: bool) -> RawMessage {
        let fits = |slice: &[u8]| assert!(self.name_len as usize <= slice.len(), "the kernel may go past the name");
        let name = match &mut self.name {
            SysArg::Null => 0,
            SysArg::Guest(p) => p.raw(self.name_len.max(0) as u64).addr(),
            SysArg::In(name) if !receive => {
                fits(name);
                name.as_ptr() as u64
            }
            SysArg::Out(name) => {
                fits(name);
                name.as_mut_ptr() as u64
            }
            other => panic!("the name of a message may not be {other:?}"),
        };
        let control = match &self.control {
            SysArg::Null => 0,
            SysArg::Guest(p) => p.raw(self.control_len).addr(),
            SysArg::In(bytes) if !receive => {
                assert!(self.control_len <= bytes.len() as u64, "the kernel may go past the control data");
                bytes.as_ptr() as u64
            }
            other => panic!("the control data of a message may not be {other:?}"),
        };
        RawMessage {
            name,
            name_len: self.name_len,
            pad: 0,
            list: self.list.as_ptr() as u64,
            list_len: self.list.len() as u64,
            control,
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
    let mut raw = message.raw(receive);
    let number = if receive { libc::SYS_recvmsg } else { libc::SYS_sendmsg };
    // SAFETY: `raw` is live and has the kernel's layout. The addresses in it are those of guest memory, of iovecs
    // that name guest memory, and of a name that `Message::raw` has checked.
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

/// sendmmsg(2) or, if `receive`, recvmmsg(2): returns the lengths of the transferred messages. The remaining time is
/// stored in `timeout`.
pub fn messages(
    receive: bool,
    socket: i32,
    list: &mut [Message<'_>],
    flags: u32,
    timeout: Option<&mut Timespec>,
) -> Result<Vec<u32>, CallError> {
    let mut raw: Vec<_> = list.iter_mut().map(|m| RawMessages { message: m.raw(receive), len: 0, pad: 0 }).collect();
    let timeout = timeout.map_or(std::ptr::null_mut(), std::ptr::from_mut);
    let number = if receive { libc::SYS_recvmmsg } else { libc::SYS_sendmmsg };
    let args = [socket as u64, raw.as_mut_ptr() as u64, raw.len() as u64, flags.into(), timeout as u64, 0];
    // SAFETY: `raw` holds as many messages as passed, in the kernel's layout. The addresses in them are those of guest
    // memory, of iovecs that name guest memory, and of names that `Message::raw` has checked. The timeout is live.
    let count = unsafe { interruptible(number, args)? };
    for (message, raw) in list.iter_mut().zip(&raw) {
        message.take(&raw.message);
    }
    Ok(raw[..count as usize].iter().map(|raw| raw.len).collect())
}

/// The memory-deny-write-execute flags of this process (PR_GET_MDWE); none if the kernel does not know them.
pub fn mdwe() -> u32 {
    // SAFETY: the call takes no pointer and changes nothing.
    let flags = unsafe { syscall(libc::SYS_prctl, [libc::PR_GET_MDWE as u64, 0, 0, 0, 0, 0]) };
    flags.map_or(0, |flags| flags as u32)
}

/// The personality(2) with which this process was started.
pub fn personality() -> u32 {
    const ASK: u64 = 0xffff_ffff;
    // SAFETY: the call changes nothing.
    let asked = unsafe { syscall(libc::SYS_personality, [ASK, 0, 0, 0, 0, 0]) };
    asked.map_or(0, |bits| bits as u32)
}

/// Sets these personality(2) bits on the host. They only affect results of system calls: the release that uname
/// reports, and whether select and poll write the remaining time back.
pub fn mirror_personality(bits: u32) {
    let own = (libc::UNAME26 | libc::STICKY_TIMEOUTS) as u32;
    let wanted = personality() & !own | bits & own;
    // SAFETY: the changed bits only affect results of system calls.
    let changed = unsafe { syscall(libc::SYS_personality, [wanted.into(), 0, 0, 0, 0, 0]) };
    debug_assert!(changed.is_ok());
}

/// newfstatat(2).
pub fn stat_at(dir: i32, path: &std::ffi::CStr, flags: i32) -> Result<libc::stat, Errno> {
    let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the kernel reads the path and writes one structure. Both are live.
    unsafe {
        let args = [dir as u64, path.as_ptr() as u64, stat.as_mut_ptr() as u64, flags as u64, 0, 0];
        syscall(libc::SYS_newfstatat, args)?;
        Ok(stat.assume_init())
    }
}

/// How a process is told of a message: the first fields of `struct sigevent`.
#[derive(Clone, Copy, Debug)]
pub struct Notification {
    /// The value that comes with a signal.
    pub value: u64,
    /// The signal's number or, for SIGEV_THREAD, a netlink socket.
    pub signo: i32,
    /// SIGEV_NONE, SIGEV_SIGNAL or SIGEV_THREAD.
    pub notify: i32,
}

/// mq_notify(2); without a notification, it removes the one that was asked for. With SIGEV_THREAD, which is how C
/// libraries start a thread, the cookie is what the kernel sends to the socket; it is read where the value points.
pub fn mq_notify(queue: i32, notification: Option<Notification>, cookie: &[u8; 32]) -> Result<u64, CallError> {
    #[repr(C)]
    struct Sigevent {
        value: u64,
        signo: i32,
        notify: i32,
        rest: [u64; 6],
    }
    let event = notification.map(|Notification { value, signo, notify }| {
        let value = if notify == libc::SIGEV_THREAD { cookie.as_ptr() as u64 } else { value };
        Sigevent { value, signo, notify, rest: [0; 6] }
    });
    let at = event.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the kernel reads the structure, which is 64 bytes. It follows the value for SIGEV_THREAD only: to 32 bytes,
    // all of the cookie.
    unsafe { interruptible(libc::SYS_mq_notify, [queue as u64, at as u64, 0, 0, 0, 0]) }
}

/// A futex word to wait for with futex_waitv(2), or an operand of futex_requeue(2).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FutexWaiter<'w> {
    value: u64,
    word: RawPtr<'w>,
    flags: u32,
    reserved: u32,
}

impl<'w> FutexWaiter<'w> {
    /// A word, what it is expected to be, its size and whether it is shared, and a field that should be zero.
    pub fn new(value: u64, word: GuestPtr<'w>, flags: u32, reserved: u32) -> Self {
        Self { value, word: word.open(), flags, reserved }
    }
}

/// futex_waitv(2).
pub fn futex_wait_any(words: &[FutexWaiter<'_>], timeout: Option<GuestPtr<'_>>, clock: i32) -> Result<u64, CallError> {
    let (at, count) = (words.as_ptr() as u64, words.len() as u64);
    let timeout = raw_or_null(timeout, size_of::<Timespec>() as u64);
    // SAFETY: the kernel reads the list, which is live and has the kernel's layout. The addresses in it and that of the
    // timeout are guest memory.
    unsafe { interruptible(libc::SYS_futex_waitv, [at, count, 0, timeout, clock as u64, 0]) }
}

/// futex_requeue(2) without flags, from the first word to the second.
pub fn futex_requeue(words: &[FutexWaiter<'_>; 2], wake: i32, requeue: i32) -> Result<u64, Errno> {
    const SYS_FUTEX_REQUEUE: libc::c_long = 456;
    // SAFETY: as for `futex_wait_any`.
    unsafe { syscall(SYS_FUTEX_REQUEUE, [words.as_ptr() as u64, 0, wake as u64, requeue as u64, 0, 0]) }
}

/// The arguments of setxattrat(2) and getxattrat(2).
#[derive(Debug)]
pub struct Attribute<'a> {
    /// The directory.
    pub dir: i32,
    /// The file's path, relative to the directory.
    pub path: Option<&'a std::ffi::CStr>,
    /// AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH.
    pub at_flags: u32,
    /// The attribute's name.
    pub name: GuestPtr<'a>,
    /// Its value.
    pub value: Option<GuestPtr<'a>>,
    /// The length of the value, or the size of its buffer.
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
    let value = raw_or_null(value, size.into());
    let inner = [value, u64::from(size) | u64::from(flags) << 32];
    let number = if set { SYS_SETXATTRAT } else { SYS_GETXATTRAT };
    let args = [dir as u64, path as u64, at_flags.into(), name.open().addr(), inner.as_ptr() as u64, 16];
    // SAFETY: the kernel reads the path and `inner`, which is a `struct xattr_args`. Both are live. The name and the
    // value are guest memory.
    unsafe { syscall(number, args) }
}

/// move_pages(2) on a process, 0 for this one: queries `pages` or, with `nodes`, moves them there.
pub fn move_pages(
    pid: i32,
    pages: &[GuestPtr<'_>],
    nodes: Option<GuestPtr<'_>>,
    status: Option<GuestPtr<'_>>,
    flags: u32,
) -> Result<u64, Errno> {
    let pages: Vec<RawPtr<'_>> = pages.iter().map(|page| page.raw(1)).collect();
    let [nodes, status] = [nodes, status].map(|list| raw_or_null(list, pages.len() as u64 * 4));
    let args = [pid as u64, pages.len() as u64, pages.as_ptr() as u64, nodes, status, flags.into()];
    // SAFETY: the kernel reads the list, whose elements have the layout of plain pointers, and does not access their
    // targets. The numbers it reads and writes are in guest memory.
    unsafe { syscall(libc::SYS_move_pages, args) }
}

/// remap_file_pages(2): maps other pages of a file over mapped ones.
///
/// # Safety
/// The `len` bytes from `at` must be the caller's to replace.
pub unsafe fn remap_file_pages(at: *mut std::ffi::c_void, len: u64, page: u64, flags: u32) -> Result<(), Errno> {
    // SAFETY: as promised by the caller.
    unsafe { syscall(libc::SYS_remap_file_pages, [at as u64, len, 0, page, flags.into(), 0]) }.map(|_| ())
}
