//! Turns options and environment variables into settings.
//!
//! An option takes precedence over `REMU_…`, and `REMU_…` over `QEMU_…`. Changes to the environment accumulate.

use super::log_items::{self, LogItems, Logged};
use super::words::{UNSUPPORTED, normalize};
use super::{CliError, Options, completions, cpu_list, strace};
use crate::debug::{AddressFilter, CodeMapFormat, LogPath};
use crate::guest::riscv::profiles::CpuModel;
use crate::host::Registered;
use crate::jit::JitConfig;
use crate::jit::x64::HostFeatures;
use crate::linux::TraceConfig;
use crate::linux::exec::Options as GivenOptions;
use crate::memory::{GuestAddr, PAGE_SIZE};
use crate::user::EngineKind;
use clap::{CommandFactory, FromArgMatches};
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The longest release that fits into utsname.
const MAX_RELEASE: usize = 64;

/// What the command line asks for.
#[derive(Debug)]
pub enum Action {
    /// Run a program.
    Run(Box<Settings>),
    /// Print this on standard output.
    Print(String),
}

/// What the process was started with.
#[derive(Debug)]
pub struct Start {
    /// The arguments, beginning with remu's own name.
    pub words: Vec<OsString>,
    /// The environment.
    pub environ: Vec<(OsString, OsString)>,
    /// Set if the kernel started remu as the interpreter of a program (binfmt_misc).
    pub registered: Option<Registered>,
    /// Whether the program has more privileges than its caller (AT_SECURE). remu then ignores its environment
    /// variables, which the caller controls.
    pub is_secure: bool,
    /// Whether another remu has handed the words on. Paths in them were for its working directory.
    pub is_handed_on: bool,
    /// The directory to which the paths of logs are relative.
    pub directory: PathBuf,
}

impl Start {
    /// Takes the program and its arguments out of the arguments that the kernel passed. There are no options then.
    fn take_program(&mut self) -> Option<(OsString, Vec<OsString>)> {
        let registered = self.registered.as_ref()?;
        let mut argv = self.words.split_off(self.words.len().min(1));
        let program = argv.first()?.clone();
        if registered.has_argv0 {
            argv.remove(0);
        }
        Some((program, argv))
    }
}

/// How to run a program.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The program's path.
    pub program: PathBuf,
    /// The executed path (AT_EXECFN): the program's, or the script's if the kernel started the program for a script.
    pub given_path: PathBuf,
    /// Its arguments, its own name first.
    pub argv: Vec<CString>,
    /// Its environment.
    pub envp: Vec<CString>,
    /// The directory of `-L`.
    pub prefix: Option<PathBuf>,
    /// The size of its stack.
    pub stack_size: Option<u64>,
    /// The kernel release that uname reports.
    pub uname: Option<String>,
    /// The seed of AT_RANDOM and the memory layout; `None` for random ones.
    pub seed: Option<u64>,
    /// The address translation scheme.
    pub mmu: Mmu,
    /// Whether the memory layout is randomized.
    pub aslr: bool,
    /// The CPU.
    pub cpu: CpuModel,
    /// The engine, if one was chosen.
    pub engine: Option<EngineKind>,
    /// The features of the host's CPU that compiled code uses.
    pub host_features: HostFeatures,
    /// The size of the code cache in bytes.
    pub code_cache: usize,
    /// How often code is executed before it is compiled.
    pub tier_after: u8,
    /// Whether a basic block has one instruction only.
    pub one_insn_per_block: bool,
    /// What is logged.
    pub log: LogItems,
    /// The address ranges whose code is logged.
    pub dfilter: AddressFilter,
    /// The log file; `None` for standard error.
    pub log_file: Option<LogPath>,
    /// The file for the engine's counters, if any.
    pub statistics: Option<LogPath>,
    /// The files that name compiled code for profilers.
    pub code_maps: Vec<CodeMapFormat>,
    /// The options of the system call log, if system calls are logged.
    pub strace: TraceConfig,
    /// The file of the system call log; `None` for the common log.
    pub strace_file: Option<LogPath>,
    /// The options as they were given, for programs that the program executes.
    pub options: GivenOptions,
}

