//! The engines that run the programs, and their environment.

use crate::catalogue::{Origin, Program};
use crate::report::{EngineInfo, EngineKind};
use crate::run::command_output;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Where Debian's cross packages put the dynamic linker and libraries (QEMU's `-L`).
const SYSROOT: &str = "/usr/riscv64-linux-gnu";

/// A prebuilt guest program of the repository that does almost nothing.
pub const PREBUILT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testprogs/prebuilt/hello-riscv64");

/// An engine that runs programs.
pub struct Engine {
    pub info: EngineInfo,
    how: How,
    /// The command of its emulator of whole machines, if there is one.
    machine: Option<Vec<OsString>>,
    /// The folder of the emulator, mounted as `/run` in a root.
    pub tools: PathBuf,
}

impl Engine {
    /// Whether it can run the program: programs on a machine need an emulator of machines.
    pub fn runs(&self, program: &Program) -> bool {
        program.origin != Origin::Machine || self.info.kind == EngineKind::Native || self.machine.is_some()
    }
}

/// A QEMU to compare with.
pub struct Qemu {
    /// Its emulator of Linux programs.
    pub user: PathBuf,
    /// The command of its emulator of whole machines, if there is one.
    pub machine: Option<Vec<OsString>>,
}

impl Qemu {
    /// The QEMU of an emulator of Linux programs, with the one of machines in the same folder.
    pub fn at(user: PathBuf) -> Self {
        let machine = user.with_file_name("qemu-system-riscv64");
        Self { user, machine: machine.is_file().then(|| vec![machine.into()]) }
    }
}

enum How {
    Native,
    Qemu {
        /// If it is dynamically linked, a folder with its `lib64` and `lib`.
        libraries: Option<PathBuf>,
    },
    Remu {
        /// The options that select the engine.
        options: Vec<String>,
    },
}

/// remu's engines by name, and the options that select them.
const REMU_ENGINES: &[(&str, &[&str])] = &[("remu", &[])];

/// The machine of programs that run on one.
const MACHINE: [&str; 12] =
    ["-M", "virt", "-m", "256M", "-bios", "none", "-display", "none", "-monitor", "none", "-serial", "stdio"];

/// The prefix of names of temporary folders.
const PREFIX: &str = "remu-compare-";

/// The folders of a comparison.
pub struct Lab {
    /// The repository.
    pub root: PathBuf,
    /// The helper `measure`, which runs programs.
    pub helper: PathBuf,
    /// Compiled programs, as `native/NAME`, `riscv64/NAME` and `rva22/NAME`, and `machine/kernel`.
    pub builds: PathBuf,
    /// The inputs of Debian programs, and a root for each architecture, if any of them is selected.
    pub debian: Option<Debian>,
    /// The folder for output files of a run.
    pub base: TempDir,
}

/// The inputs and roots of Debian programs.
pub struct Debian {
    pub inputs: PathBuf,
    pub native: PathBuf,
    pub guest: PathBuf,
}

impl Lab {
    /// Builds and fetches the programs and their inputs.
    pub fn prepare(root: &Path, target: &Path, programs: &[&Program]) -> Result<Self, String> {
        let folder = target.join("tmp/compare");
        let base = temporary(&folder)?;
        let builds = folder.join("programs");
        if programs.iter().any(|p| p.origin != Origin::Debian) {
            command_output(Command::new(root.join("benches/programs/build.sh")).arg(&builds))?;
        }
        let debian = if programs.iter().any(|p| p.origin == Origin::Debian) {
            let inputs = folder.join("inputs");
            command_output(Command::new(root.join("benches/programs/inputs.sh")).arg(&inputs))?;
            let mut fetch = Command::new(root.join("tests/debian/fetch.sh"));
            let listing = command_output(fetch.arg("--root").arg(root.join("tests/programs/packages")))?;
            let of = |arch: &str| {
                let line = listing.lines().find_map(|l| l.strip_prefix(arch)?.trim_start().split_once(' '));
                line.map(|(_suite, folder)| PathBuf::from(folder)).ok_or(format!("tests/debian/fetch.sh: no {arch}"))
            };
            Some(Debian { inputs, native: of("amd64")?, guest: of("riscv64")? })
        } else {
            None
        };
        // Copied, because a build may replace the originals meanwhile.
        let helper = base.path().join("measure");
        fs::copy(target.join("debug/measure"), &helper).map_err(|e| format!("{}: {e}", helper.display()))?;
        Ok(Self { root: root.into(), helper, builds, debian, base })
    }

