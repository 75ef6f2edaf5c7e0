//! Exits like the guest: by the same signal, so that the parent sees what it would see of the program. No core file is
//! written, since it would show the emulator.

use std::mem::MaybeUninit;

/// Kills this process by the default action of `signal`, whatever its disposition and mask.
pub fn die_by_signal(signal: i32) -> ! {
    super::terminal::restore();
    // A core limit of 0 does not prevent a core to a pipe (core(5)). A process that is not dumpable writes none.
    let limit = rustix::process::getrlimit(rustix::process::Resource::Core);
    let none = rustix::process::Rlimit { current: Some(0), ..limit };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    // SAFETY: an all-zero sigaction is the default action. The set is initialised before use. Without handlers no code
    // of ours runs, and `raise` signals only this thread.
    unsafe {
        let action: libc::sigaction = MaybeUninit::zeroed().assume_init();
        libc::sigaction(signal, &action, std::ptr::null_mut());
        let mut set: libc::sigset_t = MaybeUninit::zeroed().assume_init();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, signal);
        libc::sigprocmask(libc::SIG_UNBLOCK, &set, std::ptr::null_mut());
        libc::raise(signal);
    }
    // Reached only if the number is not a signal, or if the signal's default action does not kill the process.
    exit_now(128 + signal)
}

/// Exits this process at once, without flushing, freeing or running anything of ours. Implements the guest's
/// exit_group.
pub fn exit_now(status: i32) -> ! {
    super::terminal::restore();
    // SAFETY: `_exit` runs no code of this process and never returns.
    unsafe { libc::_exit(status) }
}
