//! Composes the programs. Each variant of an instruction is a loop that loads operands from a record, executes the
//! instruction, and stores the results to another record.

use remu_isa::{Insn, Op, RegClass, Xlen, encode};

/// Memory for instructions under test.
pub const SCRATCH: u64 = 0x0040_0000;
pub const SCRATCH_SIZE: u64 = 0x3000;
pub const CODE: u64 = 0x0100_0000;
pub const DATA: u64 = 0x1000_0000;
pub const OUT: u64 = 0x3000_0000;

/// Registers reserved for the program; variants use the others.
const MARK: u8 = 22;
pub const TEMP: u8 = 23;
const COUNT: u8 = 24;
const WINDOW: u8 = 25;
const INPUT: u8 = 26;
const OUTPUT: u8 = 27;
const FREE: [std::ops::Range<u8>; 2] = [1..MARK, 28..32];
const FCSR: i32 = 3;

/// Whether instructions under test may name the integer register.
pub fn is_free(r: u8) -> bool {
    r == 0 || FREE.iter().any(|f| f.contains(&r))
}

/// The initial state of a run; registers in the order of [`Variant::x`] and [`Variant::f`].
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub fcsr: u64,
    pub x: Vec<u64>,
    pub f: Vec<u64>,
    /// The address of the memory window, if the variant accesses memory.
    pub window: u64,
    pub memory: Vec<u8>,
}

/// An instruction with its operands and setup code.
#[derive(Clone, Debug)]
pub struct Variant {
    pub insn: Insn,
    /// Executed right before it.
    pub before: Vec<Insn>,
    /// The registers it reads or writes.
    pub x: Vec<u8>,
    pub f: Vec<u8>,
    /// The size of the memory window, a multiple of 8.
    pub window: usize,
}

impl Variant {
    pub fn new(insn: Insn, xlen: Xlen) -> Self {
        let e = insn.expand(xlen);
        let info = e.op.info();
        let (mut x, mut f) = (Vec::new(), Vec::new());
        let fields = [(info.rd, e.rd), (info.rs1, e.rs1), (info.rs2, e.rs2), (info.rs3, e.rs3)];
        for (number, (class, r)) in fields.into_iter().enumerate() {
            let pair = info.pair == Some(xlen) && number != 1;
            match class {
                RegClass::X if r != 0 => {
                    x.push(r);
                    x.extend(pair.then_some(r + 1));
                }
                RegClass::F => f.push(r),
                _ => {}
            }
        }
        for v in [&mut x, &mut f] {
            v.sort_unstable();
            v.dedup();
        }
        Self { insn, before: Vec::new(), x, f, window: 0 }
    }
}

/// The location of a variant's runs in the input and the output.
pub struct Placed {
    pub variant: Variant,
    /// The address of the instruction.
    pub pc: u64,
    pub records: Vec<Record>,
    /// The offset of the first result in the output; [`Placed::stride`] bytes each, then the registers.
    pub out: usize,
}

impl Placed {
    /// The size of a result: fcsr, mark, registers, memory.
    pub fn stride(&self) -> usize {
        16 + 8 * (self.variant.x.len() + self.variant.f.len()) + self.variant.window
    }

    /// The size of all results.
    pub fn len(&self) -> usize {
        self.stride() * self.records.len() + REGISTERS
    }
}

/// The bytes of the dump of all registers after the last run of a variant.
const REGISTERS: usize = 8 * (21 + 4 + 32);

/// The registers in the dump, in order: class and number.
pub fn dumped() -> impl Iterator<Item = (RegClass, u8)> {
    let x = FREE.into_iter().flatten().map(|r| (RegClass::X, r));
    x.chain((0..32).map(|r| (RegClass::F, r)))
}

/// A program under construction.
pub struct Program {
    pub xlen: Xlen,
    pub code: Vec<u8>,
    pub data: Vec<u8>,
    pub placed: Vec<Placed>,
    out: usize,
}

