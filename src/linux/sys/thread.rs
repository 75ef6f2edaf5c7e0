//! Threads and processes: clone(2), clone3(2), membarrier(2).

use crate::host::Sys;
use crate::linux::abi::process::CloneArgs;
use crate::linux::call::Call;
use crate::linux::fork::ProcessRequest;
use crate::linux::outcome::SysResult;
use crate::linux::process::MemoryOf;
use crate::linux::thread::{NewThread, ThreadRequest};
use crate::memory::{PAGE_SIZE, Prot};
use rustix::io::Errno;
use zerocopy::FromZeros;

/// The bits of the exit signal in the flags of clone(2).
const CSIGNAL: u64 = 0xff;
const CLONE_CLEAR_SIGHAND: u64 = 1 << 32;
const CLONE_INTO_CGROUP: u64 = 1 << 33;
/// The flags that clone(2) can have.
const LEGACY: u64 = 0xffff_ffff;
/// Deeper nesting of PID namespaces is impossible (MAX_PID_NS_LEVEL).
const MAX_PID_LEVELS: u64 = 32;
const MAX_SIGNAL: u64 = 64;

const fn flag(flag: i32) -> u64 {
    flag as u32 as u64
}

/// The sizes of `struct clone_args` as it has grown.
const VERSION_0: u64 = 64;
const VERSION_2: u64 = 88;

/// riscv64 has CONFIG_CLONE_BACKWARDS: the thread pointer comes before the child's thread id.
pub(in crate::linux) fn clone(c: &mut Call<'_>) -> SysResult {
    let [flags, stack, parent_tid, tls, child_tid, _] = c.args;
    let flags = flags & LEGACY;
    let args = CloneArgs {
        flags: flags & !CSIGNAL,
        exit_signal: flags & CSIGNAL,
        pidfd: parent_tid,
        stack,
        parent_tid,
        tls,
        child_tid,
        ..CloneArgs::new_zeroed()
    };
    start(c, &args)
}

pub(in crate::linux) fn clone3(c: &mut Call<'_>) -> SysResult {
    let size = c.args[1];
    if size > PAGE_SIZE {
        return Err(Errno::TOOBIG.into());
    }
    if size < VERSION_0 {
        return Err(Errno::INVAL.into());
    }
    let mut args: CloneArgs = c.read_growing(c.args[0], size)?;
    let has = |bits: u64| args.flags & bits != 0;
    let both = |bits: u64| args.flags & bits == bits;
    let bad = args.set_tid_size > MAX_PID_LEVELS
        || (args.set_tid == 0) != (args.set_tid_size == 0)
        || args.exit_signal > MAX_SIGNAL
        || has(CLONE_INTO_CGROUP) && (args.cgroup > i32::MAX as u64 || size < VERSION_2)
        || has(!(LEGACY | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP))
        || has(flag(libc::CLONE_DETACHED) | CSIGNAL & !flag(libc::CLONE_NEWTIME))
        || both(flag(libc::CLONE_SIGHAND) | CLONE_CLEAR_SIGHAND)
        || has(flag(libc::CLONE_THREAD) | flag(libc::CLONE_PARENT)) && args.exit_signal != 0
        || (args.stack == 0) != (args.stack_size == 0);
    if bad {
        return Err(Errno::INVAL.into());
    }
    if args.stack != 0 {
        let end = args.stack.checked_add(args.stack_size).filter(|&end| end <= c.task.mm.limit().0);
        args.stack = end.ok_or(Errno::INVAL)?;
    }
    start(c, &args)
}

/// Makes a thread or a process, after the checks that both calls share (`kernel_clone`, `copy_process`).
fn start(c: &mut Call<'_>, args: &CloneArgs) -> SysResult {
    let has = |bits: i32| args.flags & flag(bits) != 0;
    let thread = has(libc::CLONE_THREAD);
    let bad = has(libc::CLONE_PIDFD) && has(libc::CLONE_PARENT_SETTID) && args.pidfd == args.parent_tid
        || has(libc::CLONE_PIDFD) && has(libc::CLONE_DETACHED)
        || has(libc::CLONE_FS) && (has(libc::CLONE_NEWNS) || has(libc::CLONE_NEWUSER))
        || thread && !has(libc::CLONE_SIGHAND)
        || has(libc::CLONE_SIGHAND) && !has(libc::CLONE_VM)
        || thread && (has(libc::CLONE_NEWUSER) || has(libc::CLONE_NEWPID));
    if bad {
        return Err(Errno::INVAL.into());
    }
    let request = ThreadRequest {
        flags: args.flags,
        stack: args.stack,
        tls: args.tls,
        parent_tid: args.parent_tid,
        child_tid: args.child_tid,
        pidfd: args.pidfd,
    };
    if !thread {
        return start_process(c, args, request);
    }
    if c.task.process.memory != MemoryOf::Itself {
        c.missing_form("a thread of a process in the memory of another one");
        return Err(Errno::AGAIN.into());
    }
    if args.set_tid_size != 0 {
        c.missing_form("a thread with a chosen id (set_tid)");
        return Err(Errno::PERM.into());
    }
    let mut thread = NewThread::new(c.task, c.cpu, request);
    let until_end = has(libc::CLONE_VFORK).then(|| thread.until_end());
    let tid = c.task.system.threads.start(thread)?;
    if let Some(until_end) = until_end {
        // Nothing is sent: the other end closes.
        let _ = until_end.recv();
    }
    Ok(tid as u64)
}

/// Makes a process.
fn start_process(c: &mut Call<'_>, args: &CloneArgs, thread: ThreadRequest) -> SysResult {
    let set_tid = (0..args.set_tid_size)
        .map(|i| c.read::<i32>(args.set_tid.wrapping_add(4 * i)))
        .collect::<Result<Vec<_>, _>>()?;
    let request = ProcessRequest {
        thread,
        exit_signal: args.exit_signal as i32,
        set_tid,
        cgroup: (args.flags & CLONE_INTO_CGROUP != 0).then_some(args.cgroup as i32),
        clears_handlers: args.flags & CLONE_CLEAR_SIGHAND != 0,
    };
    match args.flags & flag(libc::CLONE_VM) {
        0 => c.task.fork(c.cpu, &request),
        _ => c.task.share_memory(c.cpu, &request),
    }
}

const MEMBARRIER_QUERY: i32 = 0;
const MEMBARRIER_SYNC_CORE: i32 = 1 << 5;
/// MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ and its registration.
const MEMBARRIER_RSEQ: i32 = 1 << 7 | 1 << 8;

pub(in crate::linux) fn membarrier(c: &mut Call<'_>) -> SysResult {
    let command = c.int(0);
    if command.count_ones() == 1 && command & MEMBARRIER_RSEQ != 0 {
        // As in a kernel without rseq.
        return Err(Errno::INVAL.into());
    }
    let done = c.pass(Sys::Membarrier)?;
    if command == MEMBARRIER_SYNC_CORE {
        // Every thread of the process has executed fence.i before its next instruction.
        for vma in c.task.mm.vmas().into_iter().filter(|vma| vma.prot.contains(Prot::EXEC)) {
            c.task.mm.code_changed(vma.range);
        }
    }
    Ok(if command == MEMBARRIER_QUERY { done & !(MEMBARRIER_RSEQ as u64) } else { done })
}
