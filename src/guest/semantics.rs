//! The operations in which instructions are defined, over an abstract value. Each is at the level of one machine
//! template (a division with RISC-V's edge cases, a saturating conversion), never of bit tricks. An interpreter
//! implements one as a direct call, and a compiler can pick its best sequence for it.
//!
//! Two conventions let one source serve RV32 and RV64. A value is 64 bits wide. An operation of [`Width::W32`] uses
//! the low halves of its operands and yields its 32-bit result sign-extended. The registers of a 32-bit hart
//! therefore always hold sign-extended values, and its `add` is the `addw` of a 64-bit hart.

/// The size in bytes of a cache block (Zic64b), on which [`Semantics::zero_block`] and [`Semantics::manage_block`]
/// operate.
pub const CACHE_BLOCK: u64 = 64;

/// A register number of the guest, 0..=31.
pub type Reg = u8;

/// The width of an integer operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// 32 bits, the result sign-extended to 64.
    W32,
    /// 64 bits.
    W64,
}

impl Width {
    /// The width in bits.
    pub const fn bits(self) -> u32 {
        match self {
            Width::W32 => 32,
            Width::W64 => 64,
        }
    }
}

/// What a load or store moves, and how a load extends it to 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum MemType {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
}

impl MemType {
    /// The size in bytes.
    pub const fn size(self) -> u64 {
        match self {
            MemType::I8 | MemType::U8 => 1,
            MemType::I16 | MemType::U16 => 2,
            MemType::I32 | MemType::U32 => 4,
            MemType::I64 => 8,
        }
    }

    /// Extends the low bytes of `v` according to this type.
    #[inline(always)]
    pub const fn extend(self, v: u64) -> u64 {
        match self {
            MemType::I8 => v as i8 as i64 as u64,
            MemType::U8 => v as u8 as u64,
            MemType::I16 => v as i16 as i64 as u64,
            MemType::U16 => v as u16 as u64,
            MemType::I32 => v as i32 as i64 as u64,
            MemType::U32 => v as u32 as u64,
            MemType::I64 => v,
        }
    }
}

/// A comparison of two integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Cond {
    Eq,
    Ne,
    Lt,
    Ge,
    Ltu,
    Geu,
}

impl Cond {
    /// The comparison that holds when this one does not.
    pub const fn negated(self) -> Self {
        match self {
            Cond::Eq => Cond::Ne,
            Cond::Ne => Cond::Eq,
            Cond::Lt => Cond::Ge,
            Cond::Ge => Cond::Lt,
            Cond::Ltu => Cond::Geu,
            Cond::Geu => Cond::Ltu,
        }
    }
}

/// What a single-bit operation does with its bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitOp {
    /// The value with the bit set.
    Set,
    /// The value with the bit cleared.
    Clear,
    /// The value with the bit inverted.
    Invert,
    /// The bit alone, 0 or 1.
    Extract,
}

/// What an atomic memory operation does to the old value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum AmoOp {
    Swap,
    Add,
    Xor,
    And,
    Or,
    Min,
    Max,
    Minu,
    Maxu,
}

/// The acquire and release bits of an atomic instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// No later access may be seen before this one.
    pub acquire: bool,
    /// No earlier access may be seen after this one.
    pub release: bool,
}

impl Order {
    /// From the instruction's `aq`, `rl` field: bit 1 and bit 0.
    pub const fn from_bits(bits: u8) -> Self {
        Self { acquire: bits & 2 != 0, release: bits & 1 != 0 }
    }
}

/// Where execution goes after an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow<V> {
    /// To the next instruction.
    Next,
    /// To the next instruction, which must be decoded and looked up anew: the instruction changed
    /// what decoding or translation depends on.
    Refetch,
    /// To pc + offset.
    Jump {
        /// Bytes from the instruction's own address.
        offset: i64,
    },
    /// To pc + offset if the comparison of two values, at the width of the integer registers, holds; else to the next
    /// instruction.
    Branch {
        /// The comparison.
        cond: Cond,
        /// Its first operand.
        a: V,
        /// Its second operand.
        b: V,
        /// Bytes from the instruction's own address.
        offset: i64,
    },
    /// To the address in a value (bit 0 already cleared).
    Indirect {
        /// The target.
        target: V,
        /// The jump's role in the calling convention, for return prediction. An engine that renames registers must
        /// not rely on it.
        hint: JumpHint,
    },
}

/// The role of an indirect jump by the register-number convention of the unprivileged specification, table
/// "Return-address stack prediction hints".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum JumpHint {
    None,
    Call,
    Return,
}