pub fn insn(op: Op, rd: u8, rs1: u8, rs2: u8, imm: i32) -> Insn {
    Insn { op, rd, rs1, rs2, rs3: 0, rm: 0, len: if op.info().compressed { 2 } else { 4 }, imm }
}

fn addi(rd: u8, rs1: u8, imm: i32) -> Insn {
    insn(Op::Addi, rd, rs1, 0, imm)
}

impl Program {
    pub fn new(xlen: Xlen) -> Self {
        let mut p = Self { xlen, code: Vec::new(), data: Vec::new(), placed: Vec::new(), out: 0 };
        p.load_constant(INPUT, DATA);
        p.load_constant(OUTPUT, OUT);
        // Every register has a distinct value, so that a stray write is visible.
        for r in FREE.into_iter().flatten() {
            p.load_constant(r, 0x0101_0101 * u64::from(r));
        }
        for r in 0..32 {
            p.load_constant(TEMP, 0x0202_0203 * u64::from(r));
            p.emit(insn(Op::FcvtDW, r, TEMP, 0, 0));
        }
        p
    }

    fn here(&self) -> u64 {
        CODE + self.code.len() as u64
    }

    pub fn emit(&mut self, i: Insn) {
        let bits = encode(&i, self.xlen).unwrap_or_else(|e| panic!("{i:?}: {e}"));
        self.code.extend(&bits.to_le_bytes()[..usize::from(i.len)]);
    }

    /// Loads a constant below 2^31.
    fn load_constant(&mut self, rd: u8, value: u64) {
        let low = (value as i32) << 20 >> 20;
        self.emit(insn(Op::Lui, rd, 0, 0, (value as i32).wrapping_sub(low)));
        self.emit(addi(rd, rd, low));
    }

    /// Jumps to any address through the temporary register.
    fn jump(&mut self, to: u64) {
        let offset = to.wrapping_sub(self.here()) as i32;
        let low = offset << 20 >> 20;
        self.emit(insn(Op::Auipc, TEMP, 0, 0, offset - low));
        self.emit(insn(Op::Jalr, 0, TEMP, 0, low));
    }

    fn step(&self) -> usize {
        self.xlen.bits() as usize / 8
    }

    fn load(&mut self, r: u8, base: u8, offset: usize) {
        let op = if self.xlen == Xlen::Rv64 { Op::Ld } else { Op::Lw };
        self.emit(insn(op, r, base, 0, offset as i32));
    }

    fn store(&mut self, r: u8, base: u8, offset: usize) {
        let op = if self.xlen == Xlen::Rv64 { Op::Sd } else { Op::Sw };
        self.emit(insn(op, 0, base, r, offset as i32));
    }

