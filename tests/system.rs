//! `remu-system` from the user's side: how a machine ends, what it prints, and each error line.

#[path = "common/elf.rs"]
mod elf;
#[path = "system/engines.rs"]
mod engines;
#[path = "common/run.rs"]
mod run;
#[path = "system/terminal.rs"]
mod terminal;

use elf::{A0, R, Segment, T0, W, X, assemble, imm, jump, li, lui, store};
use remu_isa::{Insn, Op};
use run::{Programs, Ran};
use std::process::{Command, Stdio};

const BASE: u64 = 0x8000_0000;
const TOHOST: u64 = BASE + 0x1000;

/// A program that sends a text to the serial port and powers off with a code.
fn program(text: &str, code: i32) -> elf::Elf {
    // Only hart 0 goes on.
    let mut insns: Vec<Insn> = vec![elf::branch(Op::Bne, A0, 0, 0), lui(T0, 0x1000_0000)];
    for byte in text.bytes() {
        insns.extend([li(A0, byte.into()), store(Op::Sb, A0, T0, 0)]);
    }
    insns.extend([lui(T0, 0x10_0000), lui(A0, code << 16 | 0x3000), imm(Op::Addi, A0, A0, 0x333)]);
    insns.extend([store(Op::Sw, A0, T0, 0), jump(0)]);
    let mut e = elf::elf(BASE);
    e.segments.push(Segment::load(R | X, BASE, assemble(&insns)));
    let data: Vec<u8> = (0..32).collect();
    e.segments.push(Segment::load(R | W, TOHOST, data));
    e.symbols.push(("begin_signature", TOHOST + 4, 0));
    e.symbols.push(("end_signature", TOHOST + 16, 0));
    e
}

/// A raw kernel with Linux's header: an offset from the start of memory, and a size in memory.
fn kernel_image(text_offset: u64, size: u64, code: &[Insn]) -> Vec<u8> {
    // The first instruction jumps over the header.
    let mut bytes = assemble(&[jump(64)]);
    bytes.resize(64, 0);
    bytes[8..16].copy_from_slice(&text_offset.to_le_bytes());
    bytes[16..24].copy_from_slice(&size.to_le_bytes());
    bytes[56..60].copy_from_slice(b"RSC\x05");
    bytes.extend(assemble(code));
    bytes
}

fn system(programs: &Programs, words: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_remu-system"));
    Ran::from(command.args(words).current_dir(programs.path()).stdin(Stdio::null()).output().unwrap())
}

fn programs() -> Programs {
    let p = Programs::new();
    p.elf("seven", &program("hello\n", 7));
    p
}

#[test]
fn the_machine_prints_and_exits_with_the_guests_code() {
    let p = programs();
    for words in [
        &["seven"][..],
        &["-machine", "virt", "-kernel", "seven"],
        &["-m", "16", "seven", "-smp", "2"],
        &["-M", "virt", "-nographic", "-bios", "none", "-m", "size=16M", "-smp", "cpus=2", "-kernel", "seven"],
        &["-accel", "tcg,thread=single", "-machine", "type=virt,accel=tcg", "-name", "seven", "seven"],
        &["-nodefaults", "-no-user-config", "-serial", "stdio", "-smp", "2,sockets=1,cores=2,maxcpus=2", "seven"],
        &["-display", "none", "-serial", "mon:stdio", "-monitor", "none", "-no-reboot", "-cpu", "rv64", "seven"],
    ] {
        let ran = system(&p, words);
        assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(7), "hello\n", ""), "{words:?}");
    }
    p.elf("zero", &program("", 256));
    assert_eq!(system(&p, &["zero"]).status, Some(1), "a nonzero code never becomes status 0");
}

#[test]
fn a_kernel_image_is_loaded_at_its_offset_with_its_disk_behind_it() {
    let p = Programs::new();
    // Exits with the distance of its address from the start of memory, in MiB.
    let mut code = vec![elf::here(A0), lui(T0, 0x8000_0000_u32 as i32), elf::reg(Op::Subw, A0, A0, T0)];
    code.extend([imm(Op::Srli, A0, A0, 20), imm(Op::Slli, A0, A0, 16), lui(T0, 0x3000)]);
    code.extend([imm(Op::Addi, T0, T0, 0x333), elf::reg(Op::Or, A0, A0, T0), lui(T0, 0x10_0000)]);
    code.extend([store(Op::Sw, A0, T0, 0), jump(0)]);
    p.file("image", &kernel_image(6 << 20, 1 << 20, &code));
    p.file("disk", b"disk");
    let ran = system(&p, &["-bios", "none", "-kernel", "image", "-initrd", "disk", "-append", "quiet"]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(6), ""));
}

