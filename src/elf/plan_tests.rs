//! Plans of synthetic files, and the errors.

use super::*;

use crate::test_elf as build;
use build::{Elf, R, Segment as Part, W, X, elf};

const WINDOW: LoadRange = LoadRange { low: 0x1_0000, high: 0x5500_0000_0000, dyn_base: 0x38aa_aaaa_a000 };

/// Text that contains the headers, then data with bss.
fn two_segments() -> Elf {
    elf(0x10400)
        .segment(Part { offset: Some(0), file_size: Some(0x500), ..Part::load(R | X, 0x10000, []).mem_size(0x500) })
        .segment(Part::load(R | W, 0x12f00, [7; 0x80]).mem_size(0x1200))
}

fn plan(e: &Elf) -> LoadPlan {
    LoadPlan::read(&e.bytes()[..]).expect("a plan")
}

fn error(e: &Elf) -> String {
    error_of(&e.bytes())
}

fn error_of(bytes: &[u8]) -> String {
    match LoadPlan::read(bytes).and_then(|p| p.place(&WINDOW)) {
        Ok(placed) => panic!("accepted: {placed:?}"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn an_executable_stays_where_it_was_linked() {
    let p = plan(&two_segments());
    assert_eq!((p.relocatable, p.stack, &p.interpreter), (false, StackExec::Unspecified, &None));
    assert_eq!(p.segments.len(), 2);
    assert_eq!(p.segments[1].prot, Prot::READ | Prot::WRITE);
    let placed = p.place(&WINDOW).unwrap();
    assert_eq!((placed.bias, placed.entry.0, placed.phdr.0, placed.brk.0), (0, 0x10400, 0x10040, 0x15000));
}

#[test]
fn bss_is_the_rest_of_the_last_file_page_and_zero_pages() {
    let p = plan(&two_segments());
    let m = p.segments[1].map(0);
    assert_eq!(m.file, Some((0x12000..0x13000, p.segments[1].offset - 0xf00)));
    assert_eq!(m.clear, 0x12f80..0x13000);
    assert_eq!(m.zero, Some(0x13000..0x15000));
    // A segment that is exactly full, and one with nothing in the file.
    let segment = |file_size, mem_size| Segment { file_size, mem_size, vaddr: 0x2f00, offset: 0xf00, ..p.segments[1] };
    assert_eq!(segment(0x100, 0x100).map(0).zero, None);
    assert!(segment(0x100, 0x101).map(0).clear.is_empty());
    assert_eq!(segment(0x100, 0x101).map(0).zero, Some(0x3000..0x4000));
    assert_eq!(
        segment(0x80, 0x90).map(0),
        SegmentMap { file: Some((0x2000..0x3000, 0)), clear: 0x2f80..0x3000, zero: None }
    );
    assert_eq!(segment(0, 0x90).map(0x1000), SegmentMap { file: None, clear: 0..0, zero: Some(0x3000..0x4000) });
}

#[test]
fn static_pie_is_placed_two_thirds_up_with_its_alignment() {
    let mut e = two_segments();
    e.kind = 3;
    for s in &mut e.segments {
        s.vaddr -= 0x10000;
        s.align = 0x20_0000;
    }
    e.entry = 0x400;
    let placed = plan(&e).place(&WINDOW).unwrap();
    assert_eq!(placed.bias, 0x38aa_aaa0_0000);
    assert_eq!((placed.entry.0, placed.phdr.0), (placed.bias + 0x400, placed.bias + 0x40));
    assert_eq!(LoadRange::new(0x1_0000, WINDOW.high), WINDOW);
    // Linked at a high address: moved down, by a bias that wraps.
    for s in &mut e.segments {
        s.vaddr += 0x5000_0000_0000;
    }
    e.entry += 0x5000_0000_0000;
    assert_eq!(plan(&e).place(&WINDOW).unwrap().entry.0, 0x38aa_aaa0_0400);
    // Linked outside user memory: refused, as by the kernel.
    for s in &mut e.segments {
        s.vaddr += 0x2000_0000_0000;
    }
    assert!(plan(&e).place(&WINDOW).is_err());
}

#[test]
fn the_first_segment_decides_the_place_of_the_others() {
    let mut e = two_segments();
    e.kind = 3;
    e.segments.swap(0, 1);
    // The second segment, with the headers, lies below the place.
    let placed = plan(&e).place(&WINDOW).unwrap();
    assert_eq!(placed.bias, WINDOW.dyn_base - 0x13000);
    assert_eq!(placed.phdr.0, placed.bias + 0x10040);
}

#[test]
fn the_plan_has_stack_permissions_and_interpreter() {
    let e = two_segments().segment(Part::new(build::PT_GNU_STACK, R | W | X, 0, [])).segment(Part::new(
        build::PT_INTERP,
        R,
        0x10200,
        *b"/lib/ld-linux-riscv64-lp64d.so.1\0",
    ));
    let p = plan(&e);
    assert_eq!(p.stack, StackExec::Yes);
    assert_eq!(p.interpreter.unwrap().to_str(), Ok("/lib/ld-linux-riscv64-lp64d.so.1"));
    let e = two_segments().segment(Part::new(build::PT_GNU_STACK, R | W, 0, []));
    assert_eq!(plan(&e).stack, StackExec::No);
}

#[test]
fn the_last_segment_with_the_headers_gives_their_address() {
    let again = Part { offset: Some(0), file_size: Some(0x500), ..Part::load(R, 0x30000, []).mem_size(0x500) };
    assert_eq!(plan(&two_segments().segment(again)).phdr, Some(0x30040));
}

#[test]
fn the_entry_is_not_checked_if_there_is_an_interpreter() {
    let mut e = two_segments().segment(Part::new(build::PT_INTERP, R, 0x10200, *b"/lib/ld.so\0"));
    e.entry = u64::MAX;
    assert!(plan(&e).place(&WINDOW).is_ok());
}

#[test]
fn errors_name_files_that_are_not_programs() {
    let with = |change: fn(&mut Elf)| {
        let mut e = two_segments();
        change(&mut e);
        error(&e)
    };
    assert_eq!(error_of(b""), "is an empty file");
    assert_eq!(error_of(b"hello"), "is neither an ELF program nor a script that begins with #!");
    assert_eq!(with(|e| e.machine = 62), "is built for x86-64; run it without remu");
    assert_eq!(with(|e| e.machine = 183), "is built for AArch64; remu runs riscv64 Linux programs");
    assert_eq!(with(|e| e.machine = 999), "is built for ELF machine 999; remu runs riscv64 Linux programs");
    assert_eq!(
        with(|e| e.class = 1),
        "is a 32-bit (RV32) RISC-V program, which is not supported yet; build it for riscv64"
    );
    assert_eq!(with(|e| e.class = 9), "has ELF class 9, which is neither 32-bit nor 64-bit");
    assert_eq!(with(|e| e.data = 2), "is a big-endian RISC-V program; Linux on RISC-V is little-endian");
    assert_eq!(with(|e| e.kind = 1), "is an object file; link it first");
    assert_eq!(with(|e| e.kind = 4), "is a core dump, not a program");
    assert_eq!(with(|e| e.kind = 0xfe00), "has ELF type 0xfe00, which is not a program");
    assert_eq!(with(|e| (e.kind, e.entry) = (3, 0)), "is a shared library: it has no entry point");
    assert_eq!(
        with(|e| e.flags = 8),
        "is built for RV64E (16 registers), which Linux does not run; build it for rv64gc"
    );
    assert_eq!(
        with(|e| e.flags = 6),
        "uses the quad-precision float ABI, which needs the extension Q; build it with -mabi=lp64d"
    );
}

#[test]
fn malformed_headers_are_refused() {
    let with = |change: fn(&mut Elf)| {
        let mut e = two_segments();
        change(&mut e);
        error(&e)
    };
    assert_eq!(with(|e| e.phentsize = 32), "has program headers of 32 bytes; those of a 64-bit file have 56");
    assert_eq!(with(|e| e.phnum = Some(0)), "has 0 program headers; a program has 1 to 1170");
    assert_eq!(with(|e| e.phnum = Some(1171)), "has 1171 program headers; a program has 1 to 1170");
    assert_eq!(with(|e| e.segments.clear()), "has 0 program headers; a program has 1 to 1170");
    assert_eq!(with(|e| e.segments.iter_mut().for_each(|s| s.kind = 0)), "has nothing to load: no PT_LOAD segment");
    assert_eq!(
        with(|e| e.phoff = u64::MAX),
        "is cut off: the program header table ends at byte 0xffffffffffffffff, the file at 0xf80; copy or download it again"
    );
    assert_eq!(with(|e| e.segments[1].mem_size = 0x7f), "segment 1 has 0x80 bytes in the file but only 0x7f in memory");
    assert_eq!(
        with(|e| e.segments[1].vaddr = u64::MAX - 0xff),
        "segment 1 wraps around: address 0xffffffffffffff00, size 0x1200"
    );
    assert_eq!(
        with(|e| e.segments[1].offset = Some(0xf01)),
        "segment 1 cannot be mapped: address 0x12f00 and file offset 0xf01 differ modulo 4096"
    );
    assert_eq!(
        with(|e| e.segments[1].offset = Some(u64::MAX - 0xff)),
        "segment 1 wraps around: address 0xffffffffffffff00, size 0x80"
    );
    assert_eq!(
        with(|e| (e.segments[0].vaddr, e.entry) = (0, 0x400)),
        "segment 0 at 0x0..0x1000 is outside user memory, 0x10000..0x550000000000"
    );
    assert_eq!(
        with(|e| e.segments[1].mem_size = 1 << 60),
        "segment 1 at 0x12000..0x1000000000013000 is outside user memory, 0x10000..0x550000000000"
    );
    assert_eq!(with(|e| e.entry = 0x5500_0000_0000), "has its entry point at 0x550000000000, outside user memory");
    for interpreter in [&b"/lib/ld.so"[..], b"\0", b"\0\0"] {
        let e = two_segments().segment(Part::new(build::PT_INTERP, R, 0, interpreter));
        assert_eq!(error(&e), "has a malformed PT_INTERP: no path of 1 to 4095 bytes ended by NUL");
    }
}

#[test]
fn a_truncated_file_is_an_error_or_loads() {
    let whole = two_segments().bytes();
    for len in 4..whole.len() {
        match LoadPlan::read(&whole[..len]) {
            Err(ElfError::Truncated { end, len: size, .. }) => assert!(size == len as u64 && end > size),
            // The missing rest of the last page is read as zeroes, and this file has only one page.
            Ok(_) => assert!(len >= 64 + 2 * 56, "{len:#x}"),
            Err(e) => panic!("{len:#x}: {e}"),
        }
    }
}

#[test]
fn the_flags_require_extensions() {
    let mut e = two_segments();
    e.flags = 5;
    let p = plan(&e);
    let all: ExtSet = [Ext::I, Ext::F, Ext::D, Ext::C].into_iter().collect();
    assert!(p.check_extensions(&all).is_ok());
    let needs = |missing| p.check_extensions(&all.without(missing)).unwrap_err().to_string();
    assert_eq!(needs(Ext::C), "needs the extension C, which -cpu switches off");
    assert_eq!(needs(Ext::D), "needs the extension D, which -cpu switches off");
    e.flags = 0;
    assert!(plan(&e).check_extensions(&ExtSet::EMPTY).is_ok());
}
