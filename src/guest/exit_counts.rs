//! How often an engine has stopped, by reason.

use super::Exit;

/// The number of times that an engine has returned each [`Exit`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ExitCounts {
    syscalls: u64,
    faults: u64,
    illegal: u64,
    breakpoints: u64,
    interruptions: u64,
    waits: u64,
}

impl ExitCounts {
    /// Counts an exit.
    pub fn add(&mut self, exit: &Exit) {
        let count = match exit {
            Exit::Syscall => &mut self.syscalls,
            Exit::Fault(_) => &mut self.faults,
            Exit::Illegal { .. } => &mut self.illegal,
            Exit::Breakpoint => &mut self.breakpoints,
            Exit::Interrupted => &mut self.interruptions,
            Exit::Wait => &mut self.waits,
        };
        *count += 1;
    }

    /// The sum and the counts by name, as [`Engine::statistics`](super::Engine::statistics) has them.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let all = self.syscalls + self.faults + self.illegal + self.breakpoints + self.interruptions + self.waits;
        let named = [
            ("exits", all),
            ("exit-syscall", self.syscalls),
            ("exit-fault", self.faults),
            ("exit-illegal", self.illegal),
            ("exit-breakpoint", self.breakpoints),
            ("exit-interrupted", self.interruptions),
            ("exit-wait", self.waits),
        ];
        named.into_iter()
    }
}
