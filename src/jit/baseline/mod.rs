//! The baseline compiler: guest code becomes the host's in one pass.
//!
//! An instruction is compiled by running its definition in [`sem`](crate::guest::riscv::sem) over [descriptions of
//! values](node); writing a register or branching [selects](select) the host's instructions. Every guest register has a
//! [fixed place](map), which is up to date at every guest instruction, so a fault needs no more than to know which
//! instruction it was. What the compiler cannot do is left to the same definition on plain values, called by emitted code.
//!
//! The unit of compilation is a superblock: consecutive instructions up to one that never continues with the next.
//! Branches out of it are exits, those within it stay in the code. One with [loops] may keep other registers in those of
//! the host than the fixed map.

mod atomic;
mod carried;
mod chain;
mod cold;
mod emitter;
mod flags;
mod float;
mod general;
mod half;
mod known;
mod loops;
pub mod map;
mod memory;
mod nan;
mod node;
mod permute;
mod reserved;
mod riscv;
mod select;
mod span;
mod sum;
mod vector;
mod window;

pub use emitter::{Access, Unsettled};
pub use loops::USUAL_GAIN;

use crate::guest::riscv::fetch::{FetchLimits, Fetched};
use crate::guest::riscv::fp::Rm;
use crate::guest::riscv::{Base, Rv64};
use crate::guest::{Cond, Flow, Part, alu};
use crate::jit::x64::{self, Alu, AsmError, Assembler, Fp, Gpr, HostFeatures, Label, Mem, Shift, Size};
use crate::memory::PAGE_SIZE;
use carried::Carried;
use emitter::{Chain, Cold, Emitter, Stop, imm32};
use map::{Exchange, File, INSTRET, PC, RegisterMap, STOP, STOP_WORD, Word, f_slot, x_slot};
use node::Nodes;
use remu_isa::{Insn, Isa, Op};
use std::borrow::Cow;

/// The most instructions of a superblock.
pub const MAX_INSNS: usize = 100;

/// Why emitted code is left, in rax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Reason {
    /// The block at the pc must be looked up.
    Lookup = 1,
    /// An exit that is not linked was taken. rdx points to its [data](ExitData).
    Link = 2,
    /// ECALL.
    Syscall = 3,
    /// EBREAK.
    Breakpoint = 4,
    /// An access faulted. rdx is the host's address of the instruction.
    Fault = 5,
    /// Compiled code must be compared with memory before execution continues at the pc.
    Revalidate = 6,
    /// A helper has noted why.
    Stopped = 7,
}

impl Reason {
    /// All reasons, by number.
    pub const ALL: [Self; 7] = {
        use Reason::*;
        [Lookup, Link, Syscall, Breakpoint, Fault, Revalidate, Stopped]
    };

    /// The reason with this number.
    ///
    /// # Panics
    /// If there is none.
    pub fn of(number: u64) -> Self {
        Self::ALL[number as usize - 1]
    }
}

/// What follows the call that an unlinked exit consists of. Behind it are four bytes for the list of the exits that are
/// linked to the same place.
#[derive(Clone, Copy, Debug)]
#[repr(C, packed)]
pub struct ExitData {
    /// Where the guest continues: 48 bits, to be sign-extended.
    pc: [u8; 6],
    /// The distance from the displacement of the exit to this.
    pub distance: u16,
}

impl ExitData {
    /// The length of the call.
    const CALL: u32 = 3;

    /// The data of an exit to `pc`, if that can be said.
    fn new(pc: u64, distance: usize) -> Option<Self> {
        let [a, b, c, d, e, f, ..] = pc.to_le_bytes();
        let data = Self { pc: [a, b, c, d, e, f], distance: u16::try_from(distance).ok()? };
        (data.pc() == pc).then_some(data)
    }

    /// Where the guest continues.
    pub fn pc(&self) -> u64 {
        let [a, b, c, d, e, f] = self.pc;
        (i64::from_le_bytes([0, 0, a, b, c, d, e, f]) >> 16) as u64
    }

    /// The displacement of an exit while it is not linked. `data` is the offset of its data, `at` that of the displacement.
    pub fn unlinked(data: u32, at: u32) -> i32 {
        (data - Self::CALL - (at + 4)) as i32
    }

    fn bytes(&self) -> [u8; size_of::<Self>()] {
        let ([a, b, c, d, e, f], [g, h]) = (self.pc, self.distance.to_le_bytes());
        [a, b, c, d, e, f, g, h]
    }
}

