//! The code cache that the threads of a process share: which code there is, and which exits are linked to it.
//!
//! Whoever changes code discards what was compiled from it, at once and for all threads: it is no longer found, and no
//! exit leads to it. Its bytes stay until all code is discarded, because other threads may still execute them. That
//! happens when the area is full: once the code can no longer be found, every engine is asked to leave it, and when all
//! have done so the area is used again from its start.

use super::Link;
use super::area::Area;
use super::execute::IN_SOFTWARE;
use super::faults::{FaultMap, FaultPlace};
use super::lookup::{Begins, EntryId, Lookup, Size};
use super::pages::Pages;
use super::stubs::{self, Stubs};
use crate::guest::riscv::fp::Rm;
use crate::guest::{BlockContext, BlockKey, CodeListener};
use crate::host::fault::{self, Emitted, FaultContext};
use crate::host::{Lock, LockRef, Rank, futex_sleep, futex_wake};
use crate::jit::baseline::map::Exchange;
use crate::jit::baseline::{Compiler, Config, ExitData, Reason};
use crate::jit::x64::Assembler;
use crate::memory::{CodeObserver, CodeWatch, GuestAddr, GuestMemory, PAGE_SIZE};
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::Hasher;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// Superblocks begin at multiples of this, as the compiler assumes.
const ALIGNMENT: u32 = 16;

/// A superblock. Its address is in the key of its [entry](EntryId::of_block).
pub(super) struct Block {
    /// How many entries it has: its own, and those of loops. 0 when it has been discarded.
    entries: u16,
    /// The bytes that it was compiled from.
    len: u16,
    /// Their hash.
    hash: u32,
    /// Where its accesses begin in the fault map.
    faults: u32,
    /// The next superblock on the page it begins on: see [`Pages`].
    pub next: u32,
}

