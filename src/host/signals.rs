//! Delivery of signals from the host kernel to the guest.
//!
//! The host kernel manages the guest's signals: targets, blocked and pending sets, queues and order. A signal that the
//! guest handles arrives in our handler. The handler stores the siginfo in the thread's mailbox, asks the engine to
//! stop, and blocks all further signals until [`set_signal_mask`] is called. Ordinary code then takes the signal from
//! the mailbox.
//!
//! A blocking guest system call must not miss a signal that arrives just before it blocks. All such calls go through
//! one assembly routine, [`interruptible`], which checks the stop request and then makes the call. If a signal arrives
//! between the two, the handler sees that from the program counter and moves the thread past the call. Our handlers
//! have SA_RESTART, so the host kernel decides whether a call may restart: it then resumes *at* the call, and the
//! handler moves the thread past it as well.

use super::pass::syscall;
use super::{StopFlag, StopHandle, Timespec, fault};
use rustix::io::Errno;
use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering, compiler_fence};

pub(super) const SIGSET_SIZE: u64 = 8;

/// Why an interruptible call has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallError {
    /// It failed.
    Errno(Errno),
    /// A signal arrived before the call began. The call is made after the signal has been delivered (ERESTARTNOINTR).
    NotBegun,
    /// A signal interrupted the call, which restarts if the signal's handler has SA_RESTART (ERESTARTSYS).
    MayRestart,
}

impl From<Errno> for CallError {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

/// What the assembly returns for [`CallError::NotBegun`] and [`CallError::MayRestart`]: the kernel's errors, which it
/// never returns to a process.
const ERESTARTNOINTR: i64 = 513;
const ERESTARTSYS: i64 = 512;

/// The kernel's `siginfo_t`: the fields common to all signals, and the union.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SignalInfo {
    /// The signal's number.
    pub signo: i32,
    /// `si_errno`.
    pub errno: i32,
    /// `si_code`.
    pub code: i32,
    pad: u32,
    /// The union: the sender, or details of the event.
    pub fields: [u64; 14],
}

impl SignalInfo {
    const NONE: Self = Self::new(0, 0, 0, [0; 14]);

    /// One with these fields.
    pub const fn new(signo: i32, errno: i32, code: i32, fields: [u64; 14]) -> Self {
        Self { signo, errno, code, pad: 0, fields }
    }
}

/// Signals that are never blocked in the host while the guest runs, because faults of guest accesses raise them.
pub const NEVER_BLOCKED: [i32; 2] = [libc::SIGSEGV, libc::SIGBUS];

fn is_never_blocked(signal: i32) -> bool {
    NEVER_BLOCKED.contains(&signal)
}

/// All signals except those that are never blocked.
const ALL_BLOCKED: u64 = !(1 << (libc::SIGSEGV - 1) | 1 << (libc::SIGBUS - 1));

/// Holds the signals that a thread's handler received. One slot is enough for all signals that the handler then blocks.
/// Signals that are never blocked have one slot each, since standard signals do not queue.
struct Mailbox {
    /// The flag that stops the thread's engine; null in a thread that runs no guest.
    stop: AtomicPtr<StopFlag>,
    /// The full slots, one bit each.
    full: AtomicU8,
    slots: [UnsafeCell<SignalInfo>; 1 + NEVER_BLOCKED.len()],
}

thread_local! {
    // Constant and without a destructor, so that a signal handler can reach it at any time.
    static MAILBOX: Mailbox = const {
        Mailbox {
            stop: AtomicPtr::new(std::ptr::null_mut()),
            full: AtomicU8::new(0),
            slots: [const { UnsafeCell::new(SignalInfo::NONE) }; 1 + NEVER_BLOCKED.len()],
        }
    };
}

/// While this exists, the calling thread receives signals for a guest.
pub struct Attachment {
    /// Contains the flag that the mailbox points to.
    stop: StopHandle,
    /// Not `Send`: the mailbox belongs to the thread.
    here: PhantomData<*const ()>,
}

/// Makes the calling thread take signals for a guest: a signal that arrives raises the flag of its hart. A thread has
/// one attachment at a time; a new one replaces the old one.
///
/// A new attachment takes over the signals that arrived under the old one. All signals should be blocked when an
/// attachment is made and when it ends. A thread without one runs no guest, and sends a signal that it receives to the
/// process again, which the host only allows to the first thread.
pub fn attach(stop: StopHandle) -> Attachment {
    let flag: &StopFlag = (*stop).as_ref();
    MAILBOX.with(|mailbox| {
        let before = mailbox.stop.swap(std::ptr::from_ref(flag).cast_mut(), Ordering::AcqRel);
        if before.is_null() {
            mailbox.full.store(0, Ordering::Relaxed);
        } else if mailbox.full.load(Ordering::Relaxed) != 0 {
            flag.raise(StopFlag::LEAVE);
        }
    });
    Attachment { stop, here: PhantomData }
}

