//! The RISC-V guest: RV32 and RV64 from one source.
//!
//! [`sem`] defines what each instruction does, [`concrete`] executes it on plain values, [`fp`] is the floating-point
//! arithmetic, and [`Cpu`] is the state of a hart. What depends on its privilege is asked of a [`Privilege`]: a user program
//! has none, and [`privileged`] is that of a machine's hart. Decoding is in the crate `remu-isa`.

pub mod concrete;
pub mod csr;
pub mod fetch;
pub mod fp;
mod privilege;
pub mod privileged;
pub mod profiles;
pub mod sem;
mod semantics;
mod state;

pub use privilege::{After, Privilege, QuickCalls, UserProgram};
pub use semantics::{FpCmp, FpMinMax, FpOp, IntType, RiscvSemantics, Sgnj};
pub use state::{Cpu, Reservation, insn_align};

use super::{DecodeError, Flow, Guest, Width};
use remu_isa::{Insn, Isa, Op, Xlen};

/// A trap raised by an instruction itself (privileged specification, table of causes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// ECALL.
    EnvironmentCall,
    /// EBREAK.
    Breakpoint,
}

/// What differs between the two base instruction sets.
pub trait Base: Guest<Cpu = Cpu, Insn = Insn, Features = Isa> {
    /// The width of the integer registers.
    const WIDTH: Width;

    /// Whether [`Base::exec`] defines some instructions differently from [`sem`]. If not, engines call the functions
    /// of `sem` directly.
    const OWN_MEANINGS: bool = false;

    /// Executes one instruction over an abstract value.
    fn exec<S: RiscvSemantics>(s: &mut S, insn: &Insn) -> Result<Flow<S::Value>, S::Stop> {
        execute(s, insn)
    }
}

/// The 32-bit base.
#[derive(Clone, Copy, Debug)]
pub struct Rv32;

/// The 64-bit base.
#[derive(Clone, Copy, Debug)]
pub struct Rv64;

impl Base for Rv32 {
    const WIDTH: Width = Width::W32;
}

impl Base for Rv64 {
    const WIDTH: Width = Width::W64;
}

macro_rules! execute {
    ($(($op:ident, $function:ident))*) => {
        /// Executes one instruction.
        fn execute<S: RiscvSemantics>(s: &mut S, insn: &Insn) -> Result<Flow<S::Value>, S::Stop> {
            match insn.op {
                $(Op::$op => sem::$function(s, insn),)*
                // Callers normally expand compressed instructions beforehand. Expanding here is slower, but correct.
                _ => {
                    let xlen = if S::XLEN == Width::W64 { Xlen::Rv64 } else { Xlen::Rv32 };
                    let expanded = insn.expand(xlen);
                    assert!(expanded.op != insn.op, "{} expands to itself", insn.op);
                    execute(s, &expanded)
                }
            }
        }
    };
}

remu_isa::for_each_op!(execute);

fn decode(bytes: &[u8], isa: Isa) -> Result<Insn, DecodeError> {
    let bits = match *bytes {
        [a, b, c, d, ..] => u32::from_le_bytes([a, b, c, d]),
        [a, b, ..] if a & 3 != 3 => u32::from(u16::from_le_bytes([a, b])),
        _ => return Err(DecodeError::Truncated),
    };
    match remu_isa::decode(bits, isa) {
        Ok(insn) => Ok(insn.expand(isa.xlen)),
        Err(e) => Err(DecodeError::Illegal { bits: e.bits }),
    }
}

macro_rules! guest {
    ($base:ident) => {
        impl Guest for $base {
            type Cpu = Cpu;
            type Insn = Insn;
            type Features = Isa;

            fn decode(bytes: &[u8], features: &Isa) -> Result<Insn, DecodeError> {
                decode(bytes, *features)
            }
        }
    };
}

guest!(Rv32);
guest!(Rv64);
