//! Memory-deny-write-execute: a process that has asked for it (PR_SET_MDWE) gets no memory that can be
//! written and executed, and no memory becomes executable that was not.
//!
//! The host never sees the guest's PROT_EXEC, so its own rule would not hold here.

use super::{MapError, State, UserSpace, failed};
use crate::memory::Prot;
use rustix::io::Errno;

bitflags::bitflags! {
    /// PR_MDWE_*.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Mdwe: u32 {
        /// The rule holds.
        const REFUSE_EXEC_GAIN = 1;
        /// It does not hold for children.
        const NO_INHERIT = 2;
    }
}

impl UserSpace {
    /// Which of the flags are set.
    pub fn mdwe(&self) -> Mdwe {
        self.state().mdwe
    }

    /// Sets the flags, which cannot be taken back: EPERM if others are set.
    pub fn set_mdwe(&self, flags: Mdwe) -> Result<(), MapError> {
        let mut state = self.state();
        if !state.mdwe.is_empty() && state.mdwe != flags {
            return Err(failed(Errno::PERM));
        }
        state.mdwe = flags;
        Ok(())
    }
}

impl State {
    /// Whether an area that has `old` may have `new`. A mapping to be made has `new` already.
    pub(super) fn check_exec_gain(&self, old: Prot, new: Prot) -> Result<(), MapError> {
        let gains = new.contains(Prot::EXEC) && (new.contains(Prot::WRITE) || !old.contains(Prot::EXEC));
        if gains && self.mdwe.contains(Mdwe::REFUSE_EXEC_GAIN) { Err(failed(Errno::ACCESS)) } else { Ok(()) }
    }
}