/// How code is compiled.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the guest's registers are.
    pub map: RegisterMap,
    /// What the host has.
    pub features: HostFeatures,
    /// The most instructions of a superblock.
    pub max_insns: usize,
    /// Whether exits can be linked. If not, each leaves to look up its target.
    pub link: bool,
    /// Whether instructions are counted.
    pub count: bool,
    /// The guest's dynamic rounding mode, if it is one that the host has. If not, what rounds in it is executed by its
    /// definition.
    pub rounding: Option<Rm>,
    /// Whether addresses are translated: then code continues only within its page without a lookup, and loads and stores
    /// look in the TLB.
    pub translates: bool,
    /// The host's address of the buckets of the address space's reservations.
    pub reservations: u64,
    /// How much more often a loop must use a register than the one that it is exchanged for, in executed instructions.
    pub exchange_gain: u32,
    /// The low half of what is added to a host's address to have the address that reservations are made by.
    pub reservation_offset: i32,
}

/// The compiler's buffers, which are used for one superblock after the other.
#[derive(Default)]
pub struct Compiler {
    fetched: Fetched,
    asm: Assembler,
    nodes: Nodes,
    accesses: Vec<Access>,
    cold: Vec<Cold>,
    entries: Vec<(u64, u32)>,
    labels: Vec<Option<Target>>,
    uncompiled: Vec<Op>,
    exchanges: Vec<Exchange>,
    parts: Parts,
}

/// Which instruction of the guest each part of the code belongs to.
#[derive(Default)]
struct Parts {
    /// In the order of the code.
    all: Vec<(u32, Part)>,
    /// The first cold part of each instruction, and the instruction's pc.
    cold: Vec<(usize, u64)>,
}

/// A place in the superblock that branches of it lead to.
#[derive(Clone, Copy, Debug)]
struct Target {
    label: Label,
    /// Some branch to it is backwards.
    is_loop: bool,
}

/// Whether the next instruction is never reached from this one in straight line.
fn never_continues(insn: &Insn) -> bool {
    matches!(insn.op, Op::Jal | Op::Jalr | Op::Ecall | Op::Ebreak | Op::FenceI | Op::Mret | Op::Sret)
}

impl Compiler {
    /// The limits of what is fetched.
    pub fn limits(config: &Config) -> FetchLimits {
        FetchLimits { insns: config.max_insns.clamp(1, MAX_INSNS), in_page: config.translates }
    }

    /// Fetches the superblock at `pc`, to be compiled next.
    pub fn fetch<M: crate::memory::GuestMemory>(
        &mut self,
        pc: u64,
        config: &Config,
        isa: &Isa,
        mem: &M,
    ) -> Result<(), crate::guest::Exit> {
        self.fetched.fetch::<Rv64, M>(pc, Self::limits(config), isa, mem, never_continues)
    }

    /// What was fetched.
    pub fn fetched(&self) -> &Fetched {
        &self.fetched
    }

    /// The same, to fetch what is executed without being compiled.
    pub fn fetched_mut(&mut self) -> &mut Fetched {
        &mut self.fetched
    }

    /// Compiles what was fetched.
    ///
    /// # Errors
    /// If the assembler refuses something, which is a bug.
    pub fn compile(&mut self, config: &Config, isa: &Isa) -> Result<(), AsmError> {
        let Self { fetched, asm, nodes, accesses, cold, entries, labels, uncompiled, exchanges, parts } = self;
        asm.clear();
        accesses.clear();
        cold.clear();
        entries.clear();
        uncompiled.clear();
        parts.all.clear();
        parts.cold.clear();
        find_targets(fetched, asm, labels);
        loops::exchanges(&fetched.insns, labels, config, exchanges);
        let map = match &exchanges[..] {
            [] => Cow::Borrowed(&config.map),
            _ => Cow::Owned(exchanges.iter().fold(config.map.clone(), RegisterMap::exchanged)),
        };
        let emitter = Emitter::new(asm, config, &map, nodes, accesses, cold, isa);
        let (window_end, carried) = (None, None);
        let mut block = Block {
            emitter,
            fetched,
            config,
            labels,
            entries,
            uncompiled,
            exchanges,
            parts,
            window_end,
            chased: None,
            carried,
        };
        block.emit();
        block.emit_cold();
        self.asm.finish()
    }

