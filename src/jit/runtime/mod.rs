//! Runs compiled code: the engine of one hart, on a code cache that all harts of the process share.

mod area;
mod cache;
mod cold;
mod execute;
mod faults;
mod jumps;
mod lookup;
mod pages;
mod shared;
mod statistics;
mod stubs;

use super::baseline::map::{BIAS, Exchange, File, Word, name_at};
use super::baseline::{Compiler, Config, Reason, Unsettled};
use crate::guest::riscv::fp::{self, Fmt, FpMode};
use crate::guest::riscv::{Cpu, Privilege, Reservation, Rv64, UserProgram};
use crate::guest::{
    BlockContext, BlockKey, Counters, Engine, EngineWords, Exit, Guest, HartCell, HartOwner, HostCode, Tracer,
};
use crate::host::StopFlag;
use crate::memory::{CodeWatch, GuestAddr, GuestMemory, Inside, PAGE_SIZE};
use cache::{CodeCache, Inserted};
use cold::Warmth;
use execute::Context;
use jumps::Jumps;
use remu_isa::{Insn, Op, Operand};
pub use shared::{JitConfig, MachineCompiler, SharedCode};
use statistics::Statistics;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;
use stubs::Left;

/// The compiler of one hart, of a process or of a machine.
pub struct Jit<P = UserProgram> {
    core: Core,
    watch: CodeWatch,
    privilege: PhantomData<fn(&P)>,
}

/// The compiler without its registration, which is borrowed while it runs.
struct Core {
    cache: Arc<CodeCache>,
    compiler: Compiler,
    jumps: Jumps,
    tracer: Option<Box<dyn Tracer<Rv64> + Send>>,
    statistics: Statistics,
    /// The number of instructions to run, set since the last run.
    budget: Option<u64>,
    /// The value of `instret` at which to stop.
    limit: u64,
    forget_code: bool,
    /// See [`CodeCache::forks`].
    forks: u64,
    /// See [`CodeCache::left_behind`].
    left_behind: u64,
    warmth: Warmth,
}

/// An exit: the offset of its data.
#[derive(Clone, Copy, Debug)]
struct Link(u32);

/// Why there is no code for a pc.
enum Missing {
    /// The code cache must be emptied first.
    Full,
    /// Reports must be taken first.
    Reported,
    /// The instruction there is executed by its definition each time: parts of it may change without the others, or without
    /// a report.
    Alone(Insn),
    /// The code there is executed by its definition this time.
    Cold(BlockKey),
    /// The guest stops.
    Exit(Exit),
}

impl<P: Privilege> Jit<P> {
    /// The engine of a hart. `watch` is its registration with the address space of the code.
    pub fn new(code: &SharedCode<P>, watch: CodeWatch) -> Self {
        let core = Core {
            cache: code.cache.clone(),
            compiler: Compiler::default(),
            jumps: Jumps::default(),
            tracer: None,
            statistics: Statistics::default(),
            budget: None,
            limit: u64::MAX,
            forget_code: false,
            forks: code.cache.forks(),
            left_behind: code.cache.left_behind(),
            warmth: Warmth::new(code.cache.compiles_after()),
        };
        Self { core, watch, privilege: PhantomData }
    }

    /// Reports compiled blocks and their execution to the tracer. From now on, all code is compiled at once, so that all
    /// of it is reported.
    pub fn set_tracer(&mut self, tracer: Box<dyn Tracer<Rv64> + Send>) {
        self.core.warmth = Warmth::new(0);
        self.core.tracer = Some(tracer);
    }

    /// Called when the engine's thread has ended. The counters begin anew. Returns whether the jump cache is worth
    /// keeping for another thread, which calls [`Jit::adopt`].
    pub fn retire(&mut self) -> bool {
        self.core.statistics = Statistics::default();
        self.core.tracer.is_none() && self.core.limit == u64::MAX
    }

    /// Makes the calling thread the one that runs the engine, with the same hart as before.
    pub fn adopt(&mut self) {
        self.watch.adopt();
    }
}

// SAFETY: the pointers in the jump caches lead into the code cache, which lives as long as this.
unsafe impl Send for Core {}

/// Sets a word that emitted code uses.
///
/// # Safety
/// The state is that of a hart's cell, and the pointer was made by [`HartOwner::as_ptr`] of the owner that was lent to
/// the engine. No emitted code runs.
unsafe fn set_word(cpu: *mut Cpu, word: Word, value: u64) {
    let words = cpu.wrapping_byte_offset(HartCell::<Rv64>::WORDS).cast::<u64>();
    // SAFETY: the words are at this displacement from the state, and by the caller's promise nobody else accesses them.
    unsafe { words.add(word as usize).write(value) }
}

