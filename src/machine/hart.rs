//! A hart of a machine: its state, its memory and its engine.

use super::bus::Bus;
use super::timer::{Level, NEVER};
use super::{ClockSource, MachineConfig, Scheduling};
use crate::guest::riscv::privileged::{HartInputs, Interrupts, Privileged, TakenTrap};
use crate::guest::riscv::{Base, Cpu};
use crate::guest::{Counters, Engine, Exit, HartOwner};
use crate::memory::CodeWatch;
use crate::memory::machine::HartMemory;
use std::io;
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
    pausing: Pausing,
    watcher: OnceLock<TrapWatcher>,
}

/// What a hart does while it waits for another in a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pausing {
    /// There is no other.
    Spin,
    /// The other one may need the host's processor.
    Yield,
    /// It is the other one's turn.
    EndTurn,
}

impl Pausing {
    fn of(config: &MachineConfig) -> Self {
        match config.harts {
            1 => Self::Spin,
            _ if config.scheduling == Scheduling::InTurn || config.clock != ClockSource::Host => Self::EndTurn,
            _ => Self::Yield,
        }
    }
}

impl HartInputs for Port {
    fn pending(&self) -> Interrupts {
        self.bus.lines().pending(self.hart)
    }

    fn time(&self, executed: u64) -> u64 {
        self.bus.clock().count(executed);
        self.bus.timers().poll();
        self.bus.timers().time()
    }

    fn set_supervisor_timer(&self, at: Option<u64>) {
        self.bus.timers().set(self.hart, Level::Supervisor, |_| at.unwrap_or(NEVER));
    }

    fn pause(&self) {
        match self.pausing {
            Pausing::Spin => std::hint::spin_loop(),
            Pausing::Yield => std::thread::yield_now(),
            Pausing::EndTurn => self.bus.events().end_turn(),
        }
    }

    fn trapped(&self, trap: &TakenTrap) {
        if let Some(watcher) = self.watcher.get() {
            watcher(self.hart as u64, trap);
        }
    }
}

impl<B: Base, E: HartEngine<B>> Hart<B, E> {
    /// A hart that starts at `pc`. Its engine is made with the memory and what tells it of changed code.
    ///
    /// # Errors
    /// If the engine cannot be made.
    pub(super) fn new(
        id: usize,
        config: &MachineConfig,
        pc: u64,
        memory: HartMemory,
        bus: Arc<Bus>,
        engine: impl FnOnce(&HartMemory, CodeWatch) -> io::Result<E>,
    ) -> io::Result<Self> {
        let mut cpu = Cpu::new(config.isa);
        cpu.pc = pc;
        let state = HartOwner::new(cpu);
        let watch = memory.code().changes().register(state.cell().clone());
        bus.lines().connect(id, state.cell().clone());
        let port = Arc::new(Port { hart: id, bus, pausing: Pausing::of(config), watcher: OnceLock::new() });
        let privileged = Privileged::new(id as u64, port.clone());
        let engine = engine(&memory, watch)?;
        Ok(Self { state, privileged, memory, engine, waiting: false, port })
    }

    /// Calls `watcher` for each trap taken from now on.
    pub(super) fn watch_traps(&mut self, watcher: TrapWatcher) {
        // There is at most one.
        let _ = self.port.watcher.set(watcher);
    }

    /// Its number.
    pub(super) fn id(&self) -> usize {
        self.port.hart
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
    pub(super) fn waits(&self) -> bool {
        self.waiting && !self.privileged.wakes()
    }

    /// The counters of its engine.
    pub fn statistics(&self) -> Counters {
        self.engine.statistics()
    }

    /// The number of instructions that retired or trapped. Limits count traps too, since a hart may do nothing else.
    pub fn begun(&self) -> u64 {
        self.privileged.begun(self.state.cpu())
    }

    /// Runs about `instructions` instructions, fewer if it comes to wait or the machine stops. It must not wait.
    pub(super) fn turn(&mut self, instructions: u64) {
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