    /// The code. It is meant for an address that is a multiple of 16.
    pub fn code(&self) -> &[u8] {
        self.asm.bytes()
    }

    /// The places in the code where execution may begin, with their pcs. The first is that of the superblock.
    pub fn entries(&self) -> &[(u64, u32)] {
        &self.entries
    }

    /// The instructions that access guest memory, in the order of the code.
    pub fn accesses(&self) -> &[Access] {
        &self.accesses
    }

    /// The ops that are executed by their definition.
    pub fn uncompiled(&self) -> &[Op] {
        &self.uncompiled
    }

    /// The registers that are exchanged wherever an access may fault.
    pub fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// Which instruction each part of the code belongs to, in the order of the code.
    pub fn parts(&self) -> &[(u32, Part)] {
        &self.parts.all
    }
}

/// The target of a direct branch or jump.
fn direct_target(pc: u64, insn: &Insn) -> Option<u64> {
    let is_direct = matches!(insn.op, Op::Beq | Op::Bne | Op::Blt | Op::Bge | Op::Bltu | Op::Bgeu | Op::Jal);
    is_direct.then(|| pc.wrapping_add_signed(insn.imm.into()))
}

/// Finds the places that branches within the superblock lead to. `labels` has an element for each instruction.
fn find_targets(fetched: &Fetched, asm: &mut Assembler, labels: &mut Vec<Option<Target>>) {
    let insns = &fetched.insns;
    labels.clear();
    labels.resize(insns.len(), None);
    for &(pc, insn) in insns {
        let Some(target) = direct_target(pc, &insn) else { continue };
        let Ok(index) = insns.binary_search_by_key(&target, |&(pc, _)| pc) else { continue };
        let place = labels[index].get_or_insert_with(|| Target { label: asm.new_label(), is_loop: false });
        place.is_loop |= target <= pc;
    }
}

/// The emission of one superblock.
struct Block<'a> {
    emitter: Emitter<'a>,
    fetched: &'a Fetched,
    config: &'a Config,
    labels: &'a [Option<Target>],
    entries: &'a mut Vec<(u64, u32)>,
    uncompiled: &'a mut Vec<Op>,
    exchanges: &'a [Exchange],
    parts: &'a mut Parts,
    /// The index of the SC of the window.
    window_end: Option<usize>,
    /// The last instruction of the loop that was last entered, and the registers that it [chases](loops::chased).
    chased: Option<(usize, u32)>,
    /// The head of the loop that [carries](carried) something, and the registers that may be fresh there.
    carried: Option<(u64, [u32; 2])>,
}

