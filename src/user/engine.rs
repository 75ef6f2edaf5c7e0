//! The engines that a guest thread can run on.

use crate::debug::{self, CodeMap, MappedFiles};
use crate::guest::riscv::{Rv64, UserProgram};
use crate::guest::{CodeListener, Counters, Engine, Exit, HartOwner, Tracer};
use crate::host::{Lock, Rank};
use crate::interp::{Interp, InterpConfig};
use crate::jit::{Jit, JitConfig, SharedCode};
use crate::memory::{CodeWatch, UserSpace};
use std::io;
use std::sync::Arc;

/// Which engine runs guest code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineKind {
    /// The interpreter.
    Interp,
    /// The compiler.
    Jit,
    /// The compiler for what is executed often; the rest is executed by its definition.
    Tiered,
}

/// How guest code is run.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The engine. `None` is the tiered one where the host gives memory for code, else the interpreter.
    pub kind: Option<EngineKind>,
    /// Settings of the interpreter.
    pub interp: InterpConfig,
    /// Settings of the compiler.
    pub jit: JitConfig,
    /// How often [`EngineKind::Tiered`] executes code before it compiles it.
    pub tier_after: u8,
}

/// What the engines of a process share.
pub(super) struct Engines {
    config: EngineConfig,
    /// The compiled code, if code is compiled.
    code: Lock<Option<SharedCode>>,
}

/// The engine of one thread.
pub(super) enum ThreadEngine {
    Interp(Box<Interp<Rv64>>),
    Jit(Box<Jit>),
}

impl Engines {
    pub fn new(config: EngineConfig) -> Self {
        Self { config, code: Lock::new(Rank::Engines, None) }
    }

    pub fn lock(&self) -> crate::host::LockRef<'_> {
        self.code.erased()
    }

    /// Makes what the engines of an address space share.
    pub fn prepare(&self, mem: &Arc<UserSpace>, map: Option<&Arc<CodeMap>>) -> io::Result<()> {
        if self.config.kind == Some(EngineKind::Interp) {
            return Ok(());
        }
        let listener = map.map(|map| {
            map.begin(MappedFiles::new(mem.clone()));
            map.clone() as Arc<dyn CodeListener>
        });
        let after = if self.config.kind == Some(EngineKind::Jit) { 0 } else { self.config.tier_after };
        match SharedCode::new(&JitConfig { after, ..self.config.jit.clone() }, mem, listener) {
            Ok(code) => *self.code.lock() = Some(code),
            Err(_) if self.config.kind.is_none() => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// An engine for a thread of the process.
    pub fn for_thread(&self, watch: CodeWatch) -> ThreadEngine {
        match &*self.code.lock() {
            Some(code) => ThreadEngine::Jit(Box::new(Jit::new(code, watch))),
            None => self.for_other_process(watch),
        }
    }

    /// An engine for a process that runs in the memory of this one. It can be killed anywhere, so it shares nothing.
    pub fn for_other_process(&self, watch: CodeWatch) -> ThreadEngine {
        let mut engine = Interp::new(self.config.interp);
        engine.watch_code(watch);
        ThreadEngine::Interp(Box::new(engine))
    }
}

impl ThreadEngine {
    pub fn run(&mut self, hart: &mut HartOwner<Rv64>, program: &mut UserProgram, mem: &UserSpace) -> Exit {
        match self {
            Self::Interp(engine) => engine.run(hart, program, mem),
            Self::Jit(engine) => engine.run(hart, program, mem),
        }
    }

    pub fn statistics(&self) -> Counters {
        match self {
            Self::Interp(engine) => engine.statistics(),
            Self::Jit(engine) => engine.statistics(),
        }
    }

    /// Logs the code that is run.
    pub fn log_code(&mut self, log: super::CodeLog, space: Arc<UserSpace>) {
        let super::CodeLog { log, items, filter } = log;
        let tracer: Box<dyn Tracer<Rv64> + Send> =
            Box::new(debug::Tracer::new(log, items, filter, MappedFiles::new(space)));
        match self {
            Self::Interp(engine) => engine.set_tracer(tracer),
            Self::Jit(engine) => engine.set_tracer(tracer),
        }
    }

    /// See [`Interp::retire`].
    pub fn retire(&mut self) -> bool {
        match self {
            Self::Interp(engine) => engine.retire(),
            Self::Jit(engine) => engine.retire(),
        }
    }

    /// See [`Interp::abandon`].
    pub fn abandon(self) {
        match self {
            Self::Interp(engine) => engine.abandon(),
            // Its process runs none that it shares.
            Self::Jit(engine) => std::mem::forget(engine),
        }
    }

    /// See [`Interp::adopt`].
    pub fn adopt(&mut self) {
        match self {
            Self::Interp(engine) => engine.adopt(),
            Self::Jit(engine) => engine.adopt(),
        }
    }
}
