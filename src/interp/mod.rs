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

use crate::guest::riscv::{Base, Cpu, Privilege, UserProgram, fp};
use crate::guest::{BlockKey, Counters, Engine, Exit, HartOwner, Tracer};
use crate::host::StopFlag;
use crate::memory::{CodeWatch, GuestAddr, GuestMemory, Inside, PAGE_SIZE};
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

/// How often linked blocks are left to check the stop flag and to poll interrupts, in instructions: a few microseconds,
/// and long compared with a block.
const SLICE: i64 = 2_000;

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

/// An interpreter for one hart, of a process or of a machine.
pub struct Interp<B: Base, P = UserProgram> {
    core: Core<B, P>,
    watch: Option<CodeWatch>,
}

/// The most slots (1 MiB) that an engine without a thread may keep. More would hold memory for little: threads that begin
/// and end share only a little code.
const MAX_IDLE_SLOTS: usize = 32 << 10;

/// The interpreter without its registration, which is borrowed while it runs.
struct Core<B: Base, P> {
    cache: Cache<B>,
    decoded: Decoded,
    config: InterpConfig,
    tracer: Option<Box<dyn Tracer<B> + Send>>,
    statistics: Statistics,
    privilege: PhantomData<fn(&P)>,
}

// SAFETY: the raw pointers in records, links and the jump cache lead to slots of the cache's own arena, whose chunks do
// not move with it. Handlers keep none of them: each run begins with a lookup. The other fields are `Send`.
unsafe impl<B: Base, P> Send for Core<B, P> {}

