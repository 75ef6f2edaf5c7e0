//! What the traps of a machine tell the user.

use super::options::NAME;
use crate::cli::text::complain_as;
use crate::debug::Log;
use crate::machine::TrapWatcher;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Logs each trap to `log`, and tells the user once of a hart that only traps: its handler cannot be executed.
pub(super) fn watcher(log: Option<Log>) -> TrapWatcher {
    let is_told = AtomicBool::new(false);
    Arc::new(move |hart, trap| {
        if let Some(log) = &log {
            log.put(&format!("int at {:#x}: {trap}; hart {hart}\n", trap.pc));
        }
        let is_endless = !trap.interrupt && trap.pc == trap.handler && trap.from == trap.to;
        if is_endless && !is_told.swap(true, Ordering::Relaxed) {
            let place = format!("hart {hart} traps forever at its own trap handler, {:#x}", trap.handler);
            complain_as(NAME, &format_args!("{place}: {trap}; -d int shows the first trap"));
        }
    })
}