    /// The engines: the native build, the QEMUs at these paths, and remu's own.
    pub fn engines(&self, qemus: &[Qemu], remu: &Path) -> Result<Vec<Engine>, String> {
        let mut engines = vec![self.engine("native", EngineKind::Native, "this machine", How::Native, None)?];
        for Qemu { user: path, machine } in qemus {
            let told = command_output(Command::new(path).arg("--version")).map_err(|e| {
                format!("{e}: apt-get install --no-install-recommends qemu-user, or name another with --qemu")
            })?;
            let version = told.lines().next().unwrap_or_default().to_owned();
            let number = version.split_whitespace().skip_while(|w| *w != "version").nth(1).unwrap_or("?");
            let short: Vec<&str> = number.split('.').take(2).collect();
            let mut name = format!("QEMU {}", short.join("."));
            if engines.iter().any(|e: &Engine| e.info.name == name) {
                name = format!("QEMU {number} ({})", engines.len());
            }
            let libraries = self.libraries(path, engines.len())?;
            let engine = self.engine(&name, EngineKind::Qemu, &version, How::Qemu { libraries }, Some(path))?;
            engines.push(Engine { machine: machine.clone(), ..engine });
        }
        let machine = remu.with_file_name("remu-system");
        let version = command_output(Command::new(remu).arg("--version"))?;
        for (name, options) in REMU_ENGINES {
            let options = options.iter().map(|&o| o.to_owned()).collect();
            let engine = self.engine(name, EngineKind::Remu, version.trim(), How::Remu { options }, Some(remu))?;
            let copied = engine.tools.join("machine");
            let machine = if machine.is_file() {
                fs::copy(&machine, &copied).map_err(|e| format!("{}: {e}", machine.display()))?;
                Some(vec![copied.into()])
            } else {
                None
            };
            engines.push(Engine { machine, ..engine });
        }
        Ok(engines)
    }

    fn engine(
        &self,
        name: &str,
        kind: EngineKind,
        version: &str,
        how: How,
        emulator: Option<&Path>,
    ) -> Result<Engine, String> {
        let tools = self.base.path().join(format!("tools-{}", name.replace(' ', "-")));
        fs::create_dir(&tools).map_err(|e| format!("{}: {e}", tools.display()))?;
        if let Some(path) = emulator {
            fs::copy(path, tools.join("emulator")).map_err(|e| format!("{}: {e}", path.display()))?;
        }
        let info = EngineInfo { name: name.into(), kind, version: version.into() };
        Ok(Engine { info, how, machine: None, tools })
    }

    /// Collects the shared libraries of a host program, to be mounted in a root.
    fn libraries(&self, program: &Path, number: usize) -> Result<Option<PathBuf>, String> {
        let Ok(listing) = command_output(Command::new("ldd").arg(program)) else { return Ok(None) };
        let folder = self.base.path().join(format!("libraries-{number}"));
        let mut found = false;
        for line in listing.lines() {
            let Some(path) = line.split_whitespace().find(|w| w.starts_with('/')) else { continue };
            let path = Path::new(path);
            let part = if path.starts_with("/lib64") { "lib64" } else { "lib" };
            let to = folder.join(part);
            let name = path.file_name().ok_or(format!("ldd {}: {line}", program.display()))?;
            let copied = fs::create_dir_all(&to).and_then(|()| fs::copy(path, to.join(name)));
            copied.map_err(|e| format!("{}: {e}", path.display()))?;
            found = true;
        }
        Ok(found.then_some(folder))
    }