/// An address translation scheme. It decides how large the program's address space is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mmu {
    /// 39 bits.
    Sv39,
    /// 48 bits.
    Sv48,
}

impl Mmu {
    /// The first address past user space, which is half the address space.
    pub fn limit(self) -> GuestAddr {
        match self {
            Self::Sv39 => GuestAddr(1 << 38),
            Self::Sv48 => GuestAddr(1 << 47),
        }
    }
}

/// A value and its source, for error messages.
pub(super) struct Given {
    pub source: String,
    pub value: OsString,
}

impl Given {
    pub fn bad(&self, why: &'static str) -> CliError {
        CliError::BadValue { source_name: self.source.clone(), value: self.value.to_string_lossy().into(), why }
    }

    pub fn text(&self) -> Result<&str, CliError> {
        self.value.to_str().ok_or_else(|| self.bad("not UTF-8"))
    }
}

/// The environment, as a function for tests.
type Env<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The value of a REMU_ or QEMU_ variable.
fn variable(env: Env<'_>, name: &str) -> Option<Given> {
    ["REMU_", "QEMU_"].into_iter().find_map(|prefix| {
        let source = format!("{prefix}{name}");
        env(&source).map(|value| Given { source, value })
    })
}

/// Resolves the command line.
pub fn resolve(mut start: Start) -> Result<Action, CliError> {
    let registered = start.take_program();
    let Start { words, environ, registered: kernel, is_secure, is_handed_on, directory: base } = start;
    let command = Options::command();
    let all = words.clone();
    let words = normalize(&command, words)?;
    let matches = command.try_get_matches_from(words).map_err(usage)?;
    let mut options = Options::from_arg_matches(&matches).map_err(usage)?;
    if options.short_help {
        return Ok(Action::Print(Options::command().render_help().to_string()));
    }
    if options.help {
        return Ok(Action::Print(Options::command().render_long_help().to_string()));
    }
    if options.version {
        return Ok(Action::Print(format!("remu {}\n", env!("CARGO_PKG_VERSION"))));
    }
    if let Some(shell) = options.completions {
        return Ok(Action::Print(completions::script(shell, Options::command(), Logged::Process)));
    }

    let read: &[_] = if is_secure { &[] } else { &environ };
    let lookup = |name: &str| read.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    for u in UNSUPPORTED {
        if let Some(given) = variable(&lookup, u.variable) {
            return Err(CliError::UnsupportedVariable { variable: given.source, what: u.what });
        }
    }
    let given = |option: &str, value: &Option<OsString>, name: &str| match value {
        Some(value) => Some(Given { source: option.into(), value: value.clone() }),
        None => variable(&lookup, name),
    };

    let Some(cpu) = cpu(given("-cpu", &options.cpu, "CPU"))? else {
        return Ok(Action::Print(cpu_list::cpu_list()));
    };
    let Some(mut log) = log(&options, &lookup)? else { return Ok(Action::Print(log_items::help(Logged::Process))) };
    log.strace |= strace::is_asked_for(&options) || variable(&lookup, "STRACE").is_some();
    let (strace, strace_file) = strace::settings(&options, &base)?;
    let engine = given("--engine", &options.engine, "ENGINE").map(|g| engine(&g)).transpose()?;
    let host_features = given("--host-features", &options.host_features, "HOST_FEATURES");
    let host_features = host_features.map(|g| self::host_features(&g)).transpose()?;
    let code_cache = given("-tb-size", &options.tb_size, "TB_SIZE").map(|g| code_cache(&g)).transpose()?;
    let tier_after = given("--tier-after", &options.tier_after, "TIER_AFTER").map(|g| tier_after(&g)).transpose()?;
    let one_insn = options.one_insn_per_tb
        || variable(&lookup, "ONE_INSN_PER_TB").is_some()
        || variable(&lookup, "SINGLESTEP").is_some();

    let stack_size = given("-s", &options.stack_size, "STACK_SIZE").map(|given| stack_size(&given)).transpose()?;
    let uname = match given("-r", &options.uname, "UNAME") {
        Some(given) if given.value.len() > MAX_RELEASE => return Err(given.bad("longer than 64 bytes")),
        Some(given) if given.value.as_bytes().starts_with(b"-") => {
            return Err(given.bad(
                "-r is the kernel release, as in QEMU; relative times in the system call log are \
                 --strace-timestamps=relative",
            ));
        }
        Some(given) => Some(given.text()?.to_owned()),
        None => None,
    };
    let seed = given("-seed", &options.seed, "RAND_SEED").map(|g| number(&g)).transpose()?;
    let mmu = given("--mmu", &options.mmu, "MMU").map(|g| mmu(&g)).transpose()?.unwrap_or(Mmu::Sv48);
    let aslr = !options.no_aslr && variable(&lookup, "NO_ASLR").is_none();
    let prefix = given("-L", &options.prefix, "LD_PREFIX").filter(|_| !is_handed_on).map(directory).transpose()?;
    let argv0 = given("-0", &options.argv0, "ARGV0").map(|g| g.value);
    let log_file = given("-D", &options.log_file, "LOG_FILENAME").map(|g| LogPath::new(&g.value, &base));
    let statistics = given("--statistics", &options.statistics, "STATISTICS").map(|g| LogPath::new(&g.value, &base));
    let dfilter = match given("-dfilter", &options.dfilter, "DFILTER") {
        Some(given) => AddressFilter::parse(given.text()?, parse_number).map_err(|why| given.bad(why))?,
        None => AddressFilter::default(),
    };
    let perfmap = options.perfmap || variable(&lookup, "PERFMAP").is_some();
    let jitdump = options.jitdump || variable(&lookup, "JITDUMP").is_some();
    let code_maps = code_maps(perfmap, jitdump);
    if let Some(option) = about_compiled_code(&code_maps, log.trace.out_asm)
        && engine == Some(EngineKind::Interp)
    {
        return Err(CliError::NeedsCompiler(option));
    }
    let changes = environment_changes(&options, &matches, &lookup)?;

    // The program and its arguments are the last words.
    let before = all.len().saturating_sub(1 + options.args.len()).max(1);
    let given_options = given_options(&all[1..before], &environ, &base);
    let mut own_name = None;
    if let Some((program, mut argv)) = registered {
        own_name = (!argv.is_empty()).then(|| argv.remove(0));
        (options.program, options.args) = (Some(program), argv);
    }
    let program = options.program.ok_or(CliError::NoProgram)?;
    let argv0 = argv0.or(own_name).unwrap_or_else(|| program.clone());
    let argv = std::iter::once(argv0).chain(options.args).map(c_string).collect();
    let given_path = kernel.map_or_else(|| program.clone(), |kernel| OsString::from_vec(kernel.path.into_bytes()));
    Ok(Action::Run(Box::new(Settings {
        program: program.into(),
        given_path: given_path.into(),
        argv,
        envp: apply(environ, changes),
        prefix,
        stack_size,
        mmu,
        aslr,
        uname,
        seed,
        cpu,
        engine,
        host_features: host_features.unwrap_or_else(HostFeatures::detect),
        code_cache: code_cache.unwrap_or(JitConfig::DEFAULT_CACHE_SIZE),
        tier_after: tier_after.unwrap_or(JitConfig::DEFAULT_AFTER),
        one_insn_per_block: one_insn,
        log,
        dfilter,
        log_file,
        statistics,
        code_maps,
        strace,
        strace_file,
        options: given_options,
    })))
}

