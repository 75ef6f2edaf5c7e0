//! Mutants of emitted code: a site is an instruction of the host for an op of the guest, a mutant is a site and a change.

use remu::debug::{Disassembler, HostInsn};
use remu::guest::{CodeListener, HostCode, Part};
use remu_isa::Op;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Mutex;

/// An instruction of the host for an op: which one in the op's code, and its form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    pub op: Op,
    /// Whether it is in the part that is rarely executed.
    is_rare: bool,
    ordinal: usize,
    context: Context,
    /// Its text, without what depends on the guest's operands.
    form: String,
}

/// What an instruction of the host is among those around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Context {
    /// It loads the pc for the call that executes the guest's instruction by its definition.
    pub loads_pc: bool,
    /// It is next after that call.
    pub follows_call: bool,
    /// The flags of the host are those of a comparison with -1 which has found equality, as that of a box does.
    pub follows_box_check: bool,
    /// It computes the rounding mode that is compared with the one of today; `None` if it does not. Whether it computes
    /// it from `fcsr`.
    pub checks_mode: Option<bool>,
    /// It is the last one of something rare that does not execute the guest's instruction by its definition, and what
    /// follows in memory does, and goes on behind it.
    pub is_before_definition: bool,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It is missing.
    Missing,
    /// It is not locked.
    Unlocked,
    /// It is another instruction with the same operands.
    Mnemonic,
    /// This operand is another register.
    Register(usize),
    /// A constant or a displacement differs.
    Number(usize),
}

#[derive(Clone, Debug)]
pub struct Mutant {
    site: Site,
    change: Change,
    before: String,
    after: String,
}

impl Mutant {
    /// The op, and whether the instruction of the host is in its rarely executed part.
    pub fn op(&self) -> (Op, bool) {
        (self.site.op, self.site.is_rare)
    }

    pub fn context(&self) -> Context {
        self.site.context
    }

    /// What is wrong.
    pub fn change(&self) -> Change {
        self.change
    }

    /// The instruction as it is, and as it becomes.
    pub fn texts(&self) -> (&str, &str) {
        (&self.before, &self.after)
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Site { op, is_rare, ordinal, form, .. } = &self.site;
        let rarely = if *is_rare { ", rarely" } else { "" };
        write!(f, "{op}, {ordinal}{rarely}: {form}: {:?}: {} becomes {}", self.change, self.before, self.after)
    }
}

/// Tells sites, and applies the mutant.
#[derive(Default)]
pub struct Mutator(Mutex<State>);

#[derive(Default)]
struct State {
    ops: HashMap<u64, Op>,
    sites: BTreeMap<Site, Vec<u8>>,
    mutant: Option<Mutant>,
    /// Whether the code of the program that was set last has the mutant.
    is_applied: bool,
}

impl Mutator {
    /// The instructions of the program that runs next.
    pub fn set_program(&self, insns: impl Iterator<Item = (u64, Op)>) {
        let mut state = self.0.lock().unwrap();
        state.ops = insns.collect();
        state.is_applied = false;
    }

    /// Whether what was compiled of the program has the mutant.
    pub fn is_applied(&self) -> bool {
        self.0.lock().unwrap().is_applied
    }

    pub fn set_mutant(&self, mutant: Mutant) {
        self.0.lock().unwrap().mutant = Some(mutant);
    }

    /// The sites of what was emitted since the last call, each with an example.
    pub fn take_sites(&self) -> BTreeMap<Site, Vec<u8>> {
        std::mem::take(&mut self.0.lock().unwrap().sites)
    }
}

impl CodeListener for Mutator {
    fn stubs(&self, _: u64, _: &[u8]) {}

    fn emptied(&self) {}