#[test]
fn a_run_with_a_clock_of_instructions_is_repeatable() {
    let p = Programs::new();
    // Sends the low byte of the time and of the date.
    let mut insns = vec![lui(T0, 0x1000_0000), elf::imm(Op::Csrrs, A0, 0, 0xc01), store(Op::Sb, A0, T0, 0)];
    insns.extend([lui(A0, 0x10_1000), imm(Op::Lw, A0, A0, 0), imm(Op::Srli, A0, A0, 8), store(Op::Sb, A0, T0, 0)]);
    insns.extend([lui(T0, 0x10_0000), lui(A0, 0x5000), imm(Op::Addi, A0, A0, 0x555), store(Op::Sw, A0, T0, 0)]);
    insns.push(jump(0));
    let mut e = elf::elf(BASE);
    e.segments.push(Segment::load(R | X, BASE, assemble(&insns)));
    p.elf("clock", &e);
    let run = || {
        let words = ["-icount", "shift=10,sleep=off,align=off", "clock"];
        Command::new(env!("CARGO_BIN_EXE_remu-system")).args(words).current_dir(p.path()).output().unwrap().stdout
    };
    let first = run();
    assert_eq!((first.len(), run()), (2, first.clone()));
}

#[test]
fn the_serial_port_may_be_null() {
    for words in [&["-serial", "null", "seven"][..], &["-nodefaults", "seven"]] {
        let ran = system(&programs(), words);
        assert_eq!((ran.status, ran.out.as_str()), (Some(7), ""), "{words:?}");
    }
}

#[test]
fn execution_is_logged() {
    let p = Programs::new();
    // An ecall, which traps to `handler`. The handler ends the machine.
    let mut insns = vec![elf::here(T0), imm(Op::Addi, T0, T0, 16), imm(Op::Csrrw, 0, T0, 0x305), elf::ecall()];
    insns.extend([lui(T0, 0x10_0000), lui(A0, 0x5000), imm(Op::Addi, A0, A0, 0x555), store(Op::Sw, A0, T0, 0)]);
    insns.push(jump(0));
    let mut e = elf::elf(BASE);
    e.segments.push(Segment::load(R | X, BASE, assemble(&insns)));
    e.symbols.extend([("_start", BASE, 0), ("handler", BASE + 16, 0)]);
    p.elf("traps", &e);
    let ran = system(&p, &["-d", "in_asm,exec", "-d", "int", "-dfilter", "0x80000000+0x100", "traps"]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(0), ""));
    let wanted = "\
in_asm 0x80000000 _start+0x0
  0x80000000:  auipc t0, 0x0
  0x80000004:  addi t0, t0, 16
  0x80000008:  csrrw zero, mtvec, t0
";
    assert!(ran.err.starts_with(wanted), "{}", ran.err);
    let order =
        ["exec 0x80000000 _start+0x0", "int at 0x8000000c: call from machine mode, value 0x0, in machine mode; hart 0"];
    let places = order.map(|line| ran.err.find(line).unwrap_or_else(|| panic!("{line}: {}", ran.err)));
    let handler = ran.err.find("exec 0x80000010 handler+0x0").unwrap_or_else(|| panic!("{}", ran.err));
    assert!(places[0] < places[1] && places[1] < handler, "{}", ran.err);
    let ran = system(&p, &["-d", "cpu", "-one-insn-per-tb", "-D", "log", "traps"]);
    let log = std::fs::read_to_string(p.path().join("log")).unwrap();
    assert!(ran.err.is_empty() && log.contains("cpu   pc 0000000080000004"), "{log}");
    let ran = system(&p, &["-d", "out_asm", "-dfilter", "0x80000000+0x100", "traps"]);
    assert!(ran.status == Some(0) && ran.err.starts_with("out_asm 0x80000000 _start+0x0: "), "{}", ran.err);
    assert!(system(&p, &["-d", "help"]).out.contains("traps and interrupts"));
}

#[test]
fn harts_have_machine_mode_however_their_extensions_are_given() {
    let csr = |op, rs1, number| Insn { op, rs1, imm: number, ..imm(op, 0, 0, 0) };
    let p = Programs::new();
    let mut e = program("", 7);
    let back = assemble(&[
        // MPP: machine mode.
        lui(T0, 0x2000),
        imm(Op::Addi, T0, T0, -0x800),
        csr(Op::Csrrs, T0, 0x300),
        imm(Op::Auipc, T0, 0, -0x2000),
        imm(Op::Addi, T0, T0, -12),
        csr(Op::Csrrw, T0, 0x341),
        imm(Op::Mret, 0, 0, 0),
    ]);
    e.entry = TOHOST + 0x1000;
    e.segments.push(Segment::load(R | X, e.entry, back));
    p.elf("returns", &e);
    for words in [&["returns"][..], &["returns", "--cpu", "rv64gc"], &["returns", "--isa", "rv64i_zicsr"]] {
        let ran = system(&p, words);
        assert_eq!((ran.status, ran.err.as_str()), (Some(7), ""), "{words:?}");
    }
}

