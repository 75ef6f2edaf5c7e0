//! Options about the engines of a machine: counters, profilers, the code cache, and the host's features.

use super::elf::{self, A0, R, Segment, T0, W, X, assemble, branch, imm, jump, li, lui, store};
use super::run::Programs;
use super::{BASE, system};
use remu_isa::{Insn, Op};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

const STUBS: &str = "remu enters and leaves code";

/// Writes a code to the power-off device.
fn finish(code: i32) -> [Insn; 5] {
    let high = (code + 0x800) & !0xfff;
    [lui(T0, 0x10_0000), lui(A0, high), imm(Op::Addi, A0, A0, code - high), store(Op::Sw, A0, T0, 0), jump(0)]
}

fn program(start: &[Insn]) -> elf::Elf {
    let mut e = elf::elf(BASE);
    e.segments.push(Segment::load(R | W | X, BASE, assemble(&[start, &finish(0x5555)].concat())));
    e.symbols.push(("_start", BASE, 0));
    e
}

/// The blocks of a file of counters.
fn counters(path: &Path) -> Vec<BTreeMap<String, u64>> {
    let text = fs::read_to_string(path).expect("the counters are written");
    let mut blocks = Vec::new();
    for line in text.lines() {
        match line.split_once(' ') {
            None if line == "machine" => blocks.push(BTreeMap::new()),
            Some((name, count)) => {
                let block = blocks.last_mut().expect("a block begins with a line that names it");
                block.insert(name.to_owned(), count.parse().expect("a number"));
            }
            None => panic!("{text}"),
        }
    }
    blocks
}

/// The names in a perf map, which is removed.
fn perf_map(pid: u32) -> Vec<String> {
    let path = format!("/tmp/perf-{pid}.map");
    let text = fs::read_to_string(&path).expect("the map is written");
    fs::remove_file(path).expect("it is there");
    text.lines().map(|line| line.splitn(3, ' ').nth(2).expect("address, size and name").to_owned()).collect()
}

/// Runs a machine that ends with success; returns its process ID.
fn run(p: &Programs, words: &[&str]) -> u32 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_remu-system"));
    let mut child = command.args(words).current_dir(p.path()).stdin(Stdio::null()).spawn().expect("it starts");
    assert!(child.wait().expect("it ends").success(), "{words:?}");
    child.id()
}

#[test]
fn counters_are_the_sums_of_all_harts() {
    let p = Programs::new();
    // Hart 0 takes several turns and ends the machine.
    let others = [branch(Op::Beq, A0, 0, 12), elf::reg(Op::Wfi, 0, 0, 0), jump(-4)];
    let turns = [lui(A0, 0x3000), imm(Op::Addi, A0, A0, -1), branch(Op::Bne, A0, 0, -4)];
    p.elf("turns", &program(&[&others[..], &turns].concat()));
    let path = p.path().join("counters");
    let count = |words: &[&str]| {
        run(&p, &[&["--round-robin", "--statistics", "counters", "turns"], words].concat());
        let blocks = counters(&path);
        assert_eq!(blocks.len(), 1);
        blocks.into_iter().next().expect("one block")
    };
    let (jit, interp) = (count(&["--engine", "jit"]), count(&["--engine", "interp"]));
    assert!(jit["superblocks"] > 0 && jit["compile-ns"] > 0 && jit["code-bytes"] > 0, "{jit:?}");
    assert!(interp["blocks"] > 0 && !interp.contains_key("superblocks"), "{interp:?}");
    // Two instructions a turn.
    assert!(jit["instructions"] > 0x6000 && interp["instructions"] > 0x6000, "{jit:?} {interp:?}");
    // Hart 1 waits in its first turn.
    let two = count(&["--engine", "jit", "-smp", "2"]);
    assert_eq!((jit["exit-wait"], two["exit-wait"]), (0, 1));
    let ran = system(&p, &["--statistics", "no/such", "turns"]);
    assert!(ran.err.starts_with("remu-system: cannot write the counters to no/such: "), "{}", ran.err);
}

