//! seccomp(2): the guest's own filters of system calls.
//!
//! Filters are programs of classic BPF ([`bpf`], [`check`]). They see the guest's numbers and arguments, and decide
//! before the kernel layer does anything for a call. The host knows nothing of them: they do not apply to the calls
//! that remu makes.

mod bpf;
mod check;

pub use bpf::Program;
pub use check::MAX_LEN;

use super::abi::seccomp::SeccompData;
use super::abi::signal::Siginfo;
use super::arch::riscv64 as arch;
use super::outcome::{CallEnd, Outcome, SysResult};
use super::signal::FatalSignal;
use super::table;
use super::task::Task;
use crate::guest::riscv::Cpu;
use crate::host::{Lock, Rank};
use crate::memory::GuestAddr;
use rustix::io::Errno;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The most instructions of all filters of a thread, as the kernel translates them (MAX_INSNS_PER_PATH).
const MAX_TOTAL: u32 = 1 << 15;

/// What each further filter adds to that count.
const PENALTY: u32 = 4;

/// The largest errno that a filter can return.
const MAX_ERRNO: u32 = 4095;

/// The system calls that strict mode allows: read, write, exit, rt_sigreturn.
const STRICT_CALLS: [u64; 4] = [63, 64, 93, 139];

/// How calls are filtered. The values are those of PR_GET_SECCOMP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum Mode {
    /// Not at all.
    #[default]
    Disabled = libc::SECCOMP_MODE_DISABLED,
    /// Only the calls of strict mode are allowed.
    Strict = libc::SECCOMP_MODE_STRICT,
    /// By filters.
    Filter = libc::SECCOMP_MODE_FILTER,
}

/// The seccomp state of a thread. Other threads use it only while they hold the process's list of threads.
#[derive(Debug)]
pub struct Seccomp {
    /// Whether the mode is not [`Mode::Disabled`], to be read without the lock at every call.
    is_on: AtomicU32,
    state: Lock<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    mode: Mode,
    /// The filters, the newest last. Those that threads have in common are the same objects.
    filters: Vec<Arc<Program>>,
    /// Whether another thread has set no_new_privs for this one, which the host does not know yet.
    owes_no_new_privs: bool,
}

impl State {
    /// Whether the filters are older ones of a thread with these filters.
    fn is_ancestor_of(&self, filters: &[Arc<Program>]) -> bool {
        match self.filters.last() {
            None => self.mode == Mode::Disabled,
            Some(newest) => filters.get(self.filters.len() - 1).is_some_and(|other| Arc::ptr_eq(newest, other)),
        }
    }
}

impl Default for Seccomp {
    fn default() -> Self {
        Self::new(State::default())
    }
}

impl Seccomp {
    fn new(state: State) -> Self {
        Self { is_on: AtomicU32::new(state.mode as u32), state: Lock::new(Rank::Seccomp, state) }
    }

    /// The state of a process that executes a program, from the filters that it had before, the newest last.
    pub fn with_filters(filters: Vec<Program>) -> Self {
        let mode = if filters.is_empty() { Mode::Disabled } else { Mode::Filter };
        Self::new(State { mode, filters: filters.into_iter().map(Arc::new).collect(), owes_no_new_privs: false })
    }

    /// The state that a new thread inherits.
    pub fn inherited(&self) -> Self {
        Self::new(self.state.lock().clone())
    }

    /// Takes the state of the thread that made this one.
    pub fn inherit(&self, parent: &Self) {
        let state = parent.state.lock().clone();
        self.set(state);
    }

    fn set(&self, state: State) {
        let mode = state.mode;
        *self.state.lock() = state;
        self.is_on.store(mode as u32, Ordering::Release);
    }

    /// Whether calls are filtered.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Acquire) != 0
    }

    /// The mode.
    pub fn mode(&self) -> Mode {
        self.state.lock().mode
    }

    /// The number of filters.
    pub fn count(&self) -> usize {
        self.state.lock().filters.len()
    }

    /// The instructions of all filters, the newest last.
    pub fn programs(&self) -> Vec<Vec<u8>> {
        self.state.lock().filters.iter().map(|program| program.bytes().to_vec()).collect()
    }

    /// Enters strict mode.
    pub fn set_strict(&self) -> Result<(), Errno> {
        let state = self.state.lock().clone();
        if state.mode == Mode::Filter {
            return Err(Errno::INVAL);
        }
        self.set(State { mode: Mode::Strict, ..state });
        Ok(())
    }

    /// The mode, and the answer of all filters: the most restrictive one, of the newest filter with that action.
    fn answer(&self, data: &SeccompData) -> (Mode, u32) {
        let mut state = self.state.lock();
        if std::mem::take(&mut state.owes_no_new_privs) {
            // It cannot fail: no argument is variable.
            let _ = rustix::thread::set_no_new_privs(true);
        }
        let mut most = libc::SECCOMP_RET_ALLOW;
        for program in state.filters.iter().rev() {
            let answer = program.run(data);
            if action(answer) < action(most) {
                most = answer;
            }
        }
        (state.mode, most)
    }
}

/// The action of an answer. The smaller number is the more restrictive action.
fn action(answer: u32) -> i32 {
    (answer & libc::SECCOMP_RET_ACTION_FULL) as i32
}

