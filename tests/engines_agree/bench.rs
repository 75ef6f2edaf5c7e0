//! Two engines, each with memory and a hart of its own, that run the same program and are compared at every exit.

use crate::neighbour::{Neighbour, Part};
use crate::program::{Assembled, Program};
use crate::rng::Rng;
use crate::shrink;
use remu::guest::riscv::{Cpu, Rv64, UserProgram};
use remu::guest::{Counters, Engine, Exit, HartOwner};
use remu::memory::{
    Access, Backing, GuestAddr, GuestFault, GuestMemory, MapRequest, Place, Prot, SpaceConfig, UserSpace,
};
use remu_isa::{Insn, Op, RegClass, Xlen, decode, f_name, x_name};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

pub const PAGE: u64 = 0x1000;
/// The first address past the address space.
pub const LIMIT: u64 = 1 << 38;

/// Where programs run. They cannot write there.
pub const CODE: u64 = 0x10_0000;
/// The same memory, readable and writable: programs that change themselves run here.
pub const CHANGING: u64 = 0x2b_37d9_0000;
pub const CODE_SIZE: u64 = 8 * PAGE;

/// Data: two pages, one that is read-only and zero, one, a hole, one, one without permissions.
pub const DATA: u64 = 0x20_0000;
/// The page after the hole.
pub const AFTER_HOLE: u64 = DATA + 5 * PAGE;
/// A page of a file, and a page past the file's end.
pub const FILE: u64 = 0x30_0000;
/// The stack, and jump tables in its last page.
pub const STACK: u64 = 0x40_0000;
pub const TABLES: u64 = STACK + PAGE;
/// A page that `lui` does not reach.
pub const HIGH: u64 = 0x12_3456_7000;

/// An address at which each load or store succeeds.
const SAFE: u64 = DATA + 0x840;

/// Memory that programs can write.
const DATA_AREAS: [(u64, u64); 6] =
    [(DATA, 2 * PAGE), (DATA + 3 * PAGE, PAGE), (AFTER_HOLE, PAGE), (FILE, PAGE), (STACK, 2 * PAGE), (HIGH, PAGE)];
const DATA_SIZE: usize = 8 * PAGE as usize;

/// Instructions after which a program is given up: shrinking can take the end out of a loop.
const TOO_MANY: u64 = 20_000;
/// Exits after which a program has run long enough.
const ENOUGH_EXITS: usize = 100;

/// An engine with its memory.
pub struct Side {
    pub name: &'static str,
    space: UserSpace,
    hart: HartOwner<Rv64>,
    engine: Box<dyn Engine<Rv64, Privilege = UserProgram, Memory = UserSpace>>,
    neighbour: Neighbour,
    /// Whether instructions are counted, which a limit needs. If not, programs must not read the counters.
    counts: bool,
    /// Whether the engine is told where code has changed for the next program. If not, it is told to forget all code.
    reports: bool,
    /// Reserves what is below a space that is not the identity: engines may add its base to any address.
    _below: Option<UserSpace>,
}

/// A space with all areas mapped. Only one space of a process can be the identity.
fn space(identity: bool) -> UserSpace {
    let space = UserSpace::new(&SpaceConfig { limit: GuestAddr(LIMIT), identity }).expect("an address space");
    assert_eq!(space.is_identity(), identity);
    let rw = Prot::READ | Prot::WRITE;
    let map = |request: MapRequest| space.map(&request).expect("room for a mapping");
    let anonymous = |at, pages, prot| {
        map(MapRequest::anonymous(Place::Fixed(GuestAddr(at)), pages * PAGE, prot));
    };
    let file = |at, size, len, prots: &[(u64, Prot)]| {
        let file = memfd_create("memory", MemfdFlags::CLOEXEC).expect("a memfd");
        ftruncate(&file, size).expect("a memfd can grow");
        for &(at, prot) in prots.iter().chain(&[(at, rw)]) {
            let backing = Backing::File { fd: file.as_fd(), offset: 0, path: Path::new("memory").into() };
            let place = Place::Fixed(GuestAddr(at));
            map(MapRequest { backing, shared: true, ..MapRequest::anonymous(place, len, prot) });
        }
    };
    file(CHANGING, CODE_SIZE, CODE_SIZE, &[(CODE, Prot::READ | Prot::EXEC)]);
    space.protect(GuestAddr(CHANGING), CODE_SIZE, Prot::all()).expect("it is mapped");
    file(FILE, PAGE, 2 * PAGE, &[]);
    for (at, pages, prot) in [
        (DATA, 2, rw),
        (DATA + 2 * PAGE, 1, Prot::READ),
        (DATA + 3 * PAGE, 1, rw),
        (AFTER_HOLE, 1, rw),
        (AFTER_HOLE + PAGE, 1, Prot::empty()),
        (STACK, 2, rw),
        (HIGH, 1, rw),
    ] {
        anonymous(at, pages, prot);
    }
    space
}

