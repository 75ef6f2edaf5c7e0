//! Bare-metal programs (`testprogs/machine`) for the devices and for the privileged architecture, each of which prints
//! the same on QEMU.

use super::session::Session;
use super::{common, qemu, qemu_system, remu_system, remu_system_on};
use remu_isa::Xlen;
use std::process::Command;

/// Each program with its number of harts and its exit status.
const PROGRAMS: [(&str, usize, i32); 27] = [
    ("bare", 1, 0),
    ("bare_float", 1, 0),
    ("boundaries", 1, 0),
    ("clint", 2, 0),
    ("code", 1, 0),
    ("contexts", 2, 0),
    ("corners", 1, 0),
    ("corners32", 1, 0),
    ("csrs", 1, 0),
    ("csrs32", 1, 0),
    ("finisher", 1, 42),
    ("harts", 2, 0),
    ("input", 1, 0),
    ("ipi", 2, 0),
    ("lrsc", 2, 0),
    ("mmu", 1, 0),
    ("mmu32", 1, 0),
    ("plic", 1, 0),
    ("pmp", 1, 0),
    ("reset", 1, 0),
    ("rtc", 1, 0),
    ("smepmp", 1, 0),
    ("sstc", 1, 0),
    ("sstc32", 1, 0),
    ("supervisor", 1, 0),
    ("timers", 2, 0),
    ("uart", 1, 0),
];

/// What `input` is told when it asks.
const LINE: &str = "hello, this is a line of more than sixteen bytes, and of more than one FIFO";

/// What `csrs` would find on QEMU's CPU besides: the extensions with CSRs of their own that remu does not have.
const MORE_CSRS: &str = "smstateen=off,sscofpmf=off,smcntrpmf=off,smaia=off,ssaia=off,smcsrind=off,sscsrind=off,\
    zicfiss=off,smdbltrp=off,ssdbltrp=off,zkr=off,pmu-mask=0xfffffff8";

/// The ISA of programs for harts without supervisor mode, and QEMU's CPU that has no more.
fn bare(program: &str) -> Option<(&'static str, &'static str)> {
    match program {
        "bare" => Some((
            "rv64imac_zicsr_zifencei_zicntr_zihpm_zicbom_zicboz",
            "rv64,s=off,f=off,d=off,v=off,zfa=off,zcd=off,zawrs=off,sstc=off,svadu=off,zicbop=off,h=off",
        )),
        "bare_float" => Some((
            "rv64imafdc_zicsr_zifencei_zicntr_zihpm_zicbom_zicboz",
            "rv64,s=off,v=off,zfa=off,zawrs=off,sstc=off,svadu=off,zicbop=off,h=off",
        )),
        _ => None,
    }
}

