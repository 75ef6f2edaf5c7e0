//! The code cache that the threads of a process share: which code there is, and which exits are linked to it.
//!
//! Whoever changes code discards what was compiled from it, at once and for all threads: it is no longer found, and no
//! exit leads to it. Its bytes stay until all code is discarded, because other threads may still execute them. That
//! happens when the area is full: once the code can no longer be found, every engine is asked to leave it, and when all
//! have done so the area is used again from its start.

use super::area::Area;
use super::execute::IN_SOFTWARE;
use super::stubs::{self, Stubs};
use crate::guest::riscv::fp::Rm;
use crate::guest::{BlockContext, BlockKey, CodeListener};
use crate::host::fault::{self, Emitted, FaultContext};
use crate::host::{Lock, LockRef, Rank, futex_sleep, futex_wake};
use crate::jit::baseline::map::Exchange;
use crate::jit::baseline::{Access, Compiler, Config, Reason, Unsettled};
use crate::jit::x64::Assembler;
use crate::memory::{BlocksByPage, CodeObserver, CodeWatch, GuestAddr, GuestMemory, PAGE_SIZE};
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::Hasher;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// Superblocks begin at multiples of this, as the compiler assumes.
const ALIGNMENT: u32 = 16;

/// An exit that leads to a superblock.
#[derive(Clone, Copy, Debug)]
struct Incoming {
    /// The offset of its displacement.
    at: u32,
    /// The displacement while it is not linked.
    unlinked: i32,
}

/// A superblock.
struct Block {
    /// The address of its first instruction.
    pc: u64,
    /// Where the bytes are that it was compiled from, as changes of code are reported: see [`BlockKey::addr`].
    source: Range<GuestAddr>,
    /// The hash of the bytes there.
    hash: u64,
    /// The offset of its code.
    start: u32,
    /// Where execution may begin.
    entries: Box<[(BlockKey, u32)]>,
    accesses: Box<[Access]>,
    /// The addresses of its instructions, relative to the first.
    insns: Box<[u16]>,
    incoming: Vec<Incoming>,
}

impl Block {
    /// The size of what is kept about it, but for room that tables have left and the places that it is linked from.
    fn metadata_bytes(&self) -> usize {
        let Self { entries, accesses, insns, .. } = self;
        let pages = self.source.end.0.div_ceil(PAGE_SIZE) - self.source.start.0 / PAGE_SIZE;
        // Each entry is in the table of all entries, too.
        size_of::<Self>()
            + 2 * size_of_val(&**entries)
            + entries.len() * size_of::<u32>()
            + size_of_val(&**accesses)
            + size_of_val(&**insns)
            + pages as usize * size_of::<u32>()
    }
}

/// The source of the superblocks that begin on a page.
#[derive(Clone, Copy, Debug)]
struct Page {
    /// Where the last of them ends.
    end: GuestAddr,
    /// How many were ever added.
    added: u32,
    /// The hash of the bytes from the start of the page to `end` when all of them were compiled from these bytes, if
    /// that is known.
    hash: Option<u64>,
}

/// What the lock protects.
#[derive(Default)]
struct State {
    /// In the order of their code. Discarded ones have no entries and lie on no page.
    blocks: Vec<Block>,
    /// The offset of the code for a key, and the index of its superblock.
    entries: FxHashMap<BlockKey, (u32, u32)>,
    /// The superblocks, by index.
    by_page: BlocksByPage<u32>,
    /// The registers that the superblocks exchange, by index, where they do.
    exchanges: FxHashMap<u32, Box<[Exchange]>>,
    /// The pages on which superblocks begin, by address.
    pages: FxHashMap<u64, Page>,
    /// The first free byte of the area.
    used: u32,
    /// All code has been discarded, and some thread may still execute it.
    is_emptying: bool,
}

/// What became of compiled code.
pub enum Inserted {
    /// It is at this address. The number of bytes is kept about it.
    At(*const u8, usize),
    /// Another thread was faster: its code is at this address.
    Known(*const u8),
    /// Code has changed since the compiler fetched it.
    Stale,
    /// The area is full.
    Full,
}

/// A fault of emitted code.
pub struct FaultPlace {
    /// The address of the guest's instruction.
    pub pc: u64,
    /// Instructions before it that are not counted yet.
    pub uncounted: u16,
    /// See [`Access::fresh`].
    pub fresh: [u32; 2],
    /// See [`Access::reservation`].
    pub reservation: Unsettled,
    /// See [`Compiler::exchanges`].
    pub exchanges: Box<[Exchange]>,
}

