//! Registers, operand sizes and conditions.

/// A general-purpose register. Its number is its discriminant.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Gpr {
    Rax,
    Rcx,
    Rdx,
    Rbx,
    Rsp,
    Rbp,
    Rsi,
    Rdi,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
}

use Gpr::*;

impl Gpr {
    /// All of them, by number.
    pub const ALL: [Self; 16] = [Rax, Rcx, Rdx, Rbx, Rsp, Rbp, Rsi, Rdi, R8, R9, R10, R11, R12, R13, R14, R15];

    /// The register of a number below 16.
    pub const fn from_number(number: u8) -> Option<Self> {
        if number < 16 { Some(Self::ALL[number as usize]) } else { None }
    }

    /// The number in an encoding.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// An XMM register. Its number is its discriminant.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Xmm {
    Xmm0,
    Xmm1,
    Xmm2,
    Xmm3,
    Xmm4,
    Xmm5,
    Xmm6,
    Xmm7,
    Xmm8,
    Xmm9,
    Xmm10,
    Xmm11,
    Xmm12,
    Xmm13,
    Xmm14,
    Xmm15,
}

use Xmm::*;

impl Xmm {
    /// All of them, by number.
    pub const ALL: [Self; 16] =
        [Xmm0, Xmm1, Xmm2, Xmm3, Xmm4, Xmm5, Xmm6, Xmm7, Xmm8, Xmm9, Xmm10, Xmm11, Xmm12, Xmm13, Xmm14, Xmm15];

    /// The register of a number below 16.
    pub const fn from_number(number: u8) -> Option<Self> {
        if number < 16 { Some(Self::ALL[number as usize]) } else { None }
    }

    /// The number in an encoding.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// The size of an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Size {
    /// 8 bits.
    Byte,
    /// 16 bits.
    Word,
    /// 32 bits. A result in a register clears the upper half.
    Dword,
    /// 64 bits.
    Qword,
}

impl Size {
    /// The size in bytes.
    pub const fn bytes(self) -> u32 {
        1 << self as u32
    }
}

/// A condition on the flags. Its number in an encoding is its discriminant.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cond {
    /// Overflow.
    O,
    /// No overflow.
    No,
    /// Below, unsigned; carry.
    B,
    /// Above or equal, unsigned; no carry.
    Ae,
    /// Equal; zero.
    E,
    /// Not equal; not zero.
    Ne,
    /// Below or equal, unsigned.
    Be,
    /// Above, unsigned.
    A,
    /// Negative.
    S,
    /// Not negative.
    Ns,
    /// Even parity; unordered after a floating-point comparison.
    P,
    /// Odd parity; ordered after a floating-point comparison.
    Np,
    /// Less, signed.
    L,
    /// Greater or equal, signed.
    Ge,
    /// Less or equal, signed.
    Le,
    /// Greater, signed.
    G,
}

use Cond::*;

impl Cond {
    /// All of them, by number.
    pub const ALL: [Self; 16] = [O, No, B, Ae, E, Ne, Be, A, S, Ns, P, Np, L, Ge, Le, G];

    /// The number in an encoding.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The condition that holds when this one does not.
    pub const fn negate(self) -> Self {
        Self::ALL[(self as u8 ^ 1) as usize]
    }

    /// The condition that means the same after the operands of a comparison are exchanged. Overflow and sign have none.
    pub const fn swap(self) -> Self {
        match self {
            B => A,
            A => B,
            Ae => Be,
            Be => Ae,
            L => G,
            G => L,
            Ge => Le,
            Le => Ge,
            E | Ne | P | Np => self,
            O | No | S | Ns => {
                debug_assert!(false, "overflow and sign do not survive an exchange of operands");
                self
            }
        }
    }
}
