//! Operands in memory, and operands that may be in a register or in memory.

use super::reg::{Gpr, Xmm};

/// The factor of an index register. The encoding holds its logarithm, which is the discriminant.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Scale {
    One,
    Two,
    Four,
    Eight,
}

/// An operand in memory at `base + index * scale + disp`. `disp` is sign-extended; without base and index it is an
/// absolute address. rsp cannot be the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mem {
    /// The base register.
    pub base: Option<Gpr>,
    /// The index register and its factor.
    pub index: Option<(Gpr, Scale)>,
    /// The displacement.
    pub disp: i32,
}

impl Mem {
    /// `[base + disp]`
    pub const fn base(base: Gpr, disp: i32) -> Self {
        Self { base: Some(base), index: None, disp }
    }

    /// `[base + index * scale + disp]`
    pub const fn indexed(base: Gpr, index: Gpr, scale: Scale, disp: i32) -> Self {
        Self { base: Some(base), index: Some((index, scale)), disp }
    }

    /// `[disp]`
    pub const fn absolute(disp: i32) -> Self {
        Self { base: None, index: None, disp }
    }
}

/// A general-purpose register or memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum RegMem {
    Reg(Gpr),
    Mem(Mem),
}

impl From<Gpr> for RegMem {
    fn from(reg: Gpr) -> Self {
        Self::Reg(reg)
    }
}

impl From<Mem> for RegMem {
    fn from(mem: Mem) -> Self {
        Self::Mem(mem)
    }
}

/// An XMM register or memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum XmmMem {
    Reg(Xmm),
    Mem(Mem),
}

impl From<Xmm> for XmmMem {
    fn from(reg: Xmm) -> Self {
        Self::Reg(reg)
    }
}

impl From<Mem> for XmmMem {
    fn from(mem: Mem) -> Self {
        Self::Mem(mem)
    }
}
