//! The programs that are measured: `benches/programs/programs.toml`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a program spends its time on. The order is that of the report.
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
}

impl Category {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Integer,
        Self::Float,
        Self::Calls,
        Self::Memory,
        Self::Syscalls,
        Self::Threads,
        Self::Startup,
        Self::Real,
    ];

    /// As written in the catalogue.
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
        }
    }

    /// For a heading.
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
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What remu has to have, and does not yet, for a program to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Needs {
    Threads,
    Processes,
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Threads => "threads",
            Self::Processes => "processes",
        })
    }
}

/// A table of the file.
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
    // What `build.sh` reads.
    #[serde(default, rename = "flags")]
    _flags: Option<toml::Value>,
    #[serde(default)]
    rva22: bool,
    #[serde(default)]
    dynamic: bool,
    #[serde(default)]
    needs: Option<Needs>,
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

/// Where a program comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Compiled for both architectures.
    Compiled {
        /// For the guest with the extensions of RVA22.
        rva22: bool,
        /// Linked with shared libraries.
        dynamic: bool,
    },
    /// Debian's, in a root.
    Debian,
}

/// A program to be measured.
#[derive(Clone, Debug)]
pub struct Program {
    /// A name of its own: for a second build, with the build in parentheses.
    pub name: String,
    /// The name of its build.
    pub build: String,
    pub category: Category,
    pub title: String,
    pub origin: Origin,
    pub needs: Option<Needs>,
    /// Whether it executes other guest programs, for which the kernel has to know QEMU.
    pub executes: bool,
    /// Its words in full size and in the quick one: arguments of a compiled program, a whole command of Debian's.
    pub full: Vec<String>,
    pub quick: Vec<String>,
}

impl Program {
    /// Whether it is a second build of another, which has its own row and is left out of means.
    pub fn is_variant(&self) -> bool {
        matches!(self.origin, Origin::Compiled { rva22: true, .. })
    }
}

/// Reads the catalogue; what is wrong in it is the error.
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
        let builds = if entry.rva22 { 2 } else { 1 };
        for rva22 in [false, true].into_iter().take(builds) {
            programs.push(Program {
                name: if rva22 { format!("{} (rva22)", entry.name) } else { entry.name.clone() },
                build: entry.name.clone(),
                category: entry.category,
                title: entry.title.clone(),
                origin: if compiled { Origin::Compiled { rva22, dynamic: entry.dynamic } } else { Origin::Debian },
                needs: entry.needs,
                executes: entry.executes,
                full: if compiled { entry.args.clone() } else { entry.command.clone() },
                quick: if compiled { entry.quick.clone() } else { entry.quick_command.clone() },
            });
        }
    }
    programs.sort_by_key(|p| p.category);
    Ok(programs)
}

/// Whether any of the filters, or none at all, lets the program through: a category, or a part of the name.
pub fn chosen(program: &Program, filters: &[String]) -> bool {
    filters.is_empty() || filters.iter().any(|f| f == program.category.name() || program.name.contains(f.as_str()))
}
