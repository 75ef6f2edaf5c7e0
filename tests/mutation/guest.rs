//! The mutant guests: RISC-V with one changed instruction. A thread-local variable selects the mutant.

use crate::call::{Call, How, Watch, Watched};
use crate::mutant::{Change, Changer, Mutant};
use remu::guest::riscv::{Base, Cpu, RiscvSemantics, Rv32, Rv64, Trap};
use remu::guest::{DecodeError, Flow, Guest, Width};
use remu_isa::{Insn, Isa, Op, Xlen, decode};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

/// What happened during a run.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The ops decoded: compressed ops, and their expansions.
    pub ops: BTreeSet<Op>,
    /// The longest sequence of calls that each executed op made.
    pub calls: BTreeMap<Op, Vec<Call>>,
}

thread_local! {
    static MUTANT: Cell<Option<Mutant>> = const { Cell::new(None) };
    static SEEN: RefCell<Option<Seen>> = const { RefCell::new(None) };
}

/// Makes this thread's harts run a mutant from now on.
pub fn become_mutant(mutant: Mutant) {
    MUTANT.set(Some(mutant));
}

/// Records what `f` executes on this thread.
pub fn watch<T>(f: impl FnOnce() -> T) -> (T, Seen) {
    MUTANT.set(None);
    SEEN.set(Some(Seen::default()));
    let result = f();
    (result, SEEN.take().expect("only this function takes it"))
}

fn decode_as_mutant(bytes: &[u8], isa: Isa) -> Result<Insn, DecodeError> {
    let bits = match *bytes {
        [a, b, c, d, ..] => u32::from_le_bytes([a, b, c, d]),
        [a, b, ..] if a & 3 != 3 => u32::from(u16::from_le_bytes([a, b])),
        _ => return Err(DecodeError::Truncated),
    };
    let insn = match MUTANT.get() {
        Some(mutant) => mutant.decode(bits, isa),
        None => decode(bits, isa).ok(),
    };
    let insn = insn.ok_or(DecodeError::Illegal { bits: if bits & 3 == 3 { bits } else { bits & 0xffff } })?;
    let expanded = insn.expand(isa.xlen);
    SEEN.with_borrow_mut(|seen| {
        if let Some(seen) = seen {
            seen.ops.extend([insn.op, expanded.op]);
        }
    });
    Ok(expanded)
}

/// Records the calls of one instruction.
#[derive(Default)]
struct Recorder(Vec<Call>);

impl Watch for Recorder {
    fn call<S: RiscvSemantics>(
        &mut self,
        s: &mut S,
        call: Call,
        v: &[S::Value],
        how: How,
    ) -> Result<S::Value, S::Stop> {
        self.0.push(call);
        call.execute(s, v, how)
    }

    fn trap(&mut self, trap: Trap) -> Trap {
        self.0.push(Call::Trap(trap));
        trap
    }

    fn cas_pair<V: Copy>(&mut self, w: Width, expected: [V; 2], new: [V; 2]) -> (Width, [V; 2], [V; 2]) {
        self.0.push(Call::CasPair(w));
        (w, expected, new)
    }
}

fn execute<B: Base, S: RiscvSemantics>(s: &mut S, insn: &Insn) -> Result<Flow<S::Value>, S::Stop> {
    let Some(mutant) = MUTANT.get() else {
        if SEEN.with_borrow(Option::is_none) {
            return B::exec(s, insn);
        }
        let mut watched = Watched { inner: s, watch: Recorder::default() };
        let result = B::exec(&mut watched, insn);
        let Recorder(calls) = watched.watch;
        SEEN.with_borrow_mut(|seen| {
            let seen = seen.as_mut().expect("it was there before the instruction");
            let longest = seen.calls.entry(insn.op).or_default();
            if calls.len() > longest.len() {
                *longest = calls;
            }
        });
        return result;
    };
    if mutant.op != insn.op {
        return B::exec(s, insn);
    }
    match mutant.change {
        Change::Call(at, of, act) => B::exec(&mut Watched { inner: s, watch: Changer::new(insn, at, of, act) }, insn),
        _ => {
            let flow = B::exec(s, insn)?;
            mutant.redirect(s, insn, flow)
        }
    }
}

macro_rules! mutants {
    ($($name:ident of $base:ident: $width:ident, $xlen:ident;)*) => {$(
        #[doc = concat!("A mutant of [`", stringify!($base), "`].")]
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl Guest for $name {
            type Cpu = Cpu;
            type Insn = Insn;
            type Features = Isa;

            fn decode(bytes: &[u8], isa: &Isa) -> Result<Insn, DecodeError> {
                debug_assert_eq!(isa.xlen, Xlen::$xlen);
                decode_as_mutant(bytes, *isa)
            }
        }

        impl Base for $name {
            const WIDTH: Width = Width::$width;
            const OWN_MEANINGS: bool = true;

            fn exec<S: RiscvSemantics>(s: &mut S, insn: &Insn) -> Result<Flow<S::Value>, S::Stop> {
                execute::<$base, S>(s, insn)
            }
        }
    )*};
}

mutants! {
    Mutant32 of Rv32: W32, Rv32;
    Mutant64 of Rv64: W64, Rv64;
}
