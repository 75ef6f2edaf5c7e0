//! What is logged: system calls, code, memory, missing calls and counters.

use super::elf::{
    A0, A1, A2, A3, A7, R, SP, Segment, T0, X, ZERO, branch, ebreak, ecall, exit, here, imm, li, lui, program, reg,
    store,
};
use super::run::{Programs, remu, run, run_with};
use super::{fails, prints, programs};
use remu_isa::{Insn, Op};

#[test]
fn system_calls_are_logged() {
    let p = programs();
    for (words, vars) in [
        (&["-strace", "./exit42"][..], &[][..]),
        (&["-d", "strace", "./exit42"], &[]),
        (&["./exit42"], &[("QEMU_STRACE", "1")]),
        (&["./exit42"], &[("REMU_LOG", "strace")]),
    ] {
        let ran = run_with(&p, words, vars);
        assert_eq!((ran.status, ran.out.as_str()), (Some(42), ""));
        assert!(ran.err.contains("exit_group(42)"), "{ran:?}");
    }
}

#[test]
fn the_log_goes_to_a_file() {
    let p = programs();
    let ran = run(&p, &["-strace", "-D", "log", "./exit42"]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(42), ""));
    assert!(std::fs::read_to_string(p.path().join("log")).unwrap().contains("exit_group(42)"));
    let mut child = remu().args(["-strace", "-D", "log.%d", "./exit42"]).current_dir(p.path()).spawn().unwrap();
    child.wait().unwrap();
    assert!(p.path().join(format!("log.{}", child.id())).exists());
    for vars in [&[("QEMU_LOG_FILENAME", "log2")][..], &[("QEMU_LOG_FILENAME", "x/y"), ("REMU_LOG_FILENAME", "log2")]] {
        assert_eq!(run_with(&p, &["-strace", "./exit42"], vars).err, "");
        assert!(std::fs::read_to_string(p.path().join("log2")).unwrap().contains("exit_group(42)"));
        std::fs::remove_file(p.path().join("log2")).unwrap();
    }
    assert_eq!(
        fails(run(&p, &["-strace", "-D", "x/y", "./exit42"]), 125),
        "cannot write the log x/y: No such file or directory"
    );
}

#[test]
fn code_is_logged() {
    let p = programs();
    let log = |items: &str| run(&p, &["-d", items, "./exit42"]).err;
    assert_eq!(
        log("in_asm"),
        "in_asm 0x11000 _start+0x0\n  0x11000:  li a0, 42\n  0x11004:  li a7, 94\n  0x11008:  ecall\n"
            .replace("li a0, 42", "addi a0, zero, 42")
            .replace("li a7, 94", "addi a7, zero, 94")
    );
    assert_eq!(log("exec"), "exec 0x11000 _start+0x0\n");
    let single = run(&p, &["-one-insn-per-tb", "-d", "exec,nochain", "./exit42"]).err;
    assert_eq!(single, "exec 0x11000 _start+0x0\nexec 0x11004 _start+0x4\nexec 0x11008 _start+0x8\n");
    for var in ["QEMU_ONE_INSN_PER_TB", "QEMU_SINGLESTEP", "REMU_ONE_INSN_PER_TB"] {
        assert_eq!(run_with(&p, &["-d", "exec", "./exit42"], &[(var, "1")]).err, single);
    }
    assert_eq!(run(&p, &["-singlestep", "-d", "exec", "./exit42"]).err, single);
    let cpu = log("cpu");
    assert!(cpu.starts_with("cpu   pc 0000000000011000\n    zero 0000000000000000       ra "), "{cpu}");
    assert!(!cpu.contains("fcsr") && log("cpu,fpu").contains("fcsr 00000000\n"));
    let page = log("page");
    assert!(page.contains(" r-xp ") && page.contains("/exit42 0x1000\n") && page.contains(" rw-p [stack]\n"), "{page}");
    assert_eq!(page.matches("page\n").count(), 1, "nothing changes it");
    assert!(prints(run(&p, &["-d", "help"])).contains("in_asm"));
    assert_eq!(fails(run(&p, &["-d", "foo", "./exit0"]), 125), "-d: no log item 'foo'; -d help lists them");
    for item in ["op", "op_opt", "op_ind", "pcall", "cpu_reset", "guest_errors", "plugin", "tid", "trace:x"] {
        assert_eq!(
            fails(run(&p, &["-d", item, "./exit0"]), 125),
            format!("-d: log item '{item}' is not supported yet; -d help lists those that are")
        );
    }
}