impl<P: Privilege> Engine<Rv64> for Jit<P> {
    type Privilege = P;
    type Memory = P::Memory;

    fn limit(&mut self, instructions: u64) {
        self.core.budget = Some(instructions);
    }

    fn run(&mut self, hart: &mut HartOwner<Rv64>, privilege: &mut P, mem: &P::Memory) -> Exit {
        let Self { core, watch, .. } = self;
        let frm = hart.cpu().frm;
        let mut context = Context {
            cpu: hart.as_ptr(),
            privilege,
            mem,
            mode: FpMode::new(frm),
            count: core.cache.counts(),
            helper_calls: std::mem::take(&mut core.statistics.helper_calls),
            exit: Exit::Interrupted,
        };
        if let Some(budget) = core.budget.take() {
            core.limit = hart.cpu().instret.saturating_add(budget);
            if !context.count {
                core.cache.count_from_now_on(watch);
            }
        }
        if std::mem::replace(&mut core.left_behind, core.cache.left_behind()) != core.cache.left_behind() {
            core.jumps.forget();
        }
        if std::mem::replace(&mut core.forks, core.cache.forks()) != core.cache.forks() {
            core.warmth.after_fork();
        }
        if std::mem::take(&mut core.forget_code) {
            core.cache.empty(watch);
            core.jumps.forget();
        }
        core.prepare(hart.words_mut(), &mut context);
        context.cpu = hart.as_ptr();
        let before = hart.cpu().instret;
        let host = fp::host::enter(context.mode.hardware(), hart.cpu().fflags);
        let exit = core.run_blocks(&mut context, hart.cell().stop_flag(), mem, watch);
        hart.cpu_mut().fflags = fp::host::leave(host);
        core.statistics.helper_calls = context.helper_calls;
        core.statistics.instructions += hart.cpu().instret - before;
        core.statistics.exits.add(&exit);
        exit
    }

    fn forget_code(&mut self) {
        self.core.forget_code = true;
    }

    fn statistics(&self) -> Counters {
        self.core.statistics.named()
    }
}

impl Core {
    /// Sets the words that emitted code uses and that do not change while it runs.
    fn prepare<P: Privilege>(&mut self, words: &mut EngineWords, context: &mut Context<P>) {
        let (area, stubs) = (self.cache.area(), self.cache.stubs());
        let mut set = |word: Word, value: u64| words[word as usize] = value;
        set(Word::Context, std::ptr::from_mut(context) as u64);
        let execute = area.address(stubs.execute) as u64;
        if words[Word::Execute as usize] == execute {
            // So are the others, from the hart's last run.
            return;
        }
        let mut set = |word: Word, value: u64| words[word as usize] = value;
        set(Word::Execute, execute);
        for (word, value) in CONSTANTS {
            set(word, value);
        }
        set(Word::FlagTable, fp::host::FLAGS_OF_STICKY.as_ptr() as u64);
        set(Word::StickyTable, fp::host::STICKY_OF_FLAGS.as_ptr() as u64);
        set(Word::Leave, area.address(stubs.leave) as u64);
        set(Word::LeaveTo, area.address(stubs.leave_to) as u64);
        set(Word::LeaveLink, area.address(stubs.leave_link) as u64);
    }