/// An abstract machine that instructions are executed on: the operations that any guest could use. A guest adds its own
/// in a trait on top. The interpreter's `Value` is `u64`; a compiler's describes an operand of emitted code.
///
/// `Stop` ends the instruction early. A compiler learns of some conditions only when the emitted code runs: it emits
/// the check and continues. An operation that stops has changed neither registers nor memory, so that the instruction
/// can be executed again. Only a reservation may be gone: a store-conditional that stops has used it up.
pub trait Semantics {
    /// A 64-bit value.
    type Value: Copy;
    /// Why an instruction did not complete.
    type Stop;

    /// The width of the guest's integer registers and addresses.
    const XLEN: Width;

    // --- registers and constants ---

    /// The integer register `r`; register 0 is zero.
    fn read(&mut self, r: Reg) -> Self::Value;
    /// Writes the integer register `r`; writing register 0 does nothing.
    fn write(&mut self, r: Reg, v: Self::Value);
    /// A constant.
    fn imm(&mut self, v: i64) -> Self::Value;
    /// The address of this instruction plus `offset`. Separate from [`Self::imm`] because the value depends on where
    /// the code is.
    fn pc(&mut self, offset: i64) -> Self::Value;

    // --- integer arithmetic ---

    /// Sum.
    fn add(&mut self, w: Width, a: Self::Value, b: Self::Value) -> Self::Value;
    /// Difference.
    fn sub(&mut self, w: Width, a: Self::Value, b: Self::Value) -> Self::Value;
    /// Bitwise and of all 64 bits.
    fn and(&mut self, a: Self::Value, b: Self::Value) -> Self::Value;
    /// Bitwise or of all 64 bits.
    fn or(&mut self, a: Self::Value, b: Self::Value) -> Self::Value;
    /// Bitwise exclusive or of all 64 bits.
    fn xor(&mut self, a: Self::Value, b: Self::Value) -> Self::Value;
    /// Bitwise and of `a` and the complement of `b`.
    fn and_not(&mut self, a: Self::Value, b: Self::Value) -> Self::Value;
    /// Bitwise or of `a` and the complement of `b`.
    fn or_not(&mut self, a: Self::Value, b: Self::Value) -> Self::Value;
    /// Bitwise exclusive or of `a` and the complement of `b`.
    fn xor_not(&mut self, a: Self::Value, b: Self::Value) -> Self::Value;
    /// `b` plus `a` shifted left by `shift`, 0 to 3 bits.
    fn shift_add(&mut self, w: Width, shift: u8, a: Self::Value, b: Self::Value) -> Self::Value;
    /// Left shift by `b` modulo the width.
    fn shl(&mut self, w: Width, a: Self::Value, b: Self::Value) -> Self::Value;
    /// Logical right shift by `b` modulo the width.
    fn lshr(&mut self, w: Width, a: Self::Value, b: Self::Value) -> Self::Value;
    /// Arithmetic right shift by `b` modulo the width.
    fn ashr(&mut self, w: Width, a: Self::Value, b: Self::Value) -> Self::Value;
    /// Rotation to the right by `b` modulo the width.
    fn rotr(&mut self, w: Width, a: Self::Value, b: Self::Value) -> Self::Value;
    /// Rotation to the left by `b` modulo the width.
    fn rotl(&mut self, w: Width, a: Self::Value, b: Self::Value) -> Self::Value;
    /// Low half of the product.
    fn mul(&mut self, w: Width, a: Self::Value, b: Self::Value) -> Self::Value;
    /// High half of the signed product.
    fn mulh(&mut self, w: Width, a: Self::Value, b: Self::Value) -> Self::Value;
    /// High half of the unsigned product.
    fn mulhu(&mut self, w: Width, a: Self::Value, b: Self::Value) -> Self::Value;
    /// High half of the product of signed `a` and unsigned `b`.
    fn mulhsu(&mut self, w: Width, a: Self::Value, b: Self::Value) -> Self::Value;
    /// Signed quotient; by zero -1, on overflow the dividend.
    fn div(&mut self, w: Width, a: Self::Value, b: Self::Value) -> Self::Value;
    /// Unsigned quotient; by zero all ones.
    fn divu(&mut self, w: Width, a: Self::Value, b: Self::Value) -> Self::Value;
    /// Signed remainder; by zero the dividend, on overflow 0.
    fn rem(&mut self, w: Width, a: Self::Value, b: Self::Value) -> Self::Value;
    /// Unsigned remainder; by zero the dividend.
    fn remu(&mut self, w: Width, a: Self::Value, b: Self::Value) -> Self::Value;
    /// 1 if the comparison holds, else 0.
    fn compare(&mut self, w: Width, c: Cond, a: Self::Value, b: Self::Value) -> Self::Value;
    /// `a` if `c` is not zero, else `b`.
    fn select(&mut self, c: Self::Value, a: Self::Value, b: Self::Value) -> Self::Value;
    /// The low bytes of `a`, extended to 64 bits.
    fn extend(&mut self, ty: MemType, a: Self::Value) -> Self::Value;