impl Block<'_> {
    fn emit(&mut self) {
        // Behind a branch that is always taken, the next instruction that is reached is one with a label.
        let mut is_reached = true;
        let mut index = 0;
        while index < self.fetched.insns.len() {
            let target = self.labels[index];
            if target.is_some() {
                if is_reached {
                    self.count();
                    self.emitter.settle_all();
                }
                self.emitter.known.forget();
                self.emitter.compared = None;
                is_reached = true;
            }
            if !is_reached {
                index += 1;
                continue;
            }
            let carried = if self.config.translates {
                None
            } else {
                carried::at(&self.fetched.insns, self.labels, index, self.emitter.map)
            };
            (index, is_reached) = match (target, carried) {
                (Some(Target { label, .. }), Some(carried)) => (self.emit_carrying(index, label, carried), true),
                _ => {
                    self.emit_head(index, target);
                    self.emit_next(index)
                }
            };
        }
        if is_reached {
            self.count();
            self.emitter.settle_all();
            self.exit(self.fetched.end::<Rv64>());
        }
    }

    /// The code of an instruction begins here.
    fn begin_insn(&mut self, pc: u64) {
        if !matches!(self.parts.all.last(), Some((_, Part::Insn(last))) if *last == pc) {
            self.part(Part::Insn(pc));
        }
        self.parts.cold.push((self.emitter.cold.len(), pc));
    }

    /// Emits what precedes an instruction, where execution can come to it from elsewhere.
    fn emit_head(&mut self, index: usize, target: Option<Target>) {
        let pc = self.fetched.insns[index].0;
        self.begin_insn(pc);
        if index == 0 {
            self.entries.push((pc, self.emitter.asm.offset() as u32));
            self.exchange();
        }
        if let Some(Target { label, .. }) = target {
            self.emitter.asm.bind(label);
        }
        if self.config.translates && target.is_some_and(|target| target.is_loop) {
            let insns = &self.fetched.insns;
            self.chased = loops::last_branch_to(insns, pc).map(|last| (last, loops::chased(&insns[index..=last])));
        }
        if target.is_some_and(|target| target.is_loop) && index > 0 {
            self.enter_here(pc);
        }
        if index == 0 || target.is_some_and(|t| t.is_loop) {
            self.emit_pause(pc);
        }
    }

    /// Execution may begin here, at an instruction that is not the first.
    fn enter_here(&mut self, pc: u64) {
        if self.exchanges.is_empty() {
            return self.entries.push((pc, self.emitter.asm.offset() as u32));
        }
        let at = self.emitter.asm.new_label();
        self.emitter.asm.bind(at);
        self.emitter.cold.push(Cold::Enter { at, pc });
    }

    /// Emits both heads of a loop that [carries](carried) something, and the instructions that are copied. Returns the
    /// index of the one behind.
    fn emit_carrying(&mut self, head: usize, label: Label, carried: Carried) -> usize {
        let pc = self.fetched.insns[head].0;
        self.begin_insn(pc);
        match head {
            0 => {
                self.entries.push((pc, self.emitter.asm.offset() as u32));
                self.exchange();
            }
            _ => self.enter_here(pc),
        }
        self.emit_pause(pc);
        let end = self.emit_copied(head, carried.copied);
        let [from, to] = [(); 2].map(|()| self.emitter.asm.new_label());
        self.emitter.asm.jmp(from);
        let (known, uncounted) = (self.emitter.known.fp, std::mem::take(&mut self.emitter.uncounted));

        self.emitter.known.forget_but(&carried);
        self.emitter.compared = None;
        self.window_end = None;
        self.begin_insn(pc);
        self.emitter.asm.bind(label);
        self.emit_pause(pc);
        let same_end = self.emit_copied(head, carried.copied);
        debug_assert_eq!((same_end, self.emitter.uncounted), (end, uncounted));
        self.emitter.asm.bind(to);
        let expected = self.emitter.known.fp;
        let pc = self.fetched.insns[end].0;
        self.emitter.cold.push(Cold::Join { from, to, pc, uncounted, known, expected });
        self.carried = Some((self.fetched.insns[head].0, carried.fresh));
        end
    }

    /// Emits at least so many instructions, of which none branches.
    fn emit_copied(&mut self, head: usize, count: usize) -> usize {
        let mut index = head;
        while index < head + count {
            (index, _) = self.emit_next(index);
        }
        index
    }

    /// Emits an instruction, or the chain that begins with it. Returns the index of the next, and whether that is
    /// reached.
    fn emit_next(&mut self, index: usize) -> (usize, bool) {
        let insns = &self.fetched.insns;
        let (pc, insn) = insns[index];
        self.begin_insn(pc);
        self.emitter.begin(index as u16, pc);
        if self.window_end.is_none_or(|end| index > end) {
            // A window would have to look in the TLB twice.
            let windows = !self.config.translates;
            self.emitter.window =
                windows.then(|| window::at(&insns[index..], |n| self.labels[index + n].is_some())).flatten();
            self.window_end = self.emitter.window.map(|window| index + window.len);
        }
        let mut len = chain::len(&insns[index..], |n| self.labels[index + n].is_some());
        if self.config.translates && len > 1 && chain::is_load(insns[index + len - 1].1.op) {
            // It may be executed by its definition after all, which needs the register that it reads.
            len -= 1;
        }
        if self.config.translates {
            let is_chased = |(last, chased)| index <= last && chased & 1 << insn.rs1 != 0;
            self.emitter.is_chased = self.chased.is_some_and(is_chased);
            self.emitter.ahead = span::ahead(&insns[index..], |n| self.labels[index + n].is_some());
        }
        match self.emit_chain(index, len) {
            Some(is_reached) => (index + len, is_reached),
            None => (index + 1, self.emit_insn(pc, &insn)),
        }
    }

    /// Emits a [chain] as [`Self::emit_insn`] does. `None` if there is none, or if it needs more scratch registers than
    /// there are; then nothing has been emitted.
    fn emit_chain(&mut self, index: usize, len: usize) -> Option<bool> {
        let (&(pc, last), before) = self.fetched.insns[index..index + len].split_last()?;
        let &(first_pc, first) = before.first()?;
        let e = &mut self.emitter;
        let uncounted = e.uncounted;
        e.chain = Some(Chain { index: index as u16, uncounted, rd: first.rd, value: None, is_open: true });
        for &(pc, insn) in before {
            e.pc = pc;
            let flow = Rv64::exec(e, &insn);
            debug_assert_eq!(flow, Ok(Flow::Next));
        }
        if let Some(chain) = &mut e.chain {
            chain.is_open = false;
        }
        e.pc = pc;
        e.uncounted += before.len() as u16;
        let is_reached = self.try_insn(pc, &last);
        let e = &mut self.emitter;
        e.chain = None;
        if is_reached.is_none() {
            e.uncounted = uncounted;
            e.begin(index as u16, first_pc);
        }
        is_reached
    }

    /// A part of the code begins here.
    fn part(&mut self, part: Part) {
        self.parts.all.push((self.emitter.asm.offset() as u32, part));
    }

    /// Adds to `instret` what it does not count yet.
    fn count(&mut self) {
        let n = std::mem::take(&mut self.emitter.uncounted);
        if self.config.count {
            count(self.emitter.asm, &self.config.map, n.into());
        }
    }

    /// Exchanges registers, between the fixed map and that of the superblock. Uses rcx and a scratch register for
    /// numbers, and leaves the flags.
    fn exchange(&mut self) {
        const PINNED: &str = "one of the two is pinned";
        let (map, asm) = (&self.config.map, &mut *self.emitter.asm);
        for &Exchange { file, used, unused } in self.exchanges {
            match file {
                File::Integer => {
                    let host = map.pinned(unused).expect(PINNED);
                    asm.mov(Size::Qword, Gpr::Rcx, x_slot(used));
                    asm.mov_store(Size::Qword, x_slot(used), host);
                    asm.mov(Size::Qword, host, Gpr::Rcx);
                }
                File::Float => {
                    let host = map.pinned_f(unused).expect(PINNED);
                    asm.vmov_load(Fp::Double, float::T0, f_slot(used));
                    asm.vmov_store(Fp::Double, f_slot(used), host);
                    asm.vmov_reg(host, float::T0);
                }
            }
        }
    }

    /// Pauses here if asked to.
    fn emit_pause(&mut self, pc: u64) {
        let asm = &mut *self.emitter.asm;
        let from = asm.new_label();
        if let Some(counter) = self.config.map.counter() {
            asm.alu(Alu::Cmp, Size::Qword, counter, STOP_WORD);
            asm.jcc(x64::Cond::Le, from);
        } else {
            asm.alu_imm(Alu::Cmp, Size::Dword, STOP, 0);
            asm.jcc(x64::Cond::Ne, from);
            if self.config.count {
                asm.mov(Size::Qword, Gpr::Rax, INSTRET);
                asm.alu(Alu::Cmp, Size::Qword, Gpr::Rax, Word::Limit.mem());
                asm.jcc(x64::Cond::Ae, from);
            }
        }
        self.emitter.cold.push(Cold::Pause { from, pc, known: self.emitter.known.fp });
    }

    /// Emits one instruction. False if the next is not reached from it.
    fn emit_insn(&mut self, pc: u64, insn: &Insn) -> bool {
        self.try_insn(pc, insn).unwrap_or_else(|| self.emit_by_definition(pc, insn))
    }

    /// Emits an instruction as [`Self::emit_insn`] does; `None` if it is not compiled. Then nothing has been emitted.
    fn try_insn(&mut self, pc: u64, insn: &Insn) -> Option<bool> {
        let e = &mut self.emitter;
        let (offset, accesses, cold) = (e.asm.offset(), e.accesses.len(), e.cold.len());
        let known = e.known.fp;
        let flow = Rv64::exec(e, insn);
        let flow = if e.uncompiled { Err(Stop::Uncompiled) } else { flow };
        let next = pc + u64::from(insn.len);
        let is_reached = match flow {
            // What was compiled of such an instruction changes nothing that code depends on.
            Ok(Flow::Next | Flow::Refetch) => {
                self.finish_insn(pc, insn);
                self.emitter.uncounted += 1;
                true
            }
            Err(Stop::Uncompiled) => {
                e.asm.truncate(offset);
                e.accesses.truncate(accesses);
                e.cold.truncate(cold);
                e.forget_labels();
                e.known.fp = known;
                return None;
            }
            Ok(Flow::Jump { offset }) => {
                self.emitter.uncounted += 1;
                self.count();
                self.emitter.settle_all();
                self.jump(pc.wrapping_add_signed(offset));
                false
            }
            Ok(Flow::Branch { cond, a, b, offset }) => {
                self.emit_branch(cond, a, b, pc.wrapping_add_signed(offset), next)
            }
            Ok(Flow::Indirect { target, .. }) => {
                let target = e.nodes.constant(target);
                self.emitter.uncounted += 1;
                self.count();
                self.emitter.settle_all();
                match target {
                    Some(target) => self.jump(target as u64),
                    None => self.emit_indirect(),
                }
                false
            }
            Err(stop) => {
                self.count();
                self.emitter.settle_all();
                let reason = if stop == Stop::Syscall { Reason::Syscall } else { Reason::Breakpoint };
                self.exchange();
                self.store_pc(pc);
                self.emitter.asm.mov_imm(Gpr::Rax, reason as u64);
                self.emitter.asm.jmp_indirect(Word::Leave.mem());
                false
            }
        };
        Some(is_reached)
    }

    /// The encoding of an instruction.
    fn bits(&self, pc: u64, insn: &Insn) -> u32 {
        let (at, len) = ((pc - self.fetched.pc) as usize, usize::from(insn.len));
        let mut bits = [0; 4];
        bits[..len].copy_from_slice(&self.fetched.source[at..at + len]);
        u32::from_le_bytes(bits)
    }

    /// Notes the cold parts of an instruction that has been emitted.
    fn finish_insn(&mut self, pc: u64, insn: &Insn) {
        let bits = self.bits(pc, insn);
        let e = &mut self.emitter;
        let uncounted = e.uncounted;
        if let Some(from) = e.slow.take() {
            let back = e.asm.new_label();
            e.asm.bind(back);
            e.cold.push(Cold::Definition { from, back, pc, bits, uncounted });
        }
        if !e.missed.is_empty() {
            let back = e.asm.new_label();
            e.asm.bind(back);
            for (from, known) in e.missed.drain(..) {
                e.cold.push(Cold::Miss { from, back, pc, bits, uncounted, known });
            }
        }
        let next = pc + u64::from(insn.len);
        for (from, known) in e.rare.drain(..) {
            e.cold.push(Cold::Rare { from, pc, bits, next, uncounted, known });
        }
    }

    /// Has the instruction executed by its definition.
    fn emit_by_definition(&mut self, pc: u64, insn: &Insn) -> bool {
        self.count();
        self.emitter.settle_all();
        self.uncompiled.push(insn.op);
        let bits = self.bits(pc, insn);
        self.exchange();
        let asm = &mut *self.emitter.asm;
        let from = asm.new_label();
        cold::execute(asm, pc, bits);
        asm.jcc(x64::Cond::Ne, from);
        self.exchange();
        self.emitter.cold.push(Cold::Leave { from });
        self.emitter.uncounted = 1;
        self.emitter.known.forget();
        !never_continues(insn)
    }

    fn store_pc(&mut self, pc: u64) {
        let asm = &mut *self.emitter.asm;
        match imm32(pc as i64) {
            Some(imm) => asm.mov_store_imm(Size::Qword, PC, imm),
            None => {
                asm.mov_imm(Gpr::Rax, pc);
                asm.mov_store(Size::Qword, PC, Gpr::Rax);
            }
        }
    }

    /// The label of an instruction in this superblock. One that is before the current instruction must be an entry,
    /// which is where a loop pauses: a jump whose target was computed can lead to others.
    fn label_of(&self, pc: u64) -> Option<Label> {
        let index = self.fetched.insns.binary_search_by_key(&pc, |&(pc, _)| pc).ok()?;
        self.labels[index].filter(|target| target.is_loop || pc > self.emitter.pc).map(|target| target.label)
    }

    /// Goes on at `pc`.
    fn jump(&mut self, pc: u64) {
        match self.label_of(pc) {
            Some(label) => self.emitter.asm.jmp(label),
            None => self.exit(pc),
        }
    }

    /// Leaves the superblock for `pc`.
    fn exit(&mut self, pc: u64) {
        self.exchange();
        let asm = &mut *self.emitter.asm;
        if !self.config.link {
            asm.mov_imm(Gpr::Rax, pc);
            return asm.jmp_indirect(Word::LeaveTo.mem());
        }
        if self.is_elsewhere(pc) {
            let asm = &mut *self.emitter.asm;
            let from = asm.new_label();
            jump_to_known(asm, pc, from);
            return self.emitter.cold.push(Cold::MissedAt { from, pc });
        }
        let at = self.emitter.asm.jmp_patchable();
        self.emitter.cold.push(Cold::Unlinked { at, pc });
    }

    /// Whether another page may be mapped there the next time.
    fn is_elsewhere(&self, pc: u64) -> bool {
        self.config.translates && pc / PAGE_SIZE != self.fetched.pc / PAGE_SIZE
    }

    fn emit_branch(&mut self, cond: Cond, a: node::Val, b: node::Val, target: u64, next: u64) -> bool {
        let e = &mut self.emitter;
        if let (Some(a), Some(b)) = (e.nodes.constant(a), e.nodes.constant(b)) {
            e.uncounted += 1;
            if alu::compare(crate::guest::Width::W64, cond, a as u64, b as u64) {
                self.count();
                self.emitter.settle_all();
                if let Some(window) = self.emitter.window {
                    self.emitter.late_reservation(window);
                }
                self.jump(target);
                return false;
            }
            return true;
        }
        if target == next {
            e.uncounted += 1;
            return true;
        }
        e.uncounted += 1;
        // A branch within the superblock is one jump if both ways have counted.
        let counts_first = self.config.map.counter().is_some() && self.label_of(target).is_some();
        let e = &mut self.emitter;
        let taken = match e.as_compared(cond, a, b) {
            Some(taken) => {
                if counts_first && let Some(counter) = self.config.map.counter() {
                    // The flags stay.
                    let n = std::mem::take(&mut e.uncounted);
                    e.asm.lea(Size::Qword, counter, Mem::base(counter, -i32::from(n)));
                }
                taken
            }
            None => {
                // Before the flags are set.
                if counts_first {
                    self.count();
                }
                let kept = self.carried.filter(|&(head, _)| head == target).map_or([0; 2], |(_, fresh)| fresh);
                self.emitter.settle_all_but(kept);
                self.emitter.emit_compare(crate::guest::Width::W64, cond, a, b)
            }
        };
        let e = &mut self.emitter;
        debug_assert!(!e.uncompiled, "a comparison needs few registers");
        let uncounted = e.uncounted;
        if let Some(window) = e.window {
            let from = e.asm.new_label();
            e.asm.jcc(taken, from);
            let to = self.label_of(target);
            self.emitter.cold.push(Cold::LeaveWindow { from, window, to, pc: target, uncounted });
            return true;
        }
        let label = self.label_of(target);
        let is_settled = uncounted == 0 || !self.config.count;
        if let Some(label) = label.filter(|_| is_settled) {
            self.emitter.asm.jcc(taken, label);
            return true;
        }
        if label.is_none() && self.config.translates && self.config.link && target > self.emitter.pc {
            // The way that is likely taken has no jump.
            let from = self.emitter.asm.new_label();
            self.emitter.asm.jcc(taken, from);
            self.emitter.cold.push(Cold::Exit { from, pc: target, uncounted });
            return true;
        }
        if !is_settled || self.config.translates || !self.config.link {
            let stay = self.emitter.asm.new_label();
            self.emitter.asm.jcc(taken.negate(), stay);
            self.count();
            self.emitter.uncounted = uncounted;
            self.jump(target);
            self.emitter.asm.bind(stay);
            return true;
        }
        if self.exchanges.is_empty() {
            let at = self.emitter.asm.jcc_patchable(taken);
            self.emitter.cold.push(Cold::Unlinked { at, pc: target });
        } else {
            let from = self.emitter.asm.new_label();
            self.emitter.asm.jcc(taken, from);
            self.emitter.cold.push(Cold::Exit { from, pc: target, uncounted: 0 });
        }
        true
    }

    /// Goes on at the pc in rax through the jump cache.
    fn emit_indirect(&mut self) {
        self.exchange();
        self.emit_jump_through_cache();
    }

    /// The same where the fixed map is in force.
    fn emit_jump_through_cache(&mut self) {
        // See `jump_index`.
        let has_rorx = self.config.features.contains(HostFeatures::BMI2);
        let asm = &mut *self.emitter.asm;
        let from = asm.new_label();
        if has_rorx {
            asm.rorx(Size::Dword, Gpr::Rcx, Gpr::Rax, PAGE_SHIFT);
        } else {
            asm.mov(Size::Dword, Gpr::Rcx, Gpr::Rax);
            asm.shift_imm(Shift::Shr, Size::Dword, Gpr::Rcx, PAGE_SHIFT);
        }
        asm.alu(Alu::Xor, Size::Dword, Gpr::Rcx, Gpr::Rax);
        asm.alu_imm(Alu::And, Size::Dword, Gpr::Rcx, jump_mask(jump_entries(self.config.translates)));
        asm.mov(Size::Qword, Gpr::Rdx, Word::Jumps.mem());
        let entry = Mem::indexed(Gpr::Rdx, Gpr::Rcx, x64::Scale::Eight, 0);
        asm.alu(Alu::Cmp, Size::Qword, Gpr::Rax, entry);
        asm.jcc(x64::Cond::Ne, from);
        asm.jmp_indirect(Mem { disp: 8, ..entry });
        self.emitter.cold.push(Cold::Missed { from });
    }

    /// Emits what the exit with its displacement at this offset leads to until it is linked.
    fn emit_unlinked(&mut self, at: usize, pc: u64) {
        let asm = &mut *self.emitter.asm;
        asm.set_displacement(at);
        let Some(data) = ExitData::new(pc, asm.offset() + ExitData::CALL as usize - at) else {
            // It stays unlinked.
            asm.mov_imm(Gpr::Rax, pc);
            return asm.jmp_indirect(Word::LeaveTo.mem());
        };
        let start = asm.offset();
        asm.call(Word::LeaveLink.mem());
        debug_assert_eq!(asm.offset() - start, ExitData::CALL as usize);
        self.parts.all.push((asm.offset() as u32, Part::Data));
        asm.data(&data.bytes());
        asm.data(&[0; 4]);
    }
}

