//! Ending as the guest ends: by the same signal, so that whoever waits for the process sees what it
//! would have seen of the program, and without a core file, which would show the emulator.

use std::mem::MaybeUninit;

/// Ends this process by the default action of `signal`, whatever its disposition and mask are.
pub fn die_by_signal(signal: i32) -> ! {
    super::terminal::restore();
    // A core limit of 0 does not keep a core from a pipe (core(5)); not being dumpable does.
    let limit = rustix::process::getrlimit(rustix::process::Resource::Core);
    let none = rustix::process::Rlimit { current: Some(0), ..limit };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    // SAFETY: an all-zero sigaction is the default action; the set is initialised before use; signals
    // that are no longer handled run no code of ours, and `raise` names only this thread.
    unsafe {
        let action: libc::sigaction = MaybeUninit::zeroed().assume_init();
        libc::sigaction(signal, &action, std::ptr::null_mut());
        let mut set: libc::sigset_t = MaybeUninit::zeroed().assume_init();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, signal);
        libc::sigprocmask(libc::SIG_UNBLOCK, &set, std::ptr::null_mut());
        libc::raise(signal);
    }
    // Only for a number that is no signal, or one whose default is not to end the process.
    exit_now(128 + signal)
}

/// Ends this process at once: nothing of ours is flushed, freed or run. The guest's exit_group.
pub fn exit_now(status: i32) -> ! {
    super::terminal::restore();
    // SAFETY: `_exit` runs nothing of this process, and never returns.
    unsafe { libc::_exit(status) }
}