    /// Adds a variant, run once for each record. `records` gets the target of an indirect jump, which is known only
    /// after the instruction is placed.
    pub fn add(&mut self, variant: Variant, records: impl FnOnce(u64) -> Vec<Record>) {
        // The count is known only after the records are made.
        let count_at = self.code.len();
        self.load_constant(COUNT, 0);
        let top = self.here();
        self.load(TEMP, INPUT, 0);
        self.emit(insn(Op::Csrrw, 0, TEMP, 0, FCSR));
        self.emit(addi(MARK, 0, 0));
        let mut at = 8;
        if variant.window != 0 {
            self.load(WINDOW, INPUT, at);
            at += 8;
            for offset in (0..variant.window).step_by(self.step()) {
                self.load(TEMP, INPUT, at + offset);
                self.store(TEMP, WINDOW, offset);
            }
            at += variant.window;
        }
        for &f in &variant.f {
            self.emit(insn(Op::Fld, f, INPUT, 0, at as i32));
            at += 8;
        }
        for &x in &variant.x {
            self.load(x, INPUT, at);
            at += 8;
        }
        let (pc, target) = self.body(&variant);
        let mut to = 16;
        for &x in &variant.x {
            self.store(x, OUTPUT, to);
            to += 8;
        }
        for &f in &variant.f {
            self.emit(insn(Op::Fsd, 0, OUTPUT, f, to as i32));
            to += 8;
        }
        self.emit(insn(Op::Csrrs, TEMP, 0, 0, FCSR));
        self.store(TEMP, OUTPUT, 0);
        self.store(MARK, OUTPUT, 8);
        for offset in (0..variant.window).step_by(self.step()) {
            self.load(TEMP, WINDOW, offset);
            self.store(TEMP, OUTPUT, to + offset);
        }
        to += variant.window;
        self.emit(addi(INPUT, INPUT, at as i32));
        self.emit(addi(OUTPUT, OUTPUT, to as i32));
        self.emit(addi(COUNT, COUNT, -1));
        self.emit(insn(Op::Beq, 0, COUNT, 0, 12));
        self.jump(top);
        self.dump_registers();

        let records = records(target);
        assert!(!records.is_empty(), "{}: no runs", variant.insn.op);
        let rest = self.code.split_off(count_at);
        self.load_constant(COUNT, records.len() as u64);
        self.code.extend(&rest[8..]);
        for r in &records {
            self.data.extend(r.fcsr.to_le_bytes());
            if variant.window != 0 {
                assert_eq!(r.memory.len(), variant.window);
                self.data.extend(r.window.to_le_bytes());
                self.data.extend(&r.memory);
            }
            assert_eq!((r.f.len(), r.x.len()), (variant.f.len(), variant.x.len()));
            r.f.iter().chain(&r.x).for_each(|v| self.data.extend(v.to_le_bytes()));
        }
        let placed = Placed { variant, pc, records, out: self.out };
        assert_eq!(placed.stride(), to);
        self.out += placed.len();
        self.placed.push(placed);
    }

    fn dump_registers(&mut self) {
        let mut at = 0;
        for (class, r) in dumped() {
            match class {
                RegClass::X => self.store(r, OUTPUT, at),
                _ => self.emit(insn(Op::Fsd, 0, OUTPUT, r, at as i32)),
            }
            at += 8;
        }
        assert_eq!(at, REGISTERS);
        self.emit(addi(OUTPUT, OUTPUT, at as i32));
    }

    /// Emits the instruction and, for a jump or branch, code that shows where it went: 1 in the mark if it fell
    /// through, 2 if it arrived. Returns its address and the target of an indirect jump.
    fn body(&mut self, variant: &Variant) -> (u64, u64) {
        let i = variant.insn;
        let e = i.expand(self.xlen);
        match e.op {
            Op::Beq | Op::Bne | Op::Blt | Op::Bge | Op::Bltu | Op::Bgeu | Op::Jal if e.imm < 0 => {
                let distance = e.imm.unsigned_abs() as usize;
                // Skips the code between the target and the instruction.
                let target = self.here() + 8;
                let done = target + distance as u64 + u64::from(i.len) + 4;
                self.jump(target + distance as u64);
                if distance < 12 {
                    self.emit(insn(Op::CAddi, MARK, MARK, 0, 2));
                    self.emit(insn(Op::CJ, 0, 0, 0, (done - self.here()) as i32));
                } else {
                    self.emit(addi(MARK, MARK, 2));
                    self.jump(done);
                }
                // Padding that is never executed.
                self.code.resize((target - CODE) as usize + distance, 0);
                self.emit(i);
                self.emit(addi(MARK, MARK, 1));
                assert_eq!(self.here(), done);
                (target + distance as u64, target)
            }
            Op::Beq | Op::Bne | Op::Blt | Op::Bge | Op::Bltu | Op::Bgeu | Op::Jal => {
                let pc = self.here();
                let target = pc + e.imm as u64;
                self.emit(i);
                match target - self.here() {
                    0 => {}
                    gap @ (2 | 4 | 6) => (0..gap / 2).for_each(|_| self.emit(insn(Op::CAddi, MARK, MARK, 0, 5))),
                    gap => {
                        self.emit(addi(MARK, MARK, 1));
                        // A jump skips all of this.
                        let skip = if gap < 0x8000 { gap as i32 } else { 0 };
                        self.emit(insn(Op::Jal, 0, 0, 0, skip));
                    }
                }
                self.code.resize((target - CODE) as usize, 0);
                self.emit(addi(MARK, MARK, 2));
                (pc, target)
            }
            Op::Jalr => {
                let pc = self.here();
                self.emit(i);
                self.emit(addi(MARK, MARK, 1));
                self.emit(insn(Op::Jal, 0, 0, 0, 8));
                let target = self.here();
                self.emit(addi(MARK, MARK, 2));
                (pc, target)
            }
            _ => {
                variant.before.iter().for_each(|&b| self.emit(b));
                let pc = self.here();
                self.emit(i);
                (pc, 0)
            }
        }
    }