#[test]
fn a_small_code_cache_is_emptied_when_it_is_full() {
    let p = Programs::new();
    // More code than fits into one MiB: an access to memory takes 40 bytes or more.
    let mut code = vec![elf::here(T0)];
    code.extend(std::iter::repeat_n(imm(Op::Ld, A0, T0, 0), 40_000));
    p.elf("long", &program(&code));
    let path = p.path().join("counters");
    let kept = |words: &[&str]| {
        let words = [&["-perfmap", "--statistics", "counters", "long"], words].concat();
        let map = perf_map(run(&p, &words));
        let compiled = counters(&path)[0]["superblocks"];
        (map.iter().filter(|name| **name != STUBS).count() as u64, compiled)
    };
    let (all, compiled) = kept(&[]);
    assert_eq!(all, compiled);
    let (some, compiled) = kept(&["-tb-size", "1"]);
    assert!(some < compiled, "{some} of {compiled}");
}

#[test]
fn compiled_code_is_named_for_profilers() {
    let p = Programs::new();
    p.elf("short", &program(&[li(A0, 1)]));
    let pid = run(&p, &["-perfmap", "-jitdump", "short"]);
    let map = perf_map(pid);
    assert!(map[0] == STUBS && map.contains(&"_start+0x0".to_owned()), "{map:?}");
    let dump = fs::read(p.path().join(format!("jit-{pid}.dump"))).expect("the dump is written");
    let has = |name: &[u8]| dump.windows(name.len()).any(|bytes| bytes == name);
    assert!(dump.starts_with(b"DTiJ") && has(b"_start+0x0\0"));
}

#[test]
fn each_machine_between_resets_has_code_and_counters_of_its_own() {
    let p = Programs::new();
    // Prints S and waits for a byte: an even one resets the machine.
    let mut code = vec![lui(T0, 0x1000_0000), li(A0, b'S'.into()), store(Op::Sb, A0, T0, 0)];
    code.extend([imm(Op::Lbu, A0, T0, 5), imm(Op::Andi, A0, A0, 1), branch(Op::Beq, A0, 0, -8)]);
    code.extend([imm(Op::Lbu, A0, T0, 0), imm(Op::Andi, A0, A0, 1), branch(Op::Bne, A0, 0, 24)]);
    code.extend(finish(0x7777));
    p.elf("again", &program(&code));
    let words = ["-perfmap", "--statistics", "counters", "-serial", "stdio", "again"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_remu-system"));
    command.args(words).current_dir(p.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let (mut input, mut output) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
    for byte in *b"ro" {
        let mut printed = [0];
        output.read_exact(&mut printed).expect("the machine prints");
        assert_eq!(printed, *b"S");
        input.write_all(&[byte]).expect("the machine reads");
    }
    assert!(child.wait().expect("it ends").success());
    assert_eq!(counters(&p.path().join("counters")).len(), 2);
    let map = perf_map(child.id());
    // The map is written anew for the second machine.
    for name in [STUBS, "_start+0x0"] {
        assert_eq!(map.iter().filter(|known| *known == name).count(), 1, "{map:?}");
    }
}

#[test]
fn features_of_the_host_can_be_left_unused() {
    let p = Programs::new();
    p.elf("clz", &program(&[imm(Op::Clz, elf::A1, A0, 0)]));
    let code = |words: &[&str]| system(&p, &[&["-d", "out_asm", "clz"], words].concat()).err;
    assert_eq!(code(&[]).contains("lzcnt"), std::is_x86_feature_detected!("lzcnt"));
    for without in ["-lzcnt", "-all"] {
        assert!(!code(&["--host-features", without]).contains("lzcnt"));
    }
    let ran = system(&p, &["--host-features", "-nope", "clz"]);
    assert!(ran.status == Some(125) && ran.err.starts_with("remu-system: --host-features: "), "{}", ran.err);
}
