//! The user-mode program: connects options, kernel layer and engine, runs the guest, and exits as the guest did.

use super::libraries::MissingLibrary;
use super::text::{complain, complain_as, print};
use super::{Action, CliError, EXIT_NOT_FOUND, EXIT_OWN_ERROR, Settings, Start, resolve};
use crate::debug::{self, CodeMap, Death, FatalReport, Log, LogPath, MapLog};
use crate::guest::HartOwner;
use crate::guest::riscv::Rv64;
use crate::host::{self, InheritedLimits, Received};
use crate::interp::InterpConfig;
use crate::jit::JitConfig;
use crate::linux::exec::{ExecError, ExecRequest, Handover, Image, ProcessSpec, Successor, Target};
use crate::linux::limits::Limits;
use crate::linux::seccomp::Program;
use crate::linux::strace::UnfinishedLine;
use crate::linux::task::TextSink;
use crate::linux::{self, FatalSignal, Outcome, Services, Task, TaskConfig};
use crate::memory::{Mdwe, UserSpace};
use crate::user::{CodeLog, EngineConfig, Runner, RunnerConfig};
use remu_isa::{Isa, Xlen};
use rustix::io::Errno;
use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, IntoRawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::sync::Arc;

/// `remu [OPTIONS] PROGRAM [ARGS...]`: returns the exit status, unless the process dies by a signal.
pub fn user_main(limits: &InheritedLimits) -> i32 {
    install_panic_report("remu");
    let result = match host::received() {
        Some(received) => execute(received, limits),
        None => start(limits),
    };
    result.unwrap_or_else(|error| {
        complain(&error);
        error.exit_status()
    })
}

/// Does what the command line says.
fn start(limits: &InheritedLimits) -> Result<i32, CliError> {
    let mut registered = host::registered();
    let file = registered.as_mut().and_then(|registered| registered.file.take());
    let action = resolve(Start {
        words: std::env::args_os().collect(),
        environ: std::env::vars_os().collect(),
        registered,
        is_secure: host::is_secure(),
        is_handed_on: false,
        directory: std::env::current_dir().unwrap_or_default(),
    })?;
    let settings = match action {
        Action::Print(text) => return print(&text).map(|()| 0).map_err(CliError::Output),
        Action::Run(settings) => settings,
    };
    let logs = Logs::open(&settings, create_log)?;
    let request = ExecRequest {
        program: settings.program.clone(),
        file: file.map(File::from),
        refuses_writers: false,
        given_path: settings.given_path.clone(),
        script_name: CString::new(settings.program.as_os_str().as_bytes()).ok(),
        argv: settings.argv.clone(),
        envp: settings.envp.clone(),
    };
    let spec = process_spec(&settings, limits)?;
    // Without it, the program can do all but execute others.
    let own_file = host::OwnFile::open();
    run(
        &settings,
        limits,
        Begin { spec, request, logs, own_file, signals: None, filters: Vec::new(), unfinished: None },
    )
}

/// Goes on as the program that another remu has executed.
fn execute(received: Received, limits: &InheritedLimits) -> Result<i32, CliError> {
    let Received { own_file, files, data, argv } = received;
    let mut files = files.into_iter();
    let (handover, file) = Handover::decode(&data).zip(files.next()).ok_or(CliError::Handover)?;
    let word = |bytes: &Vec<u8>| OsString::from_vec(bytes.clone());
    let options = &handover.options;
    let words = ["remu".into()].into_iter().chain(options.words.iter().map(word)).chain(["program".into()]);
    let action = resolve(Start {
        words: words.collect(),
        environ: options.variables.iter().map(|(name, value)| (word(name), word(value))).collect(),
        registered: None,
        is_secure: false,
        is_handed_on: true,
        directory: word(&options.directory).into(),
    })?;
    let Action::Run(settings) = action else { return Err(CliError::Handover) };
    let logs = Logs::open(&settings, |_, path, begins_lines| {
        let mut next = || files.next().ok_or(CliError::Handover);
        Ok(Log::adopt(next()?, begins_lines.then(next).transpose()?, path))
    })?;
    let request = handover.request(file.into(), argv);
    let spec = ProcessSpec {
        sysroot: handover.sysroot(),
        limits: handover.limits(),
        mdwe: handover.mdwe(),
        ..process_spec(&settings, limits)?
    };
    let signals = Some((handover.blocked, handover.ignored));
    let filters = handover.filters().ok_or(CliError::Handover)?;
    if let (Some(file), Some(report)) = (&logs.statistics, &handover.report) {
        file.put(report);
    }
    let unfinished = handover.unfinished;
    run(&settings, limits, Begin { spec, request, logs, own_file: Ok(own_file), signals, filters, unfinished })
}

