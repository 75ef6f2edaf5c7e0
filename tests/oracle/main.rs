//! Compares every instruction in remu's interpreter with QEMU on the same operands: results, flags and memory must be
//! equal.
//!
//! The test composes the programs without an assembler; both sides run the same bytes. QEMU is Debian's newest, which
//! `tests/debian/fetch.sh --newest qemu-user` fetches.
//!
//! Every op is covered: by `cases`, by `traps` if it ends a program, or by one of the two lists below. Two cases are
//! left out because their result is unspecified: a store-conditional whose size differs from the reservation's, and one
//! after a store of the same value. Counters are read, but their values are not compared.

mod cases;
mod operands;
mod program;
#[path = "../common/qemu.rs"]
mod qemu;
#[path = "../common/rng.rs"]
mod rng;
mod run;
mod traps;

use program::{Placed, Program, dumped};
use remu_isa::{Ext, Op, RegClass, Xlen, f_name, x_name};
use run::{End, single_stepped, under_qemu, under_remu};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Every program executes this op, so it needs no cases.
const CALLS: &[Op] = &[Op::Ecall];

/// Ops that raise SIGILL in QEMU's user mode but not in Linux: by the specification of Zicbom they execute in U-mode if
/// senvcfg.CBCFE is 1, which Linux sets since 6.15. The test checks that memory and registers are unchanged.
const UNCHANGING: &[Op] = &[Op::CboClean, Op::CboFlush];

fn has(op: Op, xlen: Xlen) -> bool {
    if xlen == Xlen::Rv64 { op.info().rv64 } else { op.info().rv32 }
}

/// Composes a program of these ops.
fn compose(xlen: Xlen, ops: &[Op]) -> Program {
    let mut p = Program::new(xlen);
    ops.iter().for_each(|&op| cases::add(&mut p, op));
    p.finish();
    p
}

/// The state in a result: one word per item, with its name.
fn words(p: &Placed, bytes: &[u8]) -> Vec<(String, u64)> {
    let v = &p.variant;
    let names = ["fcsr".to_owned(), "mark".to_owned()].into_iter();
    let names = names.chain(v.x.iter().map(|&r| x_name(r).to_owned())).chain(v.f.iter().map(|&r| f_name(r).to_owned()));
    let names = names.chain((0..v.window / 8).map(|n| format!("mem+{}", n * 8)));
    names.zip(bytes.chunks_exact(8).map(|w| u64::from_le_bytes(w.try_into().expect("eight bytes")))).collect()
}

