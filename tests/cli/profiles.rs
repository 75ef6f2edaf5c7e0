//! Compiled code as logs and profilers see it: `-d out_asm`, `-perfmap` and `-jitdump`.

use super::elf::{A0, A1, A2, A3, A7, R, Segment, T0, X, ZERO, assemble, branch, ecall, elf, exit, here, imm, li, reg};
use super::run::{Programs, remu, run, run_with};
use super::{fails, jump, programs};
use remu_isa::{Insn, Op};
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn compiled_code_is_logged() {
    let p = programs();
    let log = run(&p, &["-d", "in_asm,out_asm", "./exit42"]).err;
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines[0], "in_asm 0x11000 _start+0x0");
    let head = lines[4].strip_prefix("out_asm 0x11000 _start+0x0: ").expect(&log);
    let (size, address) = head.split_once(" bytes at 0x").expect(&log);
    let (size, address) = (size.parse::<u64>().unwrap(), u64::from_str_radix(address, 16).unwrap());
    let guest: Vec<&str> = lines[5..].iter().copied().filter(|line| !line.starts_with("    ")).collect();
    let insns = ["  0x11000:  addi a0, zero, 42", "  0x11004:  addi a7, zero, 94", "  0x11008:  ecall"];
    assert_eq!(guest, [&insns[..], &["  0x11000, rarely:"]].concat(), "{log}");
    let host = |line: &str| {
        let (at, text) = line.strip_prefix("    0x").expect(line).split_once(":  ").expect(line);
        (u64::from_str_radix(at, 16).expect(line), text.to_owned())
    };
    let host: Vec<(u64, String)> = lines[5..].iter().filter(|line| line.starts_with("    ")).map(|l| host(l)).collect();
    assert_eq!(host[0], (address, "cmp dword ptr [stop], 0".to_owned()));
    assert!(host.is_sorted_by(|a, b| a.0 < b.0) && host.last().unwrap().0 < address + size, "{log}");
    for text in ["mov ebx, 0x2a", "mov qword ptr [pc], 0x11008", "jmp qword ptr [Leave]"] {
        assert_eq!(host.iter().filter(|(_, insn)| insn == text).count(), 1, "{text} in\n{log}");
    }
    // An exit that is not linked has data behind it: the pc.
    p.code("jumps", &[&[jump(8), li(A0, 0)], &exit(0)[..]].concat());
    let log = run(&p, &["-d", "out_asm", "./jumps"]).err;
    assert!(log.contains(":  data 08 10 01 00 00 00 "), "{log}");
    assert_eq!(run(&p, &["-d", "out_asm", "-dfilter", "0..0xfff", "./jumps"]).err, "");
    let single = run(&p, &["-d", "out_asm", "-one-insn-per-tb", "./exit42"]).err;
    assert_eq!(single.matches("out_asm ").count(), 3, "{single}");
}

#[test]
fn a_block_is_logged_each_time_it_starts() {
    let p = programs();
    // A loop through an indirect jump, three times.
    let mut code = vec![li(A1, 3), here(T0), imm(Op::Addi, T0, T0, 8), imm(Op::Addi, A1, A1, -1)];
    code.extend([branch(Op::Beq, A1, ZERO, 8), imm(Op::Jalr, ZERO, T0, 0)]);
    code.extend(exit(0));
    p.code("indirect", &code);
    for engine in ["interp", "jit"] {
        let log = run(&p, &["--engine", engine, "-d", "exec", "-one-insn-per-tb", "./indirect"]).err;
        assert_eq!(log.matches("exec ").count(), 3 + 3 * 3 - 1 + 3, "{engine}: {log}");
    }
}

#[test]
fn what_is_about_compiled_code_needs_the_compiler() {
    let p = programs();
    for option in [&["-d", "out_asm"][..], &["-perfmap"], &["-jitdump"]] {
        let line = fails(run(&p, &[&["--engine", "interp"], option, &["./exit0"]].concat()), 125);
        assert_eq!(line, format!("{} is about compiled code, and --engine interp compiles none", option.join(" ")));
    }
}

/// fork(), then the parent exits with 1, the child with 2.
fn forks() -> Vec<Insn> {
    let mut code = vec![li(A0, libc::SIGCHLD), li(A1, 0), li(A2, 0), li(A3, 0), li(A3 + 1, 0), li(A7, 220), ecall()];
    code.push(branch(Op::Beq, A0, ZERO, 16));
    code.extend(exit(1));
    code.extend(exit(2));
    code
}