/// Counts so many instructions more.
fn count(asm: &mut Assembler, map: &RegisterMap, n: i32) {
    match map.counter() {
        _ if n == 0 => {}
        Some(counter) => asm.alu_imm(Alu::Sub, Size::Qword, counter, n),
        None => asm.alu_imm(Alu::Add, Size::Qword, INSTRET, n),
    }
}

/// Goes on at a known pc on another page through the jump cache, if it is there.
fn jump_to_known(asm: &mut Assembler, pc: u64, missed: Label) {
    asm.mov(Size::Qword, Gpr::Rdx, Word::Jumps.mem());
    let entry = Mem::base(Gpr::Rdx, 16 * jump_index(pc, jump_entries(true)) as i32);
    match imm32(pc as i64) {
        Some(pc) => asm.alu_imm(Alu::Cmp, Size::Qword, entry, pc),
        None => {
            asm.mov_imm(Gpr::Rax, pc);
            asm.alu(Alu::Cmp, Size::Qword, Gpr::Rax, entry);
        }
    }
    asm.jcc(x64::Cond::Ne, missed);
    asm.jmp_indirect(Mem { disp: entry.disp + 8, ..entry });
}

/// Entries of a jump cache, a power of two. An entry is the pc and the host's address of the code. Where addresses are
/// translated, all jumps between pages are found there.
pub const fn jump_entries(translates: bool) -> usize {
    if translates { 1 << 14 } else { 1 << 12 }
}

/// What selects an entry: these bits of the pc, mixed with those of its page. An entry is at 8 times this.
const fn jump_mask(entries: usize) -> i32 {
    (entries as i32 - 1) * 2
}

const PAGE_SHIFT: u8 = PAGE_SIZE.trailing_zeros() as u8;

/// The index of a pc in a jump cache of so many entries. The pcs of a page have indices of their own, which differ only in
/// the bits within a page.
pub fn jump_index(pc: u64, entries: usize) -> usize {
    ((pc ^ pc >> PAGE_SHIFT) as usize & jump_mask(entries) as usize) / 2
}

/// An instruction at address 0 with these registers and the immediate 8.
#[cfg(test)]
fn test_insn(op: Op, rd: crate::guest::Reg, rs1: crate::guest::Reg, rs2: crate::guest::Reg) -> (u64, Insn) {
    (0, Insn { op, rd, rs1, rs2, rs3: 0, rm: 0, len: 4, imm: 8 })
}
