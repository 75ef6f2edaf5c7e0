//! A hart of a machine: its state, its memory and its engine.

use super::bus::Bus;
use crate::guest::riscv::privileged::{HartInputs, Interrupts, Privileged, TakenTrap};
use crate::guest::riscv::{Base, Cpu};
use crate::guest::{Engine, Exit, HartOwner};
use crate::memory::CodeWatch;
use crate::memory::machine::HartMemory;
use remu_isa::Isa;
use std::sync::{Arc, OnceLock};

/// Called for each trap that is taken, with the hart id.
pub type TrapWatcher = Arc<dyn Fn(u64, &TakenTrap) + Send + Sync>;

/// The engine of a machine's hart.
pub trait HartEngine<B: Base>: Engine<B, Privilege = Privileged, Memory = HartMemory> {}

impl<B: Base, E: Engine<B, Privilege = Privileged, Memory = HartMemory>> HartEngine<B> for E {}

/// A hart.
pub struct Hart<B: Base, E> {
    state: HartOwner<B>,
    privileged: Privileged,
    memory: HartMemory,
    engine: E,
    /// It is at a WFI that has not completed.
    waiting: bool,
    port: Arc<Port>,
}

/// Where the hart meets its machine.
struct Port {
    hart: usize,
    bus: Arc<Bus>,
    watcher: OnceLock<TrapWatcher>,
}

impl HartInputs for Port {
    fn pending(&self) -> Interrupts {
        self.bus.pending(self.hart)
    }

    fn time(&self, executed: u64) -> u64 {
        self.bus.count(executed);
        self.bus.time()
    }

    fn trapped(&self, trap: &TakenTrap) {
        if let Some(watcher) = self.watcher.get() {
            watcher(self.hart as u64, trap);
        }
    }
}

impl<B: Base, E: HartEngine<B>> Hart<B, E> {
    /// A hart that starts at `pc`. Its engine is made with what tells it of changed code.
    pub(super) fn new(
        id: usize,
        isa: Isa,
        pc: u64,
        memory: HartMemory,
        bus: Arc<Bus>,
        engine: impl FnOnce(CodeWatch) -> E,
    ) -> Self {
        let mut cpu = Cpu::new(isa);
        cpu.pc = pc;
        let state = HartOwner::new(cpu);
        let watch = memory.code().changes().register(state.cell().clone());
        let port = Arc::new(Port { hart: id, bus, watcher: OnceLock::new() });
        let privileged = Privileged::new(id as u64, port.clone());
        Self { state, privileged, memory, engine: engine(watch), waiting: false, port }
    }

    /// Calls `watcher` for each trap taken from now on.
    pub(super) fn watch_traps(&mut self, watcher: TrapWatcher) {
        // There is at most one.
        let _ = self.port.watcher.set(watcher);
    }

    /// The state of the unprivileged architecture.
    pub fn cpu(&self) -> &Cpu {
        self.state.cpu()
    }

    /// The privileged state.
    pub fn privileged(&self) -> &Privileged {
        &self.privileged
    }

    /// Whether it waits for an interrupt.
    pub(super) fn waits(&mut self) -> bool {
        self.privileged.update_timer(self.state.cpu());
        self.waiting && !self.privileged.wakes()
    }

    /// The number of instructions that retired or trapped. Limits count traps too, since a hart may do nothing else.
    pub fn begun(&self) -> u64 {
        self.privileged.begun(self.state.cpu())
    }

    /// Runs about `instructions` instructions, fewer if the hart waits or the machine stops.
    pub(super) fn turn(&mut self, instructions: u64) {
        if self.waits() {
            return;
        }
        if std::mem::take(&mut self.waiting) {
            self.complete_wait();
        }
        self.engine.limit(instructions);
        match self.engine.run(&mut self.state, &mut self.privileged, &self.memory) {
            Exit::Interrupted => {}
            Exit::Wait => self.waiting = true,
            exit => unreachable!("the privileged state takes all traps, but not {exit:?}"),
        }
        // The machine's clock learns of the instructions.
        self.privileged.update_clock(self.state.cpu());
    }

    /// Completes a WFI. It has no compressed form.
    fn complete_wait(&mut self) {
        let cpu = self.state.cpu_mut();
        cpu.pc += 4;
        cpu.instret += 1;
    }
}