/// The processes of a run, in the order of their numbers.
fn run_processes(p: &Programs, words: &[&str], count: usize) -> Vec<u32> {
    let counters = p.path().join("counters");
    let path = counters.to_str().expect("a path in UTF-8");
    run(p, &[&["--statistics", path], words].concat());
    loop {
        // A child may end last.
        let text = fs::read_to_string(&counters).expect("the counters are written");
        let starts = text.lines().filter_map(|line| line.strip_prefix("process ")?.split(' ').next());
        let mut all: Vec<u32> = starts.map(|pid| pid.parse().expect("a number")).collect();
        if all.len() == count {
            all.sort_unstable();
            return all;
        }
    }
}

/// A perf map, which is removed: address, size and name of each line.
fn perf_map(pid: u32) -> Vec<(u64, u64, String)> {
    let path = PathBuf::from(format!("/tmp/perf-{pid}.map"));
    let text = fs::read_to_string(&path).expect("the map is written");
    fs::remove_file(path).expect("it is there");
    let number = |digits: &str| u64::from_str_radix(digits, 16).expect(digits);
    let line = |line: &str| {
        let words: Vec<&str> = line.splitn(3, ' ').collect();
        (number(words[0]), number(words[1]), words[2].to_owned())
    };
    text.lines().map(line).collect()
}

fn names(map: &[(u64, u64, String)]) -> Vec<&str> {
    map.iter().map(|(.., name)| name.as_str()).collect()
}

const STUBS: &str = "remu enters and leaves code";

#[test]
fn perf_maps_name_the_code_of_each_process() {
    let p = programs();
    p.code("forks", &forks());
    let [parent, child] = run_processes(&p, &["-tier-after", "0", "-perfmap", "./forks"], 2)[..] else {
        panic!("two processes")
    };
    let (parent, child) = (perf_map(parent), perf_map(child));
    for map in [&parent, &child] {
        assert_eq!(names(map)[..2], [STUBS, "_start+0x0"], "{map:?}");
        let apart = map.is_sorted_by(|(at, size, _), (next, ..)| at + size <= *next);
        assert!(apart && map.iter().all(|(_, size, _)| *size > 0), "{map:?}");
    }
    assert_eq!(parent[..2], child[..2], "the child has the parent's code");
    assert_eq!(names(&parent)[2..], ["_start+0x1c"]);
    assert_eq!(names(&child)[2..], ["_start+0x1c", "_start+0x2c"]);
}

#[test]
fn a_perf_map_forgets_discarded_code() {
    let p = programs();
    // The first read of the counter discards all code.
    let mut code = vec![li(A7, 172), ecall(), imm(Op::Csrrs, T0, 0, 0xc02)];
    code.extend(exit(0));
    p.code("counts", &code);
    let child = remu().args(["-tier-after", "0", "-perfmap", "./counts"]).current_dir(p.path()).spawn();
    let mut child = child.expect("remu starts");
    assert!(child.wait().expect("it ends").success());
    assert_eq!(names(&perf_map(child.id())), [STUBS, "_start+0x8"]);
}

#[test]
fn instructions_are_counted_from_the_first_read_of_the_counter_on() {
    let p = programs();
    let read = |r| imm(Op::Csrrs, r, 0, 0xc02);
    let turns = [li(A1, 50), imm(Op::Addi, A1, A1, -1), branch(Op::Bne, A1, ZERO, -4)];
    // What ran before is not counted where no counter was read.
    let code = [&turns[..], &[read(A2)], &turns, &[read(A0), reg(Op::Sub, A0, A0, A2), li(A7, 93), ecall()]].concat();
    p.code("counts", &code);
    for options in [&[][..], &["-tier-after", "0"], &["-tier-after", "3"], &["--engine", "interp"]] {
        assert_eq!(run(&p, &[options, &["./counts"]].concat()).status, Some(1 + 1 + 2 * 50), "{options:?}");
    }
}

/// A record of a jitdump.
#[derive(Debug, PartialEq)]
struct Load {
    pid: u32,
    address: u64,
    index: u64,
    name: String,
    code: Vec<u8>,
}

