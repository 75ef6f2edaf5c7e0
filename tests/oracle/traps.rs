//! Instructions that trap: always, on a bad address, or in an illegal encoding or state. Linux turns each trap into a
//! signal; QEMU and remu must agree on which.

use crate::has;
use crate::program::{CODE, Program, SCRATCH, Variant, insn};
use crate::run::{End, under_qemu, under_remu};
use remu_isa::{Insn, Op, Xlen, encode};
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Ops that always trap, with their signals: breakpoints and privileged instructions. `cbo.inval` is illegal because
/// Linux leaves senvcfg.CBIE at 0.
const TRAPS: &[(Op, i32)] = &[
    (Op::Ebreak, libc::SIGTRAP),
    (Op::CEbreak, libc::SIGTRAP),
    (Op::Mret, libc::SIGILL),
    (Op::Sret, libc::SIGILL),
    (Op::Wfi, libc::SIGILL),
    (Op::SfenceVma, libc::SIGILL),
    (Op::SinvalVma, libc::SIGILL),
    (Op::SfenceWInval, libc::SIGILL),
    (Op::SfenceInvalIr, libc::SIGILL),
    (Op::CboInval, libc::SIGILL),
];

/// Whether the op always traps.
pub fn always(op: Op) -> bool {
    TRAPS.iter().any(|t| t.0 == op)
}

/// A base register that compressed instructions can encode.
const BASE: u8 = 11;
/// An unmapped address.
const NOWHERE: u64 = 0x0800_0000;

/// A program of one instruction, and the expected outcome.
struct Trial {
    what: String,
    program: Program,
    remu: End,
    /// QEMU's outcome, if QEMU is wrong.
    qemu: Option<End>,
}

fn program(xlen: Xlen, before: &[Insn], bits: u32) -> Program {
    let mut p = Program::new(xlen);
    before.iter().for_each(|&i| p.emit(i));
    p.code.extend(&bits.to_le_bytes()[..if bits & 3 == 3 { 4 } else { 2 }]);
    // A write of no bytes.
    p.emit(insn(Op::Addi, 10, 0, 0, 0));
    p.emit(insn(Op::Addi, 17, 0, 0, 93));
    p.emit(insn(Op::Ecall, 0, 0, 0, 0));
    p
}

fn load_address(r: u8, address: u64) -> [Insn; 2] {
    let low = (address as i32) << 20 >> 20;
    [insn(Op::Lui, r, 0, 0, address as i32 - low), insn(Op::Addi, r, r, 0, low)]
}

fn survives() -> End {
    End::Output(Vec::new())
}

