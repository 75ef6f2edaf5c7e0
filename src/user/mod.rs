//! Runs guest threads: connects an engine with the kernel layer.
//!
//! Every thread runs the same loop on a host thread of its own. The engine executes guest code until it stops; the
//! kernel layer then handles the reason, and says whether the thread resumes.

mod engine;

pub use engine::{EngineConfig, EngineKind};

use crate::debug::{AddressFilter, CodeMap, Log, MapLog, TraceItems};
use crate::guest::riscv::{Cpu, Rv64, UserProgram};
use crate::guest::{Counters, Exit, HartOwner, add_counters, report_counters};
use crate::host::{self, Attachment, CallError, ChildProcess, Lock, LockRef, NewProcess, Rank, StopFlag, VmClone};
use crate::linux::thread::{NewThread, ThreadStarter};
use crate::linux::{Outcome, Task};
use crate::memory::{Registration, UserSpace};
use engine::{Engines, ThreadEngine};
use rustix::io::Errno;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak, mpsc};

/// What is logged about the code that is run.
#[derive(Clone)]
pub struct CodeLog {
    /// Where it is written.
    pub log: Log,
    /// Which items.
    pub items: TraceItems,
    /// The addresses whose code is logged.
    pub filter: AddressFilter,
}

/// Ends the process as the guest ended, and does not return.
pub type ProcessEnd = Box<dyn Fn(Outcome, &Task) + Send + Sync>;

/// How the threads of a process are run.
pub struct RunnerConfig {
    /// Settings of the engines.
    pub engine: EngineConfig,
    /// The log of the code.
    pub code: Option<CodeLog>,
    /// The log of faults and traps.
    pub traps: Option<Log>,
    /// The log of the address space.
    pub maps: Option<Arc<MapLog>>,
    /// The files that name compiled code for profilers.
    pub code_map: Option<Arc<CodeMap>>,
    /// All logs that are written to.
    pub logs: Vec<Log>,
    /// The file of counters.
    pub statistics: Option<Log>,
    /// What happens when the process ends.
    pub end: ProcessEnd,
}

/// The exit status if [`ProcessEnd`] returns, which is a bug.
const EXIT_INTERNAL: i32 = 125;

/// What threads leave when they end.
#[derive(Default)]
struct Ended {
    /// The sums of their engines' counters.
    statistics: Counters,
    /// Harts, each with the engine that ran it. Most threads of a process begin and end in the same code, which these
    /// engines have decoded.
    harts: Vec<(HartOwner<Rv64>, ThreadEngine)>,
}

/// The most harts without a thread.
const MAX_IDLE_HARTS: usize = 8;

/// Runs the threads of a process.
pub struct Runner {
    config: RunnerConfig,
    engines: Engines,
    ended: Lock<Ended>,
    /// Itself, for new threads.
    this: Weak<Self>,
}

impl ThreadStarter for Runner {
    fn start(&self, mut thread: NewThread) -> Result<i32, Errno> {
        let runner = self.this.upgrade().ok_or(Errno::AGAIN)?;
        thread.task.mm.space().set_only_thread(false);
        let (hand_over, handed_over) = mpsc::sync_channel(1);
        let tid = host::spawn(move || {
            if let Ok((thread, began)) = handed_over.recv() {
                runner.run_new(thread, began);
            }
        })?;
        if thread.must_begin_itself() {
            let (began, begun) = mpsc::sync_channel(1);
            hand_over.send((thread, Some(began))).map_err(|_| Errno::AGAIN)?;
            begun.recv().unwrap_or(Err(Errno::AGAIN))?;
        } else {
            thread.begin(tid);
            hand_over.send((thread, None)).map_err(|_| Errno::AGAIN)?;
        }
        Ok(tid)
    }

    fn vfork(&self, child: NewThread, new: &NewProcess<'_>) -> Result<ChildProcess, CallError> {
        // The parent keeps the engine, since the child may end anywhere.
        let runner = self.this.upgrade().ok_or(Errno::AGAIN)?;
        child.task.mm.space().set_only_thread(false);
        let mut child = InOthersMemory::new(runner, child);
        let cell = child.hart.cell().clone();
        let done = host::vfork(new, cell.stop_flag(), &mut || child.run());
        Box::new(child).ended();
        Ok(done?.child)
    }

    fn clone_vm(&self, child: NewThread, new: &NewProcess<'_>) -> Result<ChildProcess, CallError> {
        let runner = self.this.upgrade().ok_or(Errno::AGAIN)?;
        child.task.mm.space().set_only_thread(false);
        host::clone_vm(new, Box::new(move || Box::new(InOthersMemory::new(runner, child))))
    }

