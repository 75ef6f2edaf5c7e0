//! The measured programs, from `benches/programs/programs.toml`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The category of a program. The order is that of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    Integer,
    Float,
    Calls,
    Memory,
    Syscalls,
    Threads,
    Startup,
    Real,
    Machine,
}

impl Category {
    /// All categories in order.
    pub const ALL: [Self; 9] = [
        Self::Integer,
        Self::Float,
        Self::Calls,
        Self::Memory,
        Self::Syscalls,
        Self::Threads,
        Self::Startup,
        Self::Real,
        Self::Machine,
    ];

    /// The name in the catalogue.
    pub fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Calls => "calls",
            Self::Memory => "memory",
            Self::Syscalls => "syscalls",
            Self::Threads => "threads",
            Self::Startup => "startup",
            Self::Real => "real",
            Self::Machine => "machine",
        }
    }

    /// The title of a section.
    pub fn title(self) -> &'static str {
        match self {
            Self::Integer => "Integer",
            Self::Float => "Floating point",
            Self::Calls => "Calls and branches",
            Self::Memory => "Memory",
            Self::Syscalls => "System calls",
            Self::Threads => "Threads",
            Self::Startup => "Start-up",
            Self::Real => "Real programs",
            Self::Machine => "Whole machines",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A table of the TOML file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    category: Category,
    title: String,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    quick: Vec<String>,
    // Read by `build.sh`.
    #[serde(default, rename = "flags")]
    _flags: Option<toml::Value>,
    #[serde(default)]
    rva22: bool,
    #[serde(default)]
    dynamic: bool,
    #[serde(default)]
    machine: bool,
    #[serde(default)]
    forks: bool,
    #[serde(default)]
    executes: bool,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    quick_command: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    program: Vec<Entry>,
}

/// The origin of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Compiled from source for both architectures.
    Compiled {
        /// Whether the guest build uses the extensions of RVA22.
        rva22: bool,
        /// Whether it is dynamically linked.
        dynamic: bool,
    },
    /// Compiled from source, statically linked; the guest build runs on a machine, under the kernel in
    /// `benches/programs/machine`.
    Machine,
    /// From a Debian package, in a Debian root.
    Debian,
}

/// A measured program.
#[derive(Clone, Debug)]
pub struct Program {
    /// The unique name. A second build, and the run of a build on a machine, is named in parentheses.
    pub name: String,
    /// The name of its executable.
    pub build: String,
    pub category: Category,
    pub title: String,
    pub origin: Origin,
    /// Whether it runs in several processes.
    pub forks: bool,
    /// Whether it executes other guest programs, so that QEMU must be registered with the kernel.
    pub executes: bool,
    /// The arguments of a compiled program or the command of a Debian one, in full and in quick size.
    pub full: Vec<String>,
    pub quick: Vec<String>,
}

impl Program {
    /// Whether it is a second build of another program, which has its own row and is excluded from means.
    pub fn is_variant(&self) -> bool {
        matches!(self.origin, Origin::Compiled { rva22: true, .. })
    }
}

/// Parses the catalogue. The error says what is wrong with it.
pub fn parse(text: &str) -> Result<Vec<Program>, String> {
    let file: File = toml::from_str(text).map_err(|e| e.to_string())?;
    let mut programs = Vec::new();
    for entry in file.program {
        let compiled = match (&entry.source, entry.command.is_empty(), entry.quick_command.is_empty()) {
            (Some(_), true, true) => true,
            (None, false, false) => false,
            _ => return Err(format!("{}: write source, or command and quick_command", entry.name)),
        };
        if programs.iter().any(|p: &Program| p.name == entry.name) {
            return Err(format!("{}: two programs have that name", entry.name));
        }
        if entry.machine && (!compiled || entry.dynamic) {
            return Err(format!("{}: only a static program of a source runs on a machine", entry.name));
        }
        let name = |form: &str| format!("{} ({form})", entry.name);
        let dynamic = entry.dynamic;
        let own = if compiled { Origin::Compiled { rva22: false, dynamic } } else { Origin::Debian };
        let mut forms = vec![(entry.name.clone(), entry.category, own)];
        if entry.rva22 {
            forms.push((name("rva22"), entry.category, Origin::Compiled { rva22: true, dynamic }));
        }
        if entry.machine {
            forms.push((name("machine"), Category::Machine, Origin::Machine));
        }
        for (name, category, origin) in forms {
            programs.push(Program {
                name,
                build: entry.name.clone(),
                category,
                title: entry.title.clone(),
                origin,
                forks: entry.forks,
                executes: entry.executes,
                full: if compiled { entry.args.clone() } else { entry.command.clone() },
                quick: if compiled { entry.quick.clone() } else { entry.quick_command.clone() },
            });
        }
    }
    programs.sort_by_key(|p| p.category);
    Ok(programs)
}

/// Whether the filters select the program: one is its category or a part of its name, or there are none.
pub fn chosen(program: &Program, filters: &[String]) -> bool {
    filters.is_empty() || filters.iter().any(|f| f == program.category.name() || program.name.contains(f.as_str()))
}
