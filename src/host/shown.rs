//! What the host shows of a process in /proc/PID/cmdline, environ and stat: the guest's memory instead of remu's.

use super::pass::syscall;
use rustix::io::Errno;
use std::ops::Range;

/// Addresses of the running program, which must lie in the process's memory.
#[derive(Clone, Debug)]
pub struct ShownProgram {
    /// Its code.
    pub code: Range<u64>,
    /// Its data.
    pub data: Range<u64>,
    /// The initial stack pointer.
    pub start_stack: u64,
    /// The argument strings.
    pub args: Range<u64>,
    /// The environment strings.
    pub env: Range<u64>,
}

/// `struct prctl_mm_map`.
#[repr(C)]
struct MmMap {
    start_code: u64,
    end_code: u64,
    start_data: u64,
    end_data: u64,
    start_brk: u64,
    brk: u64,
    start_stack: u64,
    arg_start: u64,
    arg_end: u64,
    env_start: u64,
    env_end: u64,
    auxv: u64,
    auxv_size: u32,
    exe_fd: u32,
}

impl ShownProgram {
    /// Has the host show these addresses. A kernel without CONFIG_CHECKPOINT_RESTORE refuses it.
    ///
    /// The heap and the auxiliary vector stay remu's own: libraries read them. To be called while the process has one
    /// thread.
    pub fn show(&self) -> Result<(), Errno> {
        let map = MmMap {
            start_code: self.code.start,
            // The kernel accepts no empty range.
            end_code: self.code.end.max(self.code.start + 1),
            start_data: self.data.start,
            end_data: self.data.end,
            start_brk: start_of_heap().ok_or(Errno::NOENT)?,
            brk: end_of_heap()?,
            start_stack: self.start_stack,
            arg_start: self.args.start,
            arg_end: self.args.end,
            env_start: self.env.start,
            env_end: self.env.end,
            auxv: 0,
            auxv_size: 0,
            exe_fd: u32::MAX,
        };
        let (option, at) = (libc::PR_SET_MM as u64, &raw const map as u64);
        // SAFETY: the kernel reads the structure, which is live, and stores addresses that it uses only to read memory
        // for /proc, besides the heap's bounds. These are the current ones. If another thread has moved the end since, the
        // kernel refuses to extend the heap over mapped memory.
        unsafe {
            syscall(libc::SYS_prctl, [option, libc::PR_SET_MM_MAP as u64, at, size_of::<MmMap>() as u64, 0, 0])?;
        }
        Ok(())
    }
}

/// The start of the process's heap: the 47th field of its `stat`.
fn start_of_heap() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name may contain anything. The third field follows the last parenthesis.
    stat.rsplit_once(") ")?.1.split(' ').nth(44)?.parse().ok()
}

/// The current end of the heap.
fn end_of_heap() -> Result<u64, Errno> {
    // SAFETY: at address 0, the call only returns the current end.
    unsafe { syscall(libc::SYS_brk, [0; 6]) }
}