    fn run_blocks<P: Privilege>(
        &mut self,
        context: &mut Context<P>,
        stop: &StopFlag,
        mem: &P::Memory,
        watch: &CodeWatch,
    ) -> Exit {
        let mut inside = watch.enter();
        let mut link: Option<Link> = None;
        loop {
            // SAFETY: the states are those that were lent to this engine. No emitted code runs.
            let (cpu, privilege) = unsafe { (&mut *context.cpu, &mut *context.privilege) };
            let reasons = if stop.is_raised() { stop.lower(StopFlag::ALL) } else { 0 };
            if reasons & StopFlag::LEAVE != 0 || cpu.instret >= self.limit {
                return Exit::Interrupted;
            }
            if privilege.poll(cpu, mem) {
                link = None;
            }
            if inside.take().is_some() {
                mem.resume();
                self.jumps.forget();
                link = None;
                // Another hart may have had all code count.
                context.count = self.cache.counts();
            }
            let block_context = context.block_context(privilege);
            let jumps = self.jumps.select(mem, block_context);
            // SAFETY: the state is that of the hart that was lent to this engine, and no emitted code runs.
            unsafe {
                set_word(context.cpu, Word::Jumps, jumps);
                set_word(context.cpu, Word::Space, mem.space());
                set_word(context.cpu, Word::Limit, self.limit.min(cpu.instret.saturating_add(FARTHEST_LIMIT)));
            }
            self.statistics.lookups += 1;
            // Most often the guest returns from a system call that it has made before.
            let known = self.jumps.find(cpu.pc);
            let found = match known {
                Some(code) => Ok(code),
                None => self.code_at(cpu, privilege, block_context, mem, &inside),
            };
            let exit = match found {
                Ok(code) => {
                    if known.is_none() || link.is_some() {
                        self.found(cpu, block_context, mem, code, link.take());
                    }
                    let left = self.enter(context, code);
                    // SAFETY: as above.
                    let cpu = unsafe { &mut *context.cpu };
                    self.left(context, cpu, mem, left)
                }
                Err(Missing::Full) => {
                    drop(inside);
                    self.cache.empty(watch);
                    context.count = self.cache.counts();
                    inside = watch.enter();
                    self.jumps.forget();
                    link = None;
                    continue;
                }
                Err(Missing::Reported) => Ok(None),
                Err(Missing::Alone(insn)) => self.execute_alone(context, cpu, privilege, mem, &insn),
                Err(Missing::Cold(key)) => self.run_cold(context, cpu, privilege, mem, key, &inside),
                Err(Missing::Exit(exit)) => Err(exit),
            };
            link = match exit {
                Ok(link) => link,
                Err(exit) => {
                    // SAFETY: as above.
                    let (cpu, privilege) = unsafe { (&mut *context.cpu, &mut *context.privilege) };
                    if let Some(exit) = privilege.trap(cpu, mem, exit) {
                        return exit;
                    }
                    // A trap counts as an instruction of the budget: a hart may do nothing else.
                    if self.limit != u64::MAX {
                        self.limit = self.limit.saturating_sub(1);
                    }
                    None
                }
            };
        }
    }

    /// Called before code is entered that was found at the pc, to be found faster the next time.
    fn found(&mut self, cpu: &Cpu, context: BlockContext, mem: &impl GuestMemory, code: *const u8, link: Option<Link>) {
        if let Some(tracer) = self.tracer.as_mut().filter(|tracer| tracer.wants_entries()) {
            // Emitted code must not find the block by itself.
            return tracer.entered(cpu);
        }
        let Some(exit) = link else { return self.jumps.remember(cpu.pc, code) };
        let Ok(place) = mem.code_place(GuestAddr(cpu.pc)) else { return };
        // SAFETY: the exit was taken by this thread. It has had no reports since: then it would have been forgotten by
        // the loop.
        let linked = unsafe { self.cache.link(exit, BlockKey::new(cpu.pc, place.addr, context)) };
        self.statistics.links += u64::from(linked);
    }

    /// Handles what emitted code was left for. Returns the exit to link, if any.
    fn left<P: Privilege>(
        &mut self,
        context: &mut Context<P>,
        cpu: &mut Cpu,
        mem: &P::Memory,
        left: Left,
    ) -> Result<Option<Link>, Exit> {
        self.statistics.left(Reason::of(left.reason));
        let reason = match Reason::of(left.reason) {
            Reason::Fault => self.execute_faulted(context, cpu, mem, left.data)?,
            Reason::Link => {
                let at = self.cache.area().offset(left.data).expect("the data of an exit is in the area");
                // SAFETY: this thread has just taken the exit.
                let data = unsafe { self.cache.area().exit_data(at) };
                cpu.pc = data.pc();
                return Ok(Some(Link(at)));
            }
            reason => reason,
        };
        self.handle(context, mem, reason)
    }

    /// Handles the reason to leave emitted code, or what stands for it, for which an instruction was executed.
    fn handle<P: Privilege>(
        &mut self,
        context: &Context<P>,
        mem: &P::Memory,
        reason: Reason,
    ) -> Result<Option<Link>, Exit> {
        match reason {
            Reason::Lookup | Reason::Fault | Reason::Link => Ok(None),
            Reason::Syscall => Err(Exit::Syscall),
            Reason::Breakpoint => Err(Exit::Breakpoint),
            Reason::Stopped => Err(context.exit),
            Reason::Revalidate => {
                // Where addresses are translated, memory reports all changes of code.
                if !P::Memory::TRANSLATES {
                    self.cache.revalidate(mem);
                    self.jumps.forget();
                }
                self.statistics.revalidations += 1;
                Ok(None)
            }
        }
    }