/// What the lock protects.
#[derive(Default)]
struct State {
    /// In the order of their code.
    blocks: Vec<Block>,
    faults: FaultMap,
    /// The registers that the superblocks exchange, by index, where they do.
    exchanges: FxHashMap<u32, Box<[Exchange]>>,
    pages: Pages,
    size: Size,
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

/// See the module.
pub struct CodeCache {
    area: Area,
    stubs: Stubs,
    stub_code: Box<[u8]>,
    /// The number of forks between the first process with this cache and this one.
    forks: AtomicU64,
    /// The number of forks in which the code was left to the parent.
    left_behind: AtomicU64,
    lookup: Lookup,
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

/// The hash of the source of a superblock.
fn short_hash(bytes: &[u8]) -> u32 {
    let hash = hash(bytes);
    (hash ^ hash >> 32) as u32
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
            forks: AtomicU64::new(0),
            left_behind: AtomicU64::new(0),
            lookup: Lookup::new(),
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

    /// Changes in the child of a fork.
    pub fn forks(&self) -> u64 {
        self.forks.load(Ordering::Relaxed)
    }

    /// Changes when a fork has left the code to the parent: no address of code is valid then.
    pub fn left_behind(&self) -> u64 {
        self.left_behind.load(Ordering::Relaxed)
    }

    /// See [`Self::insert`].
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// The code for a key. Takes no lock.
    pub fn find(&self, key: BlockKey) -> Option<*const u8> {
        self.lookup.find(&key).map(|id| self.address(id))
    }

    fn address(&self, id: EntryId) -> *const u8 {
        self.area.address(self.lookup.offset(id))
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
        if let Some(id) = self.lookup.find(&key) {
            return Inserted::Known(self.address(id));
        }
        let start = state.used;
        let end = start as usize + code.len();
        if end + ALIGNMENT as usize > self.area.len() {
            return Inserted::Full;
        }
        let State { blocks, faults, exchanges, pages, size, used, .. } = &mut *state;
        *used = (end as u32).next_multiple_of(ALIGNMENT);
        // SAFETY: the bytes have not been used since the area was empty.
        unsafe { self.area.write(start, code) };
        let place = |at: u64| key.addr.wrapping_add(at - pc);
        let ids = compiled.entries().iter().enumerate().map(|(n, &(pc, at))| {
            let begins = if n == 0 { Begins::Block } else { Begins::Loop };
            // A loop of another superblock may begin here already.
            self.lookup.add(size, begins, &BlockKey::new(pc, place(pc), context), start + at)
        });
        let entries = ids.map_while(|id| id).count() as u16;
        if entries == 0 {
            return Inserted::Full;
        }
        let index = blocks.len() as u32;
        let len = fetched.source.len() as u16;
        let before = faults.len();
        blocks.push(Block { entries, len, hash: short_hash(&fetched.source), faults: before, next: 0 });
        faults.add(compiled.accesses(), pc, self.counts(), |insn| fetched.insns[usize::from(insn)].0);
        pages.add(blocks, index, &(GuestAddr(key.addr)..GuestAddr(key.addr).offset(len.into())));
        if !compiled.exchanges().is_empty() {
            exchanges.insert(index, compiled.exchanges().into());
        }
        // But for the table of pages, and for room that tables have left.
        let entry = self.lookup.bytes_of_entry(size);
        let places = (faults.len() - before) as usize + size_of_val(compiled.exchanges());
        let metadata = size_of::<Block>() + usize::from(entries) * entry + places;
        Inserted::At(self.area.address(start), metadata)
    }

    /// Links an exit to the code for a key, if there is any.
    ///
    /// # Safety
    /// The exit was taken by this thread, and it has not left emitted code for its reports since.
    pub unsafe fn link(&self, exit: Link, key: BlockKey) -> bool {
        let _state = self.state.lock();
        let Some(id) = self.lookup.find(&key) else { return false };
        // SAFETY: the exit is still there: it would have been discarded by a thread that waits for this one. The lock
        // keeps others from writing.
        unsafe {
            let at = self.area.displacement_of(exit);
            let linked = self.lookup.offset(id).wrapping_sub(at + 4) as i32;
            // Another thread may have been here before.
            let before = self.area.patch(at, linked);
            let is_new = before != linked;
            if is_new {
                debug_assert_eq!(before, ExitData::unlinked(exit.0, at), "it leads nowhere else");
                self.area.set_next_exit(exit, self.lookup.incoming(id));
                self.lookup.set_incoming(id, exit.0);
            }
            is_new
        }
    }

    /// The instruction of the guest that an instruction of emitted code belongs to, and the registers that are
    /// [exchanged](Compiler::exchanges) there.
    pub fn fault_place(&self, address: u64) -> (FaultPlace, Box<[Exchange]>) {
        let offset = self.area.offset(address).expect("a fault of emitted code");
        let state = self.state.lock();
        let index = self.lookup.last_block(&state.size, offset).expect("the stubs access no guest memory");
        let id = EntryId::of_block(index);
        let faults = state.blocks[index as usize].faults;
        let place = state.faults.find(faults, self.lookup.key(id).pc(), offset - self.lookup.offset(id));
        (place, state.exchanges.get(&index).cloned().unwrap_or_default())
    }

    /// The guest's addresses that a superblock was compiled from.
    fn source(&self, state: &State, index: u32) -> Range<GuestAddr> {
        let start = GuestAddr(self.lookup.key(EntryId::of_block(index)).addr);
        start..start.offset(state.blocks[index as usize].len.into())
    }

    /// Discards a superblock.
    fn discard(&self, state: &mut State, index: u32) {
        let source = self.source(state, index);
        let State { blocks, pages, size, .. } = state;
        let own = EntryId::of_block(index);
        let loops = self.lookup.loops_from(size, self.lookup.offset(own));
        let count = std::mem::take(&mut blocks[index as usize].entries);
        for id in std::iter::once(own).chain(loops).take(count.into()) {
            self.lookup.remove(id);
            let mut exit = Link(self.lookup.incoming(id));
            while exit.0 != 0 {
                // SAFETY: the exit was linked since the area was empty, so it is still there. The lock is held.
                exit = unsafe {
                    let at = self.area.displacement_of(exit);
                    self.area.patch(at, ExitData::unlinked(exit.0, at));
                    Link(self.area.next_exit(exit))
                };
            }
            self.lookup.set_incoming(id, 0);
        }
        pages.remove(blocks, index, &source);
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
        self.lookup.clear();
        state.pages.clear();
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
        let pages = self.state.lock().pages.with_starts();
        let mut bytes = Vec::new();
        for (start, page) in pages {
            bytes.resize(page.reach as usize, 0);
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
        let page = GuestAddr(start)..GuestAddr(start).offset(PAGE_SIZE);
        for index in state.pages.near(&state.blocks, &page) {
            let source = self.source(&state, index);
            let Some(from) = source.start.0.checked_sub(start) else { continue };
            let found = bytes.get(from as usize..(source.end.0 - start) as usize);
            if found.is_none_or(|found| short_hash(found) != state.blocks[index as usize].hash) {
                self.discard(&mut state, index);
                any = true;
            }
        }
        if any {
            self.generation.fetch_add(1, Ordering::SeqCst);
        }
        // One that was added meanwhile may have been compiled from other bytes.
        if let Some(page) = state.pages.get_mut(start).filter(|page| page.added == added) {
            page.hash = now;
        }
    }
}

impl CodeObserver for CodeCache {
    fn changed(&self, range: &Range<GuestAddr>) {
        let mut state = self.state.lock();
        self.generation.fetch_add(1, Ordering::SeqCst);
        for index in state.pages.near(&state.blocks, range) {
            let source = self.source(&state, index);
            if state.blocks[index as usize].entries > 0 && source.start < range.end && source.end > range.start {
                self.discard(&mut state, index);
            }
        }
    }

    fn after_fork(&self) {
        self.forks.fetch_add(1, Ordering::Relaxed);
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
