//! Several harts in one address space, each with an engine on a thread of its own: code that changes, LR/SC and atomics,
//! and the order of accesses. Each test runs on every engine.

#[path = "../common/elf.rs"]
mod elf;

/// Makes a test of each function for each engine.
macro_rules! in_each_engine {
    ($($test:ident,)*) => {
        mod interpreter {
            $(#[test] fn $test() { super::$test(remu::user::EngineKind::Interp); })*
        }
        mod compiler {
            $(#[test] fn $test() { super::$test(remu::user::EngineKind::Jit); })*
        }
        mod tiered {
            $(#[test] fn $test() { super::$test(remu::user::EngineKind::Tiered); })*
        }
    };
}

mod atomics;
mod code;
mod litmus;

use elf::assemble;
use remu::guest::riscv::{Cpu, Rv64, UserProgram};
use remu::guest::{Engine, Exit, HartOwner};
use remu::interp::{Interp, InterpConfig};
use remu::jit::{Jit, JitConfig, SharedCode};
use remu::memory::{GuestAddr, MapRequest, Place, Prot, SpaceConfig, UserSpace};
use remu::user::EngineKind;
use remu_isa::{Insn, Isa};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

const CODE: u64 = 0x10_0000;
const DATA: u64 = 0x20_0000;
const SIZE: u64 = 0x10_0000;

const RW: Prot = Prot::READ.union(Prot::WRITE);

/// An address space, with the compiled code of its harts if they compile.
struct Space {
    space: UserSpace,
    code: Option<SharedCode>,
}

impl Deref for Space {
    type Target = UserSpace;

    fn deref(&self) -> &UserSpace {
        &self.space
    }
}

/// The size of the code cache: it is emptied now and then.
const CACHE: usize = 1 << 20;

/// An address space outside the identity window, so that tests can run in parallel, with data at [`DATA`].
fn space(engine: EngineKind) -> Space {
    let space = UserSpace::new(&SpaceConfig { limit: GuestAddr(1 << 32), identity: false }).unwrap();
    space.map(&MapRequest::anonymous(Place::Fixed(GuestAddr(DATA)), SIZE, RW)).unwrap();
    let after = if engine == EngineKind::Tiered { JitConfig::DEFAULT_AFTER } else { 0 };
    let config = JitConfig { cache_size: CACHE, after, ..JitConfig::default() };
    let code = (engine != EngineKind::Interp).then(|| SharedCode::new(&config, &space, None).unwrap());
    Space { space, code }
}

/// Maps pages for code and writes the program there.
fn put(space: &UserSpace, at: u64, code: &[Insn]) {
    let bytes = assemble(code);
    let len = (bytes.len() as u64).next_multiple_of(0x1000);
    space.map(&MapRequest::anonymous(Place::Fixed(GuestAddr(at)), len, Prot::all())).unwrap();
    space.write_bytes(GuestAddr(at), &bytes).unwrap();
}

/// A hart and its engine.
struct Hart<'a> {
    owner: HartOwner<Rv64>,
    engine: Box<dyn Engine<Rv64, Privilege = UserProgram, Memory = UserSpace>>,
    space: &'a Space,
}

impl<'a> Hart<'a> {
    fn new(space: &'a Space, pc: u64, registers: &[(u8, u64)]) -> Self {
        let mut cpu = Cpu::new(Isa::rv64_max());
        cpu.pc = pc;
        for &(r, value) in registers {
            cpu.set_x(r, value);
        }
        let owner = HartOwner::<Rv64>::new(cpu);
        let watch = space.watch_code(owner.cell().clone());
        let engine: Box<dyn Engine<Rv64, Privilege = UserProgram, Memory = UserSpace>> = match &space.code {
            Some(code) => Box::new(Jit::new(code, watch)),
            None => {
                let mut engine = Interp::new(InterpConfig::default());
                engine.watch_code(watch);
                Box::new(engine)
            }
        };
        Self { owner, engine, space }
    }

    fn run(&mut self) -> Exit {
        self.engine.run(&mut self.owner, &mut UserProgram::new(), self.space)
    }

    fn x(&self, r: u8) -> u64 {
        self.owner.cpu().x(r)
    }

    /// Goes on after a call.
    fn skip(&mut self) {
        self.owner.cpu_mut().pc += 4;
    }
}

/// Runs something on threads, and gives what each of them gave. Fails if one of them does not end: a deadlock.
fn on_threads<T: Send + 'static>(bodies: Vec<Box<dyn FnOnce() -> T + Send>>) -> Vec<T> {
    on_threads_for(Duration::from_secs(300), bodies)
}

/// The same for threads that end within this time.
fn on_threads_for<T: Send + 'static>(time: Duration, bodies: Vec<Box<dyn FnOnce() -> T + Send>>) -> Vec<T> {
    let (done, results) = std::sync::mpsc::channel();
    let count = bodies.len();
    for (i, body) in bodies.into_iter().enumerate() {
        let done = done.clone();
        std::thread::spawn(move || done.send((i, std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)))));
    }
    let mut all: Vec<Option<T>> = (0..count).map(|_| None).collect();
    for _ in 0..count {
        let (i, result) = results.recv_timeout(time).expect("all threads end");
        all[i] = Some(result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
    }
    all.into_iter().map(|result| result.expect("each has sent its own")).collect()
}

/// An address space for threads that may outlive a failed test.
fn shared_space(engine: EngineKind) -> Arc<Space> {
    Arc::new(space(engine))
}
