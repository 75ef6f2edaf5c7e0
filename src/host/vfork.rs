//! A child that shares this process's memory while its parent waits: vfork(2), and clone(2) with CLONE_VM and
//! CLONE_VFORK.
//!
//! The child runs on a stack of its own with the parent's thread-local storage. So it can do what its parent can:
//! allocate, take locks, handle faults. It may be killed at any instruction, and must leave nothing behind that its
//! parent trips over: [its memory](super::child_memory) and [its locks](super::lock) are known to the parent.

use super::fork::{ChildProcess, CloneCall, NewProcess, c_librarys_tid};
use super::{CallError, StopFlag, alloc, lock, signals};
use rustix::io::Errno;
use rustix::mm::{MprotectFlags, mprotect, munmap};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The child's stack. The engine and the kernel layer need less than a guest thread's host stack.
const STACK: usize = 256 << 10;

/// The lowest page of the stack, which is not accessible.
const GUARD: usize = 4096;

/// The exit status of a child that panics, where a panic does not end the process itself.
const PANICKED: i32 = 125;

/// A vfork child that has ended or has executed a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VforkDone {
    /// The child.
    pub child: ChildProcess,
    /// Whether it held locks, which are released now. Their values may be half changed: the child was killed or has
    /// executed a program in the middle of a change.
    pub held_locks: bool,
}

/// The stack of a process that runs in this memory.
pub(super) struct Stack(*mut u8);

impl Stack {
    pub(super) fn new() -> Result<Self, Errno> {
        let stack = Self(alloc::map_as_stack(STACK)?);
        // SAFETY: the lowest page of the mapping just made, to which nothing refers.
        unsafe { mprotect(stack.0.cast(), GUARD, MprotectFlags::empty())? };
        Ok(stack)
    }

    /// Where it lies, and its size.
    pub(super) fn place(&self) -> (u64, u64) {
        (self.0.expose_provenance() as u64, STACK as u64)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the child has ended or has another memory, and nobody else knows of its stack.
        let _ = unsafe { munmap(self.0.cast(), STACK) };
    }
}

/// Runs `child` in a new process on this memory, and waits until it has ended or has executed a program. What `child`
/// returns is its exit status; it leaves by the system call, so that nothing is flushed.
///
/// In the child:
/// - All signals but those of faults are blocked at first. The mailbox of signals is this thread's, empty; what arrives raises `stop`, the
///   flag of the child's hart.
/// - `raise` and `die_by_signal` reach the child.
/// - Values that it owns when it ends without returning are not dropped: what is large should belong to the parent.
/// - It takes only locks that its parent keeps alive, and starts no threads.
///
/// # Errors
/// The kernel's. EINVAL if a flag is not one of [`NewProcess::FLAGS`]. [`CallError::NotBegun`] as in [`fork`](super::fork()).
pub fn vfork(new: &NewProcess<'_>, stop: &StopFlag, child: &mut dyn FnMut() -> i32) -> Result<VforkDone, CallError> {
    if new.flags & !NewProcess::FLAGS != 0 {
        return Err(Errno::INVAL.into());
    }
    let _blocked = signals::block_every_signal();
    if signals::has_arrived() {
        return Err(CallError::NotBegun);
    }
    let stack = Stack::new()?;
    alloc::before_child()?;
    let mut pidfd = -1;
    let more = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_CHILD_SETTID;
    let call = CloneCall::new(new, more, stack.place(), &raw mut pidfd);
    let own = rustix::thread::gettid().as_raw_nonzero().get();
    let mailbox = signals::lend_mailbox(stop);
    let before = lock::enter_child();
    let mut child = child;
    // SAFETY: the stack is the child's alone until it is gone, and this thread waits until then.
    let result = unsafe { clone_onto(&call, &raw mut child) };
    let held_locks = lock::release_of_child(before);
    signals::take_mailbox_back(mailbox);
    // SAFETY: the C library's number of this thread, where the kernel has written the child's. Nobody else writes it.
    unsafe { std::ptr::with_exposed_provenance_mut::<i32>(c_librarys_tid()).write_volatile(own) };
    alloc::after_child();
    let pid = result.map_err(CallError::from)? as i32;
    let pidfd = (new.flags & libc::CLONE_PIDFD as u64 != 0).then_some(pidfd);
    Ok(VforkDone { child: ChildProcess { pid, pidfd }, held_locks })
}

/// Makes the call; the child runs `child` and ends.
///
/// # Safety
/// The call names CLONE_VM, a stack that nobody else uses, and either CLONE_VFORK or thread-local storage that nobody
/// else uses. `child` lives until the child is gone.
pub(super) unsafe fn clone_onto(call: &CloneCall, child: *mut &mut dyn FnMut() -> i32) -> Result<u64, Errno> {
    let (number, a) = call.raw();
    let result: i64;
    // SAFETY: the child has its own stack, where it calls `run` with `child`, and never comes back.
    // With CLONE_VFORK this thread waits in the call until the child is gone, and otherwise the two share no
    // thread-local storage. To this thread the whole is a call that may change any memory. A stack that ends at a page
    // is aligned as a call wants it.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r13",
            "call r12",
            "ud2",
            "2:",
            inlateout("rax") number => result,
            in("rdi") a[0], in("rsi") a[1], in("rdx") a[2], in("r10") a[3], in("r8") a[4], in("r9") a[5],
            in("r12") run as unsafe extern "C" fn(*mut &mut dyn FnMut() -> i32) -> !,
            in("r13") child,
            lateout("rcx") _, lateout("r11") _,
        );
    }
    if (-4095..0).contains(&result) { Err(Errno::from_raw_os_error(-result as i32)) } else { Ok(result as u64) }
}

/// The child's first function.
///
/// # Safety
/// `child` is what [`clone_onto`] was given.
unsafe extern "C" fn run(child: *mut &mut dyn FnMut() -> i32) -> ! {
    // SAFETY: it lives until the child is gone, which alone uses it.
    let child = unsafe { &mut *child };
    // All but those of faults.
    signals::set_signal_mask(u64::MAX);
    // Unwinding would have nowhere to go.
    let status = catch_unwind(AssertUnwindSafe(child)).unwrap_or(PANICKED);
    loop {
        // SAFETY: ends this process, and touches no memory.
        let _ = unsafe { super::pass::syscall(libc::SYS_exit_group, [status as u64, 0, 0, 0, 0, 0]) };
    }
}

#[cfg(test)]
#[path = "vfork_tests.rs"]
mod tests;
