//! Runs compiled code: the engine of one hart, on a code cache that all harts of the process share.

mod area;
mod cache;
mod execute;
mod statistics;
mod stubs;

use super::baseline::map::{BIAS, RegisterMap, Word, name_at};
use super::baseline::{self, Compiler, JUMP_ENTRIES, MAX_INSNS, Reason, Unsettled, jump_index};
use super::x64::HostFeatures;
use crate::guest::riscv::UserProgram;
use crate::guest::riscv::fp::{self, Fmt, FpMode};
use crate::guest::riscv::{Cpu, Reservation, Rv64};
use crate::guest::{
    BlockContext, BlockKey, CodeListener, Counters, Engine, EngineWords, Exit, Guest, HartOwner, HostCode, Tracer,
};
use crate::host::StopFlag;
use crate::memory::{CodeWatch, GuestAddr, GuestMemory as _, Inside, UserSpace};
use cache::{CodeCache, Inserted};
use execute::Context;
use remu_isa::{Insn, Op, Operand};
use statistics::Statistics;
use std::io::ErrorKind;
use std::ptr::null;
use std::sync::Arc;
use std::time::Instant;
use stubs::Left;

/// Settings of the compiler, for all harts of a process.
#[derive(Clone, Debug)]
pub struct JitConfig {
    /// The most instructions of a superblock.
    pub max_block: usize,
    /// The features of the host that emitted code uses.
    pub features: HostFeatures,
    /// The size of the code cache in bytes.
    pub cache_size: usize,
    /// Whether instructions are counted from the start, and compiling is timed. If not, they are from the first block on that reads the counter.
    pub count: bool,
    /// Whether blocks are linked. A tracer of entries needs that they are not.
    pub link: bool,
}

impl JitConfig {
    /// The size of the code cache unless set otherwise, in bytes.
    pub const DEFAULT_CACHE_SIZE: usize = 64 << 20;
}

impl Default for JitConfig {
    fn default() -> Self {
        Self {
            max_block: MAX_INSNS,
            features: HostFeatures::detect(),
            cache_size: Self::DEFAULT_CACHE_SIZE,
            count: false,
            link: true,
        }
    }
}

/// The compiled code of an address space, for [`Jit::new`].
#[derive(Clone)]
pub struct SharedCode(Arc<CodeCache>);

impl SharedCode {
    /// A cache without code, which discards what changes in the address space. An address space has at most one. The
    /// listener, if any, is told of all code.
    ///
    /// # Errors
    /// If the host does not give the memory.
    pub fn new(config: &JitConfig, mem: &UserSpace, listener: Option<Arc<dyn CodeListener>>) -> std::io::Result<Self> {
        let base = mem.host_offset();
        let JitConfig { max_block, features, cache_size, count, link } = *config;
        let map = RegisterMap::new(features, base != 0);
        let reservations = mem.reservations().address();
        let config = baseline::Config { map, features, max_insns: max_block, link, count, dynamic: true, reservations };
        let mut size = cache_size;
        let cache = loop {
            match CodeCache::new(size, config.clone(), base, listener.clone()) {
                Ok(cache) => break Arc::new(cache),
                // Under a limit of address space, a smaller one may do.
                Err(error) if error.kind() == ErrorKind::OutOfMemory && size > SMALLEST_CACHE => size /= 4,
                Err(error) => return Err(error),
            }
        };
        mem.observe_code(cache.clone());
        Ok(Self(cache))
    }
}

/// The smallest code cache that is tried where address space is scarce, in bytes.
const SMALLEST_CACHE: usize = 1 << 20;

/// An entry of the jump cache, as emitted code reads it.
#[derive(Clone, Copy)]
#[repr(C)]
struct Jump {
    pc: u64,
    code: *const u8,
}

/// The compiler of one hart.
pub struct Jit {
    core: Core,
    watch: CodeWatch,
}

/// The compiler without its registration, which is borrowed while it runs.
struct Core {
    cache: Arc<CodeCache>,
    compiler: Compiler,
    jumps: Box<[Jump]>,
    /// The context of the blocks in the jump cache.
    block_context: BlockContext,
    tracer: Option<Box<dyn Tracer<Rv64> + Send>>,
    statistics: Statistics,
    /// The number of instructions to run, set since the last run.
    budget: Option<u64>,
    /// The value of `instret` at which to stop.
    limit: u64,
    forget_code: bool,
    /// See [`CodeCache::left_behind`].
    left_behind: u64,
}

/// An exit that was taken before it was linked: the offset of its displacement.
#[derive(Clone, Copy, Debug)]
struct Link(u32);

/// Why there is no code for a pc.
enum Missing {
    /// The code cache must be emptied first.
    Full,
    /// The guest stops.
    Exit(Exit),
}

impl Jit {
    /// The engine of a hart. `watch` is its registration with the address space of the code.
    pub fn new(code: &SharedCode, watch: CodeWatch) -> Self {
        let core = Core {
            cache: code.0.clone(),
            compiler: Compiler::default(),
            jumps: Jump::none(),
            block_context: BlockContext::default(),
            tracer: None,
            statistics: Statistics::default(),
            budget: None,
            limit: u64::MAX,
            forget_code: false,
            left_behind: code.0.left_behind(),
        };
        Self { core, watch }
    }