/// mmap of two pages at 0x20000000, mprotect of the first, munmap of the second, and a store to that.
fn mapper() -> Vec<Insn> {
    const AT: i32 = 0x2000_0000;
    let fixed = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
    let mut code = vec![lui(A0, AT), lui(A1, 0x2000), li(A2, 3), li(A3, fixed), li(A7, 222), ecall()];
    code.extend([lui(A0, AT), lui(A1, 0x1000), li(A2, 1), li(A7, 226), ecall()]);
    code.extend([lui(A0, AT + 0x1000), lui(A1, 0x1000), li(A7, 215), ecall()]);
    code.extend([lui(T0, AT + 0x1000), store(Op::Sd, T0, T0, 8)]);
    code
}

#[test]
fn the_address_space_is_logged() {
    let p = Programs::new();
    p.code("mapper", &mapper());
    let log = |items: &str| {
        let ran = run(&p, &["-d", items, "./mapper"]);
        assert_eq!(ran.signal, Some(libc::SIGSEGV), "{ran:?}");
        ran.err
    };
    let mmu = log("mmu");
    assert!(mmu.starts_with("mmu map 0x"), "{mmu}");
    assert!(mmu.contains(" r-xp ") && mmu.contains("/mapper 0x1000\n") && mmu.contains(" rw-p [stack]\n"), "{mmu}");
    let own = mmu.find("mmu map 0x000020000000").expect("the program's own mapping");
    assert_eq!(
        mmu[own..].lines().take(4).collect::<Vec<_>>(),
        [
            "mmu map 0x000020000000-0x000020002000 rw-p",
            "mmu protect 0x000020000000-0x000020001000 r--",
            "mmu unmap 0x000020001000-0x000020002000",
            "mmu fault at 0x11040: store to 0x20001008: not mapped",
        ],
        "{mmu}"
    );
    let page = log("page");
    let maps: Vec<&str> = page.split("page\n").skip(1).collect();
    assert_eq!(maps.len(), 4, "at the start and after each of three changes: {page}");
    assert!(!maps[0].contains("0x000020000000"), "{page}");
    assert!(maps[1].contains("  0x000020000000-0x000020002000 rw-p\n"), "{page}");
    assert!(maps[2].contains("  0x000020000000-0x000020001000 r--p\n  0x000020001000-0x000020002000 rw-p\n"), "{page}");
    assert!(maps[3].contains("  0x000020000000-0x000020001000 r--p\n") && !maps[3].contains("20002000"), "{page}");
    // A call during which something is logged is cut off and resumed.
    let both = log("strace,mmu");
    assert!(
        both.contains(
            "munmap(0x20001000, 4096 <unfinished ...>\nmmu unmap 0x000020001000-0x000020002000\n<... munmap resumed>)"
        ),
        "{both}"
    );
}

#[test]
fn floating_point_registers_extend_the_cpu_log() {
    let p = Programs::new();
    let mut code = vec![li(A0, 42), imm(Op::FmvDX, 10, A0, 0)];
    code.extend(exit(0));
    p.code("float", &code);
    let log =
        |items: &str| run(&p, &["-seed", "1", "-one-insn-per-tb", "-d", items, "-dfilter", "0x11008+1", "./float"]).err;
    let with = log("cpu,fpu");
    assert!(with.contains("     fa0 000000000000002a "), "{with}");
    assert!(with.contains("      a0 000000000000002a ") && with.contains("    fcsr 00000000\n"), "{with}");
    let without = log("cpu");
    assert!(with.starts_with(&without) && !without.contains("fa0"), "{without}");
    assert_eq!(log("fpu"), "", "`fpu` alone prints nothing: it only extends `cpu`");
}