/// The first line of clap's error message, and the possible values if it lists them.
pub(super) fn usage(error: clap::Error) -> CliError {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    match text.lines().find(|line| line.contains("[possible values: ")) {
        Some(values) => CliError::Usage(format!("{line} {}", values.trim())),
        None => CliError::Usage(line.to_owned()),
    }
}

/// The CPU; `None` if the list of models is requested.
fn cpu(given: Option<Given>) -> Result<Option<CpuModel>, CliError> {
    let Some(given) = given else { return Ok(Some(CpuModel::default())) };
    match given.text()? {
        "list" | "help" | "?" => Ok(None),
        spec => match CpuModel::parse(spec) {
            Ok(model) => Ok(Some(model)),
            Err(error) => Err(CliError::Cpu { source_name: given.source, error }),
        },
    }
}

/// The log items; `None` if the list of items is requested.
fn log(options: &Options, env: Env<'_>) -> Result<Option<LogItems>, CliError> {
    let given = match options.log.as_slice() {
        [] => variable(env, "LOG"),
        // Several -d accumulate.
        lists => Some(Given { source: "-d".into(), value: lists.join(OsStr::new(",")) }),
    };
    match given {
        Some(given) => log_items::parse(Logged::Process, &given.source, given.text()?),
        None => Ok(Some(LogItems::default())),
    }
}

