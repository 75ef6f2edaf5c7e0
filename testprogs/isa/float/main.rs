//! isa_float DIR XLEN - writes the floating-point tests of the instruction suite, as assembly, into DIR.
//!
//! Expected results come from SoftFloat, through the oracle of `tests/fp_vectors`, whose operands are used too. Of
//! remu, only the names of formats, modes and operations are used, not its arithmetic.

mod emit;
mod memory;
#[path = "../../../tests/fp_vectors/operands.rs"]
mod operands;
#[path = "../../../tests/fp_vectors/oracle.rs"]
mod oracle;
#[path = "../../../tests/common/rng.rs"]
mod rng;
mod rows;

use emit::{Instruction, Modes, RegisterClass};
use remu::guest::riscv::fp::{Flags, Fmt, Rm};
use remu::guest::riscv::{FpCmp, FpMinMax, FpOp, IntType};
use rows::{letter, sign};
use std::path::Path;

const FORMATS: [Fmt; 3] = [Fmt::H, Fmt::S, Fmt::D];

/// The letters of an integer type in the name of a conversion.
const INT_TYPES: [(&str, IntType); 4] =
    [("w", IntType::I32), ("wu", IntType::U32), ("l", IntType::I64), ("lu", IntType::U64)];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(Ok(xlen)), None) =
        (arguments.next(), arguments.next().map(|x| x.parse::<u32>()), arguments.next())
    else {
        eprintln!("usage: isa_float DIR XLEN");
        std::process::exit(2);
    };
    let folder = Path::new(&folder);
    let mut list = Vec::new();
    for fmt in FORMATS {
        arithmetic(fmt, &mut list);
        conversions(fmt, xlen, &mut list);
        additional(fmt, &mut list);
    }
    moves(xlen, &mut list);
    for instruction in &list {
        instruction.program(xlen).write(folder);
    }
    for group in ["uf", "ud", "uzfh", "uzfa"] {
        Instruction::flags_alone(&list, group, xlen).write(folder);
    }
    for fmt in FORMATS {
        memory::constants(fmt, xlen).write(folder);
    }
    for program in memory::all(xlen) {
        program.write(folder);
    }
}

/// The group of a format's tests.
fn group(fmt: Fmt) -> &'static str {
    match fmt {
        Fmt::H => "uzfh",
        Fmt::S => "uf",
        Fmt::D => "ud",
    }
}

/// The tests of every format: arithmetic, comparisons, sign injection, classification.
fn arithmetic(fmt: Fmt, list: &mut Vec<Instruction>) {
    let float = RegisterClass::Float(fmt);
    let mut add = |name: &str, target, sources: &[RegisterClass], modes, rows, f: Box<emit::Meaning>| {
        list.push(Instruction::new(group(fmt), format!("{name}.{}", letter(fmt)), target, sources, modes, rows, f));
    };

    for (name, op) in [("fadd", FpOp::Add), ("fsub", FpOp::Sub), ("fmul", FpOp::Mul), ("fdiv", FpOp::Div)] {
        let f = Box::new(move |rm, v: &[u64]| oracle::arith(op, fmt, rm, v[0], v[1]));
        add(name, float, &[float; 2], Modes::Round, rows::pairs(fmt, name), f);
    }
    let f = Box::new(move |rm, v: &[u64]| oracle::sqrt(fmt, rm, v[0]));
    add("fsqrt", float, &[float], Modes::Round, rows::singles(fmt, "fsqrt"), f);

    // Negating an operand is exact, and a NaN stays one.
    for (name, product, sum) in
        [("fmadd", 0, 0), ("fmsub", 0, sign(fmt)), ("fnmsub", sign(fmt), 0), ("fnmadd", sign(fmt), sign(fmt))]
    {
        let f = Box::new(move |rm, v: &[u64]| oracle::fma(fmt, rm, v[0] ^ product, v[1], v[2] ^ sum));
        add(name, float, &[float; 3], Modes::Round, rows::triples(fmt, name), f);
    }
    for (name, op) in [("fmin", FpMinMax::Min), ("fmax", FpMinMax::Max)] {
        let f = Box::new(move |_, v: &[u64]| oracle::min_max(op, fmt, v[0], v[1]));
        add(name, float, &[float; 2], Modes::None, rows::pairs(fmt, name), f);
    }
    for (name, op) in [("feq", FpCmp::Eq), ("flt", FpCmp::Lt), ("fle", FpCmp::Le)] {
        let f = Box::new(move |_, v: &[u64]| oracle::compare(op, fmt, v[0], v[1]));
        add(name, RegisterClass::Integer, &[float; 2], Modes::None, rows::pairs(fmt, name), f);
    }
    // The sign of the second, its opposite, or the product of both.
    for name in ["fsgnj", "fsgnjn", "fsgnjx"] {
        let f = Box::new(move |_, v: &[u64]| {
            let new = match name {
                "fsgnj" => v[1],
                "fsgnjn" => !v[1],
                _ => v[0] ^ v[1],
            };
            (v[0] & !sign(fmt) | new & sign(fmt), Flags::NONE)
        });
        add(name, float, &[float; 2], Modes::None, rows::pairs(fmt, name), f);
    }
    let f = Box::new(move |_, v: &[u64]| (oracle::class(fmt, v[0]), Flags::NONE));
    add("fclass", RegisterClass::Integer, &[float], Modes::None, rows::singles(fmt, "fclass"), f);
}

