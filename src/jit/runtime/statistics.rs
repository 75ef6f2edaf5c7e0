//! Counters of the loop around emitted code, and of the helper. What else happens inside of emitted code is not counted.

use crate::guest::{Counters, ExitCounts};
use crate::jit::baseline::Reason;
use remu_isa::{Insn, Op};

/// Counts since the engine was created.
#[derive(Clone, Debug)]
pub(super) struct Statistics {
    /// Instructions run, where they are counted.
    pub instructions: u64,
    /// Superblocks looked up by the loop.
    pub lookups: u64,
    /// Those of the lookups that the jump cache did not answer.
    pub lookup_misses: u64,
    /// Instructions executed without being compiled, and how often such code was begun.
    pub cold: u64,
    pub cold_runs: u64,
    /// Superblocks compiled.
    pub blocks: u64,
    /// Instructions in them, and their bytes.
    pub compiled: u64,
    pub guest_bytes: u64,
    /// Those of the instructions that are executed by their definition.
    pub uncompiled: u64,
    /// Bytes of emitted code, and of what is kept about it.
    pub code_bytes: u64,
    pub metadata_bytes: u64,
    /// The time that compiling took, where it is measured.
    pub compile_ns: u64,
    /// Exits linked.
    pub links: u64,
    /// The number of times that all code was compared with memory.
    pub revalidations: u64,
    /// Returns of emitted code.
    left: [u64; Reason::ALL.len()],
    /// Returns to the caller.
    pub exits: ExitCounts,
    /// Calls of the helper.
    pub helper_calls: HelperCalls,
}

/// The calls of the helper, by op.
#[derive(Clone, Debug, Default)]
pub struct HelperCalls(Box<[u64]>);

impl HelperCalls {
    fn new() -> Self {
        Self([0; Op::COUNT].into())
    }

    /// Counts a call.
    pub fn add(&mut self, insn: &Insn) {
        self.0[insn.op as usize] += 1;
    }

    fn named(&self) -> impl Iterator<Item = (Op, u64)> {
        Op::ALL.into_iter().zip(self.0.iter().copied()).filter(|&(_, count)| count > 0)
    }
}

impl Default for Statistics {
    fn default() -> Self {
        Self {
            instructions: 0,
            lookups: 0,
            lookup_misses: 0,
            cold: 0,
            cold_runs: 0,
            blocks: 0,
            compiled: 0,
            guest_bytes: 0,
            uncompiled: 0,
            code_bytes: 0,
            metadata_bytes: 0,
            compile_ns: 0,
            links: 0,
            revalidations: 0,
            left: Default::default(),
            exits: ExitCounts::default(),
            helper_calls: HelperCalls::new(),
        }
    }
}

impl Statistics {
    /// Counts a return of emitted code.
    pub fn left(&mut self, reason: Reason) {
        self.left[reason as usize - 1] += 1;
    }

    /// The counts by name.
    pub fn named(&self) -> Counters {
        let own = [
            ("instructions", self.instructions),
            ("superblocks", self.blocks),
            ("compiled", self.compiled),
            ("uncompiled", self.uncompiled),
            ("guest-bytes", self.guest_bytes),
            ("code-bytes", self.code_bytes),
            ("metadata-bytes", self.metadata_bytes),
            ("compile-ns", self.compile_ns),
            ("lookups", self.lookups),
            ("lookup-misses", self.lookup_misses),
            ("cold", self.cold),
            ("cold-runs", self.cold_runs),
            ("links", self.links),
            ("revalidations", self.revalidations),
        ];
        let own = own.into_iter().chain(self.exits.named()).map(|(name, count)| (name.into(), count));
        let left = Reason::ALL.into_iter().zip(self.left);
        let left = left.map(|(reason, count)| (format!("left-{reason:?}").to_ascii_lowercase().into(), count));
        let calls = self.helper_calls.named().map(|(_, count)| count).sum();
        let helped = self.helper_calls.named().map(|(op, count)| (format!("helper-{op}").into(), count));
        own.chain(left).chain([("helper-calls".into(), calls)]).chain(helped).collect()
    }
}
