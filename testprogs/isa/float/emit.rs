//! Writes one test: a table of operands and the loop over it, then each register as an operand, then the cases that
//! trap.

use crate::oracle;
use crate::rows::{chance, sign, width};
use remu::guest::riscv::fp::{Flags, Fmt, Rm};
use std::fmt::{self, Write};
use std::path::Path;

/// The class and contents of a register operand.
#[derive(Clone, Copy, PartialEq)]
pub enum RegisterClass {
    /// A number in an f register; if it is not NaN-boxed, it is read as the canonical NaN.
    Float(Fmt),
    /// The 64 bits of an f register.
    Raw,
    Integer,
}

/// The rounding modes that an instruction has.
#[derive(Clone, Copy, PartialEq)]
pub enum Modes {
    /// Any mode, in the instruction or in frm.
    Round,
    /// The instruction must encode this mode.
    Rtz,
    /// The instruction has no rounding mode.
    None,
}

/// The function that computes result and flags from operands and a rounding mode.
pub type Meaning = dyn Fn(Rm, &[u64]) -> (u64, Flags);

/// An instruction, its operands in the table, and its semantics.
pub struct Instruction {
    group: &'static str,
    name: String,
    target: RegisterClass,
    sources: Vec<RegisterClass>,
    modes: Modes,
    rows: Vec<Vec<u64>>,
    meaning: Box<Meaning>,
}

/// The contents of a target register before the instruction.
const JUNK: u64 = 0x5a5a_5a5a_5a5a_5a5a;

/// The contents of frm while the instruction encodes each mode: another mode, or a reserved value.
const OTHER: [u32; 5] = [3, 7, 1, 2, 0];

const NAMES: [&str; 5] = ["rne", "rtz", "rdn", "rup", "rmm"];

/// A number of a format as a register holds it.
pub fn boxed(fmt: Fmt, v: u64) -> u64 {
    match fmt {
        Fmt::D => v,
        _ => v | u64::MAX << width(fmt),
    }
}

fn unboxed(fmt: Fmt, register: u64) -> u64 {
    let v = register & u64::MAX >> (64 - width(fmt));
    if boxed(fmt, v) == register { v } else { canonical_nan(fmt) }
}

fn canonical_nan(fmt: Fmt) -> u64 {
    match fmt {
        Fmt::H => 0x7e00,
        Fmt::S => 0x7fc0_0000,
        Fmt::D => 0x7ff8_0000_0000_0000,
    }
}

/// The text of one program.
pub struct Program {
    name: String,
    xlen: u32,
    text: String,
    cases: usize,
}

impl Program {
    /// Begins the test of a group with this name.
    pub fn new(group: &str, name: &str, xlen: u32) -> Self {
        let file = format!("rv{xlen}{group}-p-{}", name.replace('.', "_"));
        let mut program = Self { name: file, xlen, text: String::new(), cases: 0 };
        _ = writeln!(program.text, "# {name} of RV{xlen}, written by testprogs/isa/float");
        program.line(".include \"p.inc\"");
        program.line(".include \"mi.inc\"");
        program.line(".include \"f.inc\"");
        program.line("fstart");
        program
    }

