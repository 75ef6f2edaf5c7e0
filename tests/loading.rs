//! Unusual ELF files that the kernel loads. The oracle is the host kernel, which loads an x86-64 program of the same
//! layout.

#[path = "common/elf.rs"]
mod elf;
#[path = "common/run.rs"]
mod run;

use elf::{A0, A7, Elf, R, Segment, T0, W, X, assemble, ecall, exit, here, imm, li, program, store};
use remu_isa::Op;
use run::{Programs, Ran, remu};
use std::path::PathBuf;
use std::process::Command;

/// `mov edi, 7; mov eax, 60; syscall`: exit(7).
const NATIVE_EXIT: &[u8] = &[0xbf, 7, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 5];
/// `mov eax, 0x14000; mov al, [rax]`.
const NATIVE_LOAD: &[u8] = &[0xb8, 0, 0x40, 1, 0, 0x8a, 0];
/// `mov eax, 0x14000; mov [rax], al`.
const NATIVE_STORE: &[u8] = &[0xb8, 0, 0x40, 1, 0, 0x88, 0];

/// The memory access of a program before it exits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    Nothing,
    /// Loads from 0x14000.
    Load,
    /// Stores to 0x14000.
    Store,
}

/// The outcomes of a guest program under remu and of the same program with x86-64 code on the host.
fn outcomes(change: impl Fn(&mut Elf), first: First) -> [(Option<i32>, Option<i32>); 2] {
    let programs = Programs::new();
    let address = [li(T0, 0x14), imm(Op::Slli, T0, T0, 12)];
    let (mut code, native) = match first {
        First::Nothing => (vec![], &[][..]),
        First::Load => ([&address[..], &[imm(Op::Lb, A0, T0, 0)]].concat(), NATIVE_LOAD),
        First::Store => ([&address[..], &[store(Op::Sb, A0, T0, 0)]].concat(), NATIVE_STORE),
    };
    code.extend(exit(7));
    let mut guest = program(&code);
    let mut host = Elf { machine: 62, flags: 0, ..guest.clone() };
    host.segments[0].data = [native, NATIVE_EXIT].concat();
    // Both codes have the same size, so that the layouts are equal.
    let mut bytes = assemble(&code);
    let len = bytes.len().max(host.segments[0].data.len());
    for data in [&mut bytes, &mut host.segments[0].data] {
        data.resize(len, 0);
    }
    guest.segments[0].data = bytes;
    for e in [&mut guest, &mut host] {
        e.segments[0].mem_size = len as u64;
        change(e);
    }
    let ran = |mut command: Command| {
        let ran = Ran::from(command.output().expect("it starts"));
        (ran.status, ran.signal)
    };
    let mut command = remu();
    command.arg(programs.elf("guest", &guest));
    [ran(command), ran(Command::new(programs.elf("host", &host)))]
}

/// A segment at 0x13000 of two pages. The file contains only part of the first.
fn cut(e: &mut Elf) {
    let segment = Segment::load(R | W, 0x13000, b"short".as_slice());
    e.segments.push(Segment { file_size: Some(0x2000), ..segment.mem_size(0x2000) });
}

#[test]
fn a_file_may_end_before_its_segments_do() {
    let [remu, native] = outcomes(cut, First::Nothing);
    assert_eq!((remu, native), ((Some(7), None), (Some(7), None)));
    let [remu, native] = outcomes(cut, First::Load);
    assert_eq!((remu, native), ((None, Some(libc::SIGBUS)), (None, Some(libc::SIGBUS))));
}

#[test]
fn programs_may_begin_at_the_hosts_lowest_address() {
    for start in [0, 0x1000, 0x2000, 0x8000] {
        let [remu, native] = outcomes(
            |e| {
                e.segments[0] = Segment { flags: R | X, vaddr: start, ..e.segments[0].clone() };
                e.entry = start;
            },
            First::Nothing,
        );
        // If the host kernel cannot map the program, it kills it after the point of no return; remu prints an error.
        let refused = native.1 == Some(libc::SIGSEGV);
        assert_eq!(remu, if refused { (Some(126), None) } else { native }, "{start:#x}");
    }
}

#[test]
fn zero_pages_are_writable_even_in_a_read_only_segment() {
    let read_only = |e: &mut Elf| e.segments.push(Segment::load(R, 0x14000, []).mem_size(0x1000));
    assert_eq!(outcomes(read_only, First::Store), [(Some(7), None); 2]);
    // A page from the file is not writable, and the rest of its last page is not cleared.
    let from_file = |e: &mut Elf| e.segments.push(Segment::load(R, 0x14000, [1; 8]).mem_size(0x1000));
    assert_eq!(outcomes(from_file, First::Load), [(Some(7), None); 2]);
    assert_eq!(outcomes(from_file, First::Store), [(None, Some(libc::SIGSEGV)); 2]);
}