/// Makes memory of the pages around an address space, where the host's refusal would hide that an access is made which
/// should have been refused.
fn make_memory_around(space: &UserSpace) {
    for at in [space.host_offset() + LIMIT, space.host_offset() - PAGE] {
        // SAFETY: these pages are the address space's own reservation, in which nothing is.
        let failed = unsafe { libc::mprotect(at as *mut _, PAGE as usize, libc::PROT_READ | libc::PROT_WRITE) };
        assert_eq!(failed, 0, "pages around the address space");
    }
}

impl Side {
    /// A side whose engine is made for a space and a hart.
    pub fn new<E>(name: &'static str, identity: bool, make: impl FnOnce(&UserSpace, &HartOwner<Rv64>) -> E) -> Self
    where
        E: Engine<Rv64, Privilege = UserProgram, Memory = UserSpace> + 'static,
    {
        let space = space(identity);
        if !identity {
            make_memory_around(&space);
        }
        let below = SpaceConfig { limit: GuestAddr(1 << 41), identity: false };
        let below = (!identity).then(|| UserSpace::new(&below).expect("an address space"));
        let hart = HartOwner::new(Cpu::new(remu_isa::Isa::rv64_max()));
        let engine = Box::new(make(&space, &hart));
        Neighbour::age(space.reservations());
        let neighbour = Neighbour::default();
        Self { name, space, hart, engine, neighbour, counts: true, reports: false, _below: below }
    }

    /// A side whose engine does not count instructions.
    pub fn uncounted(self) -> Self {
        Self { counts: false, ..self }
    }

    /// A side whose engine is told where code has changed, rather than to forget all.
    pub fn reporting(self) -> Self {
        Self { reports: true, ..self }
    }

    /// Runs to the next exit.
    fn run(&mut self) -> Exit {
        self.engine.run(&mut self.hart, &mut UserProgram::new(), &self.space)
    }

    /// The counters of the engine.
    pub fn statistics(&self) -> Counters {
        self.engine.statistics()
    }

    fn instret(&self) -> u64 {
        self.hart.cpu().instret
    }

    fn write(&self, at: u64, bytes: &[u8]) {
        self.space.write_bytes(GuestAddr(at), bytes).expect("writable memory");
    }

    /// Puts the program and what it starts with into memory, in place of the one before.
    fn load(&mut self, program: &Program, code: &Assembled, contents: &[(u64, Vec<u8>)]) {
        for (at, bytes) in contents {
            self.write(*at, bytes);
        }
        if self.reports {
            for area in [CODE, CHANGING] {
                self.space.code_changed(GuestAddr(area)..GuestAddr(area + CODE_SIZE));
            }
        } else {
            self.engine.forget_code();
        }
        for &(at, slot) in &program.tables {
            self.write(at, &code.addrs[slot].to_le_bytes());
        }
        *self.hart.cpu_mut() = program.cpu();
        self.hart.cell().take_stop();
    }

    /// The neighbour writes, reserves and claims.
    fn disturb(&mut self, [written, reserved, claimed]: [Part; 3]) {
        Neighbour::write(self.space.reservations(), written);
        self.neighbour.reserve(self.space.reservations(), reserved);
        self.neighbour.claim(self.space.reservations(), claimed);
    }

    /// Ends what the neighbour is in the middle of. Where it has lost reservations.
    fn settle_neighbour(&mut self) -> Vec<GuestAddr> {
        self.neighbour.unclaim(self.space.reservations());
        self.neighbour.ended(self.space.reservations())
    }

    fn read(&self, to: &mut Vec<u8>) {
        to.resize(DATA_SIZE + CODE_SIZE as usize, 0);
        let mut rest = &mut to[..];
        for (at, len) in DATA_AREAS.into_iter().chain([(CHANGING, CODE_SIZE)]) {
            let (part, after) = rest.split_at_mut(len as usize);
            self.space.read_bytes(GuestAddr(at), part).expect("readable memory");
            rest = after;
        }
    }

    /// The instruction at the pc.
    fn insn(&self) -> Option<Insn> {
        let mut bytes = [0; 4];
        let pc = GuestAddr(self.hart.cpu().pc);
        if self.space.read_bytes(pc, &mut bytes).is_err() {
            self.space.read_bytes(pc, &mut bytes[..2]).ok()?;
        }
        let insn = decode(u32::from_le_bytes(bytes), self.hart.cpu().isa).ok()?;
        Some(insn.expand(Xlen::Rv64))
    }
}

/// What came of a program.
pub enum Outcome {
    /// The engines agree: instructions, and the exits.
    Agree(u64, Vec<Exit>),
    /// The program does not end soon.
    TooLong,
    /// It is not for these engines.
    Unfit,
    /// They do not agree; the lines say in what.
    Differ(String),
}

/// What the harness does after an exit, so that the program continues.
enum After {
    Done,
    /// The pc moves on by this many bytes.
    Skip(u64),
    /// This register gets this value, and the instruction is tried again.
    Mend(u8, u64),
}

/// Two sides.
pub struct Pair {
    pub left: Side,
    pub right: Side,
    /// Whether the right side pauses after a few instructions at a time. The left one then stops at the same one.
    pauses: bool,
    /// Makes both anew, after a panic.
    make: Box<dyn Fn() -> (Side, Side)>,
    memory: [Vec<u8>; 2],
}

impl Pair {
    pub fn new(make: impl Fn() -> (Side, Side) + 'static) -> Self {
        let (left, right) = make();
        Self { left, right, pauses: false, make: Box::new(make), memory: [Vec::new(), Vec::new()] }
    }