/// The records of a jitdump.
fn jitdump(folder: &Path, pid: u32) -> Vec<Load> {
    let bytes = fs::read(folder.join(format!("jit-{pid}.dump"))).expect("the dump is written");
    let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let u64_at = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    // Magic, version, size of the header, machine, padding, process.
    assert_eq!([0, 4, 8, 12, 16, 20].map(u32_at), [0x4a69_5444, 1, 40, 62, 0, pid]);
    let (mut loads, mut at, mut time) = (Vec::new(), 40, u64_at(24));
    while at < bytes.len() {
        let (kind, size) = (u32_at(at), u32_at(at + 4) as usize);
        assert!(kind == 0 && u64_at(at + 8) >= time, "a load, in the order of time");
        time = u64_at(at + 8);
        assert_eq!(u64_at(at + 24), u64_at(at + 32), "the code is where it runs");
        let name_len = bytes[at + 56..].iter().position(|&b| b == 0).expect("the name ends");
        let code = at + 56 + name_len + 1;
        assert_eq!(code + u64_at(at + 40) as usize, at + size, "the code ends the record");
        loads.push(Load {
            pid: u32_at(at + 16),
            address: u64_at(at + 32),
            index: u64_at(at + 48),
            name: String::from_utf8(bytes[at + 56..code - 1].to_vec()).unwrap(),
            code: bytes[code..at + size].to_vec(),
        });
        at += size;
    }
    loads
}

#[test]
fn jitdumps_have_the_code_of_each_process() {
    let p = programs();
    p.code("forks", &forks());
    let [parent, child] = run_processes(&p, &["-tier-after", "0", "-jitdump", "./forks"], 2)[..] else {
        panic!("two processes")
    };
    for (pid, expected) in
        [(parent, &["_start+0x0", "_start+0x1c"][..]), (child, &["_start+0x0", "_start+0x1c", "_start+0x2c"])]
    {
        let loads = jitdump(p.path(), pid);
        let names: Vec<&str> = loads.iter().map(|load| load.name.as_str()).collect();
        assert_eq!(names, [&[STUBS], expected].concat());
        assert!(loads.iter().all(|load| load.pid == pid && !load.code.is_empty()));
        assert!(loads.is_sorted_by(|a, b| a.index < b.index && a.address < b.address));
        // cmp dword ptr [rbp + disp], 0
        assert!(loads[1..].iter().all(|load| load.code[..2] == [0x83, 0x7d]), "{loads:x?}");
    }
}

#[test]
fn files_for_perf_that_cannot_be_created_are_named() {
    let p = programs();
    let folder = p.path().join("gone");
    fs::create_dir(&folder).expect("a folder");
    // The kernel creates no files in a folder that has been removed.
    let program = p.path().join("exit0");
    let script =
        format!("cd gone && rmdir ../gone && exec {} -jitdump {}", env!("CARGO_BIN_EXE_remu"), program.display());
    let out = std::process::Command::new("sh").args(["-c", &script]).current_dir(p.path()).output().expect("sh starts");
    let line = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(
        line.starts_with("remu: cannot write jit-") && line.ends_with(".dump: No such file or directory\n"),
        "{line}"
    );
    assert_eq!(out.status.code(), Some(125));
    let ran = run_with(&p, &["./exit42"], &[("QEMU_PERFMAP", "1"), ("REMU_ENGINE", "interp")]);
    assert_eq!(fails(ran, 125), "-perfmap is about compiled code, and --engine interp compiles none");
}

#[test]
fn a_program_that_another_executes_has_its_own_map() {
    let p = programs();
    // execve("./exit42", NULL, NULL)
    let code = [here(T0), imm(Op::Addi, A0, T0, 24), li(A1, 0), li(A2, 0), li(A7, 221), ecall()];
    let mut program = assemble(&code);
    program.extend(b"./exit42\0");
    p.elf("executes", &elf(0x11000).segment(Segment::load(R | X, 0x11000, program)));
    let mut child =
        remu().args(["-tier-after", "0", "-perfmap", "./executes"]).current_dir(p.path()).spawn().expect("remu starts");
    assert_eq!(child.wait().expect("it ends").code(), Some(42));
    assert_eq!(names(&perf_map(child.id())), [STUBS, "_start+0x0"]);
}