    /// Ends the test and writes its file.
    pub fn write(mut self, folder: &Path) {
        self.line("finish");
        let path = folder.join(format!("{}.s", self.name));
        std::fs::write(&path, self.text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }

    /// An instruction or a directive.
    pub fn line(&mut self, line: impl fmt::Display) {
        _ = writeln!(self.text, "    {line}");
    }

    /// A label.
    pub fn label(&mut self, label: &str) {
        _ = writeln!(self.text, "{label}:");
    }

    /// The next case, with its number.
    pub fn next_case(&mut self) {
        self.cases += 1;
        self.line(format!("case {}", self.cases));
    }

    /// The low XLEN bits of a value.
    fn word(&self, v: u64) -> u64 {
        v & u64::MAX >> (64 - self.xlen)
    }

    /// Writes a register; for an f register, all 64 bits.
    pub fn set(&mut self, kind: RegisterClass, register: u32, v: u64) {
        match kind {
            RegisterClass::Integer => self.line(format!("li x{register}, {:#x}", self.word(v))),
            _ => self.line(format!("fset f{register}, {v:#x}")),
        }
    }

    /// Fails unless the register has this value.
    pub fn expect(&mut self, kind: RegisterClass, register: u32, v: u64) {
        match kind {
            RegisterClass::Integer if register == 0 => {
                self.line("mv x9, x0");
                self.line("expect x9, 0");
            }
            RegisterClass::Integer => self.line(format!("expect x{register}, {:#x}", self.word(v))),
            _ => self.line(format!("fexpect f{register}, {v:#x}")),
        }
    }
}

/// The registers of an instruction: the target, then the sources.
type Registers = [u32; 4];

/// The x registers except x0 and gp.
fn integer_register(n: u32) -> u32 {
    match n % 30 + 1 {
        n @ 1..=2 => n,
        n => n + 1,
    }
}

impl Instruction {
    pub fn new(
        group: &'static str,
        name: String,
        target: RegisterClass,
        sources: &[RegisterClass],
        modes: Modes,
        rows: Vec<Vec<u64>>,
        meaning: Box<Meaning>,
    ) -> Self {
        // Rows hold encodings; registers hold them NaN-boxed.
        let fill =
            |(&kind, v): (&RegisterClass, u64)| if let RegisterClass::Float(fmt) = kind { boxed(fmt, v) } else { v };
        let rows = rows.into_iter().map(|row| sources.iter().zip(row).map(fill).collect()).collect();
        let mut instruction = Self { group, name, target, sources: sources.to_vec(), modes, rows, meaning };
        instruction.add_bad_boxes();
        instruction
    }

    /// Rows in which one operand, each in turn, is not NaN-boxed.
    fn add_bad_boxes(&mut self) {
        for (i, &kind) in self.sources.iter().enumerate() {
            let RegisterClass::Float(fmt @ (Fmt::H | Fmt::S)) = kind else { continue };
            let infinity = canonical_nan(fmt) & canonical_nan(fmt) << 1 & !sign(fmt);
            let good = [crate::rows::number(fmt, 1.0), crate::rows::number(fmt, -2.5)];
            let upper = match fmt {
                Fmt::S => vec![0, 0xffff_fffe, 0x7fff_ffff, 0xffff_0000, 0xfffe_ffff],
                _ => vec![0, 0xffff_ffff_fffe, 0x7fff_ffff_ffff, 0xffff, 0xffff_ffff_0000, 0xffff_fffe_ffff],
            };
            for upper in upper {
                // Numbers of both signs, and a signalling NaN, which is none then.
                for low in [good[0], good[1], infinity | 1] {
                    let mut row: Vec<u64> = self.operands(&good);
                    row[i] = upper << width(fmt) | low;
                    self.rows.push(row);
                }
            }
        }
    }

    /// Operands of each source from a list of numbers.
    fn operands(&self, numbers: &[u64]) -> Vec<u64> {
        let take = |(i, &kind): (usize, &RegisterClass)| match kind {
            RegisterClass::Float(fmt) => boxed(fmt, numbers[i % numbers.len()]),
            _ => numbers[i % numbers.len()],
        };
        self.sources.iter().enumerate().map(take).collect()
    }

    /// The target's value and the raised flags, given the sources' values.
    fn result(&self, rm: Rm, registers: &[u64]) -> (u64, u8) {
        let read = |(&kind, &v): (&RegisterClass, &u64)| {
            if let RegisterClass::Float(fmt) = kind { unboxed(fmt, v) } else { v }
        };
        let values: Vec<u64> = self.sources.iter().zip(registers).map(read).collect();
        let (v, flags) = (self.meaning)(rm, &values);
        (if let RegisterClass::Float(fmt) = self.target { boxed(fmt, v) } else { v }, flags.0)
    }

    /// The instruction as it is written, with its mode.
    fn text(&self, registers: Registers, mode: &str) -> String {
        let letter = |kind| if kind == RegisterClass::Integer { 'x' } else { 'f' };
        let mut text = format!("{} {}{}", self.name, letter(self.target), registers[0]);
        for (&kind, register) in self.sources.iter().zip(&registers[1..]) {
            _ = write!(text, ", {}{register}", letter(kind));
        }
        match self.modes {
            Modes::Round => text + ", " + mode,
            Modes::Rtz => text + ", rtz",
            Modes::None => text,
        }
    }

