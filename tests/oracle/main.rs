//! Every instruction of the tables in remu's interpreter and in QEMU, on the same operands: results,
//! flags and memory have to be the same bytes.
//!
//! The programs are composed here, with no assembler, and both sides run the same bytes. QEMU is the
//! newest that Debian has; `tests/debian/fetch.sh --newest qemu-user` fetches it.

mod cases;
mod operands;
mod program;
mod run;

use program::{Placed, Program};
use remu_isa::{Ext, Op, Xlen, f_name, x_name};
use run::{End, under_qemu, under_remu};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Ops that end a program, and how they end it on Linux: (op, signal, whether QEMU agrees or why not).
const TRAPS: &[(Op, i32, Result<(), &str>)] = &[
    (Op::Ebreak, libc::SIGTRAP, Ok(())),
    (Op::CEbreak, libc::SIGTRAP, Ok(())),
    (Op::Mret, libc::SIGILL, Ok(())),
    (Op::Sret, libc::SIGILL, Ok(())),
    (Op::Wfi, libc::SIGILL, Ok(())),
    (Op::SfenceVma, libc::SIGILL, Ok(())),
    (Op::SinvalVma, libc::SIGILL, Ok(())),
    (Op::SfenceWInval, libc::SIGILL, Ok(())),
    (Op::SfenceInvalIr, libc::SIGILL, Ok(())),
    (Op::CboInval, libc::SIGILL, Ok(())),
];

/// The one op that every program executes.
const CALLS: &[Op] = &[Op::Ecall];

fn has(op: Op, xlen: Xlen) -> bool {
    if xlen == Xlen::Rv64 { op.info().rv64 } else { op.info().rv32 }
}

/// A program of these ops.
fn compose(xlen: Xlen, ops: &[Op]) -> Program {
    let mut p = Program::new(xlen);
    ops.iter().for_each(|&op| cases::add(&mut p, op));
    p.finish();
    p
}

/// The state that a result shows, one word each with its name.
fn words(p: &Placed, bytes: &[u8]) -> Vec<(String, u64)> {
    let v = &p.variant;
    let names = ["fcsr".to_owned(), "mark".to_owned()].into_iter();
    let names = names.chain(v.x.iter().map(|&r| x_name(r).to_owned())).chain(v.f.iter().map(|&r| f_name(r).to_owned()));
    let names = names.chain((0..v.window / 8).map(|n| format!("mem+{}", n * 8)));
    names.zip(bytes.chunks_exact(8).map(|w| u64::from_le_bytes(w.try_into().expect("eight bytes")))).collect()
}

/// Compares the results of a program; yields the ops that differ with the first differences.
fn compare(program: &Program, qemu: &[u8], remu: &[u8]) -> BTreeMap<Op, (usize, String)> {
    let mut found: BTreeMap<Op, (usize, String)> = BTreeMap::new();
    for p in &program.placed {
        let (theirs, ours) = (&qemu[p.out..p.out + p.len()], &remu[p.out..p.out + p.len()]);
        if theirs == ours {
            continue;
        }
        let text = p.variant.insn.disassemble(p.pc);
        let entry = found.entry(p.variant.insn.op).or_default();
        let results = theirs.chunks_exact(p.stride()).zip(ours.chunks_exact(p.stride()));
        let mut any = false;
        for ((theirs, ours), r) in results.zip(&p.records).filter(|((a, b), _)| a != b) {
            any = true;
            entry.0 += 1;
            if entry.0 > 3 {
                continue;
            }
            let out = &mut entry.1;
            let _ = writeln!(out, "RV{} {:?} at {:#x}: {text}", program.xlen.bits(), p.variant.insn, p.pc);
            let _ = write!(out, "    operands: fcsr={:#x}", r.fcsr);
            for (&n, v) in p.variant.x.iter().zip(&r.x) {
                let _ = write!(out, " {}={v:#x}", x_name(n));
            }
            for (&n, v) in p.variant.f.iter().zip(&r.f) {
                let _ = write!(out, " {}={v:#x}", f_name(n));
            }
            if !r.memory.is_empty() {
                let _ = write!(out, " memory at {:#x}: {:02x?}", r.window, r.memory);
            }
            out.push('\n');
            for ((name, theirs), (_, ours)) in words(p, theirs).into_iter().zip(words(p, ours)) {
                if theirs != ours {
                    let _ = writeln!(out, "    {name}: QEMU {theirs:#x}, remu {ours:#x}");
                }
            }
        }
        if !any {
            entry.0 += 1;
            let _ = writeln!(entry.1, "{text}: changed a register that is none of its operands");
        }
    }
    found
}