/// Makes the calling thread, the first of its process, take the signals of faults before there is a guest, and those
/// that were sent and are pending. Returns the mask with which the process has started.
pub fn begin_signals() -> (u64, Attachment) {
    fault::install();
    let early = attach(Arc::new(StopFlag::new()));
    let blocked = signal_mask();
    set_signal_mask(blocked);
    (blocked, early)
}

impl Attachment {
    /// Ends the attachment and returns the signals that arrived and were not taken. The caller gives them to another thread
    /// if they were sent to the process.
    pub fn detach(self) -> impl Iterator<Item = SignalInfo> {
        self.disconnect();
        std::iter::from_fn(take_signal)
    }

    /// Makes the handler stop using the flag.
    fn disconnect(&self) {
        let flag = std::ptr::from_ref::<StopFlag>((*self.stop).as_ref()).cast_mut();
        // A newer attachment stays. The handler runs in this thread, so only the compiler could reorder.
        MAILBOX.with(|mailbox| {
            let null = std::ptr::null_mut();
            let _ = mailbox.stop.compare_exchange(flag, null, Ordering::Relaxed, Ordering::Relaxed);
        });
        compiler_fence(Ordering::SeqCst);
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.disconnect();
    }
}

/// Takes a signal that has arrived in this thread. All others are blocked from then on until [`set_signal_mask`] sets
/// the mask.
pub fn take_signal() -> Option<SignalInfo> {
    MAILBOX.with(|mailbox| {
        // SAFETY: null, or the flag of the thread's attachment, which is alive while the pointer is there.
        let stop = unsafe { mailbox.stop.load(Ordering::Relaxed).as_ref() };
        // Before looking: a signal that arrives in between raises the flag again, and with an empty mailbox it is down.
        if let Some(stop) = stop.filter(|stop| stop.is_raised()) {
            stop.lower(StopFlag::LEAVE);
        }
        let full = mailbox.full.load(Ordering::Acquire);
        if full == 0 {
            return None;
        }
        let slot = full.trailing_zeros() as usize;
        // SAFETY: the handler runs in this thread and does not touch a full slot. The handler set this bit, so the
        // index is valid.
        let info = unsafe { *mailbox.slots[slot].get() };
        mailbox.full.fetch_and(!(1 << slot), Ordering::Release);
        Some(info)
    })
}

/// The kernel's `struct ucontext` as it is on the stack of a handler. The C library's is longer: it would extend over
/// the siginfo, which follows.
#[repr(C)]
pub(super) struct SignalContext {
    flags: u64,
    link: u64,
    stack: libc::stack_t,
    /// The registers of the interrupted code.
    pub uc_mcontext: libc::mcontext_t,
    /// The signals that the interrupted code blocks.
    pub uc_sigmask: u64,
}

const _: () = assert!(size_of::<SignalContext>() == 304);

/// Puts a signal into the mailbox of the current thread. Returns false if the thread runs no guest.
///
/// # Safety
/// Must be called in a signal handler, with the arguments that the kernel passed.
pub(super) unsafe fn arrived(signal: i32, info: *const libc::siginfo_t, context: &mut SignalContext) -> bool {
    MAILBOX.with(|mailbox| {
        // SAFETY: null, or the flag of the thread's attachment, which is alive while the pointer is there.
        let Some(stop) = (unsafe { mailbox.stop.load(Ordering::Acquire).as_ref() }) else { return false };
        let slot = NEVER_BLOCKED.iter().position(|&s| s == signal).map_or(0, |i| i + 1);
        if mailbox.full.load(Ordering::Relaxed) & 1 << slot == 0 {
            // SAFETY: the kernel passes a siginfo of 128 bytes. The slot is empty, so the interrupted thread is not
            // reading it.
            unsafe { *mailbox.slots[slot].get() = *info.cast::<SignalInfo>() };
            mailbox.full.fetch_or(1 << slot, Ordering::Release);
        }
        stop.raise(StopFlag::LEAVE);
        block_all(signal, context);
        let rip = &mut context.uc_mcontext.gregs[libc::REG_RIP as usize];
        let [check, enter, before, within] = [
            &raw const remu_syscall_check,
            &raw const remu_syscall_enter,
            &raw const remu_syscall_not_begun,
            &raw const remu_syscall_may_restart,
        ]
        .map(|label| label as i64);
        if (check..enter).contains(rip) {
            *rip = before;
        } else if *rip == enter {
            *rip = within;
        }
        true
    })
}

