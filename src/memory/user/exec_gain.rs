//! Memory-deny-write-execute: a process that sets PR_SET_MDWE cannot map memory both writable and executable, nor
//! make memory executable that was not.
//!
//! The host never sees the guest's PROT_EXEC, so the host's own rule has no effect.

use super::{MapError, State, UserSpace, failed};
use crate::memory::Prot;
use rustix::io::Errno;

bitflags::bitflags! {
    /// PR_MDWE_*.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Mdwe: u32 {
        /// The rule is in force.
        const REFUSE_EXEC_GAIN = 1;
        /// Children do not inherit it.
        const NO_INHERIT = 2;
    }
}

impl Mdwe {
    pub(super) fn inherited(self) -> Self {
        if self.contains(Self::NO_INHERIT) { Self::empty() } else { self }
    }
}

impl UserSpace {
    /// The flags that are set.
    pub fn mdwe(&self) -> Mdwe {
        self.state().mdwe
    }

    /// Sets the flags, which cannot be cleared: EPERM if different flags are set.
    pub fn set_mdwe(&self, flags: Mdwe) -> Result<(), MapError> {
        let mut state = self.state();
        if !state.mdwe.is_empty() && state.mdwe != flags {
            return Err(failed(Errno::PERM));
        }
        state.mdwe = flags;
        Ok(())
    }

    /// The flags that the child of a fork and the next program have.
    pub fn inherited_mdwe(&self) -> Mdwe {
        self.mdwe().inherited()
    }
}

impl State {
    /// Whether an area with `old` may get `new`. For a new mapping, both are its permissions.
    pub(super) fn check_exec_gain(&self, old: Prot, new: Prot) -> Result<(), MapError> {
        let gains = new.contains(Prot::EXEC) && (new.contains(Prot::WRITE) || !old.contains(Prot::EXEC));
        if gains && self.mdwe.contains(Mdwe::REFUSE_EXEC_GAIN) { Err(failed(Errno::ACCESS)) } else { Ok(()) }
    }
}
