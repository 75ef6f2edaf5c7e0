//! The RISC-V guest: RV32 and RV64 from one source.

pub mod fp;

/// A trap that an instruction raises of its own accord (privileged specification, table of causes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// ECALL.
    EnvironmentCall,
    /// EBREAK.
    Breakpoint,
    /// The encoding is not allowed in this state: a reserved rounding mode, a missing CSR.
    Illegal,
}