/// Blocks all signals in the interrupted code, unless this signal is one that is never blocked.
fn block_all(signal: i32, context: &mut SignalContext) {
    if !is_never_blocked(signal) {
        context.uc_sigmask = ALL_BLOCKED;
    }
}

extern "C" fn on_signal(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid siginfo and ucontext to an SA_SIGINFO handler. They do not overlap, and nothing
    // else refers to the ucontext meanwhile.
    let (code, context) = unsafe { ((*info).si_code, &mut *context.cast::<SignalContext>()) };
    let by_instruction = [libc::SIGILL, libc::SIGTRAP, libc::SIGFPE].contains(&signal) && code > 0;
    if by_instruction {
        fault::internal_fault(signal, context, 0);
        return;
    }
    // SAFETY: these are the arguments of this handler.
    if unsafe { arrived(signal, info, context) } {
        return;
    }
    // This thread runs no guest. It blocks all signals and sends this one to the process again, for a thread that runs
    // one.
    block_all(signal, context);
    // SAFETY: sends the received signal to this process. The kernel only reads the siginfo.
    let _ = unsafe {
        let pid = u64::from(std::process::id());
        syscall(libc::SYS_rt_sigqueueinfo, [pid, signal as u64, info as u64, 0, 0, 0])
    };
}

// remu_syscall(flag: *const StopFlag, call: *const [u64; 7]) -> result or -errno: makes the call of a number
// and six arguments, unless the flag is raised for the engine to leave.
std::arch::global_asm!(
    ".text",
    ".balign 16",
    ".globl remu_syscall, remu_syscall_check, remu_syscall_enter",
    ".globl remu_syscall_not_begun, remu_syscall_may_restart",
    "remu_syscall:",
    "mov r11, rdi",
    "mov rax, [rsi]",
    "mov rdi, [rsi + 8]",
    "mov rdx, [rsi + 24]",
    "mov r10, [rsi + 32]",
    "mov r8, [rsi + 40]",
    "mov r9, [rsi + 48]",
    "mov rsi, [rsi + 16]",
    "remu_syscall_check:",
    "test byte ptr [r11], {leave}",
    "jnz remu_syscall_not_begun",
    "remu_syscall_enter:",
    "syscall",
    "ret",
    "remu_syscall_not_begun:",
    "mov rax, -513",
    "ret",
    "remu_syscall_may_restart:",
    "mov rax, -512",
    "ret",
    // The kernel requires a restorer, which returns from a handler.
    ".balign 16",
    ".globl remu_sigreturn",
    "remu_sigreturn:",
    "mov eax, 15",
    "syscall",
    leave = const StopFlag::LEAVE,
);

// SAFETY: the function and the labels are those of the assembly above, which follows the C calling convention. The
// labels are only used for their addresses.
unsafe extern "C" {
    fn remu_syscall(flag: *const StopFlag, call: *const [u64; 7]) -> i64;
    static remu_syscall_check: u8;
    static remu_syscall_enter: u8;
    static remu_syscall_not_begun: u8;
    static remu_syscall_may_restart: u8;
    static remu_sigreturn: u8;
}

/// Makes an interruptible system call for the guest; see the module documentation.
///
/// # Errors
/// The host's, and those of a call that a signal interrupted.
///
/// # Safety
/// The call with these arguments must not break Rust's view of memory.
pub(super) unsafe fn interruptible(number: libc::c_long, a: [u64; 6]) -> Result<u64, CallError> {
    static NEVER: StopFlag = StopFlag::new();
    let stop = MAILBOX.with(|mailbox| mailbox.stop.load(Ordering::Relaxed).cast_const());
    let flag = if stop.is_null() { &raw const NEVER } else { stop };
    let call = [number as u64, a[0], a[1], a[2], a[3], a[4], a[5]];
    // SAFETY: the flag and the array are live. The caller is responsible for what the call does.
    let result = unsafe { remu_syscall(flag, &raw const call) };
    match -result {
        ERESTARTNOINTR => Err(CallError::NotBegun),
        ERESTARTSYS => Err(CallError::MayRestart),
        errno @ 1..=4095 => Err(Errno::from_raw_os_error(errno as i32).into()),
        _ => Ok(result as u64),
    }
}

