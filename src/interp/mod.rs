//! The interpreter: the reference engine, and portable where the compiler is not.
//!
//! Code is decoded once, into [basic blocks](block) of fixed-size records that begin with the address of their
//! handler. A handler executes its instruction through the one definition in [`sem`](crate::guest::riscv::sem), with
//! plain `u64`s as [abstract values](step), and jumps to the handler of the next record. Blocks are linked to each
//! other when they are first taken. A handler that has no link to follow, or has a reason to stop, returns to the
//! loop in [`Interp::run`].

mod block;
mod cache;
mod env;
mod predecode;
mod statistics;
mod step;
mod threaded;

use crate::guest::riscv::{Base, Cpu, fp};
use crate::guest::{Counters, Engine, Exit, HartOwner, Tracer};
use crate::host::StopFlag;
use crate::memory::{CodeWatch, GuestMemory, Inside, UserSpace};
use block::{Link, Slot};
use cache::Cache;
use env::Env;
use predecode::Decoded;
use statistics::Statistics;
use std::marker::PhantomData;

/// Why the handlers returned to the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Leave {
    /// The block at the pc must be looked up; then the link in `Env::link`, if any, is pointed at it.
    Lookup,
    /// Decoded code must be compared with memory before execution continues at the pc.
    Revalidate,
    /// `Env::exit` says why.
    Exit,
}

/// How often the stop flag is checked, in instructions: short compared with what a person or a timer can notice, long
/// compared with a block.
const SLICE: i64 = 20_000;

/// Settings of an [`Interp`].
#[derive(Clone, Copy, Debug)]
pub struct InterpConfig {
    /// The most instructions per block; with 1, every instruction is a separate block.
    pub max_block: usize,
    /// Stops with [`Exit::Interrupted`] after about this many instructions: at the end of the block in which they are
    /// used up.
    pub budget: Option<u64>,
}

impl Default for InterpConfig {
    fn default() -> Self {
        Self { max_block: 64, budget: None }
    }
}

/// An interpreter for one hart, on the memory of a process or of a machine.
pub struct Interp<B: Base, M = UserSpace> {
    core: Core<B, M>,
    watch: Option<CodeWatch>,
}

/// The most slots (1 MiB) that an engine without a thread may keep. More would hold memory for little: threads that begin
/// and end share only a little code.
const MAX_IDLE_SLOTS: usize = 32 << 10;

/// The interpreter without its registration, which is borrowed while it runs.
struct Core<B: Base, M> {
    cache: Cache<B>,
    decoded: Decoded,
    config: InterpConfig,
    tracer: Option<Box<dyn Tracer<B> + Send>>,
    statistics: Statistics,
    memory: PhantomData<fn(&M)>,
}

// SAFETY: the raw pointers in records, links and the jump cache lead to slots of the cache's own arena, whose chunks do
// not move with it. Handlers keep none of them: each run begins with a lookup. The other fields are `Send`.
unsafe impl<B: Base, M> Send for Core<B, M> {}

impl<B: Base, M: GuestMemory> Interp<B, M> {
    /// An interpreter with nothing decoded yet.
    pub fn new(config: InterpConfig) -> Self {
        let core = Core {
            cache: Cache::new(),
            decoded: Decoded::default(),
            config,
            tracer: None,
            statistics: Statistics::default(),
            memory: PhantomData,
        };
        Self { core, watch: None }
    }

    /// Makes the interpreter drop decoded code that changes in an address space. `watch` must be registered with the
    /// hart that it runs, and nothing may have been decoded yet.
    pub fn watch_code(&mut self, watch: CodeWatch) {
        self.watch = Some(watch);
    }

    /// Reports decoded blocks and their execution to the tracer.
    pub fn set_tracer(&mut self, tracer: Box<dyn Tracer<B> + Send>) {
        self.core.tracer = Some(tracer);
    }

    /// Called when the engine's thread has ended. The counters begin anew. Returns whether the decoded code is worth
    /// keeping for another thread, which calls [`Interp::adopt`].
    pub fn retire(&mut self) -> bool {
        let Self { core, watch } = self;
        core.statistics = Statistics::default();
        watch.is_some() && core.tracer.is_none() && core.config.budget.is_none() && core.cache.used() <= MAX_IDLE_SLOTS
    }

    /// Ends an engine whose thread was killed inside it. What it was changing is not touched again and leaks; the tables
    /// that do not grow, which are the largest, are freed.
    pub fn abandon(self) {
        let Core { cache, decoded, tracer, .. } = self.core;
        cache.abandon();
        std::mem::forget((decoded, tracer, self.watch));
    }

    /// Makes the calling thread the one that runs the engine, with the same hart as before.
    pub fn adopt(&mut self) {
        if let Some(watch) = &self.watch {
            watch.adopt();
        }
    }
}

