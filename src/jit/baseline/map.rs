//! Where the guest's state is while emitted code runs: the register map, and displacements from rbp.
//!
//! rbp points [`BIAS`] bytes into the CPU state, so that most registers and the words that emitted code needs most have a
//! displacement of one byte. rsp is the host's. rax, rcx and rdx are scratch, as are xmm13 to xmm15. Every other register
//! has one meaning in all emitted code of a process, so blocks continue in each other without moving anything.

use crate::guest::riscv::{Cpu, Reservation, Rv64};
use crate::guest::{ENGINE_WORDS, HartCell, Reg};
use crate::jit::x64::{Gpr, HostFeatures, Mem, RegMem, Xmm};
use remu_isa::{f_name, x_name};
use std::mem::offset_of;

/// The distance of rbp from the CPU state, in bytes.
pub const BIAS: i32 = 96;

/// A word before the CPU state that emitted code uses. The discriminant is its index in
/// [`EngineWords`](crate::guest::EngineWords); the last three have a displacement of one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Word {
    /// What is added to a guest address in a [span](super::span) to have the host's, or zero. The words of the other spans
    /// follow.
    Addend0 = 0,
    /// See [`Self::Addend0`].
    Addend1 = 1,
    /// See [`Self::Addend0`].
    Addend2 = 2,
    /// See [`Self::Addend0`].
    Addend3 = 3,
    /// A table of the guest's flags for each set of MXCSR's sticky bits.
    FlagTable = 4,
    /// A table of MXCSR's sticky bits for each set of the guest's flags.
    StickyTable = 5,
    /// The canonical NaN of a single, boxed.
    NanS = 6,
    /// The canonical NaN of a double.
    NanD = 7,
    /// The sign bit of a single.
    SignS = 8,
    /// The sign bit of a double.
    SignD = 9,
    /// All bits but the sign of a single.
    MagnitudeS = 10,
    /// All bits but the sign of a double.
    MagnitudeD = 11,
    /// The bits that box a single.
    Box = 12,
    /// Where addresses are checked, the first one past the guest's address space; where they are translated, the address
    /// of the TLB's tables in force.
    Space = 13,
    /// What the helpers get: see the runtime's `Context`.
    Context = 14,
    /// The value of `instret` at which counting code leaves.
    Limit = 15,
    /// Jumped to with the reason in rax: leaves emitted code.
    Leave = 16,
    /// Jumped to with the next pc in rax: leaves emitted code to look up the block there.
    LeaveTo = 17,
    /// Called by the exit of a block that is not linked. The data of the exit follows the call.
    LeaveLink = 18,
    /// The jump cache.
    Jumps = 19,
    /// Called to execute one instruction by its definition, with its pc in rax and its encoding in ecx. Returns in rax
    /// why emitted code must be left, or zero; the flags tell which.
    Execute = 20,
}

impl Word {
    /// All words.
    pub const ALL: [Self; ENGINE_WORDS] = {
        use Word::*;
        [
            Addend0,
            Addend1,
            Addend2,
            Addend3,
            FlagTable,
            StickyTable,
            NanS,
            NanD,
            SignS,
            SignD,
            MagnitudeS,
            MagnitudeD,
            Box,
            Space,
            Context,
            Limit,
            Leave,
            LeaveTo,
            LeaveLink,
            Jumps,
            Execute,
        ]
    };

    /// The words of the spans.
    pub const ADDENDS: [Self; 4] = [Self::Addend0, Self::Addend1, Self::Addend2, Self::Addend3];

    /// The word in memory.
    pub const fn mem(self) -> Mem {
        Mem::base(Gpr::Rbp, HartCell::<Rv64>::WORDS as i32 + 8 * self as i32 - BIAS)
    }
}

/// The stop flag.
pub const STOP: Mem = Mem::base(Gpr::Rbp, HartCell::<Rv64>::STOP as i32 - BIAS);
/// The word whose upper half is the stop flag and whose lower half is zero.
pub const STOP_WORD: Mem = Mem::base(Gpr::Rbp, HartCell::<Rv64>::STOP_WORD as i32 - BIAS);
/// The program counter, which is up to date only outside emitted code.
pub const PC: Mem = Mem::base(Gpr::Rbp, offset_of!(Cpu, pc) as i32 - BIAS);
/// The number of instructions retired, kept by counting code without a [counter](RegisterMap::counter).
pub const INSTRET: Mem = Mem::base(Gpr::Rbp, offset_of!(Cpu, instret) as i32 - BIAS);