/// What QEMU 11.1.3 prints instead, with what the specification says. A program for RV32 or
/// with F differs wherever the same one without does.
const DIFFERENCES: [(&str, &str, &str); 44] = [
    // "If S-mode is not supported, [...] is read-only 0": TVM, TSR, SUM, SPP, and with them SIE, SPIE and MXR. Only S mode
    // has SFENCE.VMA, and the interrupts of S mode do not exist.
    ("bare", "sfence.vma in machine mode: cause 2", "sfence.vma in machine mode: cause b"),
    ("bare", "SIE 0", "SIE 2"),
    ("bare", "SPIE 0", "SPIE 20"),
    ("bare", "SPP 0", "SPP 100"),
    ("bare", "SUM 0", "SUM 40000"),
    ("bare", "MXR 0", "MXR 80000"),
    ("bare", "TVM 0", "TVM 100000"),
    ("bare", "TSR 0", "TSR 400000"),
    ("bare", "mie 888", "mie aaa"),
    ("bare", "mip 0", "mip 666"),
    // senvcfg is a register of S mode. Without it menvcfg alone decides.
    ("bare", "  cbo.zero: cause 8", "  cbo.zero: cause 2"),
    ("bare", "  cbo.clean: cause 8", "  cbo.clean: cause 2"),
    ("bare", "  cbo.inval: cause 8", "  cbo.inval: cause 2"),
    // AMOs by another hart end a reservation, also if the value stays or becomes the same.
    ("harts", "reservations lost 3e8", "reservations lost 0"),
    ("lrsc", "amoxor.d, twice: failed 32", "amoxor.d, twice: failed 0"),
    ("lrsc", "amoxor.d, twice of a word: failed 32", "amoxor.d, twice of a word: failed 0"),
    // Its CPU has more counters, exceptions and extensions.
    ("corners", "mcounteren of ones 7", "mcounteren of ones f"),
    ("corners", "scounteren of ones 7", "scounteren of ones f"),
    ("corners", "medeleg of ones b3ff", "medeleg of ones b7ff"),
    ("corners", "menvcfg of ones 1", "menvcfg of ones d"),
    ("corners", "senvcfg of ones 1", "senvcfg of ones 5"),
    // SC fails if the address, which is another one in memory now, is not within the reservation set.
    (
        "corners",
        "sc after satp is written fails, of the same value 1",
        "sc after satp is written fails, of the same value 0",
    ),
    ("corners", "sc after its page is another one fails 1", "sc after its page is another one fails 0"),
    // "A failed SC may be treated like a store" for memory protection, or not.
    (
        "corners",
        "read-only: sc without a reservation done 1, after lr elsewhere done 1",
        "read-only: sc without a reservation cause f, after lr elsewhere cause f",
    ),
    (
        "corners",
        "unmapped: sc without a reservation done 1, after lr elsewhere done 1",
        "unmapped: sc without a reservation cause f, after lr elsewhere cause f",
    ),
    // "The relevant *tval CSR is written with the faulting effective address (i.e. the value of rs1)."
    (
        "corners",
        "cbo.zero at fff: unmapped cause f, read-only cause f, denied cause 7, good done 0, zeros 40 from fc0",
        "cbo.zero at fff: unmapped cause f low 3f, read-only cause f low 3f, denied cause 7 low 3f, good done 0, zeros 40 \
         from fc0",
    ),
    (
        "corners",
        "cbo.clean at fff: unmapped cause f, read-only done 0, denied cause 7, good done 0",
        "cbo.clean at fff: unmapped cause f low 3f, read-only done 0, denied cause 7 low 3f, good done 0",
    ),
    (
        "corners",
        "cbo.flush at fff: unmapped cause f, read-only done 0, denied cause 7, good done 0",
        "cbo.flush at fff: unmapped cause f low 3f, read-only done 0, denied cause 7 low 3f, good done 0",
    ),
    (
        "corners",
        "cbo.inval at fff: unmapped cause f, read-only done 0, denied cause 7, good done 0",
        "cbo.inval at fff: unmapped cause f low 3f, read-only done 0, denied cause 7 low 3f, good done 0",
    ),
    // They may access a block "whenever a load instruction or store instruction is permitted to access the
    // corresponding physical addresses"; there it is not.
    ("corners", "cbo.clean without memory: cause 7", "cbo.clean without memory: done 0"),
    ("corners", "cbo.flush without memory: cause 7", "cbo.flush without memory: done 0"),
    ("corners", "cbo.inval without memory: cause 7", "cbo.inval without memory: done 0"),
    // "If accessing pte violates a PMA or PMP check", an access fault. QEMU reads the registers of devices as entries.
    (
        "corners32",
        "table in the CLINT: load cause 5, store cause 7, jump cause 1, root: cause 5",
        "table in the CLINT: load cause d, store cause f, jump cause c, root: cause d",
    ),
    (
        "corners32",
        "table in the PLIC: load cause 5, store cause 7, jump cause 1, root: cause 5",
        "table in the PLIC: load cause d, store cause f, jump cause c, root: cause d",
    ),
    // mseccfgh is "an RV32-only" register of every hart that has mseccfg.
    ("csrs32", "0x757 traps traps exists, is written", "0x757 traps traps traps, is not written"),
    // Source 0 does not exist, and bit 0 of the first enable register is hardwired to zero.
    ("plic", "source zero enabled 0", "source zero enabled 1"),
    // An interrupt is signalled whenever an enabled one is pending above the threshold: also if it was enabled later.
    ("plic", "enabled 800", "enabled 0"),
    // The gateway forwards no further request until the interrupt is completed.
    ("plic", "raised while claimed 0", "raised while claimed 1"),
    // R, W and X form a collective WARL field, for which the combinations with R=0 and W=1 are reserved without MML.
    ("smepmp", "plain: --W- machine rwx user --- stored 18", "plain: --W- machine rwx user -w- stored 1a"),
    ("smepmp", "plain: --WX machine rwx user --x stored 1c", "plain: --WX machine rwx user -wx stored 1e"),
    ("smepmp", "plain: L-W- machine --- user --- stored 98", "plain: L-W- machine -w- user -w- stored 9a"),
    ("smepmp", "plain: L-WX machine --x user --x stored 9c", "plain: L-WX machine -wx user -wx stored 9e"),
    // CBIE is a WARL field, of which 2 is reserved.
    ("supervisor", "menvcfg.CBIE of 2 0", "menvcfg.CBIE of 2 2"),
    ("supervisor", "menvcfg.CBIE of 2 with FIOM 0", "menvcfg.CBIE of 2 with FIOM 2"),
];

