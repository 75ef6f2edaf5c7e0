//! Several harts in one address space, each with an interpreter on a thread of its own: code that changes, LR/SC and
//! atomics, and the order of accesses.

#[path = "../common/elf.rs"]
mod elf;

mod atomics;
mod code;
mod litmus;

use elf::assemble;
use remu::guest::riscv::{Cpu, Rv64, UserProgram};
use remu::guest::{Engine, Exit, HartOwner};
use remu::interp::{Interp, InterpConfig};
use remu::memory::{GuestAddr, MapRequest, Place, Prot, SpaceConfig, UserSpace};
use remu_isa::{Insn, Isa};
use std::sync::Arc;

const CODE: u64 = 0x10_0000;
const DATA: u64 = 0x20_0000;
const SIZE: u64 = 0x10_0000;

const RW: Prot = Prot::READ.union(Prot::WRITE);

/// An address space outside the identity window, so that tests can run in parallel, with data at [`DATA`].
fn space() -> UserSpace {
    let space = UserSpace::new(&SpaceConfig { limit: GuestAddr(1 << 32), identity: false }).unwrap();
    space.map(&MapRequest::anonymous(Place::Fixed(GuestAddr(DATA)), SIZE, RW)).unwrap();
    space
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
    engine: Interp<Rv64>,
    space: &'a UserSpace,
}

impl<'a> Hart<'a> {
    fn new(space: &'a UserSpace, pc: u64, registers: &[(u8, u64)]) -> Self {
        let mut cpu = Cpu::new(Isa::rv64_max());
        cpu.pc = pc;
        for &(r, value) in registers {
            cpu.set_x(r, value);
        }
        let owner = HartOwner::<Rv64>::new(cpu);
        let mut engine = Interp::new(InterpConfig::default());
        engine.watch_code(space.watch_code(owner.cell().clone()));
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
    let (done, results) = std::sync::mpsc::channel();
    let count = bodies.len();
    for (i, body) in bodies.into_iter().enumerate() {
        let done = done.clone();
        std::thread::spawn(move || done.send((i, std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)))));
    }
    let mut all: Vec<Option<T>> = (0..count).map(|_| None).collect();
    for _ in 0..count {
        let (i, result) = results.recv_timeout(std::time::Duration::from_secs(300)).expect("all threads end");
        all[i] = Some(result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
    }
    all.into_iter().map(|result| result.expect("each has sent its own")).collect()
}

/// An address space for threads that may outlive a failed test.
fn shared_space() -> Arc<UserSpace> {
    Arc::new(space())
}