    /// Executes the instruction at the pc by its definition.
    fn execute_alone<P: Privilege>(
        &mut self,
        context: &mut Context<P>,
        cpu: &mut Cpu,
        privilege: &mut P,
        mem: &P::Memory,
        insn: &Insn,
    ) -> Result<Option<Link>, Exit> {
        if let Some(tracer) = &mut self.tracer {
            tracer.decoded(&[(cpu.pc, *insn)]);
            if tracer.wants_entries() {
                tracer.entered(cpu);
            }
        }
        let reason = execute_and_step(context, cpu, privilege, mem, insn);
        self.handle(context, mem, reason)
    }

    /// Runs emitted code until it is left.
    fn enter<P: Privilege>(&self, context: &mut Context<P>, code: *const u8) -> Left {
        let enter = self.cache.area().address(self.cache.stubs().enter);
        // SAFETY: the stub is a function of this type.
        let enter: extern "sysv64" fn(*mut u8, *const u8) -> Left = unsafe { std::mem::transmute(enter) };
        enter(context.cpu.cast::<u8>().wrapping_byte_offset(BIAS as isize), code)
    }

    /// Finds the superblock at the pc, which is not in the jump cache, or compiles it.
    fn code_at<P: Privilege>(
        &mut self,
        cpu: &Cpu,
        privilege: &P,
        context: BlockContext,
        mem: &P::Memory,
        inside: &Inside,
    ) -> Result<*const u8, Missing> {
        self.statistics.lookup_misses += 1;
        let place = mem.code_place(GuestAddr(cpu.pc)).map_err(|fault| Missing::Exit(Exit::Fault(fault)))?;
        if !place.whole_page {
            let config = Config { max_insns: 1, ..self.cache.config(context) };
            self.compiler.fetch(cpu.pc, &config, &privilege.isa(cpu), mem).map_err(Missing::Exit)?;
            return Err(Missing::Alone(self.compiler.fetched().insns[0].1));
        }
        let key = BlockKey::new(cpu.pc, place.addr, context);
        match self.cache.find(key) {
            Some(code) => Ok(code),
            None if self.warmth.is_cold(cpu.pc) => Err(Missing::Cold(key)),
            None => self.compile_at(cpu, privilege, key, context, mem, inside),
        }
    }

    #[cold]
    fn compile_at<P: Privilege>(
        &mut self,
        cpu: &Cpu,
        privilege: &P,
        key: BlockKey,
        context: BlockContext,
        mem: &P::Memory,
        inside: &Inside,
    ) -> Result<*const u8, Missing> {
        let isa = privilege.isa(cpu);
        loop {
            let generation = self.cache.generation();
            let start = self.cache.is_timed().then(Instant::now);
            let config = self.cache.config(context);
            let mut range = Compiler::limits(&config).range(key.addr);
            if P::Memory::TRANSLATES {
                range.end = range.end.min(GuestAddr(key.addr).page_floor().offset(PAGE_SIZE));
            }
            if mem.before_decoding(&range, inside) {
                return Err(Missing::Reported);
            }
            self.compiler.fetch(cpu.pc, &config, &isa, mem).map_err(Missing::Exit)?;
            let fetched = self.compiler.fetched();
            // The second page of an instruction can change while the first stays.
            if P::Memory::TRANSLATES && fetched.crosses_pages() {
                return Err(Missing::Alone(fetched.insns[0].1));
            }
            if !config.count && fetched.insns.iter().any(|(_, insn)| reads_counter(insn)) {
                self.cache.count();
                return Err(Missing::Full);
            }
            self.compiler.compile(&config, &isa).expect("the compiler asks for what the host has");
            match self.cache.insert(generation, key, context, &self.compiler) {
                Inserted::Known(code) => return Ok(code),
                Inserted::At(code, metadata) => {
                    self.statistics.blocks += 1;
                    self.statistics.compiled += self.compiler.fetched().insns.len() as u64;
                    self.statistics.guest_bytes += self.compiler.fetched().source.len() as u64;
                    self.statistics.code_bytes += self.compiler.code().len() as u64;
                    self.statistics.metadata_bytes += metadata as u64;
                    self.statistics.compile_ns += start.map_or(0, |start| start.elapsed().as_nanos() as u64);
                    self.statistics.uncompiled += self.compiler.uncompiled().len() as u64;
                    let host_code = HostCode {
                        pc: cpu.pc,
                        address: code as u64,
                        bytes: self.compiler.code(),
                        parts: self.compiler.parts(),
                        name_at,
                    };
                    if let Some(tracer) = &mut self.tracer {
                        let insns = &self.compiler.fetched().insns;
                        tracer.decoded(insns);
                        tracer.compiled(insns, &host_code);
                    }
                    if let Some(listener) = self.cache.listener() {
                        listener.emitted(&host_code);
                    }
                    return Ok(code);
                }
                Inserted::Stale => {}
                Inserted::Full => return Err(Missing::Full),
            }
        }
    }

