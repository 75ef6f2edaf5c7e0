//! Code that a compiler has emitted, as logs and profilers see it.

/// What begins at an offset of emitted code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The code of the guest's instruction at this address.
    Insn(u64),
    /// Code of the same instruction that is rarely executed.
    Rare(u64),
    /// Data.
    Data,
}

/// The code of a block.
#[derive(Clone, Copy, Debug)]
pub struct HostCode<'a> {
    /// The guest's address of the block.
    pub pc: u64,
    /// The host's address of the code.
    pub address: u64,
    /// The code.
    pub bytes: &'a [u8],
    /// What its parts are, by ascending offset. The first is at offset 0.
    pub parts: &'a [(u32, Part)],
    /// The name of what is at a displacement from rbp.
    pub name_at: fn(i64) -> Option<String>,
}

/// Is told of all code that the engines of a process emit, so that profilers can name it.
pub trait CodeListener: Send + Sync {
    /// The code that enters and leaves emitted code, for as long as there is any.
    fn stubs(&self, address: u64, bytes: &[u8]);

    /// A block has been compiled. Called before it first runs, while its code cannot be discarded.
    fn emitted(&self, code: &HostCode<'_>);

    /// All blocks have been discarded. Others will be at the same addresses.
    fn emptied(&self);
}