impl<B: Base, M: GuestMemory> Core<B, M> {
    /// Finds or decodes the block at the pc.
    fn block_at(&mut self, cpu: &Cpu, mem: &M, inside: Option<&Inside>) -> Result<*const Slot, Exit> {
        if let Some(start) = self.cache.find(cpu.pc) {
            self.statistics.lookups += 1;
            return Ok(start);
        }
        self.decode_at(cpu, mem, inside)
    }

    #[cold]
    fn decode_at(&mut self, cpu: &Cpu, mem: &M, inside: Option<&Inside>) -> Result<*const Slot, Exit> {
        let max_block = self.config.max_block;
        if let Some(inside) = inside {
            inside.decodes(&predecode::limits(max_block).range(cpu.pc));
        }
        let decoded = &mut self.decoded;
        decoded.decode::<B, M>(cpu.pc, max_block, &cpu.isa, mem)?;
        self.statistics.lookups += 1;
        self.statistics.blocks += 1;
        self.statistics.decoded += decoded.insns().len() as u64;
        if let Some(tracer) = &mut self.tracer {
            tracer.decoded(decoded.insns());
        }
        Ok(self.cache.insert(decoded))
    }
}

impl<B: Base, M: GuestMemory> Engine<B> for Interp<B, M> {
    type Memory = M;

    fn limit(&mut self, instructions: u64) {
        let core = &mut self.core;
        core.config.budget = Some(core.statistics.instructions.saturating_add(instructions));
    }

    fn run(&mut self, hart: &mut HartOwner<B>, mem: &M) -> Exit {
        let (cpu, stop) = hart.running();
        let mut env = Env::new(self.core.cache.jump_cache(), cpu);
        let host = fp::host::enter(env.fp_mode.hardware(), cpu.fflags);
        let inside = self.watch.as_ref().map(CodeWatch::enter);
        let exit = self.core.run_slices(cpu, &mut env, stop, mem, inside.as_ref());
        drop(inside);
        cpu.fflags = fp::host::leave(host);
        self.core.statistics.exits.add(&exit);
        exit
    }

    fn forget_code(&mut self) {
        self.core.cache.clear();
    }

    fn statistics(&self) -> Counters {
        self.core.statistics.named()
    }
}

impl<B: Base, M: GuestMemory> Core<B, M> {
    fn run_slices(&mut self, cpu: &mut Cpu, env: &mut Env, stop: &StopFlag, mem: &M, inside: Option<&Inside>) -> Exit {
        let traced = self.tracer.as_ref().is_some_and(|t| t.wants_entries());
        let mut link: Option<Link> = None;
        let mut slice = 0;
        loop {
            // Account for the instructions that have run, and begin a new slice if the old one is used up.
            let ran = slice - env.fuel;
            slice = env.fuel;
            cpu.instret += ran as u64;
            self.statistics.instructions += ran as u64;
            if env.fuel <= 0 {
                // Changed code is looked for below.
                let reasons = if stop.is_raised() { stop.lower(StopFlag::LEAVE | StopFlag::CODE) } else { 0 };
                let stopped = reasons & StopFlag::LEAVE != 0;
                if stopped || self.config.budget.is_some_and(|b| self.statistics.instructions >= b) {
                    return Exit::Interrupted;
                }
                let left =
                    self.config.budget.map_or(SLICE, |b| (b - self.statistics.instructions).min(SLICE as u64) as i64);
                slice = left;
                env.fuel = left;
            }
            env.slice_start = slice;
            if self.cache.make_room() {
                link = None;
            }
            if let Some(stale) = inside.and_then(Inside::take) {
                self.cache.drop_stale(stale);
                link = None;
            }
            let start = match self.block_at(cpu, mem, inside) {
                Ok(start) => start,
                Err(exit) => return exit,
            };
            if traced {
                env.chain = false;
                if let Some(tracer) = &mut self.tracer {
                    tracer.entered(cpu);
                }
            } else if let Some(link) = link.take() {
                self.cache.link(link, cpu.pc, start);
                self.statistics.links += 1;
            } else {
                self.cache.remember(cpu.pc, start);
            }
            // SAFETY: `start` was found in or inserted into our cache just now, and nothing was dropped since. The
            // cache decodes for `M` only, and `env` was made for its jump cache.
            match unsafe { threaded::enter(cpu, start, env, mem) } {
                Leave::Lookup => link = env.link.take(),
                Leave::Revalidate => {
                    link = None;
                    self.cache.revalidate(mem);
                    self.statistics.revalidations += 1;
                }
                Leave::Exit => {
                    let ran = slice - env.fuel;
                    cpu.instret += ran as u64;
                    self.statistics.instructions += ran as u64;
                    return env.exit;
                }
            }
        }
    }
}
