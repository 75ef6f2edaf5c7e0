//! Runs guest threads: connects an engine with the kernel layer.
//!
//! Every thread runs the same loop on a host thread of its own. The engine executes guest code until it stops; the
//! kernel layer then handles the reason, and says whether the thread resumes.

use crate::debug::{self, AddressFilter, Log, MapLog, MappedFiles, TraceItems};
use crate::guest::riscv::Rv64;
use crate::guest::{Engine, Exit, HartOwner};
use crate::interp::{Interp, InterpConfig};
use crate::linux::{Outcome, Task};
use std::sync::Arc;

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

/// Runs the threads of a process.
pub struct Runner {
    /// Settings of the engines.
    pub engine: InterpConfig,
    /// The log of the code.
    pub code: Option<CodeLog>,
    /// The log of faults and traps.
    pub traps: Option<Log>,
    /// The log of the address space.
    pub maps: Option<Arc<MapLog>>,
}

/// An engine's counters, by name.
pub type Statistics = Vec<(&'static str, u64)>;

impl Runner {
    /// Runs a guest thread on the calling host thread until the process exits.
    pub fn run(&self, task: &mut Task, hart: &mut HartOwner<Rv64>) -> (Outcome, Statistics) {
        let mm = task.mm.clone();
        let space = mm.space();
        let mut engine = Interp::<Rv64>::new(self.engine);
        engine.watch_code(space.watch_code(hart.cell().clone()));
        if let Some(CodeLog { log, items, filter }) = self.code.clone() {
            let names = MappedFiles::new(space.clone());
            engine.set_tracer(Box::new(debug::Tracer::new(log, items, filter, names)));
        }
        loop {
            if let Some(maps) = &self.maps {
                maps.update(space);
            }
            let exit = engine.run(hart, space);
            let cpu = hart.cpu_mut();
            self.log_exit(&exit, cpu.pc);
            match task.handle_exit(cpu, exit) {
                Outcome::Resume => {}
                end => return (end, engine.statistics()),
            }
        }
    }

    /// Logs why an engine stopped.
    fn log_exit(&self, exit: &Exit, pc: u64) {
        if let (Some(maps), Exit::Fault(fault)) = (&self.maps, exit) {
            maps.fault(fault, pc);
        }
        let Some(log) = &self.traps else { return };
        let what = match exit {
            Exit::Syscall | Exit::Interrupted => return,
            Exit::Fault(fault) => fault.to_string(),
            Exit::Illegal { bits } => format!("illegal instruction {bits:#x}"),
            Exit::Breakpoint => "breakpoint".to_owned(),
            Exit::Halt => "wait for an interrupt".to_owned(),
        };
        log.put(&format!("int at {pc:#x}: {what}\n"));
    }
}
