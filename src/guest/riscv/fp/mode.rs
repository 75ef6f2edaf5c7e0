//! The rounding mode of the host's unit while guest code runs.

use super::{Rm, RmField};

/// The rounding mode in MXCSR, and whether it is the dynamic mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FpMode {
    /// Encoded as in an instruction.
    hardware: u8,
    dynamic_is_hardware: bool,
}

impl FpMode {
    /// The mode for this value of `frm`. If the host does not have it, MXCSR rounds to nearest.
    pub const fn new(frm: u8) -> Self {
        let dynamic_is_hardware = frm <= Rm::Rup.bits();
        Self { hardware: if dynamic_is_hardware { frm } else { Rm::Rne.bits() }, dynamic_is_hardware }
    }

    /// The rounding mode that MXCSR must have.
    pub fn hardware(&self) -> Rm {
        Rm::from_bits(self.hardware).expect("a mode that the host has")
    }

    /// Whether the dynamic rounding mode is that of MXCSR.
    pub fn dynamic_is_hardware(&self) -> bool {
        self.dynamic_is_hardware
    }

    /// Whether MXCSR has the rounding mode that the instruction selects.
    #[inline(always)]
    pub fn on_hardware(&self, rm: RmField) -> bool {
        if rm == RmField::DYNAMIC { self.dynamic_is_hardware } else { rm.0 == self.hardware }
    }
}