/// The layout of `gcc -nostdlib -static -Wl,-Ttext=0x80000000`: the headers and the build ID are outside memory.
#[test]
fn segments_outside_memory_are_left_out() {
    let p = Programs::new();
    let mut e = program("hello\n", 7);
    e.segments.insert(0, Segment::load(R, 0x10000, [1; 64]));
    e.segments.push(Segment::load(R, 0xffff_ffff_ffff_f000, [1; 64]));
    p.elf("headers", &e);
    // The same with one segment of which only the end is in memory.
    let mut e = program("hello\n", 7);
    let code = [vec![0xff; 0x1000], e.segments[0].data.clone()].concat();
    e.segments[0] = Segment::load(R | X, BASE - 0x1000, code);
    p.elf("across", &e);
    for name in ["headers", "across"] {
        let ran = system(&p, &["-bios", "none", "-kernel", name]);
        assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(7), "hello\n", ""), "{name}");
    }
    let memory = "outside memory, 0x80000000..0x88000000";
    let mut e = program("", 7);
    e.symbols.push(("tohost", 0x10000, 8));
    p.elf("htif", &e);
    let mut e = program("", 7);
    e.segments[1] = e.segments[1].clone().mem_size(0x1000_0000);
    p.elf("large", &e);
    for (name, line) in [("htif", "its tohost is at 0x10000"), ("large", "needs 0x10000000 bytes at 0x80001000")] {
        let ran = system(&p, &[name]);
        assert_eq!((ran.status, ran.err), (Some(125), format!("remu-system: {name}: {line}, {memory}\n")));
    }
}

#[test]
fn programs_are_loaded_and_started_by_physical_addresses() {
    let p = Programs::new();
    let mut e = program("hello\n", 7);
    e.entry = 0x4000_0000;
    e.segments[0].vaddr = e.entry;
    e.segments[0].paddr = Some(BASE);
    p.elf("virtual", &e);
    let ran = system(&p, &["virtual"]);
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(7), "hello\n", ""));
}

#[test]
fn the_signature_is_written() {
    let p = programs();
    let ran = system(&p, &["seven", "--signature", "sig", "--signature-granularity=8"]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(7), ""));
    assert_eq!(std::fs::read_to_string(p.path().join("sig")).unwrap(), "0b0a090807060504\n000000000f0e0d0c\n");
}

#[test]
fn a_hart_that_only_traps_is_reported() {
    let p = Programs::new();
    let mut e = elf::elf(BASE);
    e.segments.push(Segment::load(R | X, BASE, vec![0; 16]));
    p.elf("zeroes", &e);
    let ran = system(&p, &["--max-instructions", "1000000", "zeroes"]);
    let lines: Vec<&str> = ran.err.lines().collect();
    let told = "remu-system: hart 0 traps forever at its own trap handler, 0x0: instruction access fault";
    assert!(lines.len() == 2 && lines[0].starts_with(told), "{ran:?}");
    assert!(lines[1].starts_with("remu-system: the machine still runs"), "{ran:?}");
}

#[test]
fn a_host_without_threads_is_one_line() {
    let p = programs();
    let mut command = Command::new(env!("CARGO_BIN_EXE_remu-system"));
    // No stack is that large.
    command.args(["-smp", "2", "seven"]).current_dir(p.path()).env("RUST_MIN_STACK", "100000000000000000");
    let ran = Ran::from(command.stdin(Stdio::null()).output().unwrap());
    let line = "remu-system: the host has no thread for each hart: Resource temporarily unavailable; --round-robin needs \
                one for all\n";
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(125), "", line));
}