/// Compares the results of a program; returns the ops that differ, each with its first differences.
fn compare(program: &Program, qemu: &[u8], remu: &[u8]) -> BTreeMap<Op, (usize, String)> {
    let mut found: BTreeMap<Op, (usize, String)> = BTreeMap::new();
    // If an earlier variant left a register different, later variants are not blamed for it.
    let mut stale = vec![false; dumped().count()];
    for p in &program.placed {
        let v = &p.variant;
        let (theirs, ours) = (&qemu[p.out..p.out + p.len()], &remu[p.out..p.out + p.len()]);
        if theirs == ours {
            stale.fill(false);
            continue;
        }
        let text = v.insn.disassemble(p.pc);
        let mut messages = Vec::new();
        let results = theirs.chunks_exact(p.stride()).zip(ours.chunks_exact(p.stride()));
        for ((theirs, ours), r) in results.zip(&p.records).filter(|((a, b), _)| a != b) {
            let mut out = format!("RV{} {:?} at {:#x}: {text}\n", program.xlen.bits(), v.insn, p.pc);
            let _ = write!(out, "    operands: fcsr={:#x}", r.fcsr);
            for (&n, v) in v.x.iter().zip(&r.x) {
                let _ = write!(out, " {}={v:#x}", x_name(n));
            }
            for (&n, v) in v.f.iter().zip(&r.f) {
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
            messages.push(out);
        }
        let registers = p.stride() * p.records.len();
        let dumps = theirs[registers..].chunks_exact(8).zip(ours[registers..].chunks_exact(8));
        for (((theirs, ours), (class, r)), stale) in dumps.zip(dumped()).zip(&mut stale) {
            let (operand, name) = match class {
                RegClass::F => (v.f.contains(&r), f_name(r)),
                _ => (v.x.contains(&r), x_name(r)),
            };
            if theirs != ours && !operand && !*stale {
                messages.push(format!("{text}: {name} differs and is not an operand\n"));
            }
            *stale = theirs != ours;
        }
        if !messages.is_empty() {
            let entry = found.entry(v.insn.op).or_default();
            let more = 3usize.saturating_sub(entry.0);
            entry.0 += messages.len();
            entry.1.extend(messages.into_iter().take(more));
        }
    }
    found
}

/// Runs a program on both sides. `Err` is an error message.
fn check(xlen: Xlen, ops: &[Op]) -> Result<usize, String> {
    let program = compose(xlen, ops);
    let (qemu, remu) = (under_qemu(&program), under_remu(&program));
    if remu != single_stepped(&program) {
        return Err(format!("RV{} {ops:?}: a different result with one instruction per block\n", xlen.bits()));
    }
    let (End::Output(theirs), End::Output(ours)) = (&qemu, &remu) else {
        // One side did not finish: find the op.
        if let [op] = ops {
            let brief = |e: &End| match e {
                End::Output(_) => "runs it".to_owned(),
                other => format!("{other:?}"),
            };
            return Err(format!("RV{} {op}: QEMU {}, remu {}\n", xlen.bits(), brief(&qemu), brief(&remu)));
        }
        let each: String = ops.iter().filter_map(|op| check(xlen, &[*op]).err()).collect();
        return Err(format!("RV{} {ops:?}: did not finish\n{each}", xlen.bits()));
    };
    if theirs.len() != program.out_size() || ours.len() != program.out_size() {
        return Err(format!("RV{} {ops:?}: output of {} and {} bytes\n", xlen.bits(), theirs.len(), ours.len()));
    }
    let found = compare(&program, theirs, ours);
    let unseen = unseen_outcomes(&program, ours);
    if !unseen.is_empty() {
        return Err(unseen);
    }
    if found.is_empty() {
        return Ok(program.placed.iter().map(|p| p.records.len()).sum());
    }
    Err(found.into_iter().map(|(op, (n, text))| format!("{op}: {n} results differ\n{text}")).collect())
}

/// Lists branches and jumps with an outcome (taken or not) that no run had.
fn unseen_outcomes(program: &Program, results: &[u8]) -> String {
    let mut seen: BTreeMap<(Op, bool), BTreeSet<u64>> = BTreeMap::new();
    for p in &program.placed {
        let i = p.variant.insn;
        let e = i.expand(program.xlen);
        let outcomes: &[u64] = match e.op {
            Op::Beq | Op::Bne | Op::Blt | Op::Bge | Op::Bltu | Op::Bgeu => &[1, 2],
            Op::Jal | Op::Jalr => &[2],
            _ => continue,
        };
        let marks = results[p.out..].chunks_exact(p.stride()).take(p.records.len());
        let marks = marks.map(|r| u64::from_le_bytes(r[8..16].try_into().expect("eight bytes")));
        let seen = seen.entry((i.op, e.imm < 0)).or_insert_with(|| outcomes.iter().copied().collect());
        let marks: BTreeSet<u64> = marks.collect();
        seen.retain(|outcome| !marks.contains(outcome));
    }
    let missing = seen.into_iter().filter(|(_, left)| !left.is_empty());
    missing.map(|((op, back), left)| format!("{op}, backward {back}: outcomes {left:?} not seen\n")).collect()
}

/// Checks the ops of `UNCHANGING`; returns the number of cases.
fn check_unchanging(xlen: Xlen, op: Op) -> usize {
    let program = compose(xlen, &[op]);
    assert_eq!(under_qemu(&program), End::Signal(libc::SIGILL), "{op}: QEMU runs it now; remove it from the list");
    let End::Output(results) = under_remu(&program) else { panic!("{op} does not run in remu") };
    let mut cases = 0;
    for p in &program.placed {
        for (result, r) in results[p.out..].chunks_exact(p.stride()).zip(&p.records) {
            let mut before: Vec<u64> = vec![r.fcsr, 0];
            before.extend(r.x.iter().map(|x| if xlen == Xlen::Rv32 { u64::from(*x as u32) } else { *x }));
            let mut before: Vec<u8> = before.into_iter().flat_map(u64::to_le_bytes).collect();
            before.extend(&r.memory);
            assert_eq!(result, before, "{op} changed something: {r:x?}");
            cases += 1;
        }
    }
    cases
}

#[test]
fn ops_that_only_qemu_rejects_follow_the_specification() {
    for xlen in [Xlen::Rv64, Xlen::Rv32] {
        for &op in UNCHANGING {
            println!("RV{} {op}: {} cases", xlen.bits(), check_unchanging(xlen, op));
        }
    }
}

#[test]
fn a_difference_of_one_bit_is_found() {
    let program = compose(Xlen::Rv64, &[Op::Add, Op::LrW, Op::FaddS]);
    let End::Output(right) = under_remu(&program) else { panic!("the program runs") };
    assert!(compare(&program, &right, &right).is_empty());
    for p in &program.placed {
        let results = p.stride() * p.records.len();
        let unused = dumped().position(|r| r == (RegClass::X, 17)).expect("x17 is dumped");
        // A bit in the flags, in the last word of the last run, and in a register that is not an operand.
        for at in [0, results - 1, results + 8 * unused] {
            let mut wrong = right.clone();
            wrong[p.out + at] ^= 1;
            let found = compare(&program, &right, &wrong);
            assert_eq!(found.into_keys().collect::<Vec<_>>(), [p.variant.insn.op]);
        }
    }
}

#[test]
fn every_op_agrees_with_qemu() {
    let version = run::qemu_version().unwrap_or_else(|e| panic!("{e}"));
    let mut jobs = Vec::new();
    for xlen in [Xlen::Rv64, Xlen::Rv32] {
        for ext in Ext::ALL {
            let tested = |op: &Op| !CALLS.contains(op) && !UNCHANGING.contains(op) && !traps::always(*op);
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
    let (mut table, mut failed) = (String::new(), String::new());
    for ((ext, bits), (ops, result)) in results {
        match result {
            Ok(cases) => {
                let _ = writeln!(table, "RV{bits} {:<12} {ops:>4} ops {cases:>8} cases", ext.name());
                total += cases;
            }
            Err(e) => failed += &e,
        }
    }
    let _ = writeln!(table, "{total} cases compared with {version}");
    print!("{table}");
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/oracle-cases.txt"), table).expect("writing the table");
    assert!(failed.is_empty(), "\n{failed}");
}