/// Runs a program on both sides. `Err` is a message for people.
fn check(xlen: Xlen, ops: &[Op]) -> Result<usize, String> {
    let program = compose(xlen, ops);
    let (qemu, remu) = (under_qemu(&program), under_remu(&program));
    let (End::Output(theirs), End::Output(ours)) = (&qemu, &remu) else {
        // Somebody did not reach the end: find out over which op.
        if let [op] = ops {
            let brief = |e: &End| match e {
                End::Output(_) => "runs it".to_owned(),
                other => format!("{other:?}"),
            };
            return Err(format!("RV{} {op}: QEMU {}, remu {}\n", xlen.bits(), brief(&qemu), brief(&remu)));
        }
        let each: String = ops.iter().filter_map(|op| check(xlen, &[*op]).err()).collect();
        return Err(format!("RV{} {ops:?}: not run to the end\n{each}", xlen.bits()));
    };
    if theirs.len() != program.out_size() || ours.len() != program.out_size() {
        return Err(format!("RV{} {ops:?}: output of {} and {} bytes\n", xlen.bits(), theirs.len(), ours.len()));
    }
    let found = compare(&program, theirs, ours);
    if found.is_empty() {
        return Ok(program.placed.iter().map(|p| p.records.len()).sum());
    }
    Err(found.into_iter().map(|(op, (n, text))| format!("{op}: {n} results differ\n{text}")).collect())
}

#[test]
fn every_op_does_what_it_does_in_qemu() {
    println!("{}", run::qemu_version().unwrap_or_else(|e| panic!("{e}")));
    let mut jobs = Vec::new();
    for xlen in [Xlen::Rv64, Xlen::Rv32] {
        for ext in Ext::ALL {
            let tested = |op: &Op| !CALLS.contains(op) && TRAPS.iter().all(|t| t.0 != *op);
            let of_ext = |op: &Op| op.info().ext == ext && has(*op, xlen);
            let ops: Vec<Op> = Op::ALL.into_iter().filter(|op| of_ext(op) && tested(op)).collect();
            if !ops.is_empty() {
                jobs.push((xlen, ext, ops));
            }
        }
    }
    let next = AtomicUsize::new(0);
    let results = Mutex::new(BTreeMap::new());
    std::thread::scope(|s| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from).min(4) {
            s.spawn(|| {
                while let Some((xlen, ext, ops)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = check(*xlen, ops);
                    results.lock().expect("no panic").insert((*ext, xlen.bits()), (ops.len(), result));
                }
            });
        }
    });
    let results = results.into_inner().expect("no panic");
    assert_eq!(results.len(), jobs.len());
    let mut total = 0;
    let mut failed = String::new();
    for ((ext, bits), (ops, result)) in results {
        match result {
            Ok(cases) => {
                println!("RV{bits} {:<12} {ops:>4} ops {cases:>8} cases", ext.name());
                total += cases;
            }
            Err(e) => failed += &e,
        }
    }
    println!("{total} cases");
    assert!(failed.is_empty(), "\n{failed}");
}

/// One instruction in a program of its own.
fn alone(xlen: Xlen, before: &[remu_isa::Insn], bits: u32, len: usize) -> Program {
    let mut p = Program::new(xlen);
    before.iter().for_each(|&i| p.emit(i));
    p.code.extend(&bits.to_le_bytes()[..len]);
    p.exit();
    p
}

#[test]
fn what_traps_in_qemu_traps_in_remu() {
    let mut failed = String::new();
    for xlen in [Xlen::Rv64, Xlen::Rv32] {
        for &(op, signal, agrees) in TRAPS.iter().filter(|t| has(t.0, xlen)) {
            let pattern = op.pattern(xlen).expect("the op exists");
            let len = if op.info().compressed { 2 } else { 4 };
            // An address that can be accessed, where there is one.
            let base = [program::insn(Op::Auipc, 11, 0, 0, 0)];
            let bits = pattern.value | if op == Op::CboInval { 11 << 15 } else { 0 };
            let p = alone(xlen, &base, bits, len);
            let (qemu, remu) = (under_qemu(&p), under_remu(&p));
            if remu != End::Signal(signal) || (qemu == End::Signal(signal)) != agrees.is_ok() {
                let _ = writeln!(failed, "RV{} {op}: QEMU {qemu:?}, remu {remu:?}", xlen.bits());
            }
        }
    }
    assert!(failed.is_empty(), "\n{failed}");
}
