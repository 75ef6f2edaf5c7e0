//! The engines that the harts of a machine run on.

use super::{Logging, SystemError, SystemOptions, bad};
use crate::cli::CliError;
use crate::cli::resolve::{self, Given};
use crate::debug::{self, CodeMap, Symbols};
use crate::guest::riscv::privileged::Privileged;
use crate::guest::riscv::{Base, Rv64};
use crate::guest::{CodeListener, Engine, Tracer};
use crate::interp::{Interp, InterpConfig};
use crate::jit::{Jit, JitConfig, MachineCompiler};
use crate::machine::MachineConfig;
use crate::memory::CodeWatch;
use crate::memory::machine::HartMemory;
use crate::user::EngineKind;
use remu_isa::Xlen;
use std::ffi::OsString;
use std::io;
use std::sync::Arc;

/// Any engine.
pub(super) type AnyEngine<B> = Box<dyn Engine<B, Privilege = Privileged, Memory = HartMemory> + Send>;

/// How the harts' code is run.
pub(super) struct Engines {
    /// The engine. `None` is the compiler where there is one and the host gives it memory for code, else the interpreter.
    kind: Option<EngineKind>,
    interp: InterpConfig,
    jit: JitConfig,
    logging: Option<Logging>,
    /// The names of code.
    symbols: Symbols,
    /// The files that name compiled code for profilers.
    code_map: Option<Arc<CodeMap>>,
}

impl Engines {
    /// The engines that the options select for this machine.
    pub fn new(
        options: &SystemOptions,
        machine: &MachineConfig,
        logging: Option<Logging>,
        symbols: Symbols,
    ) -> Result<Self, SystemError> {
        let given = options.engine.as_ref().map(|value| Given { source: "--engine".into(), value: value.into() });
        let kind = given.as_ref().map(resolve::engine).transpose()?;
        if kind == Some(EngineKind::Tiered) {
            return Err(bad("--engine", "tiered", "a machine's code is all compiled, or all interpreted"));
        }
        if kind == Some(EngineKind::Jit) && machine.isa.xlen == Xlen::Rv32 {
            return Err(bad("--engine", "jit", "only RV64 is compiled"));
        }
        let code_maps = resolve::code_maps(options.perfmap, options.jitdump);
        let out_asm = logging.as_ref().is_some_and(|logging| logging.items.trace.out_asm);
        if let Some(option) = resolve::about_compiled_code(&code_maps, out_asm) {
            if kind == Some(EngineKind::Interp) {
                return Err(CliError::NeedsCompiler(option).into());
            }
            if machine.isa.xlen == Xlen::Rv32 {
                return Err(SystemError::NotCompiled(option));
            }
        }
        let given = |source: &str, value: &Option<OsString>| {
            value.as_ref().map(|value| Given { source: source.to_owned(), value: value.clone() })
        };
        let features = given("--host-features", &options.host_features);
        let cache_size = given("-tb-size", &options.tb_size);
        let (mut interp, mut jit) = (InterpConfig::default(), JitConfig::default());
        if let Some(given) = features {
            jit.features = resolve::host_features(&given)?;
        }
        if let Some(given) = cache_size {
            jit.cache_size = resolve::code_cache(&given)?;
        }
        if options.one_insn_per_tb {
            (interp.max_block, jit.max_block) = (1, 1);
        }
        jit.count = options.statistics.is_some();
        jit.link = !logging.as_ref().is_some_and(|logging| logging.items.trace.of_entries());
        let code_map = match &*code_maps {
            [] => None,
            formats => {
                Some(CodeMap::create(formats).map_err(|(path, error)| CliError::CodeMap { path, error })?.into())
            }
        };
        Ok(Self { kind, interp, jit, logging, symbols, code_map })
    }

    /// What logs the code that runs.
    fn tracer<B: Base>(&self) -> Option<Box<dyn Tracer<B> + Send>> {
        let Logging { log, items, filter } = self.logging.clone().filter(|logging| logging.items.trace.any())?;
        Some(Box::new(debug::Tracer::new(log, items.trace, filter, self.symbols.clone())))
    }

    /// An interpreter for a hart.
    pub fn interpreter<B: Base>(&self, watch: CodeWatch) -> AnyEngine<B> {
        let mut engine = Interp::<B, Privileged>::new(self.interp);
        engine.watch_code(watch);
        if let Some(tracer) = self.tracer() {
            engine.set_tracer(tracer);
        }
        Box::new(engine)
    }

    /// What the harts of a machine share if their code is compiled.
    pub fn compiler(&self) -> MachineCompiler {
        let listener = self.code_map.clone().map(|map| {
            map.begin(self.symbols.clone());
            map as Arc<dyn CodeListener>
        });
        MachineCompiler::new(self.jit.clone(), listener)
    }

    /// The engine of a hart that can be compiled for.
    ///
    /// # Errors
    /// If the compiler was asked for, and the host gives no memory for code.
    pub fn engine(
        &self,
        compiler: &MachineCompiler,
        mem: &HartMemory,
        watch: CodeWatch,
    ) -> io::Result<AnyEngine<Rv64>> {
        if self.kind == Some(EngineKind::Interp) {
            return Ok(self.interpreter(watch));
        }
        let code = match compiler.code(mem) {
            Ok(code) => code,
            Err(_) if self.kind.is_none() => return Ok(self.interpreter(watch)),
            Err(error) => return Err(error),
        };
        let mut engine = Jit::new(&code, watch);
        if let Some(tracer) = self.tracer() {
            engine.set_tracer(tracer);
        }
        Ok(Box::new(engine))
    }
}
