//! Bare-metal programs (`testprogs/machine`) for the devices and for the privileged architecture, each of which prints
//! the same on QEMU.

use super::session::Session;
use super::{common, qemu, qemu_system, remu_system};
use remu_isa::Xlen;
use std::process::Command;

/// Each program with its number of harts and its exit status.
const PROGRAMS: [(&str, usize, i32); 11] = [
    ("clint", 2, 0),
    ("code", 1, 0),
    ("finisher", 1, 42),
    ("input", 1, 0),
    ("mmu", 1, 0),
    ("mmu32", 1, 0),
    ("plic", 1, 0),
    ("rtc", 1, 0),
    ("smepmp", 1, 0),
    ("supervisor", 1, 0),
    ("uart", 1, 0),
];

/// What `input` is told when it asks.
const LINE: &str = "hello, this is a line of more than sixteen bytes, and of more than one FIFO";

/// What QEMU 11.1.3 prints instead, with what the specification says.
const DIFFERENCES: [(&str, &str, &str); 8] = [
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
];

fn run(mut command: Command, words: &[&str], harts: usize, program: &str) -> (Option<i32>, String) {
    let path = common::build_dir("machine").join(program);
    command.args(["-M", "virt", "-bios", "none", "-serial", "stdio", "-smp", &harts.to_string(), "-kernel"]);
    command.arg(path).args(words);
    let mut session = Session::start(command);
    if program == "input" {
        session.expect("type\n");
        session.type_line(LINE);
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
        assert_eq!(run(remu_system(), &[], harts, program), want, "{program}");
        let counted = ["-icount", "shift=3,sleep=off"];
        assert_eq!(run(remu_system(), &counted, harts, program), want, "{program}, {counted:?}");
        let xlen = if program.ends_with("32") { Xlen::Rv32 } else { Xlen::Rv64 };
        let theirs = |line| DIFFERENCES.iter().find(|d| d.0 == program && d.1 == line).map_or(line, |d| d.2);
        let lines: String = expected.lines().flat_map(|line| [theirs(line), "\n"]).collect();
        assert_eq!(
            run(qemu_system(xlen), &qemu::SYSTEM_CPU, harts, program),
            (Some(status), lines),
            "{program} on QEMU"
        );
    }
}
