//! The signal frame on a handler's stack, and the return from it.

use crate::guest::riscv::Cpu;
use crate::linux::abi::signal::{
    RtSigframe, SA_ONSTACK, SS_AUTODISARM, SS_DISABLE, SS_ONSTACK, Sigaction, Siginfo, StackT, Ucontext,
};
use crate::linux::arch::riscv64::{self as arch, HandlerCall};
use crate::linux::outcome::CallEnd;
use crate::linux::task::Task;
use crate::memory::{BadAddress, GuestAddr};
use rustix::io::Errno;

/// The frame does not fit on the stack.
#[derive(Debug)]
pub(super) struct NoRoom;

impl From<BadAddress> for NoRoom {
    fn from(_: BadAddress) -> Self {
        NoRoom
    }
}

impl Task {
    /// Whether an address is on the alternate stack. A stack with SS_AUTODISARM never counts as in use.
    pub(in crate::linux) fn on_altstack(&self, sp: u64) -> bool {
        let stack = &self.altstack;
        stack.flags & SS_AUTODISARM == 0 && sp > stack.sp && sp - stack.sp <= stack.size
    }

    /// The alternate stack as the guest sees it.
    pub(in crate::linux) fn altstack_flags(&self, sp: u64) -> i32 {
        let state = match self.altstack.size {
            0 => SS_DISABLE,
            _ if self.on_altstack(sp) => SS_ONSTACK,
            _ => 0,
        };
        self.altstack.flags & SS_AUTODISARM | state
    }

    pub(super) fn push_frame(
        &mut self,
        cpu: &mut Cpu,
        action: &Sigaction,
        info: &Siginfo,
        mask: u64,
    ) -> Result<(), NoRoom> {
        const SIZE: u64 = size_of::<RtSigframe>() as u64;
        let mut sp = arch::stack_pointer(cpu);
        let nested = self.on_altstack(sp);
        // A frame that would leave the alternate stack it started on must not be written below that stack.
        if nested && !self.on_altstack(sp.wrapping_sub(SIZE)) {
            return Err(NoRoom);
        }
        let switch = action.flags & SA_ONSTACK != 0 && self.altstack.size != 0 && !nested;
        if switch {
            sp = self.altstack.sp.wrapping_add(self.altstack.size);
        }
        let frame = sp.wrapping_sub(SIZE) & !15;
        if switch && frame < self.altstack.sp {
            return Err(NoRoom);
        }
        // The stack as it was set, not as sigaltstack would report it.
        let stack = self.altstack;
        let uc = Ucontext { flags: 0, link: 0, stack, sigmask: mask, unused: [0; 128], mcontext: arch::save(cpu) };
        self.mm.write(GuestAddr(frame), &RtSigframe { info: *info, uc })?;
        if self.altstack.flags & SS_AUTODISARM != 0 {
            self.altstack = StackT { sp: 0, flags: SS_DISABLE, pad: 0, size: 0 };
        }
        let ucontext = frame + std::mem::offset_of!(RtSigframe, uc) as u64;
        arch::call_handler(
            cpu,
            &HandlerCall {
                handler: action.handler,
                restorer: self.mm.vdso.restorer.0,
                sp: frame,
                args: [info.signo as u64, frame, ucontext],
            },
        );
        Ok(())
    }

    /// Returns to where the signal interrupted the thread. The caller raises SIGSEGV if the frame cannot be read or
    /// is corrupt.
    pub(in crate::linux) fn pop_frame(&mut self, cpu: &mut Cpu) -> Result<(), CallEnd> {
        let frame: RtSigframe = self.mm.read(GuestAddr(arch::stack_pointer(cpu)))?;
        arch::check(&frame.uc.mcontext)?;
        self.try_set_blocked(frame.uc.sigmask)?;
        arch::restore(cpu, &frame.uc.mcontext);
        // As in the kernel, failing to set the stack is not an error.
        let _ = self.set_altstack(&frame.uc.stack, arch::stack_pointer(cpu));
        Ok(())
    }

    /// Sets the alternate stack, for a thread whose stack pointer is `sp`.
    pub(in crate::linux) fn set_altstack(&mut self, new: &StackT, sp: u64) -> Result<(), Errno> {
        use crate::linux::abi::signal::MINSIGSTKSZ;
        if self.on_altstack(sp) {
            return Err(Errno::PERM);
        }
        match new.flags & !SS_AUTODISARM {
            SS_DISABLE => self.altstack = StackT { sp: 0, flags: new.flags, pad: 0, size: 0 },
            0 | SS_ONSTACK if new.size < MINSIGSTKSZ => return Err(Errno::NOMEM),
            0 | SS_ONSTACK => self.altstack = StackT { pad: 0, ..*new },
            _ => return Err(Errno::INVAL),
        }
        Ok(())
    }
}