/// A stack size in bytes, with an optional suffix.
fn stack_size(given: &Given) -> Result<u64, CliError> {
    match bytes(given.text()?).map_err(|why| given.bad(why))? {
        0..PAGE_SIZE => Err(given.bad(
            "the stack size must be at least 4096; the limit of strings in the system call log is \
             --strace-string-limit",
        )),
        bytes => Ok(bytes),
    }
}

/// A number of bytes with an optional suffix k, M or G; the error says what is wrong.
pub(super) fn bytes(text: &str) -> Result<u64, &'static str> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 10),
        Some(b'm' | b'M') => (&text[..text.len() - 1], 20),
        Some(b'g' | b'G') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let number = parse_number(digits).ok_or("not a size: a number with an optional suffix k, M or G")?;
    number.checked_mul(1 << shift).ok_or("too large")
}

pub(super) fn number(given: &Given) -> Result<u64, CliError> {
    parse_number(given.text()?).ok_or_else(|| given.bad("not a number of at most 64 bits"))
}

/// Decimal, or hexadecimal after `0x`.
pub(super) fn parse_number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    // `from_str_radix` accepts a sign.
    digits.starts_with(|c: char| c.is_ascii_hexdigit()).then(|| u64::from_str_radix(digits, radix).ok())?
}

/// Parses the name of an engine.
pub(super) fn engine(given: &Given) -> Result<EngineKind, CliError> {
    match given.text()? {
        "interp" => Ok(EngineKind::Interp),
        "jit" => Ok(EngineKind::Jit),
        "tiered" => Ok(EngineKind::Tiered),
        _ => Err(given.bad("not tiered, jit or interp")),
    }
}

/// How often code is executed before it is compiled.
fn tier_after(given: &Given) -> Result<u8, CliError> {
    u8::try_from(number(given)?).map_err(|_| given.bad("not from 0 to 255"))
}

/// The host's features without those that are not wanted.
pub(super) fn host_features(given: &Given) -> Result<HostFeatures, CliError> {
    HostFeatures::detect().parse_mask(given.text()?).map_err(CliError::HostFeatures)
}

/// The size of the code cache in bytes, from one in MiB.
pub(super) fn code_cache(given: &Given) -> Result<usize, CliError> {
    match number(given)? {
        size @ 1..=1024 => Ok((size as usize) << 20),
        _ => Err(given.bad("not from 1 to 1024 MiB")),
    }
}

/// The files that name compiled code.
pub(super) fn code_maps(perfmap: bool, jitdump: bool) -> Vec<CodeMapFormat> {
    let all = [(perfmap, CodeMapFormat::PerfMap), (jitdump, CodeMapFormat::JitDump)];
    all.into_iter().filter(|(asked, _)| *asked).map(|(_, format)| format).collect()
}

/// The option, if any, that is about compiled code.
pub(super) fn about_compiled_code(maps: &[CodeMapFormat], out_asm: bool) -> Option<&'static str> {
    match maps.first() {
        Some(CodeMapFormat::PerfMap) => Some("-perfmap"),
        Some(CodeMapFormat::JitDump) => Some("-jitdump"),
        None => out_asm.then_some("-d out_asm"),
    }
}

/// Parses the address translation scheme.
fn mmu(given: &Given) -> Result<Mmu, CliError> {
    match given.value.as_bytes() {
        b"sv39" => Ok(Mmu::Sv39),
        b"sv48" => Ok(Mmu::Sv48),
        _ => Err(given.bad("only sv39 and sv48 are supported")),
    }
}

