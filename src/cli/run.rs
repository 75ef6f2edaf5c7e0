//! The user-mode program: connects options, loader, kernel layer and engine, runs the guest, and exits as the guest
//! did.

use super::program::Target;
use super::text::{complain, complain_as, print};
use super::{Action, CliError, EXIT_OWN_ERROR, Settings, Start, resolve};
use crate::debug::{self, Death, FatalReport, Log, MapLog, MappedFiles};
use crate::elf::{self, Auxv, Credentials, Layout, LoadError};
use crate::guest::riscv::{Cpu, Rv64, profiles};
use crate::guest::{Engine, Exit, HartCell};
use crate::host::{self, InheritedLimits};
use crate::interp::{Interp, InterpConfig};
use crate::linux::abi::signal::RtSigframe;
use crate::linux::{self, FatalSignal, Outcome, Task, TaskConfig, Vdso};
use crate::memory::{GuestAddr, Mdwe, SpaceConfig, UserSpace};
use remu_isa::{Isa, Xlen};
use std::ffi::CString;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// `remu [OPTIONS] PROGRAM [ARGS...]`: returns the exit status, unless the process dies by a signal.
pub fn user_main(limits: &InheritedLimits) -> i32 {
    install_panic_report("remu");
    let mut registered = host::registered();
    let file = registered.as_mut().and_then(|registered| registered.file.take());
    let action = resolve(Start {
        words: std::env::args_os().collect(),
        environ: std::env::vars_os().collect(),
        registered,
        is_secure: host::is_secure(),
    });
    let result = match action {
        Ok(Action::Run(settings)) => run(&settings, limits, file.map(File::from)),
        Ok(Action::Print(text)) => print(&text).map(|()| 0).map_err(CliError::Output),
        Err(error) => Err(error),
    };
    result.unwrap_or_else(|error| {
        complain(&error);
        error.exit_status()
    })
}

/// Runs a program until it exits. `file` is the program if binfmt_misc opened it.
fn run(settings: &Settings, inherited: &InheritedLimits, file: Option<File>) -> Result<i32, CliError> {
    let failed = |error: LoadError| CliError::Load { path: settings.program.clone(), error };
    // Before any other file is opened: that file could become descriptor 2 if standard error is closed.
    let log = if settings.log.any() { Some(open_log(settings.log_file.as_deref())?) } else { None };
    let calls = match &settings.strace_file {
        Some(path) if settings.log.strace => Some(open_log(Some(path))?),
        _ => log.clone().filter(|_| settings.log.strace),
    };
    let statistics = settings.statistics.as_deref().map(|path| open_log(Some(path))).transpose()?;
    let target = Target::open(settings, file)?;
    let space = Arc::new(UserSpace::new(&SpaceConfig { limit: settings.mmu.limit(), identity: true })?);
    let limits = linux::limits::Limits::new(inherited, settings.stack_size);
    space.set_limits(limits.of_space());
    space.set_mdwe(Mdwe::from_bits_truncate(host::mdwe())).expect("a new space has no flags yet");
    let maps = log.clone().filter(|_| settings.log.mmu || settings.log.page);
    let maps = maps.map(|log| Arc::new(MapLog::new(log, settings.log.mmu, settings.log.page)));
    if let Some(maps) = &maps {
        space.observe_areas(maps.clone());
    }
    // `setarch -R` disables randomization, too, as on the kernel.
    let chance = settings.aslr && host::personality() & libc::ADDR_NO_RANDOMIZE as u32 == 0;
    // Not the bytes of AT_RANDOM: the program sees those.
    let seed = if chance { Some(u64::from_le_bytes(random(settings.seed.map(|seed| !seed))?)) } else { None };
    space.lay_out(limits.stack.cur, seed);
    let mapped = elf::map(&space, &target.program, target.interpreter.as_ref()).map_err(failed)?;
    let vdso = Vdso::map(&space)?;
    let loaded = mapped.enter(&space, &layout(settings, &target.argv, vdso)?).map_err(failed)?;
    let isa = Isa::new(Xlen::Rv64, settings.cpu.exts);
    let mut cpu = Cpu::new(isa);
    cpu.enter(loaded.entry.0);
    cpu.set_x(2, loaded.sp.0);
    // The thread's signal handler uses it until the process exits.
    let hart: &'static HartCell<Rv64> = Box::leak(Box::new(HartCell::new(cpu)));
    let Target { program, argv, sysroot, interpreter } = target;
    let exe = program.path.to_path_buf();
    drop((program, interpreter));

    let mut task = Task::new(TaskConfig {
        space: space.clone(),
        vdso,
        exe,
        args: argv,
        env: settings.envp.clone(),
        auxv: loaded.auxv,
        start_stack: loaded.sp,
        sysroot,
        release: settings.uname.clone(),
        limits,
        own_fds: log.iter().chain(&calls).chain(&statistics).map(Log::fd).collect(),
        stop: hart.stop_flag(),
        tracer: calls.map(|log| linux::Tracer::new(Box::new(log), settings.strace.clone())),
        unimplemented: log.clone().filter(|_| settings.log.unimp).map(unimplemented_sink),
    })?;
    // Last, since every file of remu's own is open by now.
    inherited.restore_files();
    let mut engine = Interp::<Rv64>::new(InterpConfig {
        max_block: if settings.one_insn_per_block { 1 } else { InterpConfig::default().max_block },
        ..InterpConfig::default()
    });
    let observer = engine.code_observer();
    space.observe_code(Arc::downgrade(&observer));
    if let Some(log) = log.clone().filter(|_| settings.log.trace.any()) {
        let tracer =
            debug::Tracer::new(log, settings.log.trace, settings.dfilter.clone(), MappedFiles::new(space.clone()));
        engine.set_tracer(Box::new(tracer));
    }
    let watch = Watch { traps: log.filter(|_| settings.log.int), maps };
    let outcome = run_loop(&mut engine, hart, &space, &mut task, &watch);
    if let Some(file) = statistics {
        let lines = engine.statistics().into_iter().map(|(name, count)| format!("{name} {count}\n"));
        file.put(&lines.collect::<String>());
    }
    let fatal = match outcome {
        // The process exits: there is nothing to clean up.
        Outcome::Exited(status) => host::exit_now(status),
        Outcome::Killed(fatal) => fatal,
        Outcome::Resume => unreachable!("the loop returns only when the process exits"),
    };
    die(fatal, &space, isa)
}