#[test]
fn code_is_logged_by_address() {
    let p = programs();
    let log = |options: &[&str]| run(&p, &[&["-one-insn-per-tb"], options, &["./exit42"]].concat()).err;
    let all = log(&["-d", "in_asm,exec,cpu"]);
    assert_eq!((all.matches("in_asm ").count(), all.matches("exec ").count(), all.matches("cpu ").count()), (3, 3, 3));
    let one = log(&["-d", "in_asm,exec", "-dfilter", "0x11004+4"]);
    assert_eq!(one, "in_asm 0x11004 _start+0x4\n  0x11004:  addi a7, zero, 94\nexec 0x11004 _start+0x4\n");
    assert_eq!(log(&["-d", "exec", "-dfilter", "0x11007-0x4"]), "exec 0x11004 _start+0x4\n");
    let two = log(&["-d", "exec", "--dfilter=0x11000..0x11003,0x11008..0x11008"]);
    assert_eq!(two, "exec 0x11000 _start+0x0\nexec 0x11008 _start+0x8\n");
    let cpu = log(&["-d", "cpu", "-dfilter", "0x11008+1"]);
    assert!(cpu.starts_with("cpu   pc 0000000000011008\n") && cpu.matches("cpu ").count() == 1, "{cpu}");
    assert_eq!(log(&["-d", "exec,cpu,in_asm", "-dfilter", "0..0xfff"]), "");
    for var in ["QEMU_DFILTER", "REMU_DFILTER"] {
        let ran = run_with(&p, &["-one-insn-per-tb", "-d", "exec", "./exit42"], &[(var, "0x11004+4")]);
        assert_eq!(ran.err, "exec 0x11004 _start+0x4\n");
    }
    assert_eq!(
        fails(run(&p, &["-dfilter", "0x1000", "./exit0"]), 125),
        "-dfilter '0x1000': write FIRST..LAST, FIRST+LENGTH or LAST-LENGTH, separated by commas"
    );
}

#[test]
fn unimplemented_calls_and_faults_are_logged() {
    let p = programs();
    let mut code = vec![li(A7, 1999), ecall()];
    code.extend(exit(0));
    p.code("odd", &code);
    let ran = run(&p, &["-d", "unimp", "./odd"]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), "unimp system call 1999\n"));
    assert_eq!(run(&p, &["./odd"]).err, "", "not logged without -d unimp");
    // io_uring_register: a ring of buffers (22) in the kernel's memory, which the flag in the second word asks for.
    let mut code = vec![lui(T0, 0x10000), store(Op::Sd, ZERO, SP, -64), store(Op::Sw, ZERO, SP, -56)];
    code.extend([store(Op::Sw, T0, SP, -52), li(A0, 0), li(A1, 22), imm(Op::Addi, A2, SP, -64), li(A3, 1)]);
    code.extend([li(A7, 427), ecall(), imm(Op::Addi, A0, A0, libc::EINVAL), li(A7, 94), ecall()]);
    p.code("buffers", &code);
    let ran = run(&p, &["-d", "unimp", "./buffers"]);
    let why = "unimp io_uring_register: IORING_REGISTER_PBUF_RING with IOU_PBUF_RING_MMAP\n";
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), why));
    p.code("null", &[imm(Op::Ld, A0, ZERO, 0)]);
    let ran = run(&p, &["-d", "int", "./null"]);
    assert!(ran.err.starts_with("int at 0x11000: load from 0x0: not mapped\n"), "{ran:?}");
    p.code("code", &[here(T0), store(Op::Sd, T0, T0, 0)]);
    assert!(run(&p, &["-d", "int", "./code"]).err.starts_with("int at 0x11004: store to 0x11000: not allowed\n"));
    p.code("break", &[ebreak()]);
    assert!(run(&p, &["-d", "int", "./break"]).err.starts_with("int at 0x11000: breakpoint\n"));
    p.code("illegal", &[reg(Op::Sh1add, A0, A0, A0)]);
    let ran = run(&p, &["-cpu", "rv64gc", "-d", "int", "./illegal"]);
    assert!(ran.err.starts_with("int at 0x11000: illegal instruction 0x20a52533: sh1add belongs to Zba"), "{ran:?}");
    let mut vector = program(&[]);
    vector.segments[0] = Segment::load(R | X, 0x11000, [0x57, 0x70, 0, 0x0d]);
    p.elf("vector", &vector);
    let ran = run(&p, &["-d", "int", "./vector"]);
    let why = "int at 0x11000: illegal instruction 0x0d007057: vsetvli belongs to V, which is not implemented\n";
    assert!(ran.err.starts_with(why), "{ran:?}");
}

/// Makes these system calls with all arguments 0, then exits with 0.
fn calls(numbers: &[i32]) -> Vec<Insn> {
    let clear = (10..16).map(|register| li(register, 0));
    let code = numbers.iter().flat_map(|&number| clear.clone().chain([li(A7, number), ecall()]));
    code.chain(exit(0)).collect()
}

