//! The items of `-d`, one row each.

use super::CliError;
use crate::debug::TraceItems;

/// Everything that can be logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogItems {
    /// System calls.
    pub strace: bool,
    /// Unimplemented system calls and options that the program uses.
    pub unimp: bool,
    /// The memory map, at the start and after each change.
    pub page: bool,
    /// Changes of the address space.
    pub mmu: bool,
    /// Faults and traps.
    pub int: bool,
    /// System calls that filters answer.
    pub seccomp: bool,
    /// Code.
    pub trace: TraceItems,
}

impl LogItems {
    /// Whether anything is logged.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}

type Item = (&'static str, &'static str, fn(&mut LogItems));

/// Items of both programs.
const CODE: &[Item] = &[
    ("in_asm", "guest code when it is decoded, block by block", |l| l.trace.in_asm = true),
    ("out_asm", "the host's code of each block when it is compiled", |l| l.trace.out_asm = true),
    ("exec", "each block when it starts", |l| l.trace.exec = true),
    ("cpu", "the integer registers before each block", |l| l.trace.cpu = true),
    ("fpu", "with cpu: the floating-point registers, too", |l| l.trace.fpu = true),
    ("int", "faults, traps and interrupts", |l| l.int = true),
    ("nochain", "accepted for QEMU: exec and cpu always show every block", |_| {}),
];

/// Items of `remu`.
const PROCESS: &[Item] = &[
    ("strace", "system calls, with arguments and results", |l| l.strace = true),
    ("unimp", "unimplemented system calls and options that the program uses", |l| l.unimp = true),
    ("seccomp", "system calls that the program's seccomp filters do not simply allow", |l| l.seccomp = true),
    ("mmu", "changes of the address space, and accesses that fault", |l| l.mmu = true),
    ("page", "the memory map at the start of the program and after each change", |l| l.page = true),
];

/// What is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logged {
    /// A process.
    Process,
    /// A whole machine.
    Machine,
}

impl Logged {
    fn items(self) -> impl Iterator<Item = &'static Item> {
        let own: &[Item] = if self == Self::Process { PROCESS } else { &[] };
        CODE.iter().chain(own)
    }
}

/// The items' names.
pub fn names(logged: Logged) -> impl Iterator<Item = &'static str> {
    logged.items().map(|(name, ..)| *name)
}

/// QEMU's items that are not supported, or not for this program.
const UNSUPPORTED: &[&str] = &[
    "strace",
    "unimp",
    "mmu",
    "page",
    "op",
    "op_opt",
    "op_ind",
    "op_plugin",
    "pcall",
    "cpu_reset",
    "guest_errors",
    "plugin",
    "tid",
    "vpu",
    "invalid_mem",
    "all",
];

/// Parses a list of items; `None` if help is requested.
pub fn parse(logged: Logged, source_name: &str, list: &str) -> Result<Option<LogItems>, CliError> {
    let mut items = LogItems::default();
    for item in list.split(',') {
        let source_name = || source_name.to_owned();
        match logged.items().find(|(name, ..)| *name == item) {
            Some((.., set)) => set(&mut items),
            None if matches!(item, "help" | "?") => return Ok(None),
            None if UNSUPPORTED.contains(&item) || item.starts_with("trace:") => {
                return Err(CliError::UnsupportedLogItem { source_name: source_name(), item: item.into() });
            }
            None => return Err(CliError::UnknownLogItem { source_name: source_name(), item: item.into() }),
        }
    }
    Ok(Some(items))
}

/// What `-d help` prints.
pub fn help(logged: Logged) -> String {
    let mut text = String::from("Log items (-d ITEM,...):\n");
    for (name, what, _) in logged.items() {
        text.push_str(&format!("  {name:<10} {what}\n"));
    }
    text
}
