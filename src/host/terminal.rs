//! Raw mode for the terminal on standard input. The original mode is restored when the value is dropped, in
//! [`exit_now`](super::exit_now), and at a signal that kills or stops the process.

use std::mem::MaybeUninit;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Signals that kill a process by default: those that users and supervisors send, and that of abort(3).
const ENDING: [i32; 9] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGPIPE,
    libc::SIGABRT,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGXCPU,
];

/// The terminal modes: the original one and the raw one.
struct Modes {
    before: libc::termios,
    raw: libc::termios,
}

static MODES: OnceLock<Modes> = OnceLock::new();
static IS_RAW: AtomicBool = AtomicBool::new(false);

/// The terminal on standard input in raw mode: bytes arrive as typed, without echo.
#[derive(Debug)]
pub struct RawTerminal(());

impl RawTerminal {
    /// Makes the terminal raw; `None` if standard input is not a terminal. With `signals`, Ctrl-C and similar keys
    /// still send signals; without, they are ordinary bytes. The first call determines this for the process.
    pub fn new(signals: bool) -> Option<Self> {
        let mut before = MaybeUninit::uninit();
        // SAFETY: `tcgetattr` fills in the structure if it succeeds, and accesses nothing else.
        let before = unsafe {
            if libc::tcgetattr(libc::STDIN_FILENO, before.as_mut_ptr()) != 0 {
                return None;
            }
            before.assume_init()
        };
        MODES.get_or_init(|| Modes { before, raw: raw(before, signals) });
        IS_RAW.store(true, Ordering::Relaxed);
        for signal in ENDING {
            handle(signal, end, libc::SA_RESETHAND | libc::SA_NODEFER);
        }
        handle(libc::SIGTSTP, stop, libc::SA_RESTART);
        handle(libc::SIGCONT, resume, libc::SA_RESTART);
        set(|modes| &modes.raw);
        Some(Self(()))
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        restore();
    }
}

/// The mode that QEMU uses: output is still processed, so that a line feed starts a new line.
fn raw(before: libc::termios, signals: bool) -> libc::termios {
    let mut mode = before;
    mode.c_iflag &= !(libc::IGNBRK
        | libc::BRKINT
        | libc::PARMRK
        | libc::ISTRIP
        | libc::INLCR
        | libc::IGNCR
        | libc::ICRNL
        | libc::IXON);
    mode.c_oflag |= libc::OPOST;
    mode.c_lflag &= !(libc::ECHO | libc::ECHONL | libc::ICANON | libc::IEXTEN);
    if !signals {
        mode.c_lflag &= !libc::ISIG;
    }
    mode.c_cflag = mode.c_cflag & !(libc::CSIZE | libc::PARENB) | libc::CS8;
    mode.c_cc[libc::VMIN] = 1;
    mode.c_cc[libc::VTIME] = 0;
    mode
}

/// Restores the terminal's original mode if it is raw. Async-signal-safe.
pub(super) fn restore() {
    if IS_RAW.swap(false, Ordering::Relaxed) {
        set(|modes| &modes.before);
    }
}

/// Sets the mode, unless the process is in the background. The terminal then belongs to another process, and the kernel
/// would stop this one for changing it.
fn set(mode: impl FnOnce(&'static Modes) -> &'static libc::termios) {
    let Some(modes) = MODES.get() else { return };
    // SAFETY: the calls only read the structure, which is static. All three are async-signal-safe.
    unsafe {
        if libc::tcgetpgrp(libc::STDIN_FILENO) == libc::getpgrp() {
            libc::tcsetattr(libc::STDIN_FILENO, libc::TCSADRAIN, mode(modes));
        }
    }
}

/// Installs a handler, if the signal has its default action.
fn handle(signal: i32, handler: extern "C" fn(i32), flags: i32) {
    // SAFETY: all-zero structures are valid, with an empty mask. The handlers below are async-signal-safe.
    unsafe {
        let mut old: libc::sigaction = MaybeUninit::zeroed().assume_init();
        libc::sigaction(signal, std::ptr::null(), &mut old);
        if old.sa_sigaction == libc::SIG_DFL {
            let mut new: libc::sigaction = MaybeUninit::zeroed().assume_init();
            new.sa_sigaction = handler as *const () as usize;
            new.sa_flags = flags;
            libc::sigaction(signal, &new, std::ptr::null_mut());
        }
    }
}

/// Kills the process by the signal, whose default action is restored when this runs.
extern "C" fn end(signal: i32) {
    restore();
    // SAFETY: `raise` is async-signal-safe and signals only this thread.
    unsafe { libc::raise(signal) };
}

extern "C" fn stop(_: i32) {
    keep_errno(|| {
        set(|modes| &modes.before);
        // SAFETY: as in `end`. SIGSTOP stops the process here.
        unsafe { libc::raise(libc::SIGSTOP) };
    });
}

extern "C" fn resume(_: i32) {
    keep_errno(|| {
        if IS_RAW.load(Ordering::Relaxed) {
            set(|modes| &modes.raw);
        }
    });
}

/// Runs the body of a handler that returns to the interrupted code, which may be about to read errno.
fn keep_errno(body: impl FnOnce()) {
    // SAFETY: the address of this thread's errno, which lives as long as the thread.
    let errno = unsafe { &*libc::__errno_location().cast::<std::cell::Cell<i32>>() };
    let before = errno.get();
    body();
    errno.set(before);
}