    /// Ends the program: it writes its output and exits.
    pub fn finish(&mut self) {
        for (r, v) in [(17, 64), (10, 1), (11, OUT), (12, self.out as u64)] {
            self.load_constant(r, v);
        }
        self.exit();
    }

    /// Two system calls: the one that the registers specify, and exit(0).
    pub fn exit(&mut self) {
        self.emit(insn(Op::Ecall, 0, 0, 0, 0));
        self.emit(addi(10, 0, 0));
        self.emit(addi(17, 0, 93));
        self.emit(insn(Op::Ecall, 0, 0, 0, 0));
    }

    pub fn out_size(&self) -> usize {
        self.out
    }

    /// The mappings: flags of the program header, address, contents, size.
    pub fn segments(&self) -> [(u32, u64, &[u8], u64); 4] {
        let whole = |b: &[u8]| (b.len() as u64).max(1);
        [
            (6, SCRATCH, &[], SCRATCH_SIZE),
            (5, CODE, &self.code, whole(&self.code)),
            (4, DATA, &self.data, whole(&self.data)),
            (6, OUT, &[], (self.out as u64).max(1)),
        ]
    }

    /// As an executable file.
    pub fn elf(&self) -> Vec<u8> {
        let wide = self.xlen == Xlen::Rv64;
        let segments = self.segments();
        let (header, entry) = if wide { (64, 56) } else { (52, 32) };
        let mut file = b"\x7fELF".to_vec();
        let word = |file: &mut Vec<u8>, v: u64| file.extend(&v.to_le_bytes()[..if wide { 8 } else { 4 }]);
        let half = |file: &mut Vec<u8>, v: usize| file.extend((v as u16).to_le_bytes());
        file.extend([if wide { 2 } else { 1 }, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        half(&mut file, 2);
        half(&mut file, 243);
        file.extend(1u32.to_le_bytes());
        word(&mut file, CODE);
        word(&mut file, header as u64);
        word(&mut file, 0);
        // Compressed instructions and the calling convention for doubles.
        file.extend(5u32.to_le_bytes());
        [header, entry, segments.len(), 0, 0, 0].iter().for_each(|&v| half(&mut file, v));
        let mut offset = 0x1000;
        for (flags, address, contents, size) in segments {
            file.extend(1u32.to_le_bytes());
            if wide {
                file.extend(flags.to_le_bytes());
            }
            [offset, address, address, contents.len() as u64, size].iter().for_each(|&v| word(&mut file, v));
            if !wide {
                file.extend(flags.to_le_bytes());
            }
            word(&mut file, 0x1000);
            offset += (contents.len() as u64).next_multiple_of(0x1000);
        }
        for (_, _, contents, _) in segments {
            if !contents.is_empty() {
                file.resize(file.len().next_multiple_of(0x1000), 0);
                file.extend(contents);
            }
        }
        file
    }
}
