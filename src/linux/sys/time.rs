//! Timers of the process.

use crate::host::Sys;
use crate::linux::abi::signal::SIG_IGN;
use crate::linux::call::{Call, SysResult};

pub(in crate::linux) fn setitimer(c: &mut Call<'_>) -> SysResult {
    let signal = match c.int(0) {
        libc::ITIMER_REAL => libc::SIGALRM,
        libc::ITIMER_VIRTUAL => libc::SIGVTALRM,
        _ => libc::SIGPROF,
    };
    if c.task.sighand.actions()[signal as usize - 1].handler > SIG_IGN && c.args[1] != 0 {
        c.unimplemented(format!("setitimer with a handler for signal {signal}, which ends the program instead"));
    }
    c.pass(Sys::Setitimer)
}