    /// A pair whose right side is compared in the middle of programs, too.
    pub fn pausing(self) -> Self {
        Self { pauses: true, ..self }
    }

    /// Runs a program on both sides. A panic of an engine is a difference.
    pub fn run(&mut self, program: &Program) -> Outcome {
        let caught = catch_unwind(AssertUnwindSafe(|| self.run_sides(program)));
        caught.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            (self.left, self.right) = (self.make)();
            Outcome::Differ(format!("panic: {text}"))
        })
    }

    /// The smallest program found on which the sides still differ, and in what.
    pub fn shrink(&mut self, program: Program, difference: String) -> (Program, String) {
        shrink::shrink(program, difference, &mut |smaller| match self.run(smaller) {
            Outcome::Differ(difference) => Some(difference),
            _ => None,
        })
    }

    fn run_sides(&mut self, program: &Program) -> Outcome {
        let code = program.assemble();
        if !self.right.counts && code.insns.iter().any(|(_, insn)| reads_counter(insn)) {
            return Outcome::Unfit;
        }
        let contents = contents(program, &code);
        for side in [&mut self.left, &mut self.right] {
            side.load(program, &code, &contents);
        }
        self.left.engine.limit(TOO_MANY);
        if self.right.counts {
            self.right.engine.limit(2 * TOO_MANY);
        }
        let mut exits = Vec::new();
        let mut mended = None;
        let mut rng = Rng(program.base ^ program.x[10]);
        let is_disturbed = code.insns.iter().any(|(_, insn)| insn.op.info().is_atomic);
        let mut parts = Rng(!program.base ^ program.x[10] ^ program.memory.unwrap_or(0));
        loop {
            if is_disturbed {
                let [written, reserved, claimed] = [(); 3].map(|()| Part::random(&mut parts));
                let may_claim = parts.one_in(3) && !may_pair(&code);
                let parts = [written, reserved, if may_claim { claimed } else { Part::None }];
                [&mut self.left, &mut self.right].into_iter().for_each(|side| side.disturb(parts));
            }
            let (left, right) = if self.pauses {
                match self.with_pauses(program.instret, &mut rng) {
                    Ok(both) => both,
                    Err(outcome) => return outcome,
                }
            } else {
                let left = self.left.run();
                if left == Exit::Interrupted {
                    return Outcome::TooLong;
                }
                (left, self.right.run())
            };
            exits.push(left);
            if !self.right.counts {
                self.right.hart.cpu_mut().instret = self.left.hart.cpu().instret;
            }
            if let Some(differences) = self.differences(left, right) {
                return Outcome::Differ(format!("at exit {}, {left:x?}:\n{differences}", exits.len()));
            }
            if is_disturbed {
                let [a, b] = [&mut self.left, &mut self.right].map(Side::settle_neighbour);
                let exits = exits.len();
                if a != b {
                    return Outcome::Differ(format!(
                        "at exit {exits}, {left:x?}: reservations ended at {a:x?}, {b:x?}"
                    ));
                }
                if !self.right.neighbour.may_go_on(self.right.space.reservations()) {
                    return Outcome::Differ(format!("at exit {exits}, {left:x?}: a bucket is damaged"));
                }
            }
            let cpu = self.left.hart.cpu();
            if exits.len() == ENOUGH_EXITS {
                return Outcome::Agree(cpu.instret - program.instret, exits);
            }
            let again = mended.replace(cpu.pc) == Some(cpu.pc);
            match after(&self.left, left, code.end(), program.reserved, again) {
                After::Done => return Outcome::Agree(cpu.instret - program.instret, exits),
                After::Skip(len) => [&mut self.left, &mut self.right].map(|s| s.hart.cpu_mut().pc += len),
                After::Mend(r, v) => [&mut self.left, &mut self.right].map(|s| s.hart.cpu_mut().set_x(r, v)),
            };
        }
    }

    /// Runs both sides to the next exit. The right one pauses often; the left one, whose limits are exact, is then
    /// stopped after the same number of instructions. The program has started when `instret` was `start`.
    fn with_pauses(&mut self, start: u64, rng: &mut Rng) -> Result<(Exit, Exit), Outcome> {
        loop {
            let before = self.right.instret();
            self.right.engine.limit(1 + rng.below(40) as u64);
            let right = self.right.run();
            let done = self.right.instret();
            if done - start > TOO_MANY {
                return Err(Outcome::TooLong);
            }
            let ahead = done.saturating_sub(self.left.instret());
            if right != Exit::Interrupted {
                self.left.engine.limit(ahead + 1);
                return Ok((self.left.run(), right));
            }
            if done == before {
                return Err(Outcome::Differ(format!("no instruction runs under a limit, at {before}")));
            }
            self.left.engine.limit(ahead);
            let left = self.left.run();
            if let Some(differences) = self.differences(left, right) {
                return Err(Outcome::Differ(format!("at a pause, after {done} instructions:\n{differences}")));
            }
        }
    }

    /// In what the sides differ.
    fn differences(&mut self, left: Exit, right: Exit) -> Option<String> {
        self.left.read(&mut self.memory[0]);
        self.right.read(&mut self.memory[1]);
        let (a, b) = (self.left.hart.cpu(), self.right.hart.cpu());
        let reserved =
            |cpu: &Cpu| (cpu.reservation.place != 0).then_some((cpu.reservation.place, cpu.reservation.value));
        let same = left == right
            && (a.pc, a.instret, a.fcsr(), reserved(a)) == (b.pc, b.instret, b.fcsr(), reserved(b))
            && a.x[..32] == b.x[..32]
            && a.f == b.f
            && self.memory[0] == self.memory[1];
        if same {
            return None;
        }
        let mut lines = vec![format!("  {:<10} {:>24} {:>24}", "", self.left.name, self.right.name)];
        let mut line = |what: &str, a: String, b: String| {
            if a != b {
                lines.push(format!("  {what:<10} {a:>24} {b:>24}"));
            }
        };
        let hex = |v: u64| format!("{v:#x}");
        line("exit", format!("{left:x?}"), format!("{right:x?}"));
        line("pc", hex(a.pc), hex(b.pc));
        line("instret", a.instret.to_string(), b.instret.to_string());
        line("fflags", hex(a.fflags.0.into()), hex(b.fflags.0.into()));
        line("frm", hex(a.frm.into()), hex(b.frm.into()));
        line("reserved", format!("{:x?}", reserved(a)), format!("{:x?}", reserved(b)));
        for r in 0..32 {
            line(x_name(r as u8), hex(a.x[r]), hex(b.x[r]));
            line(f_name(r as u8), hex(a.f[r]), hex(b.f[r]));
        }
        let mut at = 0;
        for (start, len) in DATA_AREAS.into_iter().chain([(CHANGING, CODE_SIZE)]) {
            for offset in (0..len).step_by(8) {
                let word = |m: &[u8]| u64::from_le_bytes(m[at..at + 8].try_into().expect("eight bytes"));
                line(&hex(start + offset), hex(word(&self.memory[0])), hex(word(&self.memory[1])));
                at += 8;
            }
        }
        Some(lines.join("\n"))
    }
}