fn directory(given: Given) -> Result<PathBuf, CliError> {
    let path = PathBuf::from(&given.value);
    let failed = |error| CliError::Prefix { source_name: given.source.clone(), path: path.clone(), error };
    match std::fs::metadata(&path) {
        Ok(m) if m.is_dir() => Ok(path),
        Ok(_) => Err(failed(std::io::ErrorKind::NotADirectory.into())),
        Err(e) => Err(failed(e)),
    }
}

/// A change to the environment: a name, and its value if it is to be set.
type Change = (OsString, Option<OsString>);

/// The changes in the order they apply: those of the environment, then those of options in command-line order.
fn environment_changes(options: &Options, matches: &clap::ArgMatches, env: Env<'_>) -> Result<Vec<Change>, CliError> {
    let mut changes = Vec::new();
    for (name, set) in [("SET_ENV", true), ("UNSET_ENV", false)] {
        if let Some(given) = variable(env, name) {
            add_changes(&given, set, &mut changes)?;
        }
    }
    let indexed = |id: &str, values: &[OsString], option: &'static str, set| {
        let indices = matches.indices_of(id).into_iter().flatten();
        indices.zip(values.to_vec()).map(move |(i, v)| (i, option, v, set)).collect::<Vec<_>>()
    };
    let mut all = indexed("set_env", &options.set_env, "-E", true);
    all.extend(indexed("unset_env", &options.unset_env, "-U", false));
    all.sort_by_key(|&(i, ..)| i);
    for (_, option, value, set) in all {
        add_changes(&Given { source: option.into(), value }, set, &mut changes)?;
    }
    Ok(changes)
}

/// Splits a list at commas, as QEMU does.
fn add_changes(given: &Given, set: bool, changes: &mut Vec<Change>) -> Result<(), CliError> {
    for (index, item) in given.value.as_bytes().split(|&b| b == b',').enumerate() {
        let equals = item.iter().position(|&b| b == b'=');
        let owned = |b: &[u8]| OsString::from_vec(b.to_vec());
        match (set, equals) {
            (true, Some(at @ 1..)) => changes.push((owned(&item[..at]), Some(owned(&item[at + 1..])))),
            (true, _) if index == 0 => return Err(given.bad("write NAME=VALUE,...")),
            // As in QEMU, a comma always separates.
            (true, _) => {
                return Err(given.bad(
                    "write NAME=VALUE,...; for a value with a comma, set the variable in remu's own environment, \
                     which the program inherits",
                ));
            }
            (false, None) if !item.is_empty() => changes.push((owned(item), None)),
            (false, _) => return Err(given.bad("write NAME,...")),
        }
    }
    Ok(())
}

/// The options in a form that can be handed on.
fn given_options(words: &[OsString], environ: &[(OsString, OsString)], directory: &Path) -> GivenOptions {
    let bytes = |text: &OsString| text.as_bytes().to_vec();
    let is_ours = |name: &OsString| name.as_bytes().starts_with(b"REMU_") || name.as_bytes().starts_with(b"QEMU_");
    GivenOptions {
        words: words.iter().map(bytes).collect(),
        variables: environ.iter().filter(|(n, _)| is_ours(n)).map(|(n, v)| (bytes(n), bytes(v))).collect(),
        directory: directory.as_os_str().as_bytes().to_vec(),
    }
}

/// The program's environment: remu's own with the changes applied.
fn apply(mut environ: Vec<(OsString, OsString)>, changes: Vec<Change>) -> Vec<CString> {
    for (name, value) in changes {
        match (environ.iter_mut().find(|(n, _)| *n == name), value) {
            (Some(entry), Some(value)) => entry.1 = value,
            (None, Some(value)) => environ.push((name, value)),
            (_, None) => environ.retain(|(n, _)| *n != name),
        }
    }
    environ
        .into_iter()
        .map(|(mut entry, value)| {
            entry.push("=");
            entry.push(value);
            c_string(entry)
        })
        .collect()
}

/// Arguments and environment variables come from C strings and thus contain no NUL.
fn c_string(s: OsString) -> CString {
    CString::new(s.into_vec()).expect("an argument or environment variable has no NUL")
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