#[test]
fn a_missing_call_that_the_program_needs_is_reported_once() {
    let p = programs();
    let message = |name: &str, numbers: &[i32], options: &[&str]| {
        p.code(name, &calls(numbers));
        let ran = run(&p, &[options, &[&format!("./{name}")]].concat());
        assert_eq!(ran.status, Some(0), "{ran:?}");
        ran.err
    };
    let reason = "ptrace is not supported: a tracer would see the host's registers and calls, not the guest's";
    assert_eq!(message("traces", &[117, 117], &[]), format!("remu: ./traces: {reason}\n"));
    assert_eq!(message("probes", &[0, 280, 293, 425], &[]), "", "programs work without these");
    // It does not end up within the line of a call.
    assert_eq!(
        message("shown", &[117], &["-e", "ptrace"]),
        format!(
            "ptrace(0, 0, NULL, NULL <unfinished ...>\nremu: ./shown: {reason}\n\
             <... ptrace resumed>)                   = -1 ENOSYS (Function not implemented)\n+++ exited with 0 +++\n"
        )
    );
}

#[test]
fn nothing_is_reported_if_standard_error_is_now_another_file() {
    let p = programs();
    // Makes descriptor 2 a copy of descriptor 1.
    let mut code = vec![li(A0, 1), li(A1, 2), li(A2, 0), li(A7, 24), ecall()];
    code.extend(calls(&[117]));
    p.code("program", &code);
    assert_eq!(prints(run(&p, &["./program"])), "");
}

#[test]
fn statistics_are_written_when_the_program_exits() {
    let p = programs();
    let file = p.path().join("counts");
    let counts = |name: &str, options: &[&str], environ: &[(&str, &str)]| {
        let ran = run_with(&p, &[options, &[name]].concat(), environ);
        assert_eq!(ran.err.contains("SIGSEGV"), name == "./null", "{ran:?}");
        let text = std::fs::read_to_string(&file).expect("the file is written");
        std::fs::remove_file(&file).expect("it is there");
        let line = |l: &str| l.split_once(' ').map(|(name, count)| (name.to_owned(), count.parse::<u64>().unwrap()));
        let (first, counters) = text.split_once('\n').expect("lines");
        let words: Vec<_> = first.splitn(3, ' ').collect();
        let exe = p.path().canonicalize().expect("a folder").join(name.trim_start_matches("./"));
        assert_eq!((words[0], words[2]), ("process", exe.to_str().expect("a path in UTF-8")));
        assert!(words[1].parse::<u32>().is_ok(), "{first}");
        counters.lines().map(|l| line(l).expect(l)).collect::<std::collections::BTreeMap<_, _>>()
    };
    let path = file.to_str().expect("a path in UTF-8");
    let compiled = counts("./exit42", &["--engine", "jit", "--statistics", path], &[]);
    let names = ["instructions", "superblocks", "compiled", "lookups", "links", "exits", "exit-syscall"];
    assert_eq!(names.map(|n| compiled[n]), [2, 1, 3, 1, 0, 1, 1], "{compiled:?}");
    let names = ["guest-bytes", "lookup-misses", "left-syscall", "left-lookup", "helper-calls", "uncompiled"];
    assert_eq!(names.map(|n| compiled[n]), [12, 1, 1, 0, 0, 0], "{compiled:?}");
    let sizes = ["code-bytes", "metadata-bytes", "compile-ns"].map(|n| compiled[n]);
    assert!(sizes.iter().all(|&size| size > 0) && compiled["helper-calls-per-million"] == 0, "{compiled:?}");
    // fence.i, and reading the time twice: three of five instructions.
    let time = imm(Op::Csrrs, A0, ZERO, 0xc01);
    let by_definition = [imm(Op::FenceI, 0, 0, 0), time, time];
    p.code("helped", &[&by_definition[..], &exit(0)].concat());
    let helped = counts("./helped", &["-tier-after", "0", "--statistics", path], &[]);
    let names = ["helper-calls", "helper-fence.i", "helper-csrrs", "left-revalidate", "helper-calls-per-million"];
    assert_eq!(names.map(|n| helped[n]), [3, 1, 2, 1, 600_000], "{helped:?}");
    // Compiled code begins with the loop, once its start has been executed often enough.
    p.code("turns", &[&[li(A0, 20), imm(Op::Addi, A0, A0, -1), branch(Op::Bne, A0, ZERO, -4)][..], &exit(0)].concat());
    let names = ["instructions", "cold", "cold-runs", "superblocks", "compiled", "exits"];
    let tiered = |options: &[&str], variables| {
        let all = counts("./turns", &[options, &["--statistics", path]].concat(), variables);
        names.map(|n| all[n])
    };
    assert_eq!(tiered(&[], &[]), [43, 7, 3, 1, 5, 1]);
    assert_eq!(tiered(&["-tier-after", "8"], &[]), [43, 19, 9, 1, 5, 1]);
    assert_eq!(tiered(&["-tier-after", "8", "--engine", "jit"], &[]), [43, 0, 0, 1, 6, 1]);
    assert_eq!(tiered(&["--engine", "tiered"], &[("REMU_TIER_AFTER", "0")]), [43, 0, 0, 1, 6, 1]);
    let exit = counts("./exit42", &["--engine", "interp", "--statistics", path], &[]);
    let names = ["instructions", "blocks", "decoded", "lookups", "lookup-hits", "links", "exits", "exit-syscall"];
    assert_eq!(names.map(|n| exit[n]), [2, 1, 3, 1, 0, 0, 1, 1], "{exit:?}");
    let single = counts("./exit42", &["-one-insn-per-tb", "--engine", "interp"], &[("REMU_STATISTICS", path)]);
    assert_eq!(names.map(|n| single[n]), [2, 3, 3, 3, 0, 2, 1, 1], "{single:?}");
    p.code("null", &[imm(Op::Ld, A0, ZERO, 0)]);
    let null = counts("./null", &["--statistics", path], &[]);
    assert_eq!((null["instructions"], null["exits"], null["exit-fault"]), (0, 1, 1), "{null:?}");
    // fork(), then both exit.
    let mut fork = vec![li(A0, libc::SIGCHLD), li(A1, 0), li(A2, 0), li(A3, 0), li(A3 + 1, 0), li(A7, 220), ecall()];
    fork.extend(super::elf::exit(0));
    p.code("forks", &fork);
    assert_eq!(run(&p, &["--statistics", path, "./forks"]).status, Some(0));
    let mut blocks = 0;
    // The child may end last.
    while blocks < 2 {
        let text = std::fs::read_to_string(&file).expect("the file is written");
        blocks = text.lines().filter(|line| line.starts_with("process ")).count();
        assert!(text.lines().all(|line| line.starts_with("process ") || line.split(' ').count() == 2), "{text}");
    }
    let line = fails(run(&p, &["--statistics", "/nonexistent/x", "./exit0"]), 125);
    assert!(line.starts_with("cannot write the counters to /nonexistent/x: "), "{line}");
}

