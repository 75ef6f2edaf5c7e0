//! The signal frame on a handler's stack, and the return from it.

use crate::guest::riscv::Cpu;
use crate::linux::abi::signal::{
    RtSigframe, SA_ONSTACK, SS_AUTODISARM, SS_DISABLE, SS_ONSTACK, Sigaction, Sigcontext, Siginfo, StackT, Ucontext,
    UserRegs,
};
use crate::linux::task::Task;
use crate::memory::{BadAddress, GuestAddr};
use rustix::io::Errno;

/// The frame does not fit on its stack.
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
        let mut sp = cpu.x(2);
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
        let uc = Ucontext { flags: 0, link: 0, stack, sigmask: mask, unused: [0; 128], mcontext: context(cpu) };
        self.mm.write(GuestAddr(frame), &RtSigframe { info: *info, uc })?;
        if self.altstack.flags & SS_AUTODISARM != 0 {
            self.altstack = StackT { sp: 0, flags: SS_DISABLE, pad: 0, size: 0 };
        }
        cpu.set_x(1, self.mm.vdso.restorer.0);
        cpu.set_x(2, frame);
        cpu.set_x(10, info.signo as u64);
        cpu.set_x(11, frame);
        cpu.set_x(12, frame + std::mem::offset_of!(RtSigframe, uc) as u64);
        // The hart returns to user mode through `sepc`, whose lowest bit is always zero.
        cpu.enter(action.handler);
        cpu.reservation = None;
        Ok(())
    }

    /// Returns to where the signal interrupted the thread. The caller raises SIGSEGV if the frame cannot be read or
    /// is corrupt.
    pub(in crate::linux) fn pop_frame(&mut self, cpu: &mut Cpu) -> Result<(), Errno> {
        let frame: RtSigframe = self.mm.read(GuestAddr(cpu.x(2)))?;
        let context = &frame.uc.mcontext;
        // No extension state is saved, so none may be restored.
        if context.reserved != 0 || context.end_magic != 0 || context.end_size != 0 {
            return Err(Errno::INVAL);
        }
        self.set_blocked(frame.uc.sigmask);
        for (n, value) in (1..32).zip(context.regs.x) {
            cpu.set_x(n, value);
        }
        cpu.enter(context.regs.pc);
        cpu.f = context.f;
        cpu.set_fcsr(context.fcsr);
        cpu.reservation = None;
        // As in the kernel, failing to set the stack is not an error.
        let _ = self.set_altstack(&frame.uc.stack, cpu.x(2));
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

fn context(cpu: &Cpu) -> Sigcontext {
    let x = std::array::from_fn(|i| cpu.x(i as u8 + 1));
    Sigcontext {
        regs: UserRegs { pc: cpu.pc, x },
        f: cpu.f,
        fcsr: cpu.fcsr(),
        pad: [0; 64],
        reserved: 0,
        end_magic: 0,
        end_size: 0,
    }
}
