//! A list of instructions, each with its text, and the operands to try.

use remu::jit::x64::{Assembler, Gpr, Mem, Scale, Size, Xmm};

/// An instruction in the assembler's buffer.
pub struct Case {
    /// In Intel's syntax, as Capstone writes it but for numbers.
    pub text: String,
    /// The size of an immediate.
    pub size: Size,
    start: usize,
    end: usize,
}

pub struct Cases {
    pub assembler: Assembler,
    pub list: Vec<Case>,
}

impl Cases {
    pub fn new() -> Self {
        Self { assembler: Assembler::new(), list: Vec::new() }
    }

    pub fn add(&mut self, size: Size, text: String, emit: impl FnOnce(&mut Assembler)) {
        let start = self.assembler.offset();
        emit(&mut self.assembler);
        self.list.push(Case { text, size, start, end: self.assembler.offset() });
    }

    pub fn bytes(&self, case: &Case) -> &[u8] {
        &self.assembler.bytes()[case.start..case.end]
    }
}

pub const SIZES: [Size; 4] = [Size::Byte, Size::Word, Size::Dword, Size::Qword];
pub const WORD_UP: [Size; 3] = [Size::Word, Size::Dword, Size::Qword];
pub const FULL: [Size; 2] = [Size::Dword, Size::Qword];

const NAMES: [[&str; 16]; 4] = [
    ["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b"],
    ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w", "r14w", "r15w"],
    [
        "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d",
        "r15d",
    ],
    ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"],
];

/// The name of a register as an operand of a size.
pub fn reg(size: Size, reg: Gpr) -> &'static str {
    NAMES[size as usize][reg as usize]
}

pub fn xmm(reg: Xmm) -> String {
    format!("xmm{}", reg as u8)
}

/// `qword ptr` and so on.
pub fn ptr(size: Size) -> &'static str {
    ["byte ptr", "word ptr", "dword ptr", "qword ptr"][size as usize]
}

/// `[base + index*scale + disp]`
pub fn address(mem: Mem) -> String {
    let mut terms = Vec::new();
    terms.extend(mem.base.map(|base| reg(Size::Qword, base).to_owned()));
    terms.extend(mem.index.map(|(index, scale)| match (scale, reg(Size::Qword, index)) {
        (Scale::One, name) => name.to_owned(),
        (scale, name) => format!("{name}*{}", 1 << scale as u8),
    }));
    let disp = i64::from(mem.disp);
    match (terms.is_empty(), disp) {
        (true, disp) => format!("[{disp}]"),
        (false, 0) => format!("[{}]", terms.join(" + ")),
        (false, 1..) => format!("[{} + {disp}]", terms.join(" + ")),
        (false, _) => format!("[{} - {}]", terms.join(" + "), -disp),
    }
}

/// An operand in memory with its size.
pub fn at(size: Size, mem: Mem) -> String {
    format!("{} {}", ptr(size), address(mem))
}

/// All registers with all registers.
pub fn pairs() -> impl Iterator<Item = (Gpr, Gpr)> {
    Gpr::ALL.into_iter().flat_map(|a| Gpr::ALL.map(|b| (a, b)))
}

/// All registers in three places: all pairs in the first two, and each with a number of others in the third.
pub fn triples() -> impl Iterator<Item = (Gpr, Gpr, Gpr)> {
    pairs().map(|(a, b)| (a, b, Gpr::ALL[(a as usize * 3 + b as usize * 7 + 5) % 16]))
}

/// As [`pairs`], for XMM registers.
pub fn xmm_pairs() -> impl Iterator<Item = (Xmm, Xmm)> {
    Xmm::ALL.into_iter().flat_map(|a| Xmm::ALL.map(|b| (a, b)))
}

/// As [`triples`], for XMM registers.
pub fn xmm_triples() -> impl Iterator<Item = (Xmm, Xmm, Xmm)> {
    xmm_pairs().map(|(a, b)| (a, b, Xmm::ALL[(a as usize * 3 + b as usize * 7 + 5) % 16]))
}

const DISPS: [i32; 9] = [0, 1, 127, 128, -1, -128, -129, i32::MAX, i32::MIN];
const SCALES: [Scale; 4] = [Scale::One, Scale::Two, Scale::Four, Scale::Eight];

/// The registers that can be an index.
fn indices() -> impl Iterator<Item = Gpr> {
    Gpr::ALL.into_iter().filter(|reg| *reg != Gpr::Rsp)
}

/// An index without a base, where its factor is not one, which makes it a base.
fn without_base(index: Gpr, scale: Scale, disp: i32) -> Mem {
    match scale {
        Scale::One => Mem::base(index, disp),
        _ => Mem { base: None, index: Some((index, scale)), disp },
    }
}

/// Every kind of address with every register.
pub fn every_mem() -> Vec<Mem> {
    let mut all = DISPS.map(Mem::absolute).to_vec();
    for base in Gpr::ALL {
        all.extend(DISPS.map(|disp| Mem::base(base, disp)));
        for index in indices() {
            for scale in SCALES {
                all.extend([0, -8, 0x1234].map(|disp| Mem::indexed(base, index, scale, disp)));
            }
        }
    }
    for index in indices() {
        for scale in SCALES {
            all.extend([0, 8, 0x1234].map(|disp| without_base(index, scale, disp)));
        }
    }
    all
}

/// Each kind of address, and each register in each place.
pub fn mems() -> Vec<Mem> {
    let mut all = vec![Mem::absolute(0x1000), Mem::absolute(-16), without_base(Gpr::R9, Scale::Four, 0)];
    for (n, base) in Gpr::ALL.into_iter().enumerate() {
        all.push(Mem::base(base, DISPS[n % DISPS.len()]));
    }
    all.extend([Gpr::Rbp, Gpr::R13, Gpr::Rsp, Gpr::R12].map(|base| Mem::base(base, 0)));
    for (n, index) in indices().enumerate() {
        all.push(Mem::indexed(Gpr::ALL[(n * 5 + 1) % 16], index, SCALES[n % 4], DISPS[n * 4 % DISPS.len()]));
    }
    all
}

/// The kinds of address with a register each.
pub fn mems_and_regs() -> impl Iterator<Item = (Mem, Gpr)> {
    mems().into_iter().enumerate().map(|(n, mem)| (mem, Gpr::ALL[n * 7 % 16]))
}

/// The kinds of address with an XMM register each.
pub fn mems_and_xmms() -> impl Iterator<Item = (Mem, Xmm)> {
    mems().into_iter().enumerate().map(|(n, mem)| (mem, Xmm::ALL[n * 7 % 16]))
}

/// Immediates at the edges of what fits, for operands of a size.
pub fn immediates(size: Size) -> Vec<i32> {
    let mut all = vec![0, 1, -1, 127, -128];
    if size > Size::Byte {
        all.extend([128, 255, -129, 256, 0x7fff, -0x8000]);
    }
    if size > Size::Word {
        all.extend([0x8000, 0xffff, 0x1234_5678, i32::MAX, i32::MIN]);
    }
    all
}
