//! A second oracle: QEMU executes the instructions. It shares no code with remu or the current SoftFloat, and has the
//! operations that SoftFloat lacks (fmin, fmax, fclass, fsgnj).

use crate::FORMATS;
use crate::operands::{Operands, edges, integer_edges};
use remu::guest::riscv::fp::{self, Flags, Fmt, Rm};
use remu::guest::riscv::{FpCmp, FpMinMax, FpOp, IntType, Sgnj};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// One instruction to execute: the fields of a record of `qemu.c`.
#[derive(Clone, Copy, Debug)]
struct Record {
    op: u64,
    fmt: Fmt,
    rm: Rm,
    operands: [u64; 3],
}

/// remu's result for a record.
fn ours(r: Record) -> (u64, Flags) {
    let Record { op, fmt, rm, operands: [a, b, c] } = r;
    match op {
        0 => fp::arith(FpOp::Add, fmt, rm, a, b),
        1 => fp::arith(FpOp::Sub, fmt, rm, a, b),
        2 => fp::arith(FpOp::Mul, fmt, rm, a, b),
        3 => fp::arith(FpOp::Div, fmt, rm, a, b),
        4 => fp::sqrt(fmt, rm, a),
        5 => fp::fma(fmt, rm, a, b, c),
        6 => fp::min_max(FpMinMax::Min, fmt, a, b),
        7 => fp::min_max(FpMinMax::Max, fmt, a, b),
        8 => fp::compare(FpCmp::Eq, fmt, a, b),
        9 => fp::compare(FpCmp::Lt, fmt, a, b),
        10 => fp::compare(FpCmp::Le, fmt, a, b),
        11 => (fp::class(fmt, a), Flags::NONE),
        12 => fp::to_int(fmt, IntType::I32, rm, a),
        13 => fp::to_int(fmt, IntType::U32, rm, a),
        14 => fp::to_int(fmt, IntType::I64, rm, a),
        15 => fp::to_int(fmt, IntType::U64, rm, a),
        16 => fp::from_int(fmt, IntType::I32, rm, a),
        17 => fp::from_int(fmt, IntType::U32, rm, a),
        18 => fp::from_int(fmt, IntType::I64, rm, a),
        19 => fp::from_int(fmt, IntType::U64, rm, a),
        20 => (fp::sgnj(fmt, Sgnj::Copy, a, b), Flags::NONE),
        21 => (fp::sgnj(fmt, Sgnj::Negate, a, b), Flags::NONE),
        22 => (fp::sgnj(fmt, Sgnj::Xor, a, b), Flags::NONE),
        _ => fp::convert(fmt, destination(op), rm, a),
    }
}

/// The destination format of a conversion between formats.
fn destination(op: u64) -> Fmt {
    FORMATS[((op - 30) % 3) as usize]
}

/// The meaningful bits of a result: moves to integer registers sign-extend numbers.
fn significant(r: Record) -> u64 {
    match r.op {
        8..=15 => u64::MAX,
        30.. => u64::MAX >> (64 - destination(r.op).bits()),
        _ => u64::MAX >> (64 - r.fmt.bits()),
    }
}

fn records() -> Vec<Record> {
    // All records are in memory at once, so a thorough run of the other tests does not enlarge this one.
    let count = (crate::count() / 4).min(50_000);
    let mut v = Vec::new();
    for (number, fmt) in (0..).zip(FORMATS) {
        let edges = edges(fmt);
        let conversions = (0..3).filter(|&to| to != number).map(|to| 30 + 3 * number + to);
        for op in (0..=22).chain(conversions) {
            for rm in Rm::ALL {
                let mut push = |operands| v.push(Record { op, fmt, rm, operands });
                let mut random = Operands::new(fmt, "QEMU", rm);
                match op {
                    16..=19 => {
                        integer_edges().into_iter().for_each(|a| push([a, 0, 0]));
                        (0..count).for_each(|_| push([random.integer(), 0, 0]));
                    }
                    5 => {
                        for (&a, &b) in edges.iter().flat_map(|a| edges.iter().map(move |b| (a, b))) {
                            edges.iter().step_by(3).for_each(|&c| push([a, b, c]));
                        }
                        (0..count).for_each(|_| push(random.triple().into()));
                    }
                    0..=3 | 6..=10 | 20..=22 => {
                        edges.iter().for_each(|&a| edges.iter().for_each(|&b| push([a, b, 0])));
                        for _ in 0..count {
                            let (a, b) = random.pair();
                            push([a, b, 0]);
                        }
                    }
                    12..=15 => {
                        edges.iter().for_each(|&a| push([a, 0, 0]));
                        (0..count).for_each(|_| push([random.near_integer(), 0, 0]));
                    }
                    30.. => {
                        edges.iter().for_each(|&a| push([a, 0, 0]));
                        (0..count).for_each(|_| push([random.near_format(destination(op)), 0, 0]));
                    }
                    _ => {
                        edges.iter().for_each(|&a| push([a, 0, 0]));
                        (0..count).for_each(|_| push([random.single(), 0, 0]));
                    }
                }
            }
        }
    }
    v
}

/// QEMU's result and flags for each record.
fn theirs(records: &[Record]) -> Vec<(u64, Flags)> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let program = dir.path().join("fp");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fp_vectors/qemu.c");
    let compiled = Command::new("riscv64-linux-gnu-gcc")
        .args(["-O1", "-static", "-o"])
        .args([&program, &source])
        .status()
        .expect("apt-get install gcc-riscv64-linux-gnu");
    assert!(compiled.success());

    let mut child = Command::new("qemu-riscv64")
        .args(["-cpu", "rv64,Zfh=true"])
        .arg(&program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("apt-get install --no-install-recommends qemu-user");
    let mut input = Vec::with_capacity(records.len() * 48);
    for r in records {
        for word in [r.op, r.fmt as u64, r.rm.bits().into(), r.operands[0], r.operands[1], r.operands[2]] {
            input.extend(word.to_le_bytes());
        }
    }
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    let writer = std::thread::spawn(move || stdin.write_all(&input).expect("QEMU reads its input"));
    let mut output = Vec::new();
    child.stdout.take().expect("stdout is a pipe").read_to_end(&mut output).expect("reading QEMU's output");
    writer.join().expect("the writer does not panic");
    assert!(child.wait().expect("QEMU ends").success());

    let words: Vec<u64> =
        output.chunks_exact(8).map(|w| u64::from_le_bytes(w.try_into().expect("eight bytes"))).collect();
    words.chunks_exact(2).map(|w| (w[0], Flags(w[1] as u8))).collect()
}

#[test]
fn qemu_agrees() {
    let records = records();
    let results = theirs(&records);
    assert_eq!(results.len(), records.len());
    for (&record, (v, flags)) in records.iter().zip(results) {
        let (want, want_flags) = ours(record);
        let v = v & significant(record);
        assert!(
            (v, flags) == (want, want_flags),
            "{record:#x?}: QEMU gives {v:#x} with flags {:#07b}, remu {want:#x} with {:#07b}",
            flags.0,
            want_flags.0
        );
    }
    println!("{:>10} vectors  QEMU", records.len());
}