    fn after_fork(&self, shares_descriptors: bool) {
        if let Some(map) = &self.config.code_map {
            map.after_fork(shares_descriptors);
        }
        if !shares_descriptors {
            self.config.logs.iter().for_each(Log::enter_process);
        }
        // The child does not know their engines as registered: their threads have never existed there.
        let idle = std::mem::take(&mut self.ended.lock().harts);
        drop(idle);
    }

    fn locks(&self) -> Vec<LockRef<'_>> {
        let own = [self.ended.erased(), self.engines.lock()];
        let code_map = self.config.code_map.iter().map(|map| map.lock());
        self.config.logs.iter().map(Log::lock).chain(own).chain(code_map).collect()
    }
}

/// A process in the memory of another one, which owns all this.
struct InOthersMemory {
    runner: Arc<Runner>,
    thread: NewThread,
    hart: HartOwner<Rv64>,
    engine: ThreadEngine,
    registration: Registration,
    /// The process is in the engine, or in the kernel layer: neither is whole if it is killed then.
    in_engine: AtomicBool,
    is_running: AtomicBool,
}

impl InOthersMemory {
    fn new(runner: Arc<Runner>, thread: NewThread) -> Self {
        let hart = HartOwner::new(thread.cpu.clone());
        let watch = thread.task.mm.space().watch_code(hart.cell().clone());
        let registration = watch.registration();
        let engine = runner.logging(runner.engines.for_other_process(watch), thread.task.mm.space());
        let [in_engine, is_running] = [false; 2].map(AtomicBool::new);
        Self { runner, thread, hart, engine, registration, in_engine, is_running }
    }
}

impl VmClone for InOthersMemory {
    fn stop(&self) -> &StopFlag {
        self.hart.cell().stop_flag()
    }

    fn run(&mut self) -> i32 {
        self.is_running.store(true, Ordering::Relaxed);
        self.thread.begin_process();
        if !self.thread.shares_descriptors() {
            self.runner.config.logs.iter().for_each(Log::enter_process);
        }
        host::set_signal_mask(self.thread.task.blocked);
        let task = &mut self.thread.task;
        let end = self.runner.run_until_end(&mut self.engine, task, &mut self.hart, Some(&self.in_engine));
        self.is_running.store(false, Ordering::Relaxed);
        if let Some(file) = &self.runner.config.statistics {
            file.put(&report(&self.thread.task, &self.engine.statistics()));
        }
        match end {
            Outcome::Exited(status) => status,
            end => {
                (self.runner.config.end)(end, &self.thread.task);
                EXIT_INTERNAL
            }
        }
    }

    fn ended(self: Box<Self>) {
        let Self { thread, engine, registration, in_engine, is_running, .. } = *self;
        thread.end_process();
        // Whatever the process was changing when it was killed is not touched again.
        if in_engine.into_inner() {
            thread.task.mm.space().engine_was_killed(&registration);
            engine.abandon();
        }
        if is_running.into_inner() && thread.task.executing.is_none() {
            std::mem::forget(thread);
        }
    }
}

impl Runner {
    /// A runner for the threads of a process.
    pub fn new(config: RunnerConfig) -> Arc<Self> {
        let engines = Engines::new(config.engine.clone());
        Arc::new_cyclic(|this| Self {
            config,
            engines,
            ended: Lock::new(Rank::EndedThreads, Ended::default()),
            this: this.clone(),
        })
    }

    /// Makes what the engines of the process share, before anything runs.
    ///
    /// # Errors
    /// If the host does not give the memory for compiled code.
    pub fn prepare(&self, space: &Arc<UserSpace>) -> std::io::Result<()> {
        space.set_only_thread(true);
        self.engines.prepare(space, self.config.code_map.as_ref())
    }

    /// Runs a guest thread on the calling host thread until the thread ends. Does not return if the process ends.
    pub fn run(&self, task: &mut Task, hart: &mut HartOwner<Rv64>, mailbox: Attachment) {
        let mut engine = self.new_engine(task.mm.space(), hart);
        self.run_on(&mut engine, task, hart, mailbox);
    }

    /// Runs a new thread, which tells `began` whether it has begun, or which its creator has made begin.
    fn run_new(&self, mut thread: NewThread, began: Option<mpsc::SyncSender<Result<(), Errno>>>) {
        let (mut hart, mut engine) = self.hart_for(&thread);
        let mailbox = host::attach(hart.cell().clone());
        if let Some(began) = began {
            // Those of faults are open.
            host::block_all_signals();
            let result = thread.begin_itself();
            let failed = result.is_err();
            let _ = began.send(result);
            if failed {
                return;
            }
        }
        host::set_signal_mask(thread.task.blocked);
        self.run_on(&mut engine, &mut thread.task, &mut hart, mailbox);
        self.keep(hart, engine);
    }