#[test]
fn a_position_independent_program_may_start_at_its_first_byte() {
    let at_zero = |e: &mut Elf| {
        e.kind = 3;
        e.entry = 0;
        e.segments[0].vaddr = 0;
    };
    assert_eq!(outcomes(at_zero, First::Nothing), [(Some(7), None); 2]);
}

#[test]
fn segments_may_be_empty_overlap_and_come_in_any_order() {
    let odd = |e: &mut Elf| {
        e.segments.push(Segment::load(R, 0x20000, []));
        e.segments.push(Segment { align: 3, ..Segment::load(R | W, 0x14000, [1; 8]).mem_size(0x3000) });
        e.segments.push(Segment { align: 0, ..Segment::load(R | W, 0x15800, [2; 8]).mem_size(0x10) });
        e.segments.push(Segment::load(R | W, 0x13f00, []).mem_size(0x80));
    };
    assert_eq!(outcomes(odd, First::Store), [(Some(7), None); 2]);
}

#[test]
fn an_empty_segment_must_be_at_a_possible_address() {
    for vaddr in [1 << 47, 1 << 62] {
        let [remu, native] = outcomes(|e| e.segments.push(Segment::load(R, vaddr, [])), First::Nothing);
        // The host kernel sees the fault after the point of no return.
        assert_eq!((remu, native), ((Some(126), None), (None, Some(libc::SIGSEGV))), "{vaddr:#x}");
    }
}

/// `lea rdi, [rip]; shr rdi, 12; and edi, 127; mov eax, 60; syscall`: exits with the number of its page.
const NATIVE_PAGE: &[u8] =
    &[0x48, 0x8d, 0x3d, 0, 0, 0, 0, 0x48, 0xc1, 0xef, 0x0c, 0x83, 0xe7, 0x7f, 0xb8, 60, 0, 0, 0, 0x0f, 5];

/// The number of the page, modulo 128, that a position-independent program is placed at: under remu and on the host.
/// Its code is at one address and some data at another.
fn pages(code_at: u64, data_at: u64) -> [i32; 2] {
    let programs = Programs::new();
    let page = [here(A0), imm(Op::Srli, A0, A0, 12), imm(Op::Andi, A0, A0, 127), li(A7, 94), ecall()];
    let mut guest = program(&page);
    guest.kind = 3;
    guest.entry = code_at;
    guest.segments[0].vaddr = code_at;
    guest.segments.insert(1, Segment::load(R | W, data_at, [1; 8]));
    let mut host = Elf { machine: 62, flags: 0, ..guest.clone() };
    host.segments[0] = Segment { vaddr: code_at, ..Segment::load(R | X, code_at, NATIVE_PAGE) };
    let status = |mut command: Command, program: PathBuf| {
        let ran = Ran::from(command.arg(program).output().expect("it starts"));
        ran.status.unwrap_or_else(|| panic!("{ran:?}"))
    };
    let mut fixed = Command::new("setarch");
    fixed.arg("-R");
    let mut remu = remu();
    remu.arg("--no-aslr");
    [status(remu, programs.elf("guest", &guest)), status(fixed, programs.elf("host", &host))]
}

#[test]
fn the_first_segment_of_a_position_independent_program_decides_its_place() {
    let base = pages(0, 0x3000);
    for (code_at, data_at) in [(0x3000, 0), (0x3000, 0x1000), (0x3000, 0x6000), (0x10_0000, 0x10_3000)] {
        let moved = pages(code_at, data_at);
        let [remu, native] = [0, 1].map(|n| (moved[n] - base[n]) & 127);
        assert_eq!(remu, native, "{code_at:#x} {data_at:#x}: {moved:?} from {base:?}");
    }
}

#[test]
fn a_cross_compiled_program_may_begin_low() {
    let programs = Programs::new();
    let source = programs.file("program.c", b"#include <stdio.h>\nint main(void) { puts(\"low\"); return 0; }\n");
    let build = |compiler: &str, flags: &[&str]| {
        let program = programs.path().join(compiler);
        let mut command = Command::new(compiler);
        let built = command.args(["-static", "-no-pie", "-O1", "-o"]).arg(&program).args(flags).arg(&source).output();
        let built = built.unwrap_or_else(|e| panic!("{compiler}: {e}; tests/setup.sh installs it"));
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        program
    };
    for (guest, native) in [
        (&["-Wl,-Ttext-segment=0x1000"][..], &["-Wl,-Ttext-segment=0x1000"][..]),
        (&["-Wl,-z,max-page-size=0x200000"], &["-Wl,-Ttext-segment=0"]),
    ] {
        let host = Ran::from(Command::new(build("gcc", native)).output().expect("it starts"));
        let ran = Ran::from(remu().arg(build("riscv64-linux-gnu-gcc", guest)).output().expect("it starts"));
        match host.status {
            Some(0) => assert_eq!((ran.status, &*ran.out, &*ran.err), (Some(0), "low\n", ""), "{guest:?}"),
            _ => assert!(ran.status == Some(126) && ran.err.contains("outside user memory"), "{guest:?}: {ran:?}"),
        }
    }
}