    /// Executes by its definition the instruction whose access faulted in emitted code, at the host's address `at`. It
    /// tells why, or succeeds now.
    fn execute_faulted<P: Privilege>(
        &mut self,
        context: &mut Context<P>,
        cpu: &mut Cpu,
        mem: &P::Memory,
        at: u64,
    ) -> Result<Reason, Exit> {
        let (place, exchanges) = self.cache.fault_place(at);
        cpu.pc = place.pc;
        for &Exchange { file, used, unused } in &exchanges {
            match file {
                File::Integer => cpu.x.swap(used.into(), unused.into()),
                File::Float => cpu.f.swap(used.into(), unused.into()),
            }
        }
        if context.count {
            cpu.instret += u64::from(place.uncounted);
        }
        if place.reservation == Unsettled::Claimed {
            // The definition claims it again.
            mem.reservations().unclaim(cpu.reservation.addr(), cpu.reservation.version);
        }
        for (fmt, registers) in [Fmt::S, Fmt::D].into_iter().zip(place.fresh) {
            for r in (0..32).filter(|r| registers & 1 << r != 0) {
                if fmt.is_nan(fp::unbox(fmt, cpu.f[r])) {
                    cpu.f[r] = fp::box_bits(fmt, fp::canonical_nan(fmt));
                }
            }
        }
        let mut bytes = [0; 4];
        let got = mem.fetch(GuestAddr(cpu.pc), &mut bytes).map_err(Exit::Fault)?;
        // SAFETY: the state is that which was lent to this engine, to which nothing else refers.
        let privilege = unsafe { &mut *context.privilege };
        let Ok(insn) = Rv64::decode(&bytes[..got], &privilege.isa(cpu)) else {
            // The code has just been changed.
            return Ok(Reason::Lookup);
        };
        if let Unsettled::Late(r) = place.reservation {
            let addr = GuestAddr(cpu.x(insn.rs1));
            let (size, value) = if insn.op == Op::ScW { (4, cpu.x(r) as u32 as u64) } else { (8, cpu.x(r)) };
            let version = mem.reservations().reserve(addr);
            cpu.reservation = Reservation { place: Reservation::place(addr, size), value, version };
        }
        Ok(execute_and_step(context, cpu, privilege, mem, &insn))
    }
}

/// Executes an instruction at the pc, and moves the pc behind it. Returns why not, or that the next one is to be looked
/// up.
fn execute_and_step<P: Privilege>(
    context: &mut Context<P>,
    cpu: &mut Cpu,
    privilege: &mut P,
    mem: &P::Memory,
    insn: &Insn,
) -> Reason {
    execute::execute(context, cpu, privilege, mem, insn).unwrap_or_else(|| {
        cpu.pc += u64::from(insn.len);
        cpu.instret += u64::from(context.count);
        Reason::Lookup
    })
}

/// The most instructions until code that counts leaves. See [`RegisterMap::counter`](crate::jit::baseline::map::RegisterMap::counter).
const FARTHEST_LIMIT: u64 = 1 << 31;

/// The words that are constants.
const CONSTANTS: [(Word, u64); 7] = [
    (Word::NanS, fp::box_bits(Fmt::S, fp::canonical_nan(Fmt::S))),
    (Word::NanD, fp::canonical_nan(Fmt::D)),
    (Word::SignS, 1 << 31),
    (Word::SignD, 1 << 63),
    (Word::MagnitudeS, !(1 << 31)),
    (Word::MagnitudeD, !(1 << 63)),
    (Word::Box, 0xffff_ffff << 32),
];

/// Whether the instruction reads the number of instructions retired.
fn reads_counter(insn: &Insn) -> bool {
    const COUNTERS: [i32; 2] = [0xc00, 0xc02];
    insn.op.info().operands.contains(&Operand::Csr) && COUNTERS.contains(&insn.imm)
}