/// The host's disposition of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The default action.
    Default,
    /// The signal is ignored.
    Ignore,
    /// The signal goes to the thread's mailbox, for [`take_signal`].
    Catch,
}

/// The kernel's `struct sigaction` on x86-64.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(super) struct RawAction {
    handler: u64,
    flags: u64,
    restorer: u64,
    mask: u64,
}

/// SA_RESTORER of x86-64.
const SA_RESTORER: u64 = 0x0400_0000;

/// Sets the host's disposition of a signal. SIGSEGV and SIGBUS are always caught, apart from faults. Only the flags
/// about children count (SA_NOCLDSTOP, SA_NOCLDWAIT).
pub fn set_disposition(signal: i32, disposition: Disposition, flags: u64) -> Result<(), Errno> {
    if is_never_blocked(signal) {
        return Ok(());
    }
    let children = flags & (libc::SA_NOCLDSTOP | libc::SA_NOCLDWAIT) as u64;
    let action = match disposition {
        Disposition::Default => RawAction { handler: 0, flags: children, ..RawAction::default() },
        Disposition::Ignore => RawAction { handler: 1, flags: children, ..RawAction::default() },
        Disposition::Catch => RawAction {
            handler: on_signal as *const () as u64,
            flags: (libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART) as u64 | SA_RESTORER | children,
            restorer: &raw const remu_sigreturn as u64,
            mask: ALL_BLOCKED,
        },
    };
    // SAFETY: the handler has the signature that SA_SIGINFO requires and is async-signal-safe: it only touches its
    // thread's mailbox, through atomics, and its context argument.
    unsafe {
        syscall(libc::SYS_rt_sigaction, [signal as u64, (&raw const action) as u64, 0, SIGSET_SIZE, 0, 0])?;
    }
    Ok(())
}

/// Whether the host ignores a signal, or ignored it before remu took it for faults.
pub fn is_ignored(signal: i32) -> bool {
    action(signal).handler == 1 || fault::was_ignored(signal)
}

/// Sets the signals blocked in this thread as [`set_signal_mask`] does, unless a signal has arrived that the thread has
/// not taken. The guest then sees the signal before the mask changes, as it was sent before.
///
/// # Errors
/// [`CallError::NotBegun`].
pub fn try_set_signal_mask(mask: u64) -> Result<(), CallError> {
    let mask = mask & ALL_BLOCKED;
    let how = libc::SIG_SETMASK as u64;
    // SAFETY: the kernel reads a set. Blocking signals cannot break memory safety.
    unsafe { interruptible(libc::SYS_rt_sigprocmask, [how, (&raw const mask) as u64, 0, SIGSET_SIZE, 0, 0]) }.map(drop)
}

/// Sets the signals blocked in this thread, except those that faults of guest accesses raise. Returns the old set.
pub fn set_signal_mask(mask: u64) -> u64 {
    change_mask(Some(mask & ALL_BLOCKED))
}

/// The signals blocked in this thread.
pub fn signal_mask() -> u64 {
    change_mask(None)
}

fn change_mask(new: Option<u64>) -> u64 {
    let mut old = 0u64;
    let new_ptr = new.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the kernel reads one set and writes the other. Blocking signals cannot break memory safety.
    let result = unsafe {
        let how = libc::SIG_SETMASK as u64;
        syscall(libc::SYS_rt_sigprocmask, [how, new_ptr as u64, (&raw mut old) as u64, SIGSET_SIZE, 0, 0])
    };
    debug_assert!(result.is_ok());
    old
}

/// All signals are blocked in this thread, those of faults too, until this is dropped. Then the mask is as it was.
#[must_use = "the mask is restored when this is dropped"]
pub struct AllBlocked {
    before: u64,
}

/// Blocks all signals in this thread. A fault of a guest access would end the process.
pub fn block_every_signal() -> AllBlocked {
    AllBlocked { before: change_mask(Some(u64::MAX)) }
}

/// The signals of a process as a host program finds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalsOfProgram {
    /// The blocked signals.
    pub blocked: u64,
    /// The ignored signals.
    pub ignored: u64,
}

