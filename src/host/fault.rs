//! Faults of guest accesses, caught at the faulting instruction.
//!
//! Each instruction that accesses guest memory for the guest has an entry in the exception table: its address, and the
//! address to resume at after a fault. The handler looks up the faulting instruction, puts a [fault code](FaultCode)
//! into `r11`, and resumes there. It takes no lock and decides nothing; ordinary code later works out what the fault
//! means to the guest.
//!
//! A fault anywhere else is an internal fault and is reported as such.

use std::mem::MaybeUninit;
use std::sync::Once;

/// The code in `r11` after a fault. It is never zero; bit 63 is set for SIGBUS and clear for SIGSEGV. It does not
/// contain the address: the host kernel does not always know it, and the code that made the access does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FaultCode(pub u64);

const FAULTED: u64 = 1 << 62;
const BUS: u64 = 1 << 63;

impl FaultCode {
    /// The code for an address that was rejected before any access.
    pub const REFUSED: FaultCode = FaultCode(FAULTED);

    /// Whether the host raised SIGBUS.
    pub fn is_bus(self) -> bool {
        self.0 & BUS != 0
    }
}

/// Makes an exception table entry in inline assembly. It must come after both labels: a fault of the instruction at
/// label `2` resumes at label `3` with the code in `r11`. `r11` must be zero before the instruction, and an output of
/// the block.
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
    // SAFETY: the linker places the two symbols around the whole section, which is read-only and lives as long as the
    // process.
    unsafe { std::slice::from_raw_parts(start, count) }
}

fn resume_address(pc: u64) -> Option<u64> {
    let relative = |field: &i32| (std::ptr::from_ref(field) as u64).wrapping_add_signed(i64::from(*field));
    table().iter().find(|e| relative(&e.insn) == pc).map(|e| relative(&e.resume))
}

extern "C" fn on_fault(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid siginfo and ucontext to an SA_SIGINFO handler, and nothing else refers to them
    // meanwhile.
    let (code, addr, context) =
        unsafe { ((*info).si_code, (*info).si_addr() as u64, &mut *context.cast::<libc::ucontext_t>()) };
    if code <= 0 {
        // A process sent the signal, for example by kill(1). No instruction faulted.
        // SAFETY: these are the arguments of this handler.
        if unsafe { super::signals::arrived(signal, info, context) } {
            return;
        }
        // This thread runs no guest.
        // SAFETY: resetting a disposition and raising a signal are async-signal-safe. The signal stays blocked until
        // this handler returns, and then kills the process.
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
    internal_fault(signal, context, addr);
}

/// Handles an internal fault: reports it and lets it kill the process.
pub(super) fn internal_fault(signal: libc::c_int, context: &libc::ucontext_t, addr: u64) {
    report_internal_fault(signal, context.uc_mcontext.gregs[libc::REG_RIP as usize] as u64, addr);
    // SAFETY: resetting a disposition is async-signal-safe. The faulting instruction then runs again and kills the
    // process.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
    }
}

/// Formats and writes without allocation, because this runs in a signal handler of a broken process.
fn report_internal_fault(signal: libc::c_int, pc: u64, addr: u64) {
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
            assert_eq!(result, 0, "sigaction rejects a valid signal");
        }
    });
}