fn run(mut command: Command, words: &[&str], harts: usize, program: &str) -> (Option<i32>, String) {
    let path = common::build_dir("machine").join(program);
    command.args(["-M", "virt", "-bios", "none", "-serial", "stdio", "-smp", &harts.to_string(), "-kernel"]);
    command.arg(path).args(words);
    let mut session = Session::start(command);
    match program {
        "input" => {
            session.expect("type\n");
            session.type_line(LINE);
        }
        "reset" => {
            for letter in ["r", "r", "p"] {
                session.expect("started\n");
                session.type_line(letter);
            }
        }
        _ => {}
    }
    session.end()
}

#[test]
fn programs_find_the_devices_of_qemu() {
    common::script("testprogs/machine/build.sh", &[&common::build_dir("machine")]);
    for (program, harts, status) in PROGRAMS {
        let expected = common::root().join(format!("testprogs/machine/{program}.expected"));
        let expected = std::fs::read_to_string(&expected).unwrap_or_else(|e| panic!("{}: {e}", expected.display()));
        let want = (Some(status), expected.clone());
        // RV32 is not compiled.
        for engine in if program.ends_with("32") { &["interp"][..] } else { &["jit", "interp"] } {
            for words in [&[][..], &["-icount", "shift=3,sleep=off"], &["--round-robin"]] {
                let isa = bare(program).map_or(vec![], |(isa, _)| vec!["--isa", isa]);
                let words = [words, &isa].concat();
                let got = run(remu_system_on(engine), &words, harts, program);
                assert_eq!(got, want, "{program}, {engine}, {words:?}");
            }
        }
        let xlen = if program.ends_with("32") { Xlen::Rv32 } else { Xlen::Rv64 };
        let name = program.trim_end_matches("32").trim_end_matches("_float");
        let theirs =
            |line| DIFFERENCES.iter().find(|d| [name, program].contains(&d.0) && d.1 == line).map_or(line, |d| d.2);
        let lines: String = expected.lines().flat_map(|line| [theirs(line), "\n"]).collect();
        let [option, cpu] = qemu::SYSTEM_CPU;
        let fewer = format!("{cpu},{MORE_CSRS}");
        let cpu = match bare(program) {
            Some((_, cpu)) => cpu,
            None if name == "csrs" => &*fewer,
            None => cpu,
        };
        assert_eq!(run(qemu_system(xlen), &[option, cpu], harts, program), (Some(status), lines), "{program} on QEMU");
    }
}

/// The kernel of the comparison's programs, with some of these: memory that is touched, system calls, floating point.
#[test]
fn the_comparison_s_programs_run_on_a_machine() {
    let built = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("compare/programs");
    common::script("benches/programs/build.sh", &[&built]);
    for (program, words) in [("coremix", "150"), ("hashtable", "50000"), ("nbody", "60000"), ("fib", "27 10")] {
        let native = Command::new(built.join("native").join(program)).args(words.split(' ')).output().unwrap();
        let expected = (Some(0), String::from_utf8(native.stdout).unwrap());
        for mut command in [remu_system_on("jit"), remu_system_on("interp"), qemu_system(Xlen::Rv64)] {
            command.args(["-M", "virt", "-m", "256M", "-bios", "none", "-serial", "stdio", "-kernel"]);
            command.arg(built.join("machine/kernel")).arg("-initrd").arg(built.join("riscv64").join(program));
            command.args(["-append", &format!("{program} {words}")]);
            let what = format!("{command:?}");
            assert_eq!(Session::start(command).end(), expected, "{what}");
        }
    }
}

#[test]
fn a_reset_may_end_the_machine() {
    common::script("testprogs/machine/build.sh", &[&common::build_dir("machine")]);
    let path = common::build_dir("machine").join("reset");
    for mut command in [remu_system(), qemu_system(Xlen::Rv64)] {
        command.args(["-M", "virt", "-bios", "none", "-serial", "stdio", "-no-reboot", "-kernel"]).arg(&path);
        let mut session = Session::start(command);
        session.expect("started\n");
        session.type_line("r");
        assert_eq!(session.end(), (Some(0), "started\n".to_owned()));
    }
}

#[test]
fn harts_on_threads_see_stores_late_but_in_order() {
    common::script("testprogs/machine/build.sh", &[&common::build_dir("machine")]);
    let expected = common::root().join("testprogs/machine/litmus.expected");
    let expected = std::fs::read_to_string(&expected).unwrap_or_else(|e| panic!("{}: {e}", expected.display()));
    assert_eq!(run(remu_system(), &[], 2, "litmus"), (Some(0), expected));
}