impl<B: Base, P: Privilege> Interp<B, P> {
    /// An interpreter with nothing decoded yet.
    pub fn new(config: InterpConfig) -> Self {
        let core = Core {
            cache: Cache::new(),
            decoded: Decoded::default(),
            config,
            tracer: None,
            statistics: Statistics::default(),
            privilege: PhantomData,
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

/// A block that was found or decoded.
#[derive(Clone, Copy)]
struct Found {
    /// Its first record.
    start: *const Slot,
    /// Whether it is in the cache. Otherwise it lasts until the next lookup.
    cached: bool,
}

impl<B: Base, P: Privilege> Core<B, P> {
    /// Finds or decodes the block at the pc. `None` if reports must be taken first.
    fn block_at(
        &mut self,
        cpu: &Cpu,
        privilege: &P,
        mem: &P::Memory,
        inside: Option<&Inside>,
    ) -> Result<Option<Found>, Exit> {
        if let Some(start) = self.cache.find_jump(cpu.pc) {
            self.statistics.lookups += 1;
            return Ok(Some(Found { start, cached: true }));
        }
        let place = mem.code_place(GuestAddr(cpu.pc)).map_err(Exit::Fault)?;
        let key = BlockKey::new(cpu.pc, place.addr, privilege.context());
        if place.whole_page
            && let Some(start) = self.cache.find(&key)
        {
            self.statistics.lookups += 1;
            return Ok(Some(Found { start, cached: true }));
        }
        self.decode_at(cpu, privilege, mem, inside, &key, place.whole_page)
    }

    #[cold]
    fn decode_at(
        &mut self,
        cpu: &Cpu,
        privilege: &P,
        mem: &P::Memory,
        inside: Option<&Inside>,
        key: &BlockKey,
        whole_page: bool,
    ) -> Result<Option<Found>, Exit> {
        let max_block = self.config.max_block;
        if let Some(inside) = inside {
            let mut range = predecode::limits(max_block).range(key.addr);
            if P::Memory::TRANSLATES {
                range.end = range.end.min(GuestAddr(key.addr).page_floor().offset(PAGE_SIZE));
            }
            if mem.before_decoding(&range, inside) {
                return Ok(None);
            }
        }
        let decoded = &mut self.decoded;
        decoded.decode::<B, P>(cpu.pc, max_block, &privilege.isa(cpu), mem)?;
        self.statistics.lookups += 1;
        self.statistics.blocks += 1;
        self.statistics.decoded += decoded.insns().len() as u64;
        if let Some(tracer) = &mut self.tracer {
            tracer.decoded(decoded.insns());
        }
        // Where addresses are translated, the second page of a block can change while the first stays.
        if P::Memory::TRANSLATES && (!whole_page || decoded.crosses_pages()) {
            return Ok(Some(Found { start: decoded.slots.as_ptr(), cached: false }));
        }
        Ok(Some(Found { start: self.cache.insert(*key, decoded), cached: true }))
    }
}

impl<B: Base, P: Privilege> Engine<B> for Interp<B, P> {
    type Privilege = P;
    type Memory = P::Memory;

    fn limit(&mut self, instructions: u64) {
        let core = &mut self.core;
        core.config.budget = Some(core.statistics.instructions.saturating_add(instructions));
    }

    fn run(&mut self, hart: &mut HartOwner<B>, privilege: &mut P, mem: &P::Memory) -> Exit {
        let (cpu, stop) = hart.running();
        let privilege = std::ptr::from_mut(privilege);
        let mut env = Env::new(cpu, privilege.cast(), P::Memory::TRANSLATES);
        let host = fp::host::enter(env.fp_mode.hardware(), cpu.fflags);
        let inside = self.watch.as_ref().map(CodeWatch::enter);
        // SAFETY: the pointer is to the state that was lent for this run, to which `privilege` is the only path.
        let exit = unsafe { self.core.run_slices(cpu, &mut env, privilege, stop, mem, inside.as_ref()) };
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

impl<B: Base, P: Privilege> Core<B, P> {
    /// # Safety
    /// `privilege` is valid and exclusive, and the one of `env`, whose handlers borrow it while they run.
    unsafe fn run_slices(
        &mut self,
        cpu: &mut Cpu,
        env: &mut Env,
        privilege: *mut P,
        stop: &StopFlag,
        mem: &P::Memory,
        inside: Option<&Inside>,
    ) -> Exit {
        let traced = self.tracer.as_ref().is_some_and(|t| t.wants_entries());
        let mut link: Option<Link> = None;
        let mut slice = 0;
        loop {
            // SAFETY: no handler runs now.
            let state = unsafe { &mut *privilege };
            // Account for the instructions that have run, and begin a new slice if the old one is used up.
            let ran = slice - env.fuel;
            slice = env.fuel;
            cpu.instret += ran as u64;
            self.statistics.instructions += ran as u64;
            let raised = stop.is_raised();
            if env.fuel <= 0 || raised {
                // Interrupts and changed code are looked for below.
                let reasons = if raised { stop.lower(StopFlag::ALL) } else { 0 };
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
            if state.poll(cpu, mem) {
                link = None;
            }
            if self.cache.make_room() {
                link = None;
            }
            if let Some(stale) = inside.and_then(Inside::take) {
                mem.resume();
                self.cache.drop_stale(stale);
                link = None;
            }
            env.jumps = self.cache.select(mem, state.context());
            let found = match self.block_at(cpu, state, mem, inside) {
                Ok(Some(found)) => found,
                Ok(None) => {
                    link = None;
                    continue;
                }
                Err(exit) => match self.trap(cpu, state, mem, exit) {
                    Some(exit) => return exit,
                    None => {
                        link = None;
                        (slice, env.fuel) = (slice - 1, env.fuel - 1);
                        continue;
                    }
                },
            };
            env.chain = found.cached && !traced;
            if traced && let Some(tracer) = &mut self.tracer {
                tracer.entered(cpu);
            }
            match link.take() {
                _ if !env.chain => {}
                Some(link) => {
                    if let Ok(place) = mem.code_place(GuestAddr(cpu.pc)) {
                        let key = BlockKey::new(cpu.pc, place.addr, state.context());
                        self.cache.link(link, &key, found.start);
                        self.statistics.links += 1;
                    }
                }
                None => self.cache.remember(cpu.pc, found.start),
            }
            // SAFETY: `start` was found in or inserted into our cache just now, or is in the buffer of the decoder, and
            // nothing was dropped or decoded since. The cache decodes for `P` only, and `env` has its jump cache. `state`
            // is not used any more.
            match unsafe { threaded::enter::<P>(cpu, found.start, env, mem) } {
                Leave::Lookup => link = env.link.take(),
                Leave::Revalidate => {
                    link = None;
                    // Where addresses are translated, memory reports all changes of code.
                    if !P::Memory::TRANSLATES {
                        self.cache.revalidate(mem);
                    }
                    self.statistics.revalidations += 1;
                }
                Leave::Exit => {
                    link = None;
                    let ran = slice - env.fuel;
                    slice = env.fuel;
                    cpu.instret += ran as u64;
                    self.statistics.instructions += ran as u64;
                    // SAFETY: no handler runs now.
                    match self.trap(cpu, unsafe { &mut *privilege }, mem, env.exit) {
                        Some(exit) => return exit,
                        None => (slice, env.fuel) = (slice - 1, env.fuel - 1),
                    }
                }
            }
        }
    }

    /// Takes a trap, or returns the exit. A trap counts as an instruction of the budget: a hart may do nothing else.
    fn trap(&mut self, cpu: &mut Cpu, privilege: &mut P, mem: &P::Memory, exit: Exit) -> Option<Exit> {
        let left = privilege.trap(cpu, mem, exit);
        if left.is_none()
            && let Some(budget) = &mut self.config.budget
        {
            *budget = budget.saturating_sub(1);
        }
        left
    }
}
