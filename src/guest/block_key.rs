//! What translated code is found by.

use crate::memory::PAGE_SIZE;

/// Where a block is and the context it was translated in: all that its code depends on besides its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlockKey {
    /// The address by which changes of the code are reported: in a machine, its physical address.
    pub addr: u64,
    /// The virtual page of the block, on which the addresses in its code depend, and the context in the low bits.
    page: u64,
}

/// What a block depends on besides its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockContext {
    /// The dynamic rounding mode as a number less than 8, if code depends on it.
    pub rounding: u8,
    /// A number for the set of instructions that may be executed, where that varies. At most 127.
    pub features: u8,
}

impl BlockKey {
    /// The key of the block at `pc`, whose code lies at `addr`.
    #[inline]
    pub fn new(pc: u64, addr: u64, context: BlockContext) -> Self {
        debug_assert!(pc.is_multiple_of(2) && context.features < 128 && context.rounding < 8);
        let context = u64::from(context.features) << 3 | u64::from(context.rounding);
        Self { addr, page: pc & !(PAGE_SIZE - 1) | context }
    }

    /// The key as two words.
    #[inline]
    pub fn words(&self) -> [u64; 2] {
        [self.addr, self.page]
    }

    /// The key of these [words](Self::words).
    #[inline]
    pub fn of_words([addr, page]: [u64; 2]) -> Self {
        Self { addr, page }
    }

    /// The virtual address of the block.
    #[inline]
    pub fn pc(&self) -> u64 {
        self.page & !(PAGE_SIZE - 1) | (self.addr % PAGE_SIZE)
    }
}
