//! Counters of the loop around emitted code. What happens inside of it is not counted.

use crate::guest::Exit;

/// Counts since the engine was created.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Statistics {
    /// Instructions run, where they are counted.
    pub instructions: u64,
    /// Superblocks looked up by the loop.
    pub lookups: u64,
    /// Superblocks compiled.
    pub blocks: u64,
    /// Instructions in them.
    pub compiled: u64,
    /// Those of them that are executed by their definition.
    pub uncompiled: u64,
    /// Bytes of emitted code.
    pub code_bytes: u64,
    /// Exits linked.
    pub links: u64,
    /// The number of times that all code was compared with memory.
    pub revalidations: u64,
    syscalls: u64,
    faults: u64,
    illegal: u64,
    breakpoints: u64,
    interruptions: u64,
}

impl Statistics {
    /// Counts an exit.
    pub fn left(&mut self, exit: &Exit) {
        let count = match exit {
            Exit::Syscall => &mut self.syscalls,
            Exit::Fault(_) => &mut self.faults,
            Exit::Illegal { .. } => &mut self.illegal,
            Exit::Breakpoint => &mut self.breakpoints,
            Exit::Interrupted | Exit::Halt => &mut self.interruptions,
        };
        *count += 1;
    }

    /// The counts by name.
    pub fn named(&self) -> Vec<(&'static str, u64)> {
        let exits = self.syscalls + self.faults + self.illegal + self.breakpoints + self.interruptions;
        vec![
            ("instructions", self.instructions),
            ("superblocks", self.blocks),
            ("compiled", self.compiled),
            ("uncompiled", self.uncompiled),
            ("code-bytes", self.code_bytes),
            ("lookups", self.lookups),
            ("links", self.links),
            ("revalidations", self.revalidations),
            ("exits", exits),
            ("exit-syscall", self.syscalls),
            ("exit-fault", self.faults),
            ("exit-illegal", self.illegal),
            ("exit-breakpoint", self.breakpoints),
            ("exit-interrupted", self.interruptions),
        ]
    }
}