    fn run_on(&self, engine: &mut ThreadEngine, task: &mut Task, hart: &mut HartOwner<Rv64>, mailbox: Attachment) {
        let outcome = self.run_until_end(engine, task, hart, None);
        if self.config.statistics.is_some() {
            self.count(engine.statistics());
        }
        if let Outcome::ThreadExited(_) | Outcome::ThreadKilled(_) = outcome {
            task.hand_signals_on(mailbox);
        } else {
            if let Some(file) = &self.config.statistics {
                let counters = self.ended.lock().statistics.clone();
                file.put(&report(task, &counters));
            }
            (self.config.end)(outcome, task);
        }
    }

    /// A hart for a new thread, with its engine.
    fn hart_for(&self, thread: &NewThread) -> (HartOwner<Rv64>, ThreadEngine) {
        let idle = self.ended.lock().harts.pop();
        if let Some((mut hart, mut engine)) = idle {
            engine.adopt();
            hart.cell().take_stop();
            *hart.cpu_mut() = thread.cpu.clone();
            return (hart, engine);
        }
        let hart = HartOwner::new(thread.cpu.clone());
        let engine = self.new_engine(thread.task.mm.space(), &hart);
        (hart, engine)
    }

    /// Keeps the hart of a thread that has ended for another one.
    fn keep(&self, hart: HartOwner<Rv64>, mut engine: ThreadEngine) {
        if !engine.retire() {
            return;
        }
        let mut ended = self.ended.lock();
        if ended.harts.len() < MAX_IDLE_HARTS {
            ended.harts.push((hart, engine));
        } else {
            // An engine's registration ends under a lock of its own.
            drop(ended);
            drop(engine);
        }
    }

    /// An engine for a hart of the process.
    fn new_engine(&self, space: &Arc<UserSpace>, hart: &HartOwner<Rv64>) -> ThreadEngine {
        let watch = space.watch_code(hart.cell().clone());
        self.logging(self.engines.for_thread(watch), space)
    }

    /// The engine, which logs its code if that is asked for.
    fn logging(&self, mut engine: ThreadEngine, space: &Arc<UserSpace>) -> ThreadEngine {
        if let Some(log) = self.config.code.clone() {
            engine.log_code(log, space.clone());
        }
        engine
    }

    /// Alternates between the engine and the kernel layer until the thread or the process ends. `runs` tells others
    /// while the engine runs.
    fn run_until_end(
        &self,
        engine: &mut ThreadEngine,
        task: &mut Task,
        hart: &mut HartOwner<Rv64>,
        runs: Option<&AtomicBool>,
    ) -> Outcome {
        let mm = task.mm.clone();
        let space = mm.space();
        let mut program = UserProgram::answering(task.quick_calls());
        loop {
            if let Some(maps) = &self.config.maps {
                maps.update(space);
            }
            if let Some(runs) = runs {
                runs.store(true, Ordering::Relaxed);
            }
            let exit = engine.run(hart, &mut program, space);
            if let Some(runs) = runs {
                runs.store(false, Ordering::Relaxed);
            }
            let cpu = hart.cpu_mut();
            self.log_exit(&exit, cpu);
            if self.config.statistics.is_some() && matches!(exit, Exit::Syscall) && task.executes_program(cpu) {
                // Another process in this memory reports what it has run itself.
                let mut counters = if runs.is_none() { self.ended.lock().statistics.clone() } else { Counters::new() };
                add_counters(&mut counters, engine.statistics());
                task.report = Some(report(task, &counters));
            }
            match task.handle_exit(cpu, exit) {
                Outcome::Resume => {}
                end => return end,
            }
        }
    }

    /// Adds the counters of an engine to those of the process.
    fn count(&self, counters: Counters) {
        add_counters(&mut self.ended.lock().statistics, counters);
    }

    /// Logs why an engine stopped.
    fn log_exit(&self, exit: &Exit, cpu: &Cpu) {
        let pc = cpu.pc;
        if let (Some(maps), Exit::Fault(fault)) = (&self.config.maps, exit) {
            maps.fault(fault, pc);
        }
        let Some(log) = &self.config.traps else { return };
        let what = match exit {
            Exit::Syscall | Exit::Interrupted => return,
            Exit::Fault(fault) => fault.to_string(),
            Exit::Illegal { bits } => match remu_isa::decode(*bits, cpu.isa) {
                Err(error) => error.to_string(),
                // It is not allowed in this state.
                Ok(_) => format!("illegal instruction {bits:#x}"),
            },
            Exit::Breakpoint => "breakpoint".to_owned(),
            Exit::Wait => "wait for an interrupt".to_owned(),
        };
        log.put(&format!("int at {pc:#x}: {what}\n"));
    }
}

/// A process's block in the file of counters.
fn report(task: &Task, counters: &Counters) -> String {
    let exe = task.fs.guest_path(task.mm.exe.as_bytes());
    report_counters(&format!("process {} {}", task.pid(), exe.escape_ascii()), counters)
}
