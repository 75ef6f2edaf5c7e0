//! Process start: the auxiliary vector, the limits and the stack. The initialisation of Rust's runtime is skipped,
//! because it would change the state that the guest inherits: it ignores SIGPIPE and opens closed standard descriptors.

use super::limits::{InheritedLimits, STACK};
use std::arch::asm;
use std::ffi::{CStr, CString};
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

/// What the kernel passes in the auxiliary vector to an interpreter registered with binfmt_misc.
#[derive(Debug)]
pub struct Registered {
    /// Whether the program's own `argv[0]` follows its path among the arguments (flag P).
    pub has_argv0: bool,
    /// The program, open for reading (flags O and C).
    pub file: Option<OwnedFd>,
    /// The executed path: the program's, or that of a script that the program interprets.
    pub path: CString,
}

/// An entry of the host's auxiliary vector.
fn auxv(key: libc::c_ulong) -> Option<libc::c_ulong> {
    // SAFETY: the calls access no memory but the auxiliary vector and this thread's errno.
    unsafe {
        *libc::__errno_location() = 0;
        let value = libc::getauxval(key);
        (value != 0 || *libc::__errno_location() == 0).then_some(value)
    }
}

/// Whether the kernel gave the process credentials that its caller does not have (AT_SECURE).
pub fn is_secure() -> bool {
    auxv(libc::AT_SECURE) == Some(1)
}

/// How the kernel started remu as a program's interpreter. `None` if it did not, or if remu is registered without the
/// flags that show it. The program's file is returned once only.
pub fn registered() -> Option<Registered> {
    const AT_FLAGS_PRESERVE_ARGV0: libc::c_ulong = 1;
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let has_argv0 = auxv(libc::AT_FLAGS).is_some_and(|flags| flags & AT_FLAGS_PRESERVE_ARGV0 != 0);
    let fd = auxv(libc::AT_EXECFD).map(|fd| fd as i32);
    if !has_argv0 && fd.is_none() || TAKEN.swap(true, Ordering::Relaxed) {
        return None;
    }
    // SAFETY: the kernel opened the descriptor for this process, and nothing else knows it. It is taken once.
    let file = fd.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    let path = executed_name();
    Some(Registered { has_argv0, file, path: path.unwrap_or_default() })
}

/// The path that was executed (AT_EXECFN).
pub(super) fn executed_name() -> Option<CString> {
    // SAFETY: AT_EXECFN is the address of a string above the process's first stack, which nothing here changes.
    auxv(libc::AT_EXECFN).map(|at| unsafe { CStr::from_ptr(at as *const libc::c_char) }.to_owned())
}

/// The page of this program in memory that begins with its ELF header. No relocation changes it.
pub(super) fn first_page() -> Option<[u8; 4096]> {
    let headers = auxv(libc::AT_PHDR)? as usize;
    let page = std::ptr::with_exposed_provenance::<[u8; 4096]>(headers & !4095);
    // SAFETY: AT_PHDR lies in a mapped page. The linker places the program headers behind the ELF header, in the first
    // page of the file, which is mapped for reading and never changed.
    let bytes = unsafe { page.read() };
    bytes.starts_with(b"\x7fELF").then_some(bytes)
}

/// The environment as the process has received it.
pub fn environment() -> Vec<CString> {
    // SAFETY: the C library's list of the environment, which ends with null, and which nothing in remu changes.
    unsafe extern "C" {
        static environ: *const *const libc::c_char;
    }
    let mut list = Vec::new();
    // SAFETY: as above.
    unsafe {
        let mut at = environ;
        while !at.is_null() && !(*at).is_null() {
            list.push(CStr::from_ptr(*at).to_owned());
            at = at.add(1);
        }
    }
    list
}

/// Defines the program's entry point, which runs `$run` and exits with the status it returns.
#[macro_export]
macro_rules! process_entry {
    ($run:path) => {
        #[unsafe(no_mangle)]
        extern "C" fn main() -> i32 {
            extern "C" fn run(limits: &$crate::host::InheritedLimits) -> i32 {
                $run(limits)
            }
            $crate::host::start(run)
        }
    };
}

/// Raises the limits that could stop remu, and runs `body` on a large enough stack: a separate one if RLIMIT_STACK is
/// small and may not be raised.
pub fn start(body: extern "C" fn(&InheritedLimits) -> i32) -> i32 {
    let limits = InheritedLimits::raise();
    if InheritedLimits::current().data.current.is_some() {
        super::alloc::use_spare();
    }
    if InheritedLimits::current().stack.current.is_none_or(|size| size >= STACK) {
        return body(&limits);
    }
    match super::alloc::map_as_stack(STACK as usize) {
        Ok(lowest) => on_stack(lowest.wrapping_add(STACK as usize), body, &limits),
        // The small stack may still be enough.
        Err(_) => body(&limits),
    }
}

/// Calls `body` on the stack that ends at `top`, which is page-aligned.
fn on_stack(top: *mut u8, body: extern "C" fn(&InheritedLimits) -> i32, limits: &InheritedLimits) -> i32 {
    let status: i32;
    // SAFETY: the memory below `top` is a separate mapping that nothing else uses. The C calling convention preserves
    // r12 across the call, so the old stack is restored after it. All registers that the call may change are declared.
    // `body` does not unwind: it is `extern "C"`.
    unsafe {
        asm!(
            "xchg rsp, r12",
            "call {body}",
            "mov rsp, r12",
            body = in(reg) body,
            inout("r12") top => _,
            inout("rdi") std::ptr::from_ref(limits) => _,
            lateout("rax") status,
            clobber_abi("C"),
        );
    }
    status
}
