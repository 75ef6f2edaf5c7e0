//! Floating-point loads and stores, also compressed ones, and the constants of Zfa.

use crate::emit::{Program, RegisterClass, boxed};
use crate::rows::{chance, letter, number, sign, width};
use remu::guest::riscv::fp::Fmt;

/// Memory around `middle` that all offsets reach. Each location has different bytes.
const REACH: i64 = 2048 + 16;

/// A load or a store, and its offsets.
struct Access {
    name: &'static str,
    group: &'static str,
    fmt: Fmt,
    is_store: bool,
    base: Base,
    offsets: Vec<i64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Base {
    Any,
    /// Base and value are among the eight that the short forms reach.
    Small,
    Stack,
}

/// The tests of all loads and stores.
pub fn all(xlen: u32) -> Vec<Program> {
    let mut list = Vec::new();
    let loads = [("uzfhmin", "flh", "fsh", Fmt::H), ("uf", "flw", "fsw", Fmt::S), ("ud", "fld", "fsd", Fmt::D)];
    for (group, load, store, fmt) in loads {
        let mut offsets: Vec<i64> = (0..11).flat_map(|bit| [1 << bit, -(1 << bit)]).collect();
        offsets.extend([0, 2047, -2048, -2047, 0x555, -0x556, 0x2aa, -0x2ab, 0x333, 1992, -1000]);
        for (name, is_store) in [(load, false), (store, true)] {
            list.push(Access { name, group, fmt, is_store, base: Base::Any, offsets: offsets.clone() });
        }
    }
    let mut short = vec![
        ("uzcd", "c.fld", Fmt::D, false, Base::Small, 256),
        ("uzcd", "c.fsd", Fmt::D, true, Base::Small, 256),
        ("uzcd", "c.fldsp", Fmt::D, false, Base::Stack, 512),
        ("uzcd", "c.fsdsp", Fmt::D, true, Base::Stack, 512),
    ];
    if xlen == 32 {
        short.extend([
            ("uzcf", "c.flw", Fmt::S, false, Base::Small, 128),
            ("uzcf", "c.fsw", Fmt::S, true, Base::Small, 128),
            ("uzcf", "c.flwsp", Fmt::S, false, Base::Stack, 256),
            ("uzcf", "c.fswsp", Fmt::S, true, Base::Stack, 256),
        ]);
    }
    for (group, name, fmt, is_store, base, end) in short {
        let offsets = (0..end).step_by(width(fmt) as usize / 8).collect();
        list.push(Access { name, group, fmt, is_store, base, offsets });
    }
    list.iter().map(|access| access.program(xlen)).collect()
}

/// The memory at `middle + at`.
fn read(memory: &[u8], at: i64, size: usize) -> u64 {
    let from = (at + REACH) as usize;
    memory[from..from + size].iter().rev().fold(0, |v, &byte| v << 8 | u64::from(byte))
}

impl Access {
    fn program(&self, xlen: u32) -> Program {
        let mut p = Program::new(self.group, self.name, xlen);
        let mut random = chance(Fmt::D, self.name);
        let mut bits = || (0..8).fold(0, |v, _| v << 8 ^ random.integer());
        let mut memory: Vec<u8> = (0..2 * REACH / 8).flat_map(|_| bits().to_le_bytes()).collect();
        p.line(".data");
        p.line(".balign 16");
        for (i, word) in memory.chunks_exact(8).enumerate() {
            if i as i64 == REACH / 8 {
                p.label("middle");
            }
            p.line(format!(".quad {:#x}", u64::from_le_bytes(word.try_into().expect("eight bytes"))));
        }
        p.line(".text");

        let size = i64::from(width(self.fmt) / 8);
        for (n, &offset) in (0..).zip(&self.offsets) {
            // The address is aligned whatever the offset is; of the long forms there is one that is not.
            let is_odd = self.base == Base::Any && n == self.offsets.len() as u32 - 1;
            let before = if is_odd { 1 } else { (-offset).rem_euclid(size) };
            let base = match self.base {
                Base::Any => [1, 2, 4, 5, 6, 7, 31, 30, 29, 28, 27, 16, 8, 15, 20, 10][n as usize % 16],
                Base::Small => 8 + n % 8,
                Base::Stack => 2,
            };
            // Each value in turn, as the base is.
            let value = if self.base == Base::Small { 8 + (n / 8 + 3 * n) % 8 } else { n % 32 };
            self.one(&mut p, &mut memory, [base, value], before, offset, bits());
        }
        self.traps(&mut p, &memory);
        p
    }

    fn text(&self, base: u32, value: u32, offset: i64) -> String {
        format!("{} f{value}, {offset}(x{base})", self.name)
    }

    /// The instruction itself, in 16 bits if it is of those.
    fn instruction(&self, p: &mut Program, text: &str) {
        let is_short = self.base != Base::Any;
        if is_short {
            p.line(".option push");
            p.line(".option rvc");
        }
        p.line(text);
        if is_short {
            p.line(".option pop");
        }
    }