#[test]
fn statistics_are_written_by_each_program_that_a_process_executes() {
    let p = programs();
    let file = p.path().join("counts");
    let path = file.to_str().expect("a path in UTF-8");
    let exec = [imm(Op::Ld, A0, SP, 16), imm(Op::Addi, A1, SP, 16), li(A2, 0), li(A7, 221), ecall()];
    p.code("execs", &[&exec[..], &exit(7)].concat());
    // A child in its parent's memory: CLONE_VM, CLONE_VFORK and SIGCHLD.
    let mut spawn = vec![lui(A0, 0x4000), imm(Op::Addi, A0, A0, 0x111)];
    spawn.extend([li(A1, 0), li(A2, 0), li(A3, 0), li(A3 + 1, 0), li(A7, 220), ecall()]);
    spawn.push(branch(Op::Bne, A0, ZERO, 4 * (exec.len() as i32 + 1)));
    p.code("spawns", &[&spawn[..], &exec, &exit(5)].concat());
    std::fs::write(p.path().join("text"), "exit 3\n").expect("a file");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(p.path().join("text"), mode).expect("a file");

    // Programs with their instructions, in the order of their blocks.
    let blocks = |program: &str, argument: &str, status: i32, count: usize| {
        assert_eq!(run(&p, &["--statistics", path, program, argument]).status, Some(status));
        let mut blocks: Vec<(String, u32, u64)> = Vec::new();
        // The child may end last.
        while blocks.len() < count {
            let text = std::fs::read_to_string(&file).expect("the file is written");
            blocks = text
                .split("process ")
                .skip(1)
                .filter_map(|block| {
                    let (pid, rest) = block.split_once(' ')?;
                    let (exe, counters) = rest.split_once('\n')?;
                    let count = counters.lines().find_map(|line| line.strip_prefix("instructions "))?;
                    let name = exe.rsplit('/').next()?.to_owned();
                    Some((name, pid.parse().ok()?, count.parse().ok()?))
                })
                .collect();
        }
        std::fs::remove_file(&file).expect("it is there");
        assert_eq!(blocks.len(), count, "{blocks:?}");
        blocks
    };
    let executed = blocks("./execs", "./exit42", 42, 2);
    let [first, second] = &executed[..] else { unreachable!("there are two") };
    assert_eq!((first.0.as_str(), first.2, second.0.as_str(), second.2), ("execs", 4, "exit42", 2));
    assert_eq!(first.1, second.1, "one process");
    assert_eq!(blocks("./execs", "/bin/true", 0, 1)[0].0, "execs");
    // The kernel executes no text, so the program goes on.
    let failed = blocks("./execs", "./text", 7, 1);
    assert_eq!((failed[0].0.as_str(), failed[0].2), ("execs", 6));
    let mut spawned = blocks("./spawns", "./exit42", 5, 3);
    spawned.sort_by_key(|(_, _, count)| *count);
    let names: Vec<_> = spawned.iter().map(|(name, _, count)| (name.as_str(), *count)).collect();
    assert_eq!(names, [("exit42", 2), ("spawns", 5), ("spawns", 10)]);
    assert!(spawned[0].1 == spawned[1].1 && spawned[1].1 != spawned[2].1, "the child is one process");
}

