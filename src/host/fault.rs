//! Faults of guest accesses, caught where they happen.
//!
//! Each instruction that touches guest memory on the guest's behalf has an entry in the exception
//! table: its own address, and where to go on if it faults. The handler looks the faulting
//! instruction up, leaves a [fault code](FaultCode) in `r11`, and resumes there. It takes no lock and
//! decides nothing: what the fault means to the guest is worked out afterwards in ordinary code.
//!
//! A fault anywhere else is a bug of ours, and is said to be one.

use std::mem::MaybeUninit;
use std::sync::Once;

/// What the handler leaves in `r11`: never zero; bit 63 tells SIGBUS from SIGSEGV. The address is not in
/// it: the host kernel does not always know it, and whoever made the access does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FaultCode(pub u64);

const FAULTED: u64 = 1 << 62;
const BUS: u64 = 1 << 63;

impl FaultCode {
    /// The code for an address that was refused before any access.
    pub const REFUSED: FaultCode = FaultCode(FAULTED);

    /// Whether the host raised SIGBUS.
    pub fn is_bus(self) -> bool {
        self.0 & BUS != 0
    }
}

/// Makes an exception table entry in inline assembly, to be put after both labels: the instruction at
/// label `2` faults to label `3`, with the code in `r11`, which must be zero before and an output of the
/// block.
#[macro_export]
macro_rules! exception_entry {
    () => {
        ".pushsection remu_extable, \"aR\"
         .balign 4
         .long 2b - .
         .long 3b - .
         .popsection"
    };
}

#[repr(C)]
struct Entry {
    insn: i32,
    resume: i32,
}

// SAFETY: the linker defines these two symbols at the bounds of the section `remu_extable`, which
// `exception_entry!` fills with records of exactly this layout.
unsafe extern "C" {
    #[link_name = "__start_remu_extable"]
    static TABLE_START: [Entry; 0];
    #[link_name = "__stop_remu_extable"]
    static TABLE_END: [Entry; 0];
}

fn table() -> &'static [Entry] {
    let start = (&raw const TABLE_START).cast::<Entry>();
    let end = (&raw const TABLE_END).cast::<Entry>();
    let count = (end as usize - start as usize) / size_of::<Entry>();
    // SAFETY: the linker places the two symbols around the whole section, which is read-only and
    // lives as long as the program.
    unsafe { std::slice::from_raw_parts(start, count) }
}

fn resume_address(pc: u64) -> Option<u64> {
    let relative = |field: &i32| (std::ptr::from_ref(field) as u64).wrapping_add_signed(i64::from(*field));
    table().iter().find(|e| relative(&e.insn) == pc).map(|e| relative(&e.resume))
}

extern "C" fn on_fault(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid siginfo and ucontext to an SA_SIGINFO handler, and nothing
    // else refers to them while it runs.
    let (code, addr, context) =
        unsafe { ((*info).si_code, (*info).si_addr() as u64, &mut *context.cast::<libc::ucontext_t>()) };
    if code <= 0 {
        // Sent by a process, as kill(1) does: no instruction has faulted, whichever it came in between.
        // SAFETY: these are the arguments of this handler.
        if unsafe { super::signals::arrived(signal, info, context) } {
            return;
        }
        // No guest runs in this thread.
        // SAFETY: resetting a disposition and raising a signal are async-signal-safe; the signal is
        // held back until this handler returns, and then ends the process.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
        return;
    }
    let regs = &mut context.uc_mcontext.gregs;
    let pc = regs[libc::REG_RIP as usize] as u64;
    if let Some(resume) = resume_address(pc) {
        let bus = if signal == libc::SIGBUS { BUS } else { 0 };
        regs[libc::REG_R11 as usize] = (FAULTED | bus) as i64;
        regs[libc::REG_RIP as usize] = resume as i64;
        return;
    }
    own_fault(signal, context, addr);
}

/// A fault in code that may not fault: tells of it, and has the process end of it.
pub(super) fn own_fault(signal: libc::c_int, context: &libc::ucontext_t, addr: u64) {
    report_own_fault(signal, context.uc_mcontext.gregs[libc::REG_RIP as usize] as u64, addr);
    // SAFETY: resetting a disposition is async-signal-safe; the faulting instruction then runs again
    // and ends the process.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
    }
}

/// Formats and writes without allocation: this runs in a signal handler of a broken process.
fn report_own_fault(signal: libc::c_int, pc: u64, addr: u64) {
    use std::io::Write;
    let mut text = [0u8; 160];
    let mut rest = &mut text[..];
    let _ =
        writeln!(rest, "remu: bug: signal {signal} in remu itself at {pc:#x} (address {addr:#x}); please report this");
    let unused = rest.len();
    let line = &text[..text.len() - unused];
    // SAFETY: the pointer and length are those of a live slice.
    unsafe {
        libc::write(2, line.as_ptr().cast(), line.len());
    }
}

/// Installs the handler for SIGSEGV and SIGBUS, once per process.
pub fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        for signal in [libc::SIGSEGV, libc::SIGBUS] {
            // SAFETY: all-zero is a valid sigaction (default action, empty mask).
            let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
            action.sa_sigaction = on_fault as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            // SAFETY: `action` is initialised and the handler has the signature that SA_SIGINFO asks for.
            let result = unsafe { libc::sigaction(signal, &action, std::ptr::null_mut()) };
            assert_eq!(result, 0, "sigaction refuses a valid signal");
        }
    });
}
