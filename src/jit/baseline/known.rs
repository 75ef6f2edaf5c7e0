//! What is known of the integer registers at a place in a block.

use crate::guest::{MemType, Reg};

/// What is known of one register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fact {
    /// Its value.
    pub constant: Option<i64>,
    /// The value is that of its low half, sign-extended.
    pub is_i32: bool,
    /// The value is that of its low half, zero-extended.
    pub is_u32: bool,
}

impl Fact {
    /// Nothing.
    pub const NONE: Self = Self { constant: None, is_i32: false, is_u32: false };
    /// A result of an operation on 32 bits.
    pub const I32: Self = Self { constant: None, is_i32: true, is_u32: false };
    /// Less than 2^31.
    pub const SMALL: Self = Self { constant: None, is_i32: true, is_u32: true };

    /// A constant.
    pub fn constant(v: i64) -> Self {
        Self { constant: Some(v), is_i32: v == i64::from(v as i32), is_u32: v == i64::from(v as u32) }
    }

    /// A value extended from `ty`.
    pub fn extended(ty: MemType) -> Self {
        match ty {
            MemType::I8 | MemType::I16 | MemType::I32 => Self::I32,
            MemType::U8 | MemType::U16 => Self::SMALL,
            MemType::U32 => Self { constant: None, is_i32: false, is_u32: true },
            MemType::I64 => Self::NONE,
        }
    }
}

/// What is known of all integer registers.
#[derive(Clone, Debug)]
pub struct Known([Fact; 32]);

impl Default for Known {
    fn default() -> Self {
        let mut facts = [Fact::NONE; 32];
        facts[0] = Fact::constant(0);
        Self(facts)
    }
}

impl Known {
    /// What is known of a register.
    pub fn get(&self, r: Reg) -> Fact {
        self.0[usize::from(r)]
    }

    /// A register has been written.
    pub fn set(&mut self, r: Reg, fact: Fact) {
        if r != 0 {
            self.0[usize::from(r)] = fact;
        }
    }

    /// Execution can come here from elsewhere.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}