    /// The root directory of a run, if not the host's.
    pub fn root_of(&self, engine: &Engine, program: &Program) -> Option<&Path> {
        let debian = self.debian.as_ref().filter(|_| program.origin == Origin::Debian)?;
        Some(if matches!(engine.how, How::Native) { &debian.native } else { &debian.guest })
    }

    /// The command that runs a program; `extra` are options for remu.
    pub fn words(&self, engine: &Engine, program: &Program, args: &[String], extra: &[String]) -> Vec<OsString> {
        let mut words: Vec<OsString> = Vec::new();
        if let (Origin::Machine, Some(machine)) = (program.origin, &engine.machine) {
            words.extend(machine.iter().cloned());
            words.extend(MACHINE.map(OsString::from));
            words.extend(["-kernel".into(), self.builds.join("machine/kernel").into()]);
            words.extend(["-initrd".into(), self.builds.join("riscv64").join(&program.build).into()]);
            let line = [std::slice::from_ref(&program.build), args].concat().join(" ");
            words.extend(["-append".into(), line.into()]);
            return words;
        }
        let tools = if program.origin == Origin::Debian { Path::new("/run") } else { &engine.tools };
        let emulator: OsString = tools.join("emulator").into();
        match &engine.how {
            How::Native => {}
            How::Qemu { .. } => {
                words.push(emulator);
                if matches!(program.origin, Origin::Compiled { dynamic: true, .. }) {
                    words.extend(["-L".into(), SYSROOT.into()]);
                }
            }
            How::Remu { options } => {
                words.push(emulator);
                words.extend(options.iter().chain(extra).map(OsString::from));
            }
        }
        let rva22 = match program.origin {
            Origin::Compiled { rva22, .. } => Some(rva22),
            Origin::Machine => Some(false),
            Origin::Debian => None,
        };
        if let Some(rva22) = rva22 {
            let build = match (&engine.how, rva22) {
                (How::Native, _) => "native",
                (_, false) => "riscv64",
                (_, true) => "rva22",
            };
            // Joining an absolute path, such as the prebuilt program's, replaces the folder.
            words.push(self.builds.join(build).join(&program.build).into());
        }
        words.extend(args.iter().map(OsString::from));
        words
    }

    /// The libraries of a dynamically linked QEMU.
    pub fn libraries_of<'a>(&self, engine: &'a Engine) -> Option<&'a Path> {
        match &engine.how {
            How::Qemu { libraries } => libraries.as_deref(),
            _ => None,
        }
    }
}

/// A temporary folder for a measurement. A link in `folder` names it, so that the next measurement removes it after an
/// interruption. Only one measurement at a time uses `folder`.
pub fn temporary(folder: &Path) -> Result<TempDir, String> {
    let known = folder.join("temporary");
    if let Ok(left) = fs::read_link(&known) {
        if left.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX)) {
            // It exists only after an interruption.
            let _ = fs::remove_dir_all(left);
        }
        fs::remove_file(&known).map_err(|e| format!("{}: {e}", known.display()))?;
    }
    let base = tempfile::Builder::new().prefix(PREFIX).tempdir().map_err(|e| format!("a temporary folder: {e}"))?;
    symlink(base.path(), &known).map_err(|e| format!("{}: {e}", known.display()))?;
    Ok(base)
}

/// The command line of a program, for a report.
pub fn shown(program: &Program, words: &[String]) -> String {
    match program.origin {
        Origin::Debian => words.join(" "),
        Origin::Compiled { .. } | Origin::Machine => {
            format!("{} {}", program.build, words.join(" ")).trim_end().to_owned()
        }
    }
}