/// An answer in words.
fn describe(answer: u32) -> String {
    let value = answer & libc::SECCOMP_RET_DATA;
    match answer & libc::SECCOMP_RET_ACTION_FULL {
        libc::SECCOMP_RET_ALLOW => "allowed".to_owned(),
        libc::SECCOMP_RET_LOG => "allowed and logged".to_owned(),
        libc::SECCOMP_RET_ERRNO => format!("errno {}", value.min(MAX_ERRNO)),
        libc::SECCOMP_RET_TRAP => format!("SIGSYS with {value}"),
        libc::SECCOMP_RET_TRACE => "no tracer".to_owned(),
        libc::SECCOMP_RET_USER_NOTIF => "no listener".to_owned(),
        libc::SECCOMP_RET_KILL_THREAD => "the thread is killed".to_owned(),
        _ => "the process is killed".to_owned(),
    }
}

/// How a new filter is shared with the other threads of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// It is the calling thread's alone.
    None,
    /// All threads get the caller's filters, or the call returns the id of a thread that has others (TSYNC).
    OrThreadId,
    /// The same, but the call fails with ESRCH (TSYNC_ESRCH).
    OrError,
}

impl Task {
    /// Adds a filter for this thread, or for all threads of the process.
    pub(super) fn add_filter(&self, program: Program, sync: Sync) -> Result<u64, Errno> {
        let threads = self.process.threads();
        let mut state = self.seccomp.state.lock().clone();
        if state.mode == Mode::Strict {
            return Err(Errno::INVAL);
        }
        let older: u32 = state.filters.iter().map(|program| program.compiled_len() + PENALTY).sum();
        if program.compiled_len() + older > MAX_TOTAL {
            return Err(Errno::NOMEM);
        }
        let own = self.tid();
        let others = || threads.iter().filter(|&(&tid, _)| sync != Sync::None && tid != own);
        let refused = others().find(|(_, other)| !other.state.lock().is_ancestor_of(&state.filters));
        match refused {
            Some((&tid, _)) if sync == Sync::OrThreadId => return Ok(tid as u64),
            Some(_) => return Err(Errno::SRCH),
            None => {}
        }
        state.mode = Mode::Filter;
        state.filters.push(Arc::new(program));
        // A thread without privileges must not make a filter for one that has them.
        let no_new_privs = rustix::thread::no_new_privs().unwrap_or(false);
        for (_, other) in others() {
            let owes_no_new_privs = no_new_privs || other.state.lock().owes_no_new_privs;
            other.set(State { owes_no_new_privs, ..state.clone() });
        }
        self.seccomp.set(state);
        drop(threads);
        self.publish_guest();
        Ok(0)
    }

    /// Has the filters decide about a call. Returns the result of a call that they do not let through.
    #[cold]
    #[inline(never)]
    pub(super) fn refused(&mut self, cpu: &Cpu, number: u64, args: [u64; 6]) -> Option<SysResult> {
        if self.mm.vdso.answers(GuestAddr(cpu.pc), number, args[0]) {
            return None;
        }
        // As on the kernel, the pc is already past the call.
        let data = SeccompData { nr: number as i32, arch: arch::AUDIT_ARCH, instruction_pointer: cpu.pc, args };
        let (mode, answer) = self.seccomp.answer(&data);
        if mode == Mode::Strict {
            let fatal = FatalSignal::of(cpu, &Siginfo::new(libc::SIGKILL, 0));
            return if STRICT_CALLS.contains(&number) { None } else { Some(Err(CallEnd::ThreadKilled(fatal))) };
        }
        if answer != libc::SECCOMP_RET_ALLOW {
            self.system.log_filtered(|| {
                let call = table::find(number).map_or_else(|| number.to_string(), |row| row.name.to_owned());
                format!("{} {call} at {:#x}: {}", self.tid(), cpu.pc, describe(answer))
            });
        }
        let value = answer & libc::SECCOMP_RET_DATA;
        let info = || Siginfo::filtered(value as i32, cpu.pc, data.nr, data.arch);
        match answer & libc::SECCOMP_RET_ACTION_FULL {
            libc::SECCOMP_RET_ALLOW | libc::SECCOMP_RET_LOG => None,
            libc::SECCOMP_RET_ERRNO => {
                let errno = value.min(MAX_ERRNO) as i32;
                Some(if errno == 0 { Ok(0) } else { Err(Errno::from_raw_os_error(errno).into()) })
            }
            libc::SECCOMP_RET_TRAP => Some(match self.force(cpu, info()) {
                Outcome::Killed(fatal) => Err(CallEnd::Killed(fatal)),
                // The handler sees the registers before the call.
                _ => Ok(args[0]),
            }),
            // The kernel's answer without a tracer or a listener.
            libc::SECCOMP_RET_TRACE | libc::SECCOMP_RET_USER_NOTIF => Some(Err(Errno::NOSYS.into())),
            libc::SECCOMP_RET_KILL_THREAD => Some(Err(CallEnd::ThreadKilled(FatalSignal::of(cpu, &info())))),
            _ => Some(Err(CallEnd::Killed(FatalSignal::of(cpu, &info())))),
        }
    }
}
