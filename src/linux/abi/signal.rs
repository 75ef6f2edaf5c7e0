//! Signals: `asm/signal.h`, `asm/siginfo.h`, `asm/ucontext.h`, `asm/sigcontext.h`, `asm/ptrace.h`.

use super::{guest_structs, layout};

guest_structs! {
    /// `struct sigaction` of the kernel: no restorer on RISC-V.
    Sigaction { handler: u64, flags: u64, mask: u64, }

    /// `stack_t`.
    StackT { sp: u64, flags: i32, pad: u32, size: u64, }

    /// `siginfo_t`: the common fields, then the union.
    Siginfo { signo: i32, errno: i32, code: i32, pad: u32, fields: [u64; 14], }

    /// `struct sigevent`.
    Sigevent { value: u64, signo: i32, notify: i32, tid: i32, pad: [u32; 11], }

    /// `struct user_regs_struct`: pc, then x1 to x31.
    UserRegs { pc: u64, x: [u64; 31], }

    /// `struct sigcontext`: the registers, the floating-point union with its extension header.
    Sigcontext { regs: UserRegs, f: [u64; 32], fcsr: u32, pad: [u32; 64], reserved: u32, end_magic: u32, end_size: u32, }

    /// `struct ucontext`.
    Ucontext { flags: u64, link: u64, stack: StackT, sigmask: u64, unused: [u8; 128], mcontext: Sigcontext, }

    /// The signal frame.
    RtSigframe { info: Siginfo, uc: Ucontext, }
}

layout!(Sigaction: 24);
layout!(StackT: 24, flags @ 8, size @ 16);
layout!(Siginfo: 128, code @ 8, fields @ 16);
layout!(Sigevent: 64, notify @ 12, tid @ 16);
layout!(UserRegs: 256);
layout!(Ucontext: 960, sigmask @ 40, mcontext @ 176);
layout!(RtSigframe: 1088, uc @ 128);
// The kernel's union is 528 bytes, aligned to 16: f0-f31 and fcsr in front, `reserved` at 516 of it,
// the extension header at 520.
layout!(Sigcontext: 784, f @ 256, fcsr @ 512, reserved @ 772, end_magic @ 776, end_size @ 780);

/// `sa_handler`: the default action.
pub const SIG_DFL: u64 = 0;
/// `sa_handler`: nothing happens.
pub const SIG_IGN: u64 = 1;

/// The signal does not interrupt its own handler.
pub const SA_NODEFER: u64 = 0x4000_0000;
/// The disposition is reset when the handler is entered.
pub const SA_RESETHAND: u64 = 0x8000_0000;
/// The handler runs on the alternate stack.
pub const SA_ONSTACK: u64 = 0x0800_0000;
/// Interrupted calls are restarted.
pub const SA_RESTART: u64 = 0x1000_0000;
/// The handler takes three arguments; on RISC-V it always gets them.
pub const SA_SIGINFO: u64 = 4;
/// The known bits of `sa_flags`. The kernel clears all others, so programs can probe for support.
pub const SA_KNOWN: u64 = SA_NODEFER | SA_RESETHAND | SA_ONSTACK | SA_RESTART | SA_SIGINFO | 1 | 2 | SA_EXPOSE_TAGBITS;
/// Tag bits of a faulting address are shown.
pub const SA_EXPOSE_TAGBITS: u64 = 0x800;

/// `ss_flags`: the thread is on the alternate stack.
pub const SS_ONSTACK: i32 = 1;
/// `ss_flags`: no alternate stack is set.
pub const SS_DISABLE: i32 = 2;
/// `ss_flags`: the alternate stack is switched off while a handler runs.
pub const SS_AUTODISARM: i32 = i32::MIN;
/// The smallest alternate stack the kernel accepts on RISC-V.
pub const MINSIGSTKSZ: u64 = 2048;

impl StackT {
    /// No alternate stack.
    pub const NONE: Self = Self { sp: 0, flags: 0, pad: 0, size: 0 };
}

impl Siginfo {
    /// An empty one.
    pub fn new(signo: i32, code: i32) -> Self {
        Siginfo { signo, errno: 0, code, pad: 0, fields: [0; 14] }
    }

    /// For a synchronous fault, with the address.
    pub fn fault(signo: i32, code: i32, addr: u64) -> Self {
        let mut info = Self::new(signo, code);
        info.fields[0] = addr;
        info
    }

    /// For a signal sent by kill and its like.
    pub fn sent(signo: i32, code: i32, pid: i32, uid: u32) -> Self {
        let mut info = Self::new(signo, code);
        info.fields[0] = u64::from(pid as u32) | u64::from(uid) << 32;
        info
    }

    /// For a call that a filter has trapped.
    pub fn filtered(errno: i32, pc: u64, call: i32, arch: u32) -> Self {
        const SYS_SECCOMP: i32 = 1;
        let mut info = Self::new(libc::SIGSYS, SYS_SECCOMP);
        info.errno = errno;
        info.fields[0] = pc;
        info.fields[1] = u64::from(call as u32) | u64::from(arch) << 32;
        info
    }

    /// The faulting address (`si_addr`).
    pub fn addr(&self) -> u64 {
        self.fields[0]
    }

    /// The sender (`si_pid`, `si_uid`).
    pub fn sender(&self) -> (i32, u32) {
        (self.fields[0] as i32, (self.fields[0] >> 32) as u32)
    }
}