/// The guest's rounding mode, a byte.
pub const FRM: Mem = Mem::base(Gpr::Rbp, offset_of!(Cpu, frm) as i32 - BIAS);

/// Fields of the reservation.
pub const RESERVED_PLACE: Mem = reservation(offset_of!(Reservation, place));
/// See [`RESERVED_PLACE`].
pub const RESERVED_VALUE: Mem = reservation(offset_of!(Reservation, value));
/// See [`RESERVED_PLACE`].
pub const RESERVED_VERSION: Mem = reservation(offset_of!(Reservation, version));

const fn reservation(field: usize) -> Mem {
    Mem::base(Gpr::Rbp, (offset_of!(Cpu, reservation) + field) as i32 - BIAS)
}

/// Where an instruction may keep a value while it needs all scratch registers.
pub const SPILL: Mem = x_slot(33);
/// See [`SPILL`].
pub const SPILL_PLACE: Mem = x_slot(34);

/// The integer register `r` in the CPU state.
pub const fn x_slot(r: Reg) -> Mem {
    Mem::base(Gpr::Rbp, offset_of!(Cpu, x) as i32 + 8 * r as i32 - BIAS)
}

/// The floating-point register `r` in the CPU state.
pub const fn f_slot(r: Reg) -> Mem {
    Mem::base(Gpr::Rbp, offset_of!(Cpu, f) as i32 + 8 * r as i32 - BIAS)
}

/// The name of what is at this displacement from rbp: a register, a word, or a part of one.
pub fn name_at(disp: i64) -> Option<String> {
    let within = |mem: Mem| (0..8).contains(&(disp - i64::from(mem.disp))).then(|| disp - i64::from(mem.disp));
    let words = Word::ALL.into_iter().map(|word| (word.mem(), format!("{word:?}")));
    let places = [
        (STOP, "stop"),
        (STOP_WORD, "stop.word"),
        (PC, "pc"),
        (INSTRET, "instret"),
        (RESERVED_PLACE, "reserved.place"),
        (RESERVED_VALUE, "reserved.value"),
        (RESERVED_VERSION, "reserved.version"),
        (SPILL, "spill"),
        (SPILL_PLACE, "spill.place"),
        (FRM, "frm"),
    ];
    let places = places.into_iter().map(|(mem, name)| (mem, name.to_owned()));
    let x = (0..32).map(|r| (x_slot(r), x_name(r).to_owned()));
    let f = (0..32).map(|r| (f_slot(r), f_name(r).to_owned()));
    let mut all = x.chain(f).chain(words).chain(places);
    let (name, offset) = all.find_map(|(mem, name)| Some((name, within(mem)?)))?;
    Some(if offset == 0 { name } else { format!("{name}+{offset}") })
}

/// The registers of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// The integer registers.
    Integer,
    /// The floating-point registers.
    Float,
}

/// Two registers that trade places in a superblock: one that the fixed map keeps in memory, and one that it keeps in a
/// register of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// What both are.
    pub file: File,
    /// The first.
    pub used: Reg,
    /// The second.
    pub unused: Reg,
}

/// The registers that are kept in registers of the host.
#[derive(Clone, Debug)]
pub struct RegisterMap {
    x: [Option<Gpr>; 32],
    /// In whose place in the CPU state each of the others is.
    slots: [Reg; 32],
    f: [Option<Xmm>; 32],
    /// The same as `slots`, for the floating-point registers.
    f_slots: [Reg; 32],
    base: Option<Gpr>,
    counter: Option<Gpr>,
}

/// The pinned floating-point registers: fa0 to fa7, ft0 to ft2, fs0, fs1.
const PINNED_F: [Reg; 13] = [10, 11, 12, 13, 14, 15, 16, 17, 0, 1, 2, 8, 9];