    // --- bit manipulation ---

    /// Operates on the bit of `a` that `index` numbers, modulo the width.
    fn bit(&mut self, w: Width, op: BitOp, a: Self::Value, index: Self::Value) -> Self::Value;
    /// Number of leading zeros; the width for 0.
    fn clz(&mut self, w: Width, a: Self::Value) -> Self::Value;
    /// Number of trailing zeros; the width for 0.
    fn ctz(&mut self, w: Width, a: Self::Value) -> Self::Value;
    /// Number of ones.
    fn cpop(&mut self, w: Width, a: Self::Value) -> Self::Value;
    /// Bytes in reverse order.
    fn rev8(&mut self, w: Width, a: Self::Value) -> Self::Value;
    /// Low half of the carry-less product.
    fn clmul(&mut self, w: Width, a: Self::Value, b: Self::Value) -> Self::Value;
    /// High half of the carry-less product.
    fn clmulh(&mut self, w: Width, a: Self::Value, b: Self::Value) -> Self::Value;

    // --- memory ---

    /// The effective address base + offset, reduced to the guest's address width.
    fn address(&mut self, base: Self::Value, offset: i64) -> Self::Value;
    /// Loads from a possibly misaligned address.
    fn load(&mut self, ty: MemType, addr: Self::Value) -> Result<Self::Value, Self::Stop>;
    /// Stores to a possibly misaligned address.
    fn store(&mut self, ty: MemType, addr: Self::Value, v: Self::Value) -> Result<(), Self::Stop>;
    /// Atomic read-modify-write; yields the old value, extended. Misalignment is a fault.
    fn amo(
        &mut self,
        op: AmoOp,
        ty: MemType,
        order: Order,
        addr: Self::Value,
        v: Self::Value,
    ) -> Result<Self::Value, Self::Stop>;
    /// Atomic compare-and-swap (Zacas); yields the old value, extended.
    fn cas(
        &mut self,
        ty: MemType,
        order: Order,
        addr: Self::Value,
        expected: Self::Value,
        new: Self::Value,
    ) -> Result<Self::Value, Self::Stop>;
    /// Compare-and-swap of two adjacent values of width `w`, low part first: 2 x 32 bits for `W32` (`amocas.d` on
    /// RV32), 2 x 64 bits for `W64` (`amocas.q`).
    fn cas_pair(
        &mut self,
        w: Width,
        order: Order,
        addr: Self::Value,
        expected: [Self::Value; 2],
        new: [Self::Value; 2],
    ) -> Result<[Self::Value; 2], Self::Stop>;
    /// Load-reserved.
    fn load_reserved(&mut self, ty: MemType, order: Order, addr: Self::Value) -> Result<Self::Value, Self::Stop>;
    /// Store-conditional; 0 on success, 1 on failure.
    fn store_conditional(
        &mut self,
        ty: MemType,
        order: Order,
        addr: Self::Value,
        v: Self::Value,
    ) -> Result<Self::Value, Self::Stop>;
    /// Orders accesses: `pred` and `succ` are the sets of the FENCE instruction (bit 3 I, 2 O, 1 R, 0 W).
    fn fence(&mut self, pred: u8, succ: u8);
    /// Makes earlier stores to code visible to this hart's fetches (FENCE.I). The caller ends the
    /// block with [`Flow::Refetch`].
    fn fence_i(&mut self);
    /// Zeroes the naturally aligned cache block that holds `addr` (`cbo.zero`).
    fn zero_block(&mut self, addr: Self::Value) -> Result<(), Self::Stop>;
    /// A cache-block management operation (`cbo.inval`, `cbo.clean`, `cbo.flush`). It checks that the block may be
    /// accessed, and has no other effect on coherent memory.
    fn manage_block(&mut self, addr: Self::Value) -> Result<(), Self::Stop>;

    /// A hint that the hart waits for another (`pause`, `wrs.nto`, `wrs.sto`).
    fn pause(&mut self);
}