/// See the module.
pub struct CodeCache {
    area: Area,
    stubs: Stubs,
    stub_code: Box<[u8]>,
    /// The number of forks in which the code was left to the parent.
    left_behind: AtomicU64,
    state: Lock<State>,
    /// Changes whenever code is discarded.
    generation: AtomicU64,
    /// Set while the area is being emptied. A futex word.
    emptying: AtomicU32,
    count: AtomicBool,
    is_timed: bool,
    compiles_after: u8,
    config: Config,
    listener: Option<Arc<dyn CodeListener>>,
    _faults: fault::Registration,
}

/// Continues in the stub that leaves emitted code, which is at the start of the area.
fn on_fault(emitted: &Emitted, context: &mut FaultContext<'_>) {
    let pc = context.pc();
    context.set_register(libc::REG_RDX, pc);
    context.set_register(libc::REG_RAX, Reason::Fault as u64);
    context.set_register(libc::REG_RIP, emitted.code.start);
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

/// What code is compiled for.
pub struct Guest {
    /// The host's address of guest address 0.
    pub base: u64,
    /// The address of the function that executes an instruction by its definition.
    pub helper: u64,
    /// Whether compiling is timed.
    pub is_timed: bool,
    /// See [`JitConfig::after`](super::JitConfig::after).
    pub after: u8,
}

impl CodeCache {
    /// An empty cache of `len` bytes.
    pub fn new(
        len: usize,
        config: Config,
        guest: &Guest,
        listener: Option<Arc<dyn CodeListener>>,
    ) -> std::io::Result<Self> {
        let area = Area::new(len)?;
        let mut asm = Assembler::new();
        let stubs = stubs::emit(&mut asm, &config.map, guest.helper, guest.base).expect("the stubs are x86-64 code");
        // SAFETY: nothing executes in the area yet.
        unsafe { area.write(0, asm.bytes()) };
        if let Some(listener) = &listener {
            listener.stubs(area.address(0) as u64, asm.bytes());
        }
        let code = area.address(0) as u64..area.address(0) as u64 + len as u64;
        // SAFETY: the area holds emitted code only. Where it accesses guest memory, rbp and rsp are those of the engine
        // and the pinned registers hold the guest's, which is what the stub expects; it needs nothing else.
        let faults = unsafe { fault::register(Emitted { code, on_fault }) };
        let used = stubs.end.next_multiple_of(ALIGNMENT);
        let count = config.count;
        Ok(Self {
            area,
            stubs,
            stub_code: asm.bytes().into(),
            left_behind: AtomicU64::new(0),
            state: Lock::new(Rank::CodeCache, State { used, ..State::default() }),
            generation: AtomicU64::new(0),
            emptying: AtomicU32::new(0),
            count: AtomicBool::new(count),
            is_timed: guest.is_timed,
            compiles_after: guest.after,
            config,
            listener,
            _faults: faults,
        })
    }

    /// How code is compiled from now on.
    pub fn config(&self, context: BlockContext) -> Config {
        let rounding = Rm::from_bits(context.rounding).filter(|&mode| mode != IN_SOFTWARE);
        Config { count: self.counts(), rounding, ..self.config.clone() }
    }

    /// Whether code counts instructions.
    pub fn counts(&self) -> bool {
        self.count.load(Ordering::Acquire)
    }

    /// How often code is executed by its definition before it is compiled.
    pub fn compiles_after(&self) -> u8 {
        self.compiles_after
    }

    /// Whether compiling is timed.
    pub fn is_timed(&self) -> bool {
        self.is_timed
    }

    /// The offsets of the stubs.
    pub fn stubs(&self) -> &Stubs {
        &self.stubs
    }

    /// Who is told of all code.
    pub fn listener(&self) -> Option<&dyn CodeListener> {
        self.listener.as_deref()
    }

    /// The memory.
    pub fn area(&self) -> &Area {
        &self.area
    }

    /// Changes when a fork has left the code to the parent: no address of code is valid then.
    pub fn left_behind(&self) -> u64 {
        self.left_behind.load(Ordering::Relaxed)
    }

    /// See [`Self::insert`].
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// The code for a key.
    pub fn find(&self, key: BlockKey) -> Option<*const u8> {
        self.state.lock().entries.get(&key).map(|&(offset, _)| self.area.address(offset))
    }

    /// Adds what was compiled at a key, in a context; `generation` is from before its source was fetched.
    pub fn insert(&self, generation: u64, key: BlockKey, context: BlockContext, compiled: &Compiler) -> Inserted {
        let fetched = compiled.fetched();
        let (code, pc) = (compiled.code(), fetched.pc);
        let mut state = self.state.lock();
        if state.is_emptying {
            return Inserted::Full;
        }
        if self.generation() != generation {
            return Inserted::Stale;
        }
        if let Some(&(offset, _)) = state.entries.get(&key) {
            return Inserted::Known(self.area.address(offset));
        }
        let start = state.used;
        let end = start as usize + code.len();
        if end + ALIGNMENT as usize > self.area.len() {
            return Inserted::Full;
        }
        state.used = (end as u32).next_multiple_of(ALIGNMENT);
        // SAFETY: the bytes have not been used since the area was empty.
        unsafe { self.area.write(start, code) };
        let index = state.blocks.len() as u32;
        let place = |at: u64| key.addr.wrapping_add(at - pc);
        let block = Block {
            pc,
            source: GuestAddr(key.addr)..GuestAddr(key.addr + fetched.source.len() as u64),
            hash: hash(&fetched.source),
            start,
            entries: compiled.entries().iter().map(|&(pc, at)| (BlockKey::new(pc, place(pc), context), at)).collect(),
            accesses: compiled.accesses().into(),
            insns: fetched.insns.iter().map(|&(at, _)| (at - pc) as u16).collect(),
            incoming: Vec::new(),
        };
        let metadata = block.metadata_bytes() + size_of_val(compiled.exchanges());
        if !compiled.exchanges().is_empty() {
            state.exchanges.insert(index, compiled.exchanges().into());
        }
        state.by_page.insert(&block.source, index);
        let page = state.pages.entry(block.source.start.page_floor().0);
        let page = page.or_insert(Page { end: block.source.end, added: 0, hash: None });
        *page = Page { end: page.end.max(block.source.end), added: page.added.wrapping_add(1), hash: None };
        for &(key, offset) in &block.entries {
            // A loop of another superblock may begin here already.
            state.entries.entry(key).or_insert((start + offset, index));
        }
        state.blocks.push(block);
        Inserted::At(self.area.address(start), metadata)
    }

    /// Links an exit to the code for a key, if there is any. `at` is the offset of its displacement.
    ///
    /// # Safety
    /// The exit was taken by this thread, and it has not left emitted code for its reports since.
    pub unsafe fn link(&self, at: u32, key: BlockKey) -> bool {
        let mut state = self.state.lock();
        let Some(&(offset, index)) = state.entries.get(&key) else { return false };
        let linked = offset.wrapping_sub(at + 4) as i32;
        // SAFETY: the displacement is that of an exit, which is still there: it would have been discarded by a thread
        // that waits for this one. The lock keeps others from writing.
        let unlinked = unsafe { self.area.patch(at, linked) };
        // Another thread may have been here before.
        let is_new = unlinked != linked;
        if is_new {
            state.blocks[index as usize].incoming.push(Incoming { at, unlinked });
        }
        is_new
    }

    /// The instruction of the guest that an instruction of emitted code belongs to.
    pub fn fault_place(&self, address: u64) -> FaultPlace {
        let offset = self.area.offset(address).expect("a fault of emitted code");
        let state = self.state.lock();
        let after = state.blocks.partition_point(|block| block.start <= offset);
        let index = after.checked_sub(1).expect("the stubs access no guest memory");
        let block = &state.blocks[index];
        let offset = offset - block.start;
        let access = block.accesses.binary_search_by_key(&offset, |access| access.offset);
        let access = &block.accesses[access.expect("only accesses fault")];
        let pc = block.pc + u64::from(block.insns[usize::from(access.insn)]);
        let &Access { uncounted, fresh, reservation, .. } = access;
        let exchanges = state.exchanges.get(&(index as u32)).cloned().unwrap_or_default();
        FaultPlace { pc, uncounted, fresh, reservation, exchanges }
    }

    /// Discards a superblock.
    fn discard(&self, state: &mut State, index: u32) {
        let block = &mut state.blocks[index as usize];
        let (entries, incoming) = (std::mem::take(&mut block.entries), std::mem::take(&mut block.incoming));
        let source = block.source.clone();
        for exit in incoming {
            // SAFETY: the exit was linked since the area was empty, so it is still there. The lock is held.
            unsafe { self.area.patch(exit.at, exit.unlinked) };
        }
        for (key, _) in entries {
            if state.entries.get(&key).is_some_and(|&(_, other)| other == index) {
                state.entries.remove(&key);
            }
        }
        state.by_page.remove(&source, index);
    }

    /// Discards all code, and returns when its memory can be used again. The calling engine is outside of it.
    pub fn empty(&self, watch: &CodeWatch) {
        if self.emptying.swap(1, Ordering::SeqCst) != 0 {
            // Another thread does so.
            while self.emptying.load(Ordering::SeqCst) != 0 {
                futex_sleep(&self.emptying, 1);
            }
            return;
        }
        self.forget_all();
        watch.stop_engines().wait();
        self.emptied();
    }

    /// From now on no code is found. What is known of faults is kept as long as code is executed.
    fn forget_all(&self) {
        let mut state = self.state.lock();
        state.is_emptying = true;
        state.entries.clear();
        state.by_page.clear();
        state.pages.clear();
        for block in &mut state.blocks {
            (block.entries, block.incoming) = Default::default();
        }
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// No thread executes any code.
    fn emptied(&self) {
        let mut state = self.state.lock();
        *state = State { used: self.stubs.end.next_multiple_of(ALIGNMENT), ..State::default() };
        drop(state);
        if let Some(listener) = &self.listener {
            listener.emptied();
        }
        self.emptying.store(0, Ordering::SeqCst);
        futex_wake(&self.emptying, i32::MAX);
    }

    /// Has all code count instructions that is compiled from now on.
    pub fn count(&self) {
        self.count.store(true, Ordering::Release);
    }

    /// Has all code count instructions.
    pub fn count_from_now_on(&self, watch: &CodeWatch) {
        self.count();
        self.empty(watch);
    }

    /// Discards the superblocks whose bytes in memory differ from those they were compiled from. FENCE.I guarantees
    /// this, also for stores through other mappings of the page.
    ///
    /// Programs that write code execute FENCE.I often, and have much code that stays. So whole pages are compared first.
    pub fn revalidate(&self, mem: &impl GuestMemory) {
        // Memory is read without the lock. What is compiled meanwhile is fresh.
        let pages: Vec<(u64, Page)> = self.state.lock().pages.iter().map(|(&start, &page)| (start, page)).collect();
        let mut bytes = Vec::new();
        for (start, page) in pages {
            bytes.resize((page.end.0 - start) as usize, 0);
            let got = mem.fetch(GuestAddr(start), &mut bytes).unwrap_or(0);
            let now = (got == bytes.len()).then(|| hash(&bytes));
            if now.is_none() || now != page.hash {
                self.revalidate_page(start, page.added, &bytes[..got], now);
            }
        }
    }

    /// Discards the superblocks that begin on a page and were not compiled from `bytes`, which were found there and have
    /// the hash `now`. `added` is from before they were read.
    fn revalidate_page(&self, start: u64, added: u32, bytes: &[u8], now: Option<u64>) {
        let mut state = self.state.lock();
        let mut any = false;
        for index in state.by_page.near(&(GuestAddr(start)..GuestAddr(start + PAGE_SIZE))) {
            let Block { source, hash: known, .. } = &state.blocks[index as usize];
            let Some(from) = source.start.0.checked_sub(start) else { continue };
            let found = bytes.get(from as usize..(source.end.0 - start) as usize);
            if found.is_none_or(|found| hash(found) != *known) {
                self.discard(&mut state, index);
                any = true;
            }
        }
        if any {
            self.generation.fetch_add(1, Ordering::SeqCst);
        }
        // One that was added meanwhile may have been compiled from other bytes.
        if let Some(page) = state.pages.get_mut(&start).filter(|page| page.added == added) {
            page.hash = now;
        }
    }
}

impl CodeObserver for CodeCache {
    fn changed(&self, range: &Range<GuestAddr>) {
        let mut state = self.state.lock();
        self.generation.fetch_add(1, Ordering::SeqCst);
        for index in state.by_page.near(range) {
            let source = &state.blocks[index as usize].source;
            if source.start < range.end && source.end > range.start {
                self.discard(&mut state, index);
            }
        }
    }

    fn after_fork(&self) {
        if self.listener.is_some() {
            self.area.report_to_profilers();
        }
        if self.area.after_fork().expect("memory for code, as the parent has") {
            // SAFETY: no thread executes in the area.
            unsafe { self.area.write(0, &self.stub_code) };
            self.left_behind.fetch_add(1, Ordering::Relaxed);
            self.forget_all();
            self.emptied();
            return;
        }
        // The thread that was emptying the area does not exist in the child, nor does any that executes old code.
        if self.emptying.load(Ordering::SeqCst) != 0 {
            self.forget_all();
            self.emptied();
        }
    }

    fn lock(&self) -> LockRef<'_> {
        self.state.erased()
    }
}