/// The pinned registers, most used first: a0 to a5, sp, s0, s1, ra, a6.
const PINNED: [(Reg, Gpr); 11] = [
    (10, Gpr::Rbx),
    (11, Gpr::Rsi),
    (12, Gpr::Rdi),
    (13, Gpr::R8),
    (14, Gpr::R9),
    (15, Gpr::R10),
    // Its addresses mostly have a displacement, which r13 as a base always has.
    (2, Gpr::R13),
    (8, Gpr::R14),
    (9, Gpr::R15),
    (1, Gpr::R12),
    (16, Gpr::R11),
];

impl RegisterMap {
    /// The map on a host with these features. If the host address of guest address 0 is not 0, a register holds it.
    pub fn new(features: HostFeatures, has_base: bool) -> Self {
        let (mut x, mut f) = ([None; 32], [None; 32]);
        for (guest, host) in PINNED {
            x[usize::from(guest)] = Some(host);
        }
        // Without AVX, all floating-point instructions are executed by their definition.
        if features.contains(HostFeatures::AVX) {
            for (guest, host) in PINNED_F.into_iter().zip(Xmm::ALL) {
                f[usize::from(guest)] = Some(host);
            }
        }
        let base = if has_base { x[16].take() } else { None };
        let slots = std::array::from_fn(|r| r as Reg);
        Self { x, slots, f, f_slots: slots, base, counter: None }
    }

    /// The map with two registers in each other's place.
    #[must_use]
    pub fn exchanged(mut self, exchange: &Exchange) -> Self {
        let [used, unused] = [exchange.used, exchange.unused].map(usize::from);
        match exchange.file {
            File::Integer => {
                self.x.swap(used, unused);
                self.slots.swap(used, unused);
            }
            File::Float => {
                self.f.swap(used, unused);
                self.f_slots.swap(used, unused);
            }
        }
        self
    }

    /// The map with a counter instead of a6, for code that always counts.
    ///
    /// # Panics
    /// If the register holds the host address of guest address 0.
    #[must_use]
    pub fn with_counter(mut self) -> Self {
        self.counter = self.x[16].take();
        assert!(self.counter.is_some(), "the register is used otherwise");
        self
    }

    /// The register that holds how many instructions may retire until `instret` reaches [`Word::Limit`], if one does: a
    /// number of at most 2^31, so that the [`STOP_WORD`] is greater if the stop flag is raised.
    pub fn counter(&self) -> Option<Gpr> {
        self.counter
    }

    /// Whether floating point is compiled.
    pub fn has_fp(&self) -> bool {
        self.f.iter().any(Option::is_some)
    }

    /// The register of the host that holds the floating-point register `r`.
    pub fn pinned_f(&self, r: Reg) -> Option<Xmm> {
        self.f[usize::from(r)]
    }

    /// Where the floating-point register `r` is, if it is in memory.
    pub fn f_slot(&self, r: Reg) -> Mem {
        f_slot(self.f_slots[usize::from(r)])
    }

    /// The floating-point registers in registers of the host.
    pub fn all_pinned_f(&self) -> impl Iterator<Item = (Reg, Xmm)> + '_ {
        (0..32).filter_map(|r| self.pinned_f(r).map(|host| (r, host)))
    }

    /// The register that holds the host address of guest address 0, if that is not 0.
    pub fn base(&self) -> Option<Gpr> {
        self.base
    }

    /// The register of the host that holds the integer register `r`.
    pub fn pinned(&self, r: Reg) -> Option<Gpr> {
        self.x[usize::from(r)]
    }

    /// Where the integer register `r` is. x0 is in memory, too.
    pub fn x(&self, r: Reg) -> RegMem {
        match self.x[usize::from(r)] {
            Some(reg) => RegMem::Reg(reg),
            None => RegMem::Mem(x_slot(self.slots[usize::from(r)])),
        }
    }

    /// The integer registers in registers of the host.
    pub fn all_pinned(&self) -> impl Iterator<Item = (Reg, Gpr)> + '_ {
        (0..32).filter_map(|r| self.pinned(r).map(|host| (r, host)))
    }
}