/// All memory as the program expects it.
fn contents(program: &Program, code: &Assembled) -> Vec<(u64, Vec<u8>)> {
    let mut all: Vec<(u64, Vec<u8>)> = Vec::new();
    for (at, len) in DATA_AREAS {
        for page in (at..at + len).step_by(PAGE as usize) {
            let mut bytes = vec![0; PAGE as usize];
            program.fill(page, &mut bytes);
            all.push((page, bytes));
        }
    }
    let mut bytes = vec![0; CODE_SIZE as usize];
    let start = (program.base % CODE_SIZE) as usize;
    bytes[start..start + code.bytes.len()].copy_from_slice(&code.bytes);
    all.push((CHANGING, bytes));
    all
}

/// Whether the compiler may make one operation of an LR and its SC, which then does not see that a bucket is claimed.
fn may_pair(code: &Assembled) -> bool {
    let is_lr = |insn: &Insn| matches!(insn.op, Op::LrW | Op::LrD);
    code.insns.windows(2).any(|two| is_lr(&two[0].1) && !matches!(two[1].1.op, Op::Mul | Op::Ecall))
}

/// Whether an instruction reads `cycle` or `instret`.
fn reads_counter(insn: &Insn) -> bool {
    insn.op.mnemonic().starts_with("csrr") && matches!(insn.imm & 0xfff, 0xc00 | 0xc02)
}

/// How execution continues after an exit of a program that ends at `end`. `again`: the instruction has already stopped
/// the program just before.
fn after(side: &Side, exit: Exit, end: u64, reserved: u32, again: bool) -> After {
    let pc = side.hart.cpu().pc;
    let insn = side.insn();
    let len = insn.map(|i| u64::from(i.len));
    match exit {
        Exit::Breakpoint if pc == end => After::Done,
        Exit::Fault(GuestFault { access: Access::Fetch, .. }) => After::Done,
        Exit::Illegal { bits } => After::Skip(if bits & 3 == 3 { 4 } else { 2 }),
        Exit::Fault(_) => {
            let (Some(insn), Some(len)) = (insn, len) else { return After::Skip(2) };
            let r = insn.rs1;
            let fixed = r == 0 || reserved >> r & 1 != 0 || insn.op.info().rs1 != RegClass::X;
            // Now and then the program goes on behind the instruction.
            if again || fixed || pc >> 1 & 3 == 0 {
                return After::Skip(len);
            }
            let offset = if insn.op.info().is_atomic { 0 } else { i64::from(insn.imm) };
            After::Mend(r, SAFE.wrapping_add_signed(-offset))
        }
        _ => After::Skip(len.unwrap_or(2)),
    }
}