    /// Reports compiled blocks and their execution to the tracer.
    pub fn set_tracer(&mut self, tracer: Box<dyn Tracer<Rv64> + Send>) {
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

// SAFETY: the pointers in the jump cache lead into the code cache, which lives as long as this.
unsafe impl Send for Core {}

impl Engine<Rv64> for Jit {
    type Privilege = UserProgram;
    type Memory = UserSpace;

    fn limit(&mut self, instructions: u64) {
        self.core.budget = Some(instructions);
    }

    fn run(&mut self, hart: &mut HartOwner<Rv64>, _: &mut UserProgram, mem: &UserSpace) -> Exit {
        let core = &mut self.core;
        let frm = hart.cpu().frm;
        let mut context = Context {
            cpu: hart.as_ptr(),
            mem,
            mode: FpMode::new(frm),
            count: core.cache.counts(),
            helper_calls: std::mem::take(&mut core.statistics.helper_calls),
            exit: Exit::Interrupted,
        };
        if let Some(budget) = core.budget.take() {
            core.limit = hart.cpu().instret.saturating_add(budget);
            if !context.count {
                core.cache.count_from_now_on(mem);
            }
        }
        if std::mem::replace(&mut core.left_behind, core.cache.left_behind()) != core.cache.left_behind() {
            Jump::forget(&mut core.jumps);
        }
        if std::mem::take(&mut core.forget_code) {
            core.cache.empty(mem);
            Jump::forget(&mut core.jumps);
        }
        core.prepare(hart.words_mut(), &mut context, mem.limit().0);
        context.cpu = hart.as_ptr();
        let before = hart.cpu().instret;
        let host = fp::host::enter(context.mode.hardware(), hart.cpu().fflags);
        let exit = core.run_blocks(&mut context, hart.cell().stop_flag(), mem, &self.watch);
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
    /// Sets the words that emitted code uses.
    fn prepare(&mut self, words: &mut EngineWords, context: &mut Context, space_limit: u64) {
        let (area, stubs) = (self.cache.area(), self.cache.stubs());
        let mut set = |word: Word, value: u64| words[word as usize] = value;
        for (word, value) in CONSTANTS {
            set(word, value);
        }
        set(Word::FlagTable, fp::host::FLAGS_OF_STICKY.as_ptr() as u64);
        set(Word::StickyTable, fp::host::STICKY_OF_FLAGS.as_ptr() as u64);
        set(Word::SpaceLimit, space_limit);
        set(Word::Context, std::ptr::from_mut(context) as u64);
        set(Word::Limit, self.limit);
        set(Word::Leave, area.address(stubs.leave) as u64);
        set(Word::LeaveTo, area.address(stubs.leave_to) as u64);
        set(Word::LeaveLink, area.address(stubs.leave_link) as u64);
        set(Word::Jumps, self.jumps.as_ptr() as u64);
        set(Word::Execute, area.address(stubs.execute) as u64);
    }

    fn run_blocks(&mut self, context: &mut Context, stop: &StopFlag, mem: &UserSpace, watch: &CodeWatch) -> Exit {
        let traced = self.tracer.as_ref().is_some_and(|t| t.wants_entries());
        let mut inside = watch.enter();
        let mut link: Option<Link> = None;
        loop {
            // SAFETY: the state is that of the hart that was lent to this engine. No emitted code runs.
            let cpu = unsafe { &mut *context.cpu };
            let reasons = if stop.is_raised() { stop.lower(StopFlag::ALL) } else { 0 };
            if reasons & StopFlag::LEAVE != 0 || cpu.instret >= self.limit {
                return Exit::Interrupted;
            }
            if inside.take().is_some() {
                Jump::forget(&mut self.jumps);
                link = None;
                // Another hart may have had all code count.
                context.count = self.cache.counts();
            }
            // Emitted code finds blocks by their address alone.
            let block_context = context.block_context();
            if self.block_context != block_context {
                self.block_context = block_context;
                Jump::forget(&mut self.jumps);
                link = None;
            }
            let code = match self.code_at(cpu, block_context, mem, &inside) {
                Ok(code) => code,
                Err(Missing::Exit(exit)) => return exit,
                Err(Missing::Full) => {
                    drop(inside);
                    self.cache.empty(mem);
                    context.count = self.cache.counts();
                    inside = watch.enter();
                    Jump::forget(&mut self.jumps);
                    link = None;
                    continue;
                }
            };
            if traced && let Some(tracer) = &mut self.tracer {
                tracer.entered(cpu);
            }
            match link.take() {
                Some(Link(at)) => {
                    let key = BlockKey::new(cpu.pc, cpu.pc, block_context);
                    // SAFETY: the exit was taken by this thread. It has had no reports since: then it would have been
                    // forgotten above.
                    let linked = unsafe { self.cache.link(at, key) };
                    self.statistics.links += u64::from(linked);
                }
                None => self.jumps[jump_index(cpu.pc)] = Jump { pc: cpu.pc, code },
            }
            let left = self.enter(context, code);
            // SAFETY: as above.
            let cpu = unsafe { &mut *context.cpu };
            self.statistics.left(Reason::of(left.reason));
            let reason = match Reason::of(left.reason) {
                Reason::Fault => match self.execute_faulted(context, cpu, mem, left.data) {
                    Ok(reason) => reason,
                    Err(exit) => return exit,
                },
                reason => reason,
            };
            match reason {
                Reason::Lookup | Reason::Fault => {}
                Reason::Link => {
                    let at = self.cache.area().offset(left.data).expect("the data of an exit is in the area");
                    // SAFETY: this thread has just taken the exit.
                    let data = unsafe { self.cache.area().exit_data(at) };
                    cpu.pc = data.pc;
                    link = Some(Link(at - data.distance));
                }
                Reason::Syscall => return Exit::Syscall,
                Reason::Breakpoint => return Exit::Breakpoint,
                Reason::Revalidate => {
                    self.cache.revalidate(mem);
                    Jump::forget(&mut self.jumps);
                    self.statistics.revalidations += 1;
                }
                Reason::Stopped => return context.exit,
            }
        }
    }

    /// Runs emitted code until it is left.
    fn enter(&self, context: &mut Context, code: *const u8) -> Left {
        let enter = self.cache.area().address(self.cache.stubs().enter);
        // SAFETY: the stub is a function of this type.
        let enter: extern "sysv64" fn(*mut u8, *const u8) -> Left = unsafe { std::mem::transmute(enter) };
        enter(context.cpu.cast::<u8>().wrapping_byte_offset(BIAS as isize), code)
    }

    /// Finds or compiles the superblock at the pc.
    fn code_at(
        &mut self,
        cpu: &Cpu,
        context: BlockContext,
        mem: &UserSpace,
        inside: &Inside,
    ) -> Result<*const u8, Missing> {
        self.statistics.lookups += 1;
        // Most often the guest returns from a system call that it has made before.
        let jump = self.jumps[jump_index(cpu.pc)];
        if jump.pc == cpu.pc && !jump.code.is_null() {
            return Ok(jump.code);
        }
        self.statistics.lookup_misses += 1;
        match self.cache.find(BlockKey::new(cpu.pc, cpu.pc, context)) {
            Some(code) => Ok(code),
            None => self.compile_at(cpu, context, mem, inside),
        }
    }

    #[cold]
    fn compile_at(
        &mut self,
        cpu: &Cpu,
        context: BlockContext,
        mem: &UserSpace,
        inside: &Inside,
    ) -> Result<*const u8, Missing> {
        loop {
            let generation = self.cache.generation();
            let start = self.cache.is_timed().then(Instant::now);
            let config = self.cache.config(context);
            inside.decodes(&Compiler::limits(&config).range(cpu.pc));
            self.compiler.fetch(cpu.pc, &config, &cpu.isa, mem).map_err(Missing::Exit)?;
            let fetched = self.compiler.fetched();
            if !config.count && fetched.insns.iter().any(|(_, insn)| reads_counter(insn)) {
                self.cache.count();
                return Err(Missing::Full);
            }
            self.compiler.compile(&config, &cpu.isa).expect("the compiler asks for what the host has");
            match self.cache.insert(generation, context, &self.compiler) {
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
    fn execute_faulted(
        &mut self,
        context: &mut Context,
        cpu: &mut Cpu,
        mem: &UserSpace,
        at: u64,
    ) -> Result<Reason, Exit> {
        let place = self.cache.fault_place(at);
        cpu.pc = place.pc;
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
        let Ok(insn) = Rv64::decode(&bytes[..got], &cpu.isa) else {
            // The code has just been changed.
            return Ok(Reason::Lookup);
        };
        if let Unsettled::Late(r) = place.reservation {
            let addr = GuestAddr(cpu.x(insn.rs1));
            let (size, value) = if insn.op == Op::ScW { (4, cpu.x(r) as u32 as u64) } else { (8, cpu.x(r)) };
            let version = mem.reservations().reserve(addr);
            cpu.reservation = Reservation { place: Reservation::place(addr, size), value, version };
        }
        Ok(execute::execute(context, cpu, mem, &insn).unwrap_or_else(|| {
            cpu.pc += u64::from(insn.len);
            cpu.instret += u64::from(context.count);
            Reason::Lookup
        }))
    }
}

impl Jump {
    const FREE: Self = Self { pc: 0, code: null() };

    /// A jump cache without entries.
    fn none() -> Box<[Self]> {
        let mut jumps: Box<[Self]> = vec![Self::FREE; JUMP_ENTRIES].into();
        Self::forget(&mut jumps);
        jumps
    }

    /// Drops all entries.
    fn forget(jumps: &mut [Self]) {
        jumps.fill(Self::FREE);
        // No code is at an odd address. The address 0 is only looked for here.
        jumps[jump_index(0)].pc = 1;
    }
}

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
