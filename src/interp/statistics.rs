//! Counters of the loop around the handlers. Handlers count only instructions, which they need themselves. Events
//! inside them, such as hits in the jump cache, are not counted.

use crate::guest::Exit;

/// Counts since the interpreter was created.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Statistics {
    /// Instructions run.
    pub instructions: u64,
    /// Blocks looked up by the loop: at its start, and where neither a link nor an indirect jump led to a block.
    pub lookups: u64,
    /// Blocks decoded, because a lookup found none.
    pub blocks: u64,
    /// Instructions in them.
    pub decoded: u64,
    /// Links made from block to block.
    pub links: u64,
    /// The number of times that all decoded code was compared with memory.
    pub revalidations: u64,
    syscalls: u64,
    faults: u64,
    illegal: u64,
    breakpoints: u64,
    interruptions: u64,
    halts: u64,
}

impl Statistics {
    /// Counts an exit.
    pub fn left(&mut self, exit: &Exit) {
        let count = match exit {
            Exit::Syscall => &mut self.syscalls,
            Exit::Fault(_) => &mut self.faults,
            Exit::Illegal { .. } => &mut self.illegal,
            Exit::Breakpoint => &mut self.breakpoints,
            Exit::Interrupted => &mut self.interruptions,
            Exit::Halt => &mut self.halts,
        };
        *count += 1;
    }

    /// The counts by name.
    pub fn named(&self) -> Vec<(&'static str, u64)> {
        let exits = self.syscalls + self.faults + self.illegal + self.breakpoints + self.interruptions + self.halts;
        vec![
            ("instructions", self.instructions),
            ("blocks", self.blocks),
            ("decoded", self.decoded),
            ("lookups", self.lookups),
            ("lookup-hits", self.lookups - self.blocks),
            ("links", self.links),
            ("revalidations", self.revalidations),
            ("exits", exits),
            ("exit-syscall", self.syscalls),
            ("exit-fault", self.faults),
            ("exit-illegal", self.illegal),
            ("exit-breakpoint", self.breakpoints),
            ("exit-interrupted", self.interruptions),
            ("exit-halt", self.halts),
        ]
    }
}