/// The logs that the options ask for.
struct Logs {
    log: Option<Log>,
    calls: Option<Log>,
    statistics: Option<Log>,
}

impl Logs {
    /// Opens each log once, in a fixed order, before any other file: that file could become descriptor 2 if standard
    /// error is closed. `open` gets what the log is called, its path, and whether lines are begun in it.
    fn open(
        settings: &Settings,
        mut open: impl FnMut(&'static str, Option<&LogPath>, bool) -> Result<Log, CliError>,
    ) -> Result<Self, CliError> {
        let own = settings.strace_file.as_ref().filter(|_| settings.log.strace);
        let common = settings.log.strace && own.is_none();
        let path = settings.log_file.as_ref();
        let log = settings.log.any().then(|| open("the log", path, common)).transpose()?;
        let calls = match own {
            Some(path) => Some(open("the log", Some(path), true)?),
            None => log.clone().filter(|_| common),
        };
        let statistics = settings.statistics.as_ref();
        let statistics = statistics.map(|path| open("the counters to", Some(path), false)).transpose()?;
        Ok(Self { log, calls, statistics })
    }

    /// Each log once, in the order in which they were opened.
    fn each(&self) -> Vec<Log> {
        let mut all: Vec<_> = [&self.log, &self.calls, &self.statistics].into_iter().flatten().cloned().collect();
        all.dedup_by_key(|log| log.fds().next());
        all
    }
}

/// What a program starts with.
struct Begin {
    spec: ProcessSpec,
    request: ExecRequest,
    logs: Logs,
    own_file: Result<host::OwnFile, Errno>,
    /// The signals that are blocked and those that are ignored, if the host does not have them so.
    signals: Option<(u64, u64)>,
    /// The filters of system calls that the process keeps.
    filters: Vec<Program>,
    /// The line in the system call log of the call that executed the program.
    unfinished: Option<UnfinishedLine>,
}

/// Runs a program until it exits.
fn run(settings: &Settings, inherited: &InheritedLimits, begin: Begin) -> Result<i32, CliError> {
    let Begin { mut spec, mut request, logs, own_file, signals, filters, unfinished } = begin;
    let is_handed_on = signals.is_some();
    let code_map = code_map(settings, is_handed_on)?;
    // Blocked signals may be pending. Those that remu cannot block arrive now, and are kept for the guest.
    let (blocked, _early) = host::begin_signals();
    let signals = signals.or(Some((blocked, 0)));
    let all_logs = logs.each();
    let descriptors: Vec<_> = all_logs.iter().flat_map(Log::fds).collect();
    let Logs { log, calls, statistics } = logs;
    let logged = |wanted: bool| log.clone().filter(|_| wanted);
    let maps = logged(settings.log.mmu || settings.log.page)
        .map(|log| Arc::new(MapLog::new(log, settings.log.mmu, settings.log.page)));
    let mut load = |marks: bool| {
        let target = Target::find(&spec, &mut request)?;
        let sysroot = target.sysroot.clone();
        let observe = |space: &Arc<UserSpace>| {
            if let Some(maps) = &maps {
                space.observe_areas(maps.clone());
            }
        };
        // Without the mark, other processes can write to the program's file.
        let mark = if marks { host::mark_running(target.program.as_fd()).ok() } else { None };
        let (image, cpu) = Image::load(&spec, target, &request, observe)?;
        Ok::<_, ExecError>((image, cpu, sysroot, mark))
    };
    let (mut image, cpu, sysroot, mark) = match load(true) {
        // The kernel needs no descriptor to execute a program.
        Err(error) if error.errno() == Errno::MFILE => {
            host::with_own_descriptors(|| load(false)).unwrap_or(Err(error))?
        }
        result => result?,
    };
    spec.sysroot = sysroot;
    let isa = Isa::new(Xlen::Rv64, spec.exts);
    let mut hart = HartOwner::<Rv64>::new(cpu);
    // It is open until the process ends.
    image.exe_file = mark.map(IntoRawFd::into_raw_fd);
    let own_files = own_file.as_ref().ok().into_iter().flat_map(host::OwnFile::numbers).chain(image.exe_file);
    let map_fds = code_map.iter().flat_map(|map| map.descriptors());
    let own_fds = descriptors.iter().copied().chain(own_files).chain(map_fds).collect();
    let (path, sysroot) = (settings.program.clone(), spec.sysroot.clone());
    let runner = Runner::new(RunnerConfig {
        engine: engine_config(settings),
        code: logged(settings.log.trace.any()).map(|log| CodeLog {
            log,
            items: settings.log.trace,
            filter: settings.dfilter.clone(),
        }),
        traps: logged(settings.log.int),
        maps,
        code_map,
        logs: all_logs,
        statistics: statistics.clone(),
        end: Box::new(move |outcome, task| {
            if outcome == Outcome::Exited(EXIT_NOT_FOUND) {
                explain_missing_library(&path, sysroot.as_deref(), task);
            }
            end_process(outcome, task.mm.space(), isa)
        }),
    });
    let tracer = calls.map(|log| linux::Tracer::new(Box::new(log), settings.strace.clone()));
    if let Some((tracer, line)) = tracer.as_ref().zip(unfinished) {
        tracer.executed(&line, rustix::thread::gettid().as_raw_nonzero().get());
    }
    let services = Services {
        own_fds,
        tracer,
        unimplemented: logged(settings.log.unimp).map(unimplemented_sink),
        filtered: logged(settings.log.seccomp).map(filtered_sink),
        reports: statistics.map(reports_sink),
        required: Some(required_sink(&settings.program, logged(settings.log_file.is_none()))),
        threads: runner.clone(),
        successor: own_file.map(|own_file| Successor {
            own_file,
            options: settings.options.clone(),
            logs: descriptors,
        }),
    };
    runner.prepare(&image.space).map_err(CliError::CodeCache)?;
    let mailbox = host::attach(hart.cell().clone());
    let mut task = Task::new(TaskConfig { image, spec, services, signals, filters })?;
    if !is_handed_on {
        task.trace_start();
    }
    // Last, since every file of remu's own is open by now.
    inherited.restore_files();
    // Only now can signals be delivered.
    host::set_signal_mask(task.blocked);
    runner.run(&mut task, &mut hart, mailbox);
    // Other threads go on.
    host::exit_first_thread()
}

/// The files that name compiled code. If a program that another one has executed cannot create them, it runs without.
fn code_map(settings: &Settings, is_handed_on: bool) -> Result<Option<Arc<CodeMap>>, CliError> {
    if settings.code_maps.is_empty() {
        return Ok(None);
    }
    match CodeMap::create(&settings.code_maps).map_err(|(path, error)| CliError::CodeMap { path, error }) {
        Ok(map) => Ok(Some(Arc::new(map))),
        Err(error) if is_handed_on => {
            complain(&error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Ends the process as the guest ended. There is nothing to clean up.
fn end_process(outcome: Outcome, space: &UserSpace, isa: Isa) -> ! {
    match outcome {
        Outcome::Exited(status) => host::exit_now(status),
        Outcome::Killed(fatal) => die(fatal, space, isa),
        Outcome::Resume | Outcome::ThreadExited(_) | Outcome::ThreadKilled(_) => unreachable!("the process goes on"),
    }
}

/// How guest code is run by the options.
fn engine_config(settings: &Settings) -> EngineConfig {
    let mut interp = InterpConfig::default();
    let mut jit = JitConfig {
        features: settings.host_features,
        cache_size: settings.code_cache,
        count: settings.statistics.is_some(),
        link: !settings.log.trace.of_entries(),
        ..JitConfig::default()
    };
    if settings.one_insn_per_block {
        (interp.max_block, jit.max_block) = (1, 1);
    }
    EngineConfig { kind: settings.engine, interp, jit, tier_after: settings.tier_after }
}

/// How the process runs by the options.
fn process_spec(settings: &Settings, inherited: &InheritedLimits) -> Result<ProcessSpec, CliError> {
    // Made absolute, since the guest may change its working directory.
    let absolute = |path: &Path| {
        std::fs::canonicalize(path).map_err(|error| CliError::Prefix {
            source_name: "-L".into(),
            path: path.to_path_buf(),
            error,
        })
    };
    Ok(ProcessSpec {
        sysroot: settings.prefix.as_deref().map(absolute).transpose()?,
        exts: settings.cpu.exts,
        release: settings.uname.clone(),
        limits: Limits::new(inherited, settings.stack_size),
        mdwe: Mdwe::from_bits_truncate(host::mdwe()),
        address_limit: settings.mmu.limit(),
        is_randomized: settings.aslr,
        seed: settings.seed,
    })
}

/// Reports why the program died if the signal indicates a defect, then dies by the same signal.
fn die(fatal: FatalSignal, space: &UserSpace, isa: Isa) -> ! {
    let FatalSignal { signal, code, address: addr, access, pc, sp } = fatal;
    let death = Death { signal, code, addr, access, pc: pc.0, sp };
    if death.is_a_defect() {
        complain(&FatalReport { death, space, isa });
    }
    host::die_by_signal(fatal.signal)
}

/// Adds to what a dynamic linker has said before it exited with 127. A program that did start needs nothing more.
fn explain_missing_library(program: &Path, sysroot: Option<&Path>, task: &Task) {
    let exe = Path::new(OsStr::from_bytes(task.mm.exe.as_bytes()));
    if let Some(name) = debug::missing_library(task.mm.space(), exe) {
        complain(&MissingLibrary { program, name: &name, sysroot });
    }
}

/// Creates a log: a file, or standard error. `what` names it in errors.
pub(super) fn create_log(what: &'static str, path: Option<&LogPath>, begins_lines: bool) -> Result<Log, CliError> {
    let log = match path {
        Some(path) => Log::create(path, begins_lines),
        None => Log::new(std::io::stderr(), begins_lines),
    };
    log.map_err(|error| CliError::Log {
        what,
        path: path.map_or_else(|| "to standard error".into(), LogPath::shown),
        error,
    })
}

impl linux::TraceSink for Log {
    fn line(&self, text: &str) {
        self.put(text);
    }

    fn begin(&self, text: &str) -> u64 {
        Log::begin(self, text)
    }

    fn end(&self, begun: u64, rest: &str, resumed: &str) {
        Log::end(self, begun, rest, resumed);
    }

    fn lock(&self) -> Option<host::LockRef<'_>> {
        Some(Log::lock(self))
    }
}

fn unimplemented_sink(log: Log) -> TextSink {
    Box::new(move |what| log.put(&format!("unimp {what}\n")))
}

fn filtered_sink(log: Log) -> TextSink {
    Box::new(move |what| log.put(&format!("seccomp {what}\n")))
}

fn reports_sink(file: Log) -> TextSink {
    Box::new(move |report| file.put(report))
}

/// Warns the user of a missing call that the program needs. If the log is standard error, the warning goes through it,
/// because a log line may be unfinished.
///
/// Prints nothing once the program has replaced standard error with another file, which may hold its data.
fn required_sink(program: &Path, log: Option<Log>) -> TextSink {
    let program = program.display().to_string();
    let standard_error = || rustix::fs::fstat(std::io::stderr()).map(|file| (file.st_dev, file.st_ino)).ok();
    let at_start = standard_error();
    Box::new(move |what| match &log {
        Some(log) => log.put(&format!("remu: {program}: {what}\n")),
        None if standard_error() == at_start => complain(&format_args!("{program}: {what}")),
        None => {}
    })
}

/// Reports a panic, which is always a bug, in one line after the program's name, like any other error.
pub(super) fn install_panic_report(program: &'static str) {
    std::panic::set_hook(Box::new(move |info| {
        let place = info.location().map_or(String::new(), |l| format!(" at {}:{}", l.file(), l.line()));
        let what = info.payload_as_str().unwrap_or("panic");
        complain_as(program, &format_args!("bug: {what}{place}; please report this"));
        host::exit_now(EXIT_OWN_ERROR);
    }));
}
