//! The state that the handlers of one run share, apart from the CPU and memory.

use super::block::Link;
use super::cache::JumpEntry;
use crate::guest::Exit;
use crate::guest::riscv::Cpu;
use crate::guest::riscv::fp::FpMode;
use std::cell::Cell;
use std::ptr::null;

/// The state shared by handlers.
pub(super) struct Env {
    /// Instructions left in this slice, up to date only while no handler runs. It may go below zero by a block's
    /// length.
    pub fuel: i64,
    /// `fuel` when `Cpu::instret` was last updated.
    pub slice_start: i64,
    /// The jump cache.
    pub jumps: *const Cell<JumpEntry>,
    /// Why the handlers stopped.
    pub exit: Exit,
    /// The link to set: the exit that was taken, but had no target yet.
    pub link: Option<Link>,
    /// Whether blocks are linked at all.
    pub chain: bool,
    /// Whether only blocks of the same page are linked: the page after it may be mapped anywhere.
    pub links_in_page: bool,
    /// Whether a FENCE.I has been executed.
    pub fence_i: bool,
    /// The rounding mode of the host's unit.
    pub fp_mode: FpMode,
    /// The privileged state. Handlers know its type.
    pub privilege: *mut Privilege,
}

/// The privileged state of the interpreter that the environment belongs to.
pub(super) enum Privilege {}

impl Env {
    pub fn new(cpu: &Cpu, privilege: *mut Privilege, links_in_page: bool) -> Self {
        Self {
            fuel: 0,
            slice_start: 0,
            jumps: null(),
            exit: Exit::Interrupted,
            link: None,
            chain: true,
            links_in_page,
            fence_i: false,
            fp_mode: FpMode::new(cpu.frm),
            privilege,
        }
    }
}