/// Has the host block and ignore signals as a host program is to find them, those of faults too, and makes an
/// interruptible call. All signals are blocked before and afterwards, and the actions of faults restored.
///
/// # Safety
/// As for [`interruptible`]. The call accesses no guest memory.
pub(super) unsafe fn with_signals_of(
    program: SignalsOfProgram,
    number: libc::c_long,
    args: [u64; 6],
) -> Result<u64, CallError> {
    let before = NEVER_BLOCKED.map(action);
    for signal in NEVER_BLOCKED {
        if program.ignored & 1 << (signal - 1) != 0 {
            set_action(signal, &RawAction { handler: 1, ..RawAction::default() });
        }
    }
    change_mask(Some(program.blocked));
    // SAFETY: the caller is responsible for the call. A fault outside of guest memory is an internal fault whatever
    // its action.
    let result = unsafe { interruptible(number, args) };
    change_mask(Some(u64::MAX));
    for (signal, action) in NEVER_BLOCKED.into_iter().zip(before) {
        set_action(signal, &action);
    }
    result
}

impl Drop for AllBlocked {
    fn drop(&mut self) {
        change_mask(Some(self.before));
    }
}

/// Whether a signal has arrived in this thread that it has not taken.
pub fn has_arrived() -> bool {
    MAILBOX.with(|mailbox| mailbox.full.load(Ordering::Relaxed) != 0)
}

/// This thread's attachment while its vfork child has the mailbox.
pub(super) struct LentMailbox {
    stop: *mut StopFlag,
}

/// Lends this thread's mailbox, which is empty, to the vfork child that it makes: what arrives there raises `stop`,
/// which must exist until [`take_mailbox_back`] is called. All signals are blocked.
pub(super) fn lend_mailbox(stop: &StopFlag) -> LentMailbox {
    let stop = std::ptr::from_ref(stop).cast_mut();
    MAILBOX.with(|mailbox| LentMailbox { stop: mailbox.stop.swap(stop, Ordering::Relaxed) })
}

/// Takes the mailbox back from a child that has ended. Signals that were the child's are dropped.
pub(super) fn take_mailbox_back(lent: LentMailbox) {
    MAILBOX.with(|mailbox| {
        mailbox.full.store(0, Ordering::Relaxed);
        mailbox.stop.store(lent.stop, Ordering::Relaxed);
    });
}

/// The action of a signal, as it is in the host.
pub(super) fn action(signal: i32) -> RawAction {
    let mut action = RawAction::default();
    // SAFETY: the kernel writes the current action to `action`, which has its layout.
    let result =
        unsafe { syscall(libc::SYS_rt_sigaction, [signal as u64, 0, (&raw mut action) as u64, SIGSET_SIZE, 0, 0]) };
    debug_assert!(result.is_ok(), "the kernel tells the action of every signal");
    action
}

/// Sets the action of a signal to what [`action`] has yielded, or to ignoring it.
pub(super) fn set_action(signal: i32, action: &RawAction) {
    let action = std::ptr::from_ref(action);
    // SAFETY: the kernel reads an action that it had itself, so its handler was one before, or one without a handler.
    let result = unsafe { syscall(libc::SYS_rt_sigaction, [signal as u64, action as u64, 0, SIGSET_SIZE, 0, 0]) };
    debug_assert!(result.is_ok(), "the kernel takes its own action");
}

/// The pending signals of this thread.
pub fn pending_signals() -> u64 {
    let mut set = 0u64;
    // SAFETY: the kernel writes one set.
    let result = unsafe { syscall(libc::SYS_rt_sigpending, [(&raw mut set) as u64, SIGSET_SIZE, 0, 0, 0, 0]) };
    debug_assert!(result.is_ok());
    set
}

/// rt_sigtimedwait(2): takes a blocked signal.
pub fn wait_for_signal(wanted: u64, timeout: Option<Timespec>) -> Result<SignalInfo, CallError> {
    let mut info = SignalInfo::NONE;
    let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the kernel reads a set and a timeout, and writes a siginfo of 128 bytes.
    unsafe {
        let args = [(&raw const wanted) as u64, (&raw mut info) as u64, timeout as u64, SIGSET_SIZE, 0, 0];
        interruptible(libc::SYS_rt_sigtimedwait, args)?;
    }
    Ok(info)
}

/// rt_sigsuspend(2): waits under another mask for a caught signal.
pub fn suspend(mask: u64) -> CallError {
    let mask = mask & ALL_BLOCKED;
    // SAFETY: the kernel reads a set.
    let result = unsafe { interruptible(libc::SYS_rt_sigsuspend, [(&raw const mask) as u64, SIGSET_SIZE, 0, 0, 0, 0]) };
    result.expect_err("the call only ends by a signal")
}