#[test]
fn what_filters_answer_is_logged() {
    let p = programs();
    // One instruction that returns SECCOMP_RET_LOG, and what points to it.
    let mut code = vec![lui(T0, 0x7ffc_0000), store(Op::Sw, T0, SP, -12), li(T0, 6), store(Op::Sw, T0, SP, -16)];
    code.extend([li(T0, 1), store(Op::Sd, T0, SP, -32), imm(Op::Addi, T0, SP, -16), store(Op::Sd, T0, SP, -24)]);
    // prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), then seccomp(SECCOMP_SET_MODE_FILTER, 0, ...).
    code.extend([li(A0, 38), li(A1, 1), li(A2, 0), li(A3, 0), li(A3 + 1, 0), li(A7, 167), ecall()]);
    code.extend([li(A0, 1), li(A1, 0), imm(Op::Addi, A2, SP, -32), li(A7, 277), ecall()]);
    code.extend(calls(&[173, 1999]));
    code.extend(exit(0));
    p.code("filters", &code);
    let log = run(&p, &["-d", "seccomp", "./filters"]).err;
    let lines: Vec<_> = log.lines().map(|line| line.splitn(3, ' ').nth(2).unwrap_or_default()).collect();
    let names: Vec<_> = lines.iter().filter_map(|line| line.split_once(" at 0x")).map(|(name, _)| name).collect();
    assert_eq!(names[..2], ["getppid", "1999"], "{log}");
    assert!(names[2].starts_with("exit") && names.len() == 3, "{log}");
    assert!(lines.iter().all(|line| line.ends_with(": allowed and logged")), "{log}");
    assert_eq!(run(&p, &["./filters"]).err, "");
}

#[test]
fn threads_that_follow_each_other_decode_their_code_once() {
    let p = programs();
    let file = p.path().join("counts");
    let path = file.to_str().expect("a path in UTF-8");
    let decoded = |threads: i32| {
        let sharing = libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_FILES | libc::CLONE_SIGHAND | libc::CLONE_SYSVSEM;
        // The caller waits for the thread's end.
        let flags = sharing | libc::CLONE_THREAD | libc::CLONE_VFORK;
        let upper = (flags + 0x800) & !0xfff;
        let mut code = vec![li(T0, threads), lui(A0, upper), imm(Op::Addi, A0, A0, flags - upper)];
        code.extend([li(A1, 0), li(A2, 0), li(A3, 0), li(A3 + 1, 0)]);
        code.extend([li(A7, 220), ecall(), branch(Op::Beq, A0, ZERO, 16)]);
        code.extend([imm(Op::Addi, T0, T0, -1), branch(Op::Bne, T0, ZERO, -40), branch(Op::Beq, ZERO, ZERO, 12)]);
        code.extend([li(A7, 93), ecall()]);
        code.extend(exit(3));
        p.code("threads", &code);
        assert_eq!(run(&p, &["--engine", "interp", "--statistics", path, "./threads"]).status, Some(3));
        let text = std::fs::read_to_string(&file).expect("the file is written");
        std::fs::remove_file(&file).expect("it is there");
        let counter = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            value.expect("it is there").parse::<i64>().expect("a number")
        };
        assert_eq!(counter("exit-syscall"), 2 * i64::from(threads) + 1, "{text}");
        counter("decoded")
    };
    assert_eq!(decoded(2), decoded(40));
}