    /// The complete test of the instruction.
    pub fn program(&self, xlen: u32) -> Program {
        let mut p = Program::new(self.group, &self.name, xlen);
        self.table(&mut p);
        self.registers(&mut p);
        self.traps(&mut p);
        p
    }

    /// One program for the instructions of a group that make the unit's state dirty only by raising flags.
    pub fn flags_alone(list: &[Instruction], group: &str, xlen: u32) -> Program {
        let mut p = Program::new(group, "dirty", xlen);
        for instruction in list.iter().filter(|i| i.group == group && i.target == RegisterClass::Integer) {
            if let Some(row) = instruction.raising() {
                instruction.dirties(&mut p, [9, 12, 13, 14], row);
            }
        }
        p
    }

    fn table(&self, p: &mut Program) {
        let results = if self.modes == Modes::Round { 5 } else { 1 };
        let tries = if self.modes == Modes::Round { 10 } else { 2 };
        let operands = self.sources.len();
        p.line(".data");
        p.label("rows");
        for row in &self.rows {
            let mut flags = 0;
            let mut words = row.clone();
            for (i, rm) in Rm::ALL.into_iter().take(results).enumerate() {
                let (v, raised) = self.result(rm, row);
                words.push(v);
                flags |= u64::from(raised) << (8 * i);
            }
            words.push(flags);
            let words: Vec<_> = words.iter().map(|w| format!("{w:#x}")).collect();
            p.line(format!(".quad {} # {}..", words.join(", "), p.cases + 1));
            p.cases += tries;
        }
        p.label("rows_end");
        p.line(".text");

        p.line("rows_begin");
        // Other f registers in each program; x10 and up.
        let place = |kind, n: usize| match kind {
            RegisterClass::Integer => 10 + n as u32,
            _ => (10 + 5 * n + 7 * self.rows.len() + 3 * self.name.len()) as u32 % 32,
        };
        let mut registers = [place(self.target, 0); 4];
        for (i, &kind) in self.sources.iter().enumerate() {
            registers[i + 1] = place(kind, i + 1);
            match kind {
                RegisterClass::Integer => p.line(format!("load x{}, {}(s0)", registers[i + 1], 8 * i)),
                _ => p.line(format!("fld f{}, {}(s0)", registers[i + 1], 8 * i)),
            }
        }
        for k in 0..tries {
            let i = if results == 1 { 0 } else { k % 5 };
            let (at, flags_at) = (8 * (operands + i), 8 * (operands + results) + i);
            // Flags are exact if none were set before, and accumulate otherwise.
            p.line(match (self.modes, OTHER.get(k)) {
                (Modes::Round, Some(frm)) => format!("li s3, {frm} << 5"),
                (Modes::Round, None) => format!("ori s3, s4, {i} << 5"),
                _ if k == 0 => "li s3, 5 << 5".to_owned(),
                _ => "ori s3, s4, 2 << 5".to_owned(),
            });
            p.line("addi gp, gp, 1");
            p.line("csrw fcsr, s3");
            let target = registers[0];
            if self.target == RegisterClass::Integer {
                p.line(format!("li x{target}, 0x5a5"));
            } else {
                p.line(format!("fld f{target}, 8(s2)"));
            }
            p.line(self.text(registers, if k < 5 { NAMES[i] } else { "dyn" }));
            p.line(format!("row_flags {flags_at}"));
            let kind = if self.target == RegisterClass::Integer { "integer x" } else { "float f" };
            p.line(format!("row_{kind}{target}, {at}"));
        }
        p.line(format!("rows_next {}", 8 * (operands + results + 1)));
    }

