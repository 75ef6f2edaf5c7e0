//! A hart of a machine. Engines run it; the privileged architecture handles their exits.

use super::bus::Bus;
use crate::guest::riscv::privileged::{Cause, Done, ExternalInputs, Mode, Privileged, TakenTrap, execute};
use crate::guest::riscv::{Base, Cpu};
use crate::guest::{Engine, Exit, HartOwner};
use crate::memory::machine::HartMemory;
use crate::memory::{Access, FaultKind, GuestFault};
use remu_isa::{ExtSet, Isa};
use std::rc::Rc;

/// Called for each trap that is taken, with the hart id.
pub type TrapWatcher = Rc<dyn Fn(u64, &TakenTrap)>;

/// The most contexts whose decoded code is cached.
const CONTEXTS: usize = 8;

/// An engine with its decoded code, and the state other than memory on which that code depends.
struct Context<E> {
    mode: Mode,
    exts: ExtSet,
    engine: E,
    /// Code may have changed since the engine last ran.
    stale: bool,
}

/// A hart.
pub struct Hart<B: Base, E> {
    state: HartOwner<B>,
    isa: Isa,
    privileged: Privileged,
    memory: HartMemory,
    contexts: Vec<Context<E>>,
    make: Box<dyn Fn() -> E>,
    waiting: bool,
    traps: u64,
    watcher: Option<TrapWatcher>,
}

impl<B: Base, E: Engine<B, Memory = HartMemory>> Hart<B, E> {
    /// A hart that starts at `pc`.
    pub fn new(id: u64, isa: Isa, pc: u64, memory: HartMemory, make: Box<dyn Fn() -> E>) -> Self {
        let mut cpu = Cpu::new(isa);
        cpu.pc = pc;
        Self {
            state: HartOwner::new(cpu),
            isa,
            privileged: Privileged::new(id),
            memory,
            contexts: Vec::new(),
            make,
            waiting: false,
            traps: 0,
            watcher: None,
        }
    }

    /// Calls `watcher` for each trap taken from now on.
    pub(super) fn watch_traps(&mut self, watcher: TrapWatcher) {
        self.watcher = Some(watcher);
    }

    /// The state of the unprivileged architecture.
    pub fn cpu(&self) -> &Cpu {
        self.state.cpu()
    }

    /// Whether it waits for an interrupt and `inputs` do not wake it.
    pub fn waits(&self, inputs: &ExternalInputs) -> bool {
        self.waiting && !self.privileged.wakes(inputs.interrupts)
    }

    /// The number of instructions that retired or trapped. Limits count traps too, since a hart may do nothing else.
    pub fn begun(&self) -> u64 {
        self.state.cpu().instret + self.traps
    }

    /// Runs about `instructions` instructions, fewer if the hart waits or the machine stops.
    pub(super) fn turn(&mut self, instructions: u64, bus: &Bus) {
        let hart = self.privileged.hart as usize;
        if self.waits(&bus.inputs(hart)) {
            return;
        }
        self.waiting = false;
        let end = self.begun() + instructions;
        let mut counted = self.begun();
        while !self.waiting && !bus.is_over() {
            bus.count(self.begun() - counted);
            counted = self.begun();
            // Sampled each time: a store to a device may have changed them.
            self.interrupt(&bus.inputs(hart));
            let begun = self.begun();
            if begun >= end {
                break;
            }
            let exit = self.run(end - begun);
            bus.count(self.begun() - counted);
            counted = self.begun();
            self.handle_exit(exit, &bus.inputs(hart));
        }
        bus.count(self.begun() - counted);
    }

    /// Takes an interrupt, if one is pending and enabled.
    fn interrupt(&mut self, inputs: &ExternalInputs) {
        if self.privileged.interrupt(self.state.cpu_mut(), inputs.interrupts) {
            self.report_trap();
        }
    }

    /// Calls the watcher for the trap that was just taken.
    fn report_trap(&self) {
        if let Some(watcher) = &self.watcher {
            watcher(self.privileged.hart, &self.privileged.taken(self.state.cpu()));
        }
    }

    /// Runs on the engine of the current context.
    fn run(&mut self, instructions: u64) -> Exit {
        let view = self.privileged.pmp_view();
        if self.memory.set_pmp_view(view) {
            // Decoded code has passed the old fetch permissions.
            self.code_changed();
        }
        let (mode, exts) = (self.privileged.mode, self.privileged.engine_exts(self.isa.exts));
        let index = self.contexts.iter().position(|c| c.mode == mode && c.exts == exts).unwrap_or_else(|| {
            if self.contexts.len() == CONTEXTS {
                self.contexts.clear();
            }
            self.contexts.push(Context { mode, exts, engine: (self.make)(), stale: false });
            self.contexts.len() - 1
        });
        let context = &mut self.contexts[index];
        if std::mem::take(&mut context.stale) {
            context.engine.forget_code();
        }
        self.state.cpu_mut().isa = Isa::new(self.isa.xlen, exts);
        context.engine.limit(instructions);
        let exit = context.engine.run(&mut self.state, &self.memory);
        self.state.cpu_mut().isa = self.isa;
        exit
    }

    fn code_changed(&mut self) {
        self.contexts.iter_mut().for_each(|c| c.stale = true);
    }

    fn handle_exit(&mut self, exit: Exit, inputs: &ExternalInputs) {
        let cpu = self.state.cpu_mut();
        let (cause, value) = match exit {
            Exit::Interrupted => return,
            Exit::Syscall => (self.privileged.environment_call(), 0),
            Exit::Breakpoint => (Cause::Breakpoint, cpu.pc),
            Exit::Fault(fault) => (cause_of(fault), fault.addr.0),
            // Not expected: for machines, WFI is handled by `execute`.
            Exit::Halt => (Cause::IllegalInstruction, 0),
            Exit::Illegal { bits } => match execute::<B>(&mut self.privileged, cpu, &self.memory, bits, inputs) {
                Done::Retired | Done::Again => return,
                Done::Waits => {
                    self.waiting = !self.privileged.wakes(inputs.interrupts);
                    return;
                }
                Done::CodeChanged => {
                    self.code_changed();
                    return;
                }
                Done::Traps(cause, value) => (cause, value),
                Done::Faults(fault) => (cause_of(fault), fault.addr.0),
            },
        };
        self.privileged.trap(cpu, cause, value);
        self.traps += 1;
        self.report_trap();
    }
}

/// The exception of a fault.
fn cause_of(fault: GuestFault) -> Cause {
    match (fault.kind, fault.access) {
        (FaultKind::Misaligned, Access::Fetch) => Cause::InstructionAddressMisaligned,
        (FaultKind::Misaligned, Access::Read) => Cause::LoadAddressMisaligned,
        (FaultKind::Misaligned, Access::Write) => Cause::StoreAddressMisaligned,
        (FaultKind::Unmapped, Access::Fetch) => Cause::InstructionPageFault,
        (FaultKind::Unmapped, Access::Read) => Cause::LoadPageFault,
        (FaultKind::Unmapped, Access::Write) => Cause::StorePageFault,
        (FaultKind::Denied | FaultKind::NoBacking, Access::Fetch) => Cause::InstructionAccessFault,
        (FaultKind::Denied | FaultKind::NoBacking, Access::Read) => Cause::LoadAccessFault,
        (FaultKind::Denied | FaultKind::NoBacking, Access::Write) => Cause::StoreAccessFault,
    }
}
