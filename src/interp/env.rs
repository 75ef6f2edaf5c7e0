//! What the handlers of one run share besides the CPU and memory.

use super::block::Link;
use super::cache::JumpEntry;
use crate::guest::Exit;
use crate::guest::riscv::Cpu;
use crate::guest::riscv::fp::{Rm, RmField};
use std::cell::Cell;

/// What handlers share besides the CPU and memory.
pub(super) struct Env {
    /// Instructions left in this slice, while no handler runs; may go below zero by a block's length.
    pub fuel: i64,
    /// `fuel` when `Cpu::instret` was last brought up to date.
    pub slice_start: i64,
    /// The jump cache.
    pub jumps: *const Cell<JumpEntry>,
    /// Why the handlers stopped.
    pub exit: Exit,
    /// The link that would have been taken.
    pub link: Option<Link>,
    /// Whether blocks are linked at all.
    pub chain: bool,
    /// Whether a FENCE.I has been executed.
    pub fence_i: bool,
    /// The rounding mode that MXCSR has, as in an instruction.
    hardware_rm: u8,
    /// Whether that is the mode that `frm` asks for.
    dynamic_is_hardware: bool,
}

impl Env {
    pub fn new(jumps: *const Cell<JumpEntry>, cpu: &Cpu) -> Self {
        let mut env = Self {
            fuel: 0,
            slice_start: 0,
            jumps,
            exit: Exit::Interrupted,
            link: None,
            chain: true,
            fence_i: false,
            hardware_rm: 0,
            dynamic_is_hardware: false,
        };
        env.note_frm(cpu);
        env
    }

    /// The mode to have in MXCSR.
    pub fn hardware_mode(&self) -> Rm {
        Rm::from_bits(self.hardware_rm).expect("set by note_frm to a mode that the host has")
    }

    /// Follows a change of `frm`.
    pub fn note_frm(&mut self, cpu: &Cpu) {
        self.dynamic_is_hardware = cpu.frm <= Rm::Rup.bits();
        self.hardware_rm = if self.dynamic_is_hardware { cpu.frm } else { Rm::Rne.bits() };
    }

    /// Whether the host's unit rounds as the instruction asks.
    #[inline(always)]
    pub fn on_hardware(&self, rm: RmField) -> bool {
        if rm == RmField::DYNAMIC { self.dynamic_is_hardware } else { rm.0 == self.hardware_rm }
    }
}