/// Has the host block all signals in this thread but those of faults. Returns the mask that was set.
pub fn block_all_signals() -> u64 {
    set_signal_mask(u64::MAX)
}

/// Sends this thread a signal with all that the siginfo says.
pub fn send_to_self(info: &SignalInfo) {
    let [process, thread] = [u64::from(std::process::id()), rustix::thread::gettid().as_raw_nonzero().get() as u64];
    // SAFETY: the kernel reads a siginfo of 128 bytes. The signal is blocked or runs a handler of ours.
    let sent = unsafe {
        let at = std::ptr::from_ref(info) as u64;
        syscall(libc::SYS_rt_tgsigqueueinfo, [process, thread, info.signo as u64, at, 0, 0])
    };
    // EAGAIN: RLIMIT_SIGPENDING, as for every signal that is queued.
    debug_assert!(matches!(sent, Ok(_) | Err(Errno::AGAIN)), "a thread may signal itself: {sent:?}");
}

/// Sends a thread of this process a signal, as tgkill(2) does. Returns false if the thread has ended.
pub fn send_to_thread(thread: i32, signal: i32) -> bool {
    // SAFETY: a signal that the guest handles runs a handler of ours, and another one does what the guest asked for.
    unsafe { syscall(libc::SYS_tgkill, [u64::from(std::process::id()), thread as u64, signal as u64, 0, 0, 0]).is_ok() }
}

/// Sends this process a stop signal.
pub fn stop_self(signal: i32) {
    // SAFETY: sends a signal, and touches no memory.
    let sent = unsafe { syscall(libc::SYS_kill, [u64::from(std::process::id()), signal as u64, 0, 0, 0, 0]) };
    debug_assert!(sent.is_ok(), "a process may stop itself");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends a signal to the calling thread.
    fn to_this_thread(signal: i32) {
        // SAFETY: sends a signal that is caught or blocked.
        unsafe { libc::pthread_kill(libc::pthread_self(), signal) };
    }

    /// Threads come and go while signals are caught: each flag lives as long as its thread's attachment.
    #[test]
    fn an_attachment_ends_before_its_flag() {
        const SIGNAL: i32 = libc::SIGURG;
        set_disposition(SIGNAL, Disposition::Catch, 0).unwrap();
        for _ in 0..100 {
            let thread = std::thread::spawn(|| {
                let stop = Arc::new(StopFlag::new());
                let mailbox = attach(stop.clone());
                assert_eq!(Arc::strong_count(&stop), 2);
                to_this_thread(SIGNAL);
                assert!(stop.is_raised());
                assert_eq!(take_signal().map(|info| info.signo), Some(SIGNAL));
                assert!(!stop.is_raised(), "taking it lowers the flag");
                // The host blocks the second one from now on, and so on.
                set_signal_mask(0);
                to_this_thread(SIGNAL);
                let left: Vec<_> = mailbox.detach().map(|info| info.signo).collect();
                assert_eq!(left, [SIGNAL], "what was not taken is handed back");
                assert_eq!(Arc::strong_count(&stop), 1, "nothing else keeps the flag");
            });
            thread.join().unwrap();
        }
        set_disposition(SIGNAL, Disposition::Default, 0).unwrap();
    }

    #[test]
    fn a_newer_attachment_outlives_an_older_one() {
        let (first, second) = (Arc::new(StopFlag::new()), Arc::new(StopFlag::new()));
        let old = attach(first.clone());
        let new = attach(second.clone());
        drop(old);
        assert_eq!(Arc::strong_count(&first), 1);
        let current = || MAILBOX.with(|mailbox| mailbox.stop.load(Ordering::Relaxed).cast_const());
        assert_eq!(current(), Arc::as_ptr(&second));
        drop(new);
        assert!(current().is_null());
    }

    #[test]
    fn a_call_is_not_begun_when_the_engine_is_to_leave_only() {
        let stop = Arc::new(StopFlag::new());
        let _mailbox = attach(stop.clone());
        // SAFETY: getpid changes nothing.
        let call = || unsafe { interruptible(libc::SYS_getpid, [0; 6]) };
        assert!(call().is_ok());
        stop.raise(StopFlag::CODE);
        assert!(call().is_ok(), "code that changed does not concern a call");
        stop.raise(StopFlag::LEAVE);
        assert!(matches!(call(), Err(CallError::NotBegun)));
        assert_eq!(stop.lower(StopFlag::LEAVE), StopFlag::LEAVE);
        assert!(stop.is_raised() && call().is_ok());
    }
}