fn conversions(fmt: Fmt, xlen: u32, list: &mut Vec<Instruction>) {
    let float = RegisterClass::Float(fmt);
    for (name, ty) in INT_TYPES {
        if xlen == 32 && matches!(ty, IntType::I64 | IntType::U64) {
            continue;
        }
        let f = Box::new(move |rm, v: &[u64]| oracle::to_int(fmt, ty, rm, v[0]));
        let to = format!("fcvt.{name}.{}", letter(fmt));
        list.push(Instruction::new(
            group(fmt),
            to,
            RegisterClass::Integer,
            &[float],
            Modes::Round,
            rows::to_integer(fmt),
            f,
        ));

        let f = Box::new(move |rm, v: &[u64]| oracle::from_int(fmt, ty, rm, v[0]));
        let from = format!("fcvt.{}.{name}", letter(fmt));
        let rows = rows::integers(fmt, &from);
        list.push(Instruction::new(group(fmt), from, float, &[RegisterClass::Integer], Modes::Round, rows, f));
    }
    for to in FORMATS.into_iter().filter(|&to| to != fmt) {
        let name = format!("fcvt.{}.{}", letter(to), letter(fmt));
        // Zfhmin has those with half precision.
        let group = if fmt == Fmt::H || to == Fmt::H { "uzfhmin" } else { "ud" };
        let f = Box::new(move |rm, v: &[u64]| oracle::convert(fmt, to, rm, v[0]));
        let rows = rows::to_format(fmt, to);
        list.push(Instruction::new(group, name, RegisterClass::Float(to), &[float], Modes::Round, rows, f));
    }
}

/// Zfa.
fn additional(fmt: Fmt, list: &mut Vec<Instruction>) {
    let float = RegisterClass::Float(fmt);
    let mut add = |name: &str, target, sources: &[RegisterClass], modes, rows, f: Box<emit::Meaning>| {
        list.push(Instruction::new("uzfa", format!("{name}.{}", letter(fmt)), target, sources, modes, rows, f));
    };
    for (name, op) in [("fminm", FpMinMax::MinM), ("fmaxm", FpMinMax::MaxM)] {
        let f = Box::new(move |_, v: &[u64]| oracle::min_max(op, fmt, v[0], v[1]));
        add(name, float, &[float; 2], Modes::None, rows::pairs(fmt, name), f);
    }
    for (name, op) in [("fltq", FpCmp::LtQuiet), ("fleq", FpCmp::LeQuiet)] {
        let f = Box::new(move |_, v: &[u64]| oracle::compare(op, fmt, v[0], v[1]));
        add(name, RegisterClass::Integer, &[float; 2], Modes::None, rows::pairs(fmt, name), f);
    }
    for (name, exact) in [("fround", false), ("froundnx", true)] {
        let f = Box::new(move |rm, v: &[u64]| oracle::round_to_integral(fmt, exact, rm, v[0]));
        add(name, float, &[float], Modes::Round, rows::to_integer(fmt), f);
    }
    if fmt == Fmt::D {
        let f = Box::new(|_: Rm, v: &[u64]| oracle::to_int_modular(v[0]));
        let (name, float) = ("fcvtmod.w.d".to_owned(), &[float]);
        list.push(Instruction::new("uzfa", name, RegisterClass::Integer, float, Modes::Rtz, rows::to_integer(fmt), f));
    }
}

/// Bits between the registers of the two kinds, whatever they mean.
fn moves(xlen: u32, list: &mut Vec<Instruction>) {
    let mut add = |group, name: &str, target, sources: &[RegisterClass], f: fn(&[u64]) -> u64| {
        let rows = rows::raw(sources.len());
        let f = Box::new(move |_, v: &[u64]| (f(v), Flags::NONE));
        list.push(Instruction::new(group, name.to_owned(), target, sources, Modes::None, rows, f));
    };
    let (integer, raw) = (RegisterClass::Integer, RegisterClass::Raw);
    add("uzfhmin", "fmv.x.h", integer, &[raw], |v| v[0] as i16 as u64);
    add("uzfhmin", "fmv.h.x", RegisterClass::Float(Fmt::H), &[integer], |v| v[0] as u16 as u64);
    add("uf", "fmv.x.w", integer, &[raw], |v| v[0] as i32 as u64);
    add("uf", "fmv.w.x", RegisterClass::Float(Fmt::S), &[integer], |v| v[0] as u32 as u64);
    if xlen == 64 {
        add("ud", "fmv.x.d", integer, &[raw], |v| v[0]);
        add("ud", "fmv.d.x", raw, &[integer], |v| v[0]);
    } else {
        add("uzfa", "fmvh.x.d", integer, &[raw], |v| v[0] >> 32);
        add("uzfa", "fmvp.d.x", raw, &[integer; 2], |v| v[0] as u32 as u64 | v[1] << 32);
    }
}