    fn one(&self, p: &mut Program, memory: &mut [u8], registers: [u32; 2], before: i64, offset: i64, bits: u64) {
        let [base, value] = registers;
        let size = i64::from(width(self.fmt) / 8);
        let at = before + offset;
        p.next_case();
        p.set(RegisterClass::Raw, value, bits);
        p.line(format!("la x{base}, middle + {before}"));
        p.line("set_fcsr 7, 21");
        self.instruction(p, &self.text(base, value, offset));
        p.line("expect_fcsr 7, 21");
        p.line(format!("la x11, middle + {before}"));
        p.line(format!("sub x{base}, x{base}, x11"));
        if base != 11 {
            p.expect(RegisterClass::Integer, base, 0);
        }
        if self.is_store {
            let from = (at + REACH) as usize;
            memory[from..from + size as usize].copy_from_slice(&bits.to_le_bytes()[..size as usize]);
            p.expect(RegisterClass::Raw, value, bits);
            // All of it, and the bytes on both sides.
            for k in -1..=size {
                p.line(format!("la x11, middle + {}", at + k));
                p.line("lbu x12, (x11)");
                p.expect(RegisterClass::Integer, 12, read(memory, at + k, 1));
            }
        } else {
            p.expect(RegisterClass::Raw, value, boxed(self.fmt, read(memory, at, size as usize)));
        }
    }

    /// The instruction traps, with this cause, and f10 is as it was.
    fn trap(&self, p: &mut Program, cause: u32, text: &str) {
        p.set(RegisterClass::Raw, 10, 77);
        if cause == 2 {
            p.line("fs 0");
        }
        p.line("on_trap 8f");
        p.label("7");
        self.instruction(p, text);
        p.line("tail fail");
        p.line(".balign 4");
        p.label("8");
        p.line("csrr t0, mcause");
        p.line(format!("expect t0, {cause}"));
        p.line("csrr t0, mepc");
        p.line("la t1, 7b");
        p.line("sub t0, t0, t1");
        p.line("expect t0, 0");
        if cause == 2 {
            p.line("fs 0x4000");
        }
        p.expect(RegisterClass::Raw, 10, 77);
    }

    /// No access while the unit is off; faults; a load makes the unit's state dirty.
    fn traps(&self, p: &mut Program, memory: &[u8]) {
        let base = if self.base == Base::Stack { 2 } else { 9 };
        let text = self.text(base, 10, 8);

        // Under Linux the unit is always on, and signals carry less than mcause and mtval.
        p.line(".ifndef USER");
        p.next_case();
        p.line(format!("la x{base}, middle"));
        self.trap(p, 2, &text);
        p.line(format!("lbu x12, 8(x{base})"));
        p.expect(RegisterClass::Integer, 12, read(memory, 8, 1));

        p.next_case();
        p.line(format!("li x{base}, 0x70000000"));
        self.trap(p, if self.is_store { 7 } else { 5 }, &text);
        p.line("csrr x12, mtval");
        p.expect(RegisterClass::Integer, 12, 0x7000_0008);

        if !self.is_store {
            p.next_case();
            p.line(format!("la x{base}, middle"));
            p.line("fs 0x4000");
            self.instruction(p, &text);
            p.line("expect_dirty");
        }
        p.line(".endif");
    }
}

/// fli: the constants of the manual. They are exact except in half precision, where the smallest are subnormal and the
/// largest is infinite.
pub fn constants(fmt: Fmt, xlen: u32) -> Program {
    let list = [
        "-1.0",
        "min",
        "0.0000152587890625",
        "0.000030517578125",
        "0.00390625",
        "0.0078125",
        "0.0625",
        "0.125",
        "0.25",
        "0.3125",
        "0.375",
        "0.4375",
        "0.5",
        "0.625",
        "0.75",
        "0.875",
        "1.0",
        "1.25",
        "1.5",
        "1.75",
        "2.0",
        "2.5",
        "3.0",
        "4.0",
        "8.0",
        "16.0",
        "128.0",
        "256.0",
        "32768.0",
        "65536.0",
        "inf",
        "nan",
    ];
    let name = format!("fli.{}", letter(fmt));
    let mut p = Program::new("uzfa", &name, xlen);
    for turn in 0..2 {
        for (n, constant) in (0..).zip(list) {
            let infinity = number(fmt, f64::INFINITY);
            let want = match constant {
                "min" => infinity & !(infinity << 1),
                "inf" => infinity,
                "nan" => infinity | infinity >> 1,
                _ => number(fmt, constant.parse().expect("a number")),
            };
            let register = (n * 13 + turn * 17 + 6) % 32;
            p.next_case();
            p.set(RegisterClass::Raw, register, !want & !sign(fmt));
            p.line("set_fcsr 6, 9");
            p.line(format!("{name} f{register}, {constant}"));
            p.line("expect_fcsr 6, 9");
            p.expect(RegisterClass::Raw, register, boxed(fmt, want));
        }
    }
    let text = format!("{name} f9, 1.0");
    p.next_case();
    p.set(RegisterClass::Raw, 9, 77);
    p.line(format!("traps_off {text}"));
    p.expect(RegisterClass::Raw, 9, 77);
    p.next_case();
    p.line("fs 0x4000");
    p.line(&text);
    p.line("expect_dirty");
    for bits in [7 << 12, 3 << 25] {
        p.next_case();
        p.line(format!("illegal {bits:#x}, {text}"));
        p.expect(RegisterClass::Raw, 9, boxed(fmt, number(fmt, 1.0)));
    }
    p
}