    fn emitted(&self, code: &HostCode<'_>) {
        let mut state = self.0.lock().unwrap();
        let State { ops, sites, mutant, is_applied } = &mut *state;
        // The ordinals go on over the rare parts of an instruction.
        let mut ordinals: HashMap<(u64, bool), usize> = HashMap::new();
        for (n, &(start, part)) in code.parts.iter().enumerate() {
            let (pc, is_rare) = match part {
                Part::Insn(pc) => (pc, false),
                Part::Rare(pc) => (pc, true),
                Part::Data => continue,
            };
            let Some(&op) = ops.get(&pc) else { continue };
            if mutant.as_ref().is_some_and(|m| (m.site.op, m.site.is_rare) != (op, is_rare)) {
                continue;
            }
            let end = code.parts.get(n + 1).map_or(code.bytes.len(), |&(at, _)| at as usize);
            let insns = disassemble(&code.bytes[start as usize..end]);
            // Leaving belongs to no op.
            let leaves = |word: &str| insns.iter().any(|insn| insn.text.contains(word));
            if is_rare && (leaves("[LeaveTo]") || leaves("[LeaveLink]") || leaves("[Leave]")) {
                continue;
            }
            // So does the look at the stop flag and at the limit.
            let has = |n: usize, word: &str| insns.get(n).is_some_and(|insn| insn.text.contains(word));
            let looks = match (has(0, "[stop]"), has(3, "[Limit]")) {
                (true, true) => 5,
                (true, false) => 2,
                _ => 0,
            };
            let mut at = start as usize;
            for (index, insn) in insns.iter().enumerate() {
                let bytes = &code.bytes[at..at + insn.len];
                let address = code.address + at as u64;
                at += insn.len;
                if index < looks || insn.text.starts_with("nop") {
                    continue;
                }
                let ordinal = ordinals.entry((pc, is_rare)).or_default();
                let is_last = index + 1 == insns.len();
                let context = Context {
                    loads_pc: has(index + 2, "[Execute]"),
                    follows_call: index > 0 && has(index - 1, "[Execute]"),
                    follows_box_check: follows_box_check(&insns[..index]),
                    checks_mode: checks_mode(&insns[index..]),
                    is_before_definition: is_rare && is_last && !leaves("[Execute]") && is_definition(code, n + 1, pc),
                };
                let site = Site { op, is_rare, ordinal: *ordinal, context, form: form(&insn.text) };
                *ordinal += 1;
                match mutant {
                    None => {
                        sites.entry(site).or_insert_with(|| bytes.to_vec());
                    }
                    Some(mutant) if mutant.site == site => {
                        if let Some((changed, _)) = changed(bytes, mutant.change) {
                            // SAFETY: the code was emitted at this address and does not run yet. Only this thread
                            // runs any.
                            unsafe { std::ptr::copy(changed.as_ptr(), address as *mut u8, changed.len()) };
                            *is_applied = true;
                        }
                    }
                    Some(_) => {}
                }
            }
        }
    }
}

/// See [`Context`]. These are the instructions before.
fn follows_box_check(before: &[HostInsn]) -> bool {
    let keeps_flags = |insn: &&HostInsn| {
        insn.text.starts_with('j')
            || insn.text.starts_with("mov")
            || is_vector(insn) && !insn.text.starts_with("vucomis")
    };
    let last = before.iter().rev().find(|insn| !keeps_flags(insn));
    last.is_some_and(|insn| insn.text.starts_with("cmp ") && insn.text.ends_with(", -1"))
}

fn is_vector(insn: &HostInsn) -> bool {
    insn.text.starts_with('v')
}

/// See [`Context`]. These are the instruction and those after it.
fn checks_mode(insns: &[HostInsn]) -> Option<bool> {
    let at = insns.iter().take(5).position(|insn| insn.text.starts_with("cmp ") && insn.text.ends_with("[frm]"))?;
    let computes = |insn: &HostInsn| !insn.text.contains("[rsp]") && !insn.text.starts_with('j');
    let is_fcsr = insns[..at].iter().any(|insn| insn.text.starts_with("shr "));
    insns[..at].iter().all(computes).then_some(is_fcsr)
}

/// Whether a part of the code executes the instruction at this pc by its definition, and goes on behind it.
fn is_definition(code: &HostCode<'_>, n: usize, pc: u64) -> bool {
    let Some(&(start, Part::Rare(of))) = code.parts.get(n) else { return false };
    let end = code.parts.get(n + 1).map_or(code.bytes.len(), |&(at, _)| at as usize);
    let insns = disassemble(&code.bytes[start as usize..end]);
    of == pc && ["[Execute]", "[LeaveTo]"].iter().all(|word| insns.iter().any(|insn| insn.text.contains(word)))
}

fn disassemble(bytes: &[u8]) -> Vec<HostInsn> {
    thread_local! {
        static DISASSEMBLER: Disassembler = Disassembler::new();
    }
    DISASSEMBLER.with(|d| d.insns(bytes, 0, remu::jit::baseline::map::name_at))
}