    /// One case with these registers. Operands in the same register have the same value.
    fn single(&self, p: &mut Program, registers: Registers, values: &[u64], before: u8) {
        let mut values = values.to_vec();
        for i in 0..values.len() {
            let same = (0..i).find(|&k| registers[k + 1] == registers[i + 1] && self.sources[k] == self.sources[i]);
            if self.sources[i] == RegisterClass::Integer && registers[i + 1] == 0 {
                values[i] = 0;
            } else if let Some(k) = same {
                values[i] = values[k];
            }
        }
        let count = self.sources.len();
        let is_target = |i: usize| {
            registers[i + 1] == registers[0]
                && (self.sources[i] == RegisterClass::Integer) == (self.target == RegisterClass::Integer)
        };
        // Every other one takes its mode from frm.
        let mode = p.cases % 5;
        let is_dynamic = p.cases.is_multiple_of(2);
        let frm = if is_dynamic { mode as u32 } else { OTHER[mode] };
        let frm = if self.modes == Modes::Round { frm } else { 1 };
        let (v, flags) = self.result(Rm::ALL[mode], &values);

        p.next_case();
        if !(0..count).any(is_target) && registers[0] != 0 {
            p.set(self.target, registers[0], JUNK);
        }
        // Integers last: what sets the others uses some of their registers.
        let mut order: Vec<usize> =
            (0..count).filter(|&i| self.sources[i] != RegisterClass::Integer || registers[i + 1] != 0).collect();
        order.sort_by_key(|&i| self.sources[i] == RegisterClass::Integer);
        for i in order {
            p.set(self.sources[i], registers[i + 1], values[i]);
        }
        p.line(format!("set_fcsr {frm}, {before}"));
        p.line(self.text(registers, if is_dynamic { "dyn" } else { NAMES[mode] }));
        p.line(format!("expect_fcsr {frm}, {}", before | flags));
        // And first, likewise.
        let mut checks = vec![(self.target, registers[0], v)];
        checks.extend((0..count).filter(|&i| !is_target(i)).map(|i| (self.sources[i], registers[i + 1], values[i])));
        checks.sort_by_key(|&(kind, ..)| kind != RegisterClass::Integer);
        for (kind, register, v) in checks {
            p.expect(kind, register, v);
        }
    }

    /// Values for one case such that neither they nor the result are NaNs. They differ, except for comparisons, which
    /// must hold.
    fn telling(&self, n: usize) -> Vec<u64> {
        let mut random = match self.sources[0] {
            RegisterClass::Float(fmt) => chance(fmt, &format!("{}{n}", self.name)),
            _ => chance(Fmt::D, &format!("{}{n}", self.name)),
        };
        let compares = self.target == RegisterClass::Integer && self.sources.len() == 2;
        for attempt in n..n + 1000 {
            let mut numbers = match (self.sources[0], self.sources.len()) {
                (RegisterClass::Float(_), 1) => vec![random.near_integer()],
                (RegisterClass::Float(_), 2) => <[u64; 2]>::from(random.pair()).to_vec(),
                (RegisterClass::Float(_), _) => <[u64; 3]>::from(random.triple()).to_vec(),
                _ => vec![random.integer(), random.integer()],
            };
            if compares && attempt % 2 == 0 {
                numbers[1] = numbers[0];
            }
            let values = self.operands(&numbers);
            let is_nan = |kind: RegisterClass, v: u64| match kind {
                RegisterClass::Float(fmt) => oracle::class(fmt, unboxed(fmt, v)) >= 1 << 8,
                _ => false,
            };
            let (v, flags) = self.result(Rm::Rne, &values);
            let has_nan = self.sources.iter().zip(&values).any(|(&kind, &v)| is_nan(kind, v));
            let tells = if compares { v == 1 } else { (1..values.len()).all(|i| !values[..i].contains(&values[i])) };
            if tells && !has_nan && !is_nan(self.target, v) && flags & 0x10 == 0 {
                return values;
            }
        }
        panic!("{} has no such operands", self.name);
    }

