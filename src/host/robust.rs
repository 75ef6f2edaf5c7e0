//! What the host does at the end of a thread: it follows the robust list (`Documentation/locking/robust-futexes.rst`),
//! and clears the thread's id.

use super::lock::is_in_others_memory;
use super::pass::syscall;
use super::pointer::{GuestPtr, raw_or_null};
use rustix::io::Errno;

/// The size of `struct robust_list_head`.
const HEAD_SIZE: u64 = 24;

/// Gives the host the robust list of a guest thread whose addresses are the host's: the kernel then marks the locks of
/// a thread that is killed. `None` takes the list back; a thread that ends without its process does so first. The host
/// does not get the list of a vfork child.
pub fn set_robust_list(head: Option<GuestPtr<'_>>) {
    if is_in_others_memory() {
        return;
    }
    let head = raw_or_null(head, HEAD_SIZE);
    // SAFETY: the kernel follows the list when the thread ends or executes a program. A guest thread that ends alone has
    // taken its list back. Otherwise its process leaves this memory. The entries are the guest's and may lead anywhere:
    // the kernel marks a word there that holds the thread's number. In remu's own memory that is the C library's word
    // of the thread that is gone. A vfork child has that word in common with its parent, hence the check above.
    let set = unsafe { syscall(libc::SYS_set_robust_list, [head, HEAD_SIZE, 0, 0, 0, 0]) };
    debug_assert!(set.is_ok());
}

/// The head of the robust list that a thread has given to the host, which also checks whether the caller may know it.
pub fn robust_list(tid: i32) -> Result<u64, Errno> {
    let (mut head, mut size) = (0u64, 0u64);
    // SAFETY: the kernel writes the two numbers.
    unsafe {
        syscall(libc::SYS_get_robust_list, [tid as u64, &raw mut head as u64, &raw mut size as u64, 0, 0, 0])?;
    }
    Ok(head)
}

/// Has the host write 0 to a place when this process ends or executes a program, and wake one waiter there. Only for a
/// vfork child: in another process, the place is the C library's.
pub fn clear_tid_at_end(place: Option<GuestPtr<'_>>) {
    let place = raw_or_null(place, 4);
    // SAFETY: the kernel writes four bytes of the guest's window, which the parent keeps for as long as it runs.
    let _ = unsafe { syscall(libc::SYS_set_tid_address, [place, 0, 0, 0, 0, 0]) };
}