#[test]
fn errors_are_one_line() {
    let p = programs();
    p.file("garbage", b"\x7fELF and then nothing");
    p.elf("x86", &elf::Elf { machine: 62, ..program("", 0) });
    p.code("low", &[jump(0)]);
    p.file("zipped", b"\x1f\x8b\x08");
    p.file("empty", b"");
    p.file("text", b"echo hi\n");
    p.file("disk", &vec![0; 9 << 20]);
    p.file("full", &vec![0; 1 << 20]);
    p.file("image", &kernel_image(0x20_0000, 5 << 20, &[jump(0)]));
    let cases: &[(&[&str], &str)] = &[
        (&[], "no program to run: name an ELF file, or use --bios or --kernel"),
        (&["-M", "toaster", "seven"], "unknown machine 'toaster'; virt and spike are supported"),
        (&["-M", "virt,aclint=on", "seven"], "-machine: 'aclint=on' is not supported"),
        (&["-accel", "kvm", "seven"], "-accel 'kvm': only tcg is supported"),
        (&["-accel", "tcg,tb-size=8", "seven"], "-accel: 'tb-size=8' is not supported"),
        (
            &["-accel", "tcg,thread=multi", "-icount", "3", "seven"],
            "-icount runs the harts in turn, -accel thread=multi does not",
        ),
        (
            &["--round-robin", "-accel", "tcg,thread=multi", "seven"],
            "--round-robin runs the harts in turn, -accel thread=multi does not",
        ),
        (&["-bios", "default", "seven"], "-bios 'default': remu-system comes without firmware; name a file, or none"),
        (&["-m", "128,slots=2", "seven"], "-m: 'slots=2' is not supported"),
        (&["-smp", "2,threads=2", "seven"], "-smp: 'threads=2' is not supported"),
        (&["-smp", "2,maxcpus=4", "seven"], "-smp '2,maxcpus=4': cores and maxcpus must equal the number of harts"),
        (&["-name", "a,process=b", "seven"], "-name 'a,process=b': only a name is supported, and it is not shown"),
        (&["-s", "seven"], "option '-s' is not supported yet: a GDB server"),
        (&["-drive", "file=x", "seven"], "option '-drive' is not supported yet: disks"),
        (&["-device", "virtio-net", "seven"], "option '-device' is not supported yet: more devices"),
        (&["-dint", "seven"], "unknown option '-dint'; --help lists them"),
        (&["missing"], "missing: No such file or directory"),
        (&["-append", "quiet"], "-append needs a kernel: use --kernel"),
        (&["-bios", "seven", "-initrd", "seven"], "-initrd needs a kernel: use --kernel"),
        (&["-initrd", "missing", "seven"], "missing: No such file or directory"),
        (&["-icount", "auto", "seven"], "-icount 'auto': shift=N is needed, with N from 0 to 10"),
        (&["-icount", "shift=11", "seven"], "-icount 'shift=11': shift=N is needed, with N from 0 to 10"),
        (&["-icount", "sleep=off", "seven"], "-icount 'sleep=off': shift=N is needed, with N from 0 to 10"),
        (&["-icount", "3,rr=record", "seven"], "-icount: 'rr=record' is not supported"),
        (&["-netdev", "user,id=n", "seven"], "option '-netdev' is not supported yet: a network"),
        (&["-M", "virt,dumpdtb=no/such", "seven"], "no/such: No such file or directory"),
        (
            &["--engine", "interp", "-d", "out_asm", "seven"],
            "-d out_asm is about compiled code, and --engine interp compiles none",
        ),
        (&["--engine", "fast", "seven"], "--engine 'fast': not tiered, jit or interp"),
        (&["--engine", "tiered", "seven"], "--engine 'tiered': a machine's code is all compiled, or all interpreted"),
        (&["--engine", "jit", "--isa", "rv32imac_zicsr", "seven"], "--engine 'jit': only RV64 is compiled"),
        (
            &["--engine", "interp", "-perfmap", "seven"],
            "-perfmap is about compiled code, and --engine interp compiles none",
        ),
        (
            &["-d", "out_asm", "--isa", "rv32imac_zicsr", "seven"],
            "-d out_asm is about compiled code, and only RV64 is compiled",
        ),
        (&["-jitdump", "--isa", "rv32i", "seven"], "-jitdump is about compiled code, and only RV64 is compiled"),
        (&["-tb-size", "0", "seven"], "-tb-size '0': not from 1 to 1024 MiB"),
        (&["-smp", "1000", "seven"], "-smp '1000': a machine has 1 to 64 harts"),
        (&["empty"], "empty: is an empty file"),
        (&["-bios", "empty"], "empty: is an empty file"),
        (&["text"], "text: not an ELF file; -kernel FILE loads a raw binary"),
        (
            &["-kernel", "image", "-append", "quiet"],
            "image: a Linux kernel needs firmware: -bios FILE, such as fw_dynamic.bin of Debian's package opensbi, or \
             -bios none to start the kernel in machine mode",
        ),
        (&["zipped"], "zipped: compressed with gzip; decompress it first"),
        (
            &["-bios", "seven", "-kernel", "seven"],
            "seven: needs 0x4c bytes at 0x80000000, which overlaps the firmware at 0x80000000",
        ),
        (
            &["-bios", "none", "-kernel", "image", "-initrd", "disk", "-m", "16"],
            "disk: needs 0x900000 bytes at 0x80a00000, outside memory, 0x80000000..0x81000000",
        ),
        (
            &["-bios", "none", "-kernel", "image", "-m", "6"],
            "image: needs 0x500000 bytes at 0x80200000, outside memory, 0x80000000..0x80600000",
        ),
        (&["x86"], "x86: built for x86-64, not for RISC-V"),
        (&["low"], "low: its entry point is at 0x11000, outside memory, 0x80000000..0x88000000"),
        (&["-m", "lots", "seven"], "-m 'lots': not a size: a number with an optional suffix k, M or G"),
        (&["-smp", "0", "seven"], "-smp '0': a machine has 1 to 64 harts"),
        (&["--isa", "rv64iq", "seven"], "--isa 'rv64iq': no extension 'q'"),
        (&["--isa", "rv64gcv", "seven"], "--isa 'rv64gcv': extension V is not implemented yet"),
        (&["--isa", "x86", "seven"], "--isa 'x86': an ISA string begins with rv32i, rv64i, rv32g or rv64g"),
        (&["-cpu", "rv32", "seven"], "seven: a 64-bit program cannot run on 32-bit harts"),
        (&["-cpu", "max,zfoo=on", "seven"], "-cpu: no extension 'zfoo'; -cpu list shows them"),
        (&["-d", "exec,mmu", "seven"], "-d: log item 'mmu' is not supported yet; -d help lists those that are"),
        (&["-d", "lots", "seven"], "-d: no log item 'lots'; -d help lists them"),
        (&["-serial", "pty", "seven"], "-serial 'pty': only stdio, mon:stdio and null are supported"),
        (&["-display", "gtk", "seven"], "-display 'gtk': only none is supported"),
        (&["-kernel", "seven", "eight"], "unexpected argument 'eight'"),
        (&["-m", "0", "seven"], "seven: memory of 0x0 bytes cannot start at 0x80000000"),
        (
            &["--memory-base", "0x1000", "-m", "1", "seven"],
            "seven: memory at 0x1000..0x101000 overlaps the power-off device at 0x100000",
        ),
        (&["--isa", "rv32i", "seven"], "seven: a 64-bit program cannot run on 32-bit harts"),
        (&["-frobnicate", "seven"], "unknown option '-frobnicate'; --help lists them"),
        (&["seven", "twice"], "unexpected argument 'twice'"),
        (
            &["--max-instructions", "10", "-bios", "none", "-kernel", "image"],
            "the machine still runs when the limit of 10 instructions is reached",
        ),
    ];
    for (words, line) in cases {
        let ran = system(&p, words);
        assert_eq!((ran.status, ran.err.trim_end()), (Some(125), &*format!("remu-system: {line}")), "{words:?}");
    }
    let ran = system(&p, &["-kernel", "full", "-m", "1"]);
    assert!(ran.status == Some(125) && ran.err.starts_with("remu-system: the device tree: needs 0x"), "{ran:?}");
    assert!(ran.err.ends_with(", which overlaps the kernel at 0x80000000\n"), "{ran:?}");
    let ran = system(&p, &["garbage"]);
    assert_eq!((ran.status, ran.err.lines().count()), (Some(125), 1), "{ran:?}");
    assert!(ran.err.starts_with("remu-system: garbage: not an ELF file: "), "{ran:?}");
}

#[test]
fn help_and_version_are_printed() {
    let p = programs();
    let ran = system(&p, &["--help"]);
    assert!(ran.status == Some(0) && ran.out.contains("--signature-granularity"), "{ran:?}");
    let short = system(&p, &["-h"]).out;
    assert!(short.contains("--signature-granularity") && short.len() < ran.out.len(), "{short}");
    for shell in ["bash", "zsh", "fish"] {
        let script = system(&p, &["-completions", shell]).out;
        assert!(script.contains("remu-system") && script.contains("spike") && script.contains("in_asm"), "{script}");
    }
    for words in [["-M", "help"], ["-machine", "?"]] {
        let ran = system(&p, &words);
        assert!(ran.status == Some(0) && ran.out.contains("\n  virt ") && ran.out.contains("\n  spike "), "{ran:?}");
    }
    assert!(system(&p, &["-cpu", "help"]).out.contains("max"));
    assert!(system(&p, &["-accel", "help"]).out.contains("tcg"));
    assert!(system(&p, &["-smp", "help"]).out.contains("cores"));
    assert!(system(&p, &["-version"]).out.starts_with("remu-system "));
}