/// Runs all programs on both sides.
fn judge(trials: Vec<Trial>) {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(String::new());
    std::thread::scope(|s| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from).min(4) {
            s.spawn(|| {
                while let Some(t) = trials.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (qemu, remu) = (under_qemu(&t.program), under_remu(&t.program));
                    if remu != t.remu || qemu != *t.qemu.as_ref().unwrap_or(&t.remu) {
                        let mut failed = failed.lock().expect("no panic");
                        let bits = t.program.xlen.bits();
                        let _ = writeln!(
                            failed,
                            "RV{bits} {}: QEMU {qemu:?}, remu {remu:?}, expected {:?}",
                            t.what, t.remu
                        );
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no panic");
    println!("{} programs", trials.len());
    assert!(failed.is_empty(), "\n{failed}");
}

#[test]
fn privileged_instructions_are_illegal() {
    let mut trials = Vec::new();
    for xlen in [Xlen::Rv64, Xlen::Rv32] {
        for &(op, signal) in TRAPS.iter().filter(|t| has(t.0, xlen)) {
            let base = if op == Op::CboInval { BASE } else { 0 };
            let bits = encode(&insn(op, 0, base, 0, 0), xlen).expect("it can be encoded");
            let program = program(xlen, &load_address(BASE, SCRATCH), bits);
            trials.push(Trial { what: op.to_string(), program, remu: End::Signal(signal), qemu: None });
        }
    }
    judge(trials);
}

#[test]
fn bad_addresses_fault() {
    let mut trials = Vec::new();
    for xlen in [Xlen::Rv64, Xlen::Rv32] {
        for op in Op::ALL.into_iter().filter(|op| has(*op, xlen) && !always(*op)) {
            // Registers that pairs and compressed instructions can encode; operands without a field are 0.
            let fields = [[10, BASE, 12], [0, BASE, 12], [10, BASE, 0], [0, BASE, 0], [10, 0, 0], [0, 0, 12]];
            let all = fields.into_iter().flat_map(|[rd, rs1, rs2]| [0, 8].map(|imm| insn(op, rd, rs1, rs2, imm)));
            let Some((i, bits)) = all.into_iter().find_map(|i| Some((i, encode(&i, xlen).ok()?))) else { continue };
            let e = i.expand(xlen);
            let info = e.op.info();
            if !(info.is_load || info.is_store || info.may_fault) {
                continue;
            }
            assert!(Variant::new(i, xlen).x.contains(&e.rs1), "{op}: no base register");
            let mut add = |what: &str, address: u64, remu: End, qemu: Option<End>| {
                let program = program(xlen, &load_address(e.rs1, address - e.imm as u64), bits);
                trials.push(Trial { what: format!("{op}, {what}"), program, remu, qemu });
            };
            let segv = || End::Signal(libc::SIGSEGV);
            let conditional = matches!(op, Op::ScW | Op::ScD);
            // QEMU does not enable cache-block management in user mode. Without a reservation, remu's store-conditional
            // fails before it accesses memory, while QEMU's faults. The specification allows both: "For purposes of
            // memory protection, a failed SC.W may be treated like a store."
            let (remu, qemu) = match op {
                Op::ScW | Op::ScD => (survives(), Some(segv())),
                Op::CboClean | Op::CboFlush => (segv(), Some(End::Signal(libc::SIGILL))),
                _ => (segv(), None),
            };
            add("unmapped", NOWHERE, remu, qemu);
            if info.is_store && !conditional {
                add("read-only", CODE + 64, segv(), None);
            }
            if info.is_atomic && !op.mnemonic().ends_with(".b") {
                // QEMU aborts on a misaligned store-conditional.
                let aborts = || End::Other("exit status: 1: qemu: unhandled CPU exception 0x6 - aborting".to_owned());
                add("misaligned", SCRATCH + 65, End::Signal(libc::SIGBUS), conditional.then(aborts));
            }
        }
    }
    judge(trials);
}

#[test]
fn reserved_modes_and_missing_csrs_are_illegal() {
    let mut trials = Vec::new();
    for xlen in [Xlen::Rv64, Xlen::Rv32] {
        let illegal = || End::Signal(libc::SIGILL);
        let mut add = |what: String, before: &[Insn], i: Insn, remu: End| {
            let bits = encode(&i, xlen).unwrap_or_else(|e| panic!("{i:?}: {e}"));
            trials.push(Trial { what, program: program(xlen, before, bits), remu, qemu: None });
        };
        // Every op that rounds, with a reserved mode in the instruction and in frm.
        for op in Op::ALL.into_iter().filter(|op| has(*op, xlen) && op.info().has_rm) {
            let with = |rm| Insn { rm, rs3: 0, ..insn(op, 10, 11, 0, 0) };
            let mode = 5 + (op as u8 & 1);
            add(format!("{op} with rm={mode}"), &[], with(mode), illegal());
            let frm = 5 + (op as u8 % 3);
            let set = insn(Op::Csrrwi, 0, frm, 0, 2);
            add(format!("{op} with frm={frm}"), &[set], with(7), illegal());
        }
        // Counters are readable but not writable. Missing CSRs and those of other modes are neither.
        let high = xlen == Xlen::Rv32;
        for (csr, there) in [(0xc00, true), (0xc01, true), (0xc02, true), (0xc80, high), (0xc81, high), (0xc82, high)] {
            let read = if there { survives() } else { illegal() };
            add(format!("reading CSR {csr:#x}"), &[], insn(Op::Csrrs, 10, 0, 0, csr), read);
            add(format!("writing CSR {csr:#x}"), &[], insn(Op::Csrrw, 0, 10, 0, csr), illegal());
            add(format!("setting bits of CSR {csr:#x}"), &[], insn(Op::Csrrsi, 10, 1, 0, csr), illegal());
        }
        for csr in [0x100, 0x105, 0x180, 0x300, 0x305, 0x340, 0x7b0, 0xf11, 0x004, 0x041, 0x800, 0xcff] {
            add(format!("reading CSR {csr:#x}"), &[], insn(Op::Csrrs, 10, 0, 0, csr), illegal());
        }
    }
    judge(trials);
}
