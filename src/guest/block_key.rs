//! What translated code is found by.

/// The address of a block and the context it was translated in: all that its code depends on besides the bytes at the
/// address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlockKey(u64);

/// What a block depends on besides its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockContext {
    /// The dynamic rounding mode is one that the host does not have, or is reserved.
    pub rounds_in_software: bool,
}

impl BlockKey {
    /// The key of the block at `pc`, which is even.
    pub fn new(pc: u64, context: BlockContext) -> Self {
        debug_assert!(pc.is_multiple_of(2));
        Self(pc | u64::from(context.rounds_in_software))
    }
}