/// What is logged each time the engine stops.
struct Watch {
    /// Faults and traps.
    traps: Option<Log>,
    /// The address space.
    maps: Option<Arc<MapLog>>,
}

impl Watch {
    /// Called before the engine resumes.
    fn entered(&self, space: &UserSpace) {
        if let Some(maps) = &self.maps {
            maps.update(space);
        }
    }

    /// Called after the engine stopped.
    fn left(&self, exit: Exit, pc: u64) {
        if let (Some(maps), Exit::Fault(fault)) = (&self.maps, &exit) {
            maps.fault(fault, pc);
        }
        let Some(log) = &self.traps else { return };
        let what = match exit {
            Exit::Syscall | Exit::Interrupted => return,
            Exit::Fault(fault) => fault.to_string(),
            Exit::Illegal { bits } => format!("illegal instruction {bits:#x}"),
            Exit::Breakpoint => "breakpoint".to_owned(),
            Exit::Halt => "wait for an interrupt".to_owned(),
        };
        log.put(&format!("int at {pc:#x}: {what}\n"));
    }
}

/// Alternates between engine and kernel layer until the process exits.
fn run_loop(
    engine: &mut Interp<Rv64>,
    hart: &HartCell<Rv64>,
    space: &UserSpace,
    task: &mut Task,
    watch: &Watch,
) -> Outcome {
    loop {
        watch.entered(space);
        let exit = engine.run(hart, space);
        let mut cpu = hart.cpu();
        watch.left(exit, cpu.pc);
        match task.handle_exit(&mut cpu, exit) {
            Outcome::Resume => {}
            end => return end,
        }
    }
}

/// Reports why the program died if the signal indicates a defect, then dies by the same signal.
fn die(fatal: FatalSignal, space: &UserSpace, isa: Isa) -> ! {
    let death = Death { signal: fatal.signal, code: fatal.code, addr: fatal.address, pc: fatal.pc.0 };
    if death.is_a_defect() {
        complain(&FatalReport { death, space, isa });
    }
    host::die_by_signal(fatal.signal)
}

fn layout<'a>(settings: &'a Settings, argv: &'a [CString], vdso: Vdso) -> Result<Layout<'a>, CliError> {
    use rustix::process::{getegid, geteuid, getgid, getuid};
    let credentials = Credentials {
        uid: getuid().as_raw(),
        euid: geteuid().as_raw(),
        gid: getgid().as_raw(),
        egid: getegid().as_raw(),
    };
    Ok(Layout {
        given_path: &settings.given_path,
        argv,
        envp: &settings.envp,
        random: random(settings.seed)?,
        auxv: Auxv {
            hwcap: profiles::hwcap(settings.cpu.exts),
            min_signal_stack: size_of::<RtSigframe>() as u64,
            vdso: Some(vdso.base),
            rseq: None,
            interpreter_base: GuestAddr(0),
            credentials,
            secure: host::is_secure(),
        },
    })
}

/// Random bytes: from the host, or derived from the seed.
fn random<const N: usize>(seed: Option<u64>) -> Result<[u8; N], CliError> {
    let mut bytes = [0; N];
    match seed {
        None => {
            let mut done = 0;
            while done < bytes.len() {
                match rustix::rand::getrandom(&mut bytes[done..], rustix::rand::GetRandomFlags::empty()) {
                    Ok(n) => done += n,
                    Err(rustix::io::Errno::INTR) => {}
                    Err(e) => return Err(CliError::Random(e.into())),
                }
            }
        }
        Some(seed) => {
            for (nth, chunk) in (1..).zip(bytes.chunks_exact_mut(8)) {
                chunk.copy_from_slice(&host::split_mix(seed, nth).to_le_bytes());
            }
        }
    }
    Ok(bytes)
}

/// Opens the log: a file, or standard error.
pub(super) fn open_log(path: Option<&Path>) -> Result<Log, CliError> {
    let opened = match path {
        Some(path) => File::create(path).and_then(Log::new),
        None => Log::new(std::io::stderr()),
    };
    opened.map_err(|error| CliError::Log { path: path.unwrap_or(Path::new("to standard error")).into(), error })
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
}

fn unimplemented_sink(log: Log) -> linux::task::UnimplementedSink {
    Box::new(move |what| log.put(&format!("unimp {what}\n")))
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