/// All mutants of a site.
pub fn of(site: &Site, bytes: &[u8]) -> Vec<Mutant> {
    let registers = (0..4).map(Change::Register);
    let numbers = (0..4).map(Change::Number);
    let changes = [Change::Missing, Change::Unlocked, Change::Mnemonic].into_iter().chain(registers).chain(numbers);
    let before = disassemble(bytes)[0].text.clone();
    let mutant = |change| {
        let (_, after) = changed(bytes, change)?;
        Some(Mutant { site: site.clone(), change, before: before.clone(), after })
    };
    changes.filter_map(mutant).collect()
}

/// The instruction with a change, and its text; `None` if there is no such instruction.
fn changed(bytes: &[u8], change: Change) -> Option<(Vec<u8>, String)> {
    let before = disassemble(bytes)[0].text.clone();
    if change == Change::Missing {
        return (!before.starts_with("ret")).then(|| (vec![0x90; bytes.len()], "nothing".to_owned()));
    }
    if change == Change::Unlocked {
        // A prefix that changes nothing takes the place of that one.
        const LOCK: u8 = 0xf0;
        const DS: u8 = 0x3e;
        let after = before.strip_prefix("lock ")?.to_owned();
        let at = bytes.iter().position(|&byte| byte == LOCK)?;
        let mut other = bytes.to_vec();
        other[at] = DS;
        return Some((other, after));
    }
    let bits = 0..8 * bytes.len();
    bits.filter_map(|bit| {
        let mut other = bytes.to_vec();
        other[bit / 8] ^= 1 << (bit % 8);
        let insns = disassemble(&other);
        let is_change = insns.len() == 1 && difference(&before, &insns[0].text) == Some(change);
        is_change.then(|| (other, insns[0].text.clone()))
    })
    .next()
}

/// In what two instructions differ, if it is one thing.
fn difference(before: &str, after: &str) -> Option<Change> {
    let split = |text: &str| {
        let (mnemonic, operands) = text.split_once(' ').unwrap_or((text, ""));
        (mnemonic.to_owned(), operands.split(", ").map(str::to_owned).collect::<Vec<_>>())
    };
    let ((a, a_operands), (b, b_operands)) = (split(before), split(after));
    if a_operands.len() != b_operands.len() {
        return None;
    }
    let differ: Vec<usize> = (0..a_operands.len()).filter(|&n| a_operands[n] != b_operands[n]).collect();
    match (a == b, &differ[..]) {
        (false, []) => Some(Change::Mnemonic),
        (true, &[n]) => {
            let (a_operand, b_operand) = (&a_operands[n], &b_operands[n]);
            let is_register = |text: &str| shape(text) != text && !text.contains(['[', ' ']) && !is_number(text);
            if is_register(a_operand) && shape(a_operand) == shape(b_operand) {
                Some(Change::Register(n))
            } else if is_number(a_operand) && is_number(b_operand) && !a.starts_with('j') && a != "call" {
                Some(Change::Number(n))
            } else {
                None
            }
        }
        _ => None,
    }
}

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) || text.starts_with('-')
}

/// The text with classes for registers and numbers.
fn form(text: &str) -> String {
    let (mnemonic, operands) = text.split_once(' ').unwrap_or((text, ""));
    let operands: Vec<String> = operands.split(", ").map(shape).collect();
    format!("{mnemonic} {}", operands.join(", "))
}

fn shape(operand: &str) -> String {
    if let Some((size, _)) = operand.split_once('[') {
        return format!("{size}[]");
    }
    if is_number(operand) {
        return "number".to_owned();
    }
    let scratch = ["rax", "rcx", "rdx", "eax", "ecx", "edx", "ax", "cx", "dx", "al", "cl", "dl"];
    if scratch.contains(&operand) {
        // They have one meaning in an op's code.
        return format!("scratch {}", operand.len());
    }
    if let Some(digits) = operand.strip_prefix("xmm") {
        return if digits.parse::<u8>().is_ok_and(|n| n >= 13) { "xmm scratch" } else { "xmm" }.to_owned();
    }
    let size = match operand.as_bytes() {
        [b'r', b'0'..=b'9', ..] => match operand.as_bytes().last() {
            Some(b'd') => 32,
            Some(b'w') => 16,
            Some(b'b') => 8,
            _ => 64,
        },
        [b'r', ..] => 64,
        [b'e', ..] => 32,
        [.., b'l'] => 8,
        _ => 16,
    };
    format!("pinned {size}")
}
