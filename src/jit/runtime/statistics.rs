//! Counters of the loop around emitted code. What happens inside of it is not counted.

use crate::guest::ExitCounts;

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
    /// Returns to the caller.
    pub exits: ExitCounts,
}

impl Statistics {
    /// The counts by name.
    pub fn named(&self) -> Vec<(&'static str, u64)> {
        let own = [
            ("instructions", self.instructions),
            ("superblocks", self.blocks),
            ("compiled", self.compiled),
            ("uncompiled", self.uncompiled),
            ("code-bytes", self.code_bytes),
            ("lookups", self.lookups),
            ("links", self.links),
            ("revalidations", self.revalidations),
        ];
        own.into_iter().chain(self.exits.named()).collect()
    }
}
