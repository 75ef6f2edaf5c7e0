//! Counters of the loop around the handlers. Handlers count only instructions, which they need themselves. Events
//! inside them, such as hits in the jump cache, are not counted.

use crate::guest::{Counters, ExitCounts};

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
    /// Returns to the caller.
    pub exits: ExitCounts,
}

impl Statistics {
    /// The counts by name.
    pub fn named(&self) -> Counters {
        let own = [
            ("instructions", self.instructions),
            ("blocks", self.blocks),
            ("decoded", self.decoded),
            ("lookups", self.lookups),
            ("lookup-hits", self.lookups - self.blocks),
            ("links", self.links),
            ("revalidations", self.revalidations),
        ];
        own.into_iter().chain(self.exits.named()).map(|(name, count)| (name.into(), count)).collect()
    }
}