    /// Cases with each register as each operand, then with the same register for several operands.
    fn registers(&self, p: &mut Program) {
        let count = self.sources.len();
        let place = |kind, n: u32| if kind == RegisterClass::Integer { integer_register(n) } else { n % 32 };
        // Of comparisons more, as what another register holds compares alike in half the cases.
        let compares = self.target == RegisterClass::Integer && count == 2;
        for n in 0..if compares { 96 } else { 32 } {
            let mut registers = [place(self.target, n); 4];
            for (i, &kind) in self.sources.iter().enumerate() {
                registers[i + 1] = place(kind, n + [11, 22, 5][i]);
            }
            self.single(p, registers, &self.telling(n as usize), (n * 11 % 32) as u8);
        }
        // Target and sources, as numbers of different registers.
        let aliases: &[Registers] = match count {
            1 => &[[0, 0, 0, 0]],
            2 => &[[0, 0, 1, 0], [0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]],
            _ => &[
                [0, 0, 1, 2],
                [0, 1, 0, 2],
                [0, 1, 2, 0],
                [0, 1, 1, 2],
                [0, 1, 2, 1],
                [0, 1, 2, 2],
                [0, 0, 0, 1],
                [0, 0, 1, 0],
                [0, 1, 0, 0],
                [0, 1, 1, 1],
                [0, 0, 0, 0],
            ],
        };
        for (n, alias) in (0..).zip(aliases.iter().cycle().take(aliases.len().max(4))) {
            let mut registers = alias.map(|i| place(self.target, n + 3 + 9 * i));
            for (i, &kind) in self.sources.iter().enumerate() {
                registers[i + 1] = place(kind, n + 3 + 9 * alias[i + 1]);
            }
            self.single(p, registers, &self.telling(40 + n as usize), 0);
        }
        // x0 is the target, or one of the sources, or all.
        for n in 0..4 {
            if self.target == RegisterClass::Integer {
                // Flags are raised all the same.
                let values = self.raising().filter(|_| n > 1).cloned();
                let values = values.unwrap_or_else(|| self.telling(60 + n as usize));
                self.single(p, [0, 4 + n, 5 + n, 6 + n], &values, 0);
            }
            if self.sources.contains(&RegisterClass::Integer) {
                let registers = [[9, 0, 8, 0], [9, 8, 0, 0], [0, 0, 0, 0], [31, 0, 30, 0]][n as usize];
                self.single(p, registers, &self.telling(70 + n as usize), 0);
            }
        }
    }

    /// Operands that raise flags, if any do.
    fn raising(&self) -> Option<&Vec<u64>> {
        self.rows.iter().rev().find(|row| self.result(Rm::Rne, row).1 != 0)
    }

    /// Writing registers or flags makes the unit's state dirty.
    fn dirties(&self, p: &mut Program, registers: Registers, row: &[u64]) {
        p.next_case();
        for (i, &kind) in self.sources.iter().enumerate() {
            p.set(kind, registers[i + 1], row[i]);
        }
        let (v, flags) = self.result(Rm::Rne, row);
        p.line("set_fcsr 0, 0");
        p.line("fs 0x4000");
        p.line(self.text(registers, "rne"));
        p.line("expect_dirty");
        p.line(format!("expect_fcsr 0, {flags}"));
        p.expect(self.target, registers[0], v);
    }

    /// Illegal cases: any use while the unit is off, reserved rounding modes, and encodings with additional bits set.
    fn traps(&self, p: &mut Program) {
        let registers = [9, 12, 13, 14];
        // With flags, if it has any.
        let row = self.raising().unwrap_or(&self.rows[self.rows.len() / 2]);
        let text = self.text(registers, "rne");

        let ready = |p: &mut Program| {
            p.next_case();
            p.set(self.target, registers[0], JUNK);
            for (i, &kind) in self.sources.iter().enumerate() {
                p.set(kind, registers[i + 1], row[i]);
            }
        };
        let unchanged = |p: &mut Program, frm: u32| {
            p.line(format!("expect_fcsr {frm}, 2"));
            p.expect(self.target, registers[0], JUNK);
        };

        ready(p);
        p.line("set_fcsr 0, 2");
        p.line(format!("traps_off {text}"));
        unchanged(p, 0);

        if self.target != RegisterClass::Integer {
            self.dirties(p, registers, row);
        }

        let illegal = |p: &mut Program, frm: u32, bits: u32| {
            ready(p);
            p.line(format!("set_fcsr {frm}, 2"));
            p.line(format!("illegal {bits:#x}, {text}"));
            unchanged(p, frm);
        };
        if self.modes == Modes::Round {
            illegal(p, 0, 5 << 12);
            illegal(p, 0, 6 << 12);
            for frm in 5..8 {
                illegal(p, frm, 7 << 12);
            }
        } else {
            illegal(p, 0, 7 << 12);
        }
        // Quadruple precision, which is not implemented.
        illegal(p, 0, 3 << 25);
        if self.sources.len() == 1 {
            illegal(p, 0, 16 << 20);
            if p.xlen == 32 && (self.sources[0] == RegisterClass::Integer || self.target == RegisterClass::Integer) {
                // To and from 64 bits; fmv and fclass have no such form at all.
                illegal(p, 0, 2 << 20);
            }
        }
    }
}
