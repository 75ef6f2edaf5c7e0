//! Compiled code as text.

use capstone::Capstone;
use capstone::arch::x86::{ArchMode, ArchSyntax};
use capstone::prelude::{BuildsCapstone, BuildsCapstoneSyntax};
use remu::guest::riscv::fp::Rm;
use remu::jit::baseline::map::{RegisterMap, name_at};
use remu::jit::baseline::{Compiler, Config, MAX_INSNS, USUAL_GAIN};
use remu::jit::x64::HostFeatures;
use remu::memory::{GuestAddr, MapRequest, Place, Prot, SpaceConfig, UserSpace};
use remu_isa::{Insn, Isa, Op, Xlen, encode};
use std::collections::BTreeSet;

/// Where the guest's code is.
const START: u64 = 0x10000;

/// The data behind the call of an exit that is not linked: a pc, a distance, and room for a list.
const EXIT_DATA: usize = 12;

/// Lists code for a host that has all features, with the guest's memory at the same addresses.
pub struct Lister {
    compiler: Compiler,
    config: Config,
    memory: UserSpace,
    capstone: Capstone,
}

/// A listing.
pub struct Listing {
    /// The guest's instructions, then the host's.
    pub text: String,
    /// See [`Compiler::uncompiled`].
    pub uncompiled: Vec<Op>,
}

/// An instruction of the host.
struct Line {
    at: u64,
    text: String,
    /// Where a jump leads to.
    target: Option<u64>,
    /// The guest's address in the data behind it, if it is an exit.
    exit: Option<u64>,
}

impl Default for Lister {
    fn default() -> Self {
        let memory = UserSpace::new(&SpaceConfig { limit: GuestAddr(1 << 32), identity: false }).expect("a space");
        let prot = Prot::READ | Prot::WRITE | Prot::EXEC;
        let request = MapRequest::anonymous(Place::Fixed(GuestAddr(START)), 0x1000, prot);
        memory.map(&request).expect("it is mapped");
        let built = Capstone::new().x86().mode(ArchMode::Mode64).syntax(ArchSyntax::Intel).build();
        let features = HostFeatures::all();
        let map = RegisterMap::new(features, false);
        Self {
            compiler: Compiler::default(),
            config: Config {
                map,
                features,
                max_insns: MAX_INSNS,
                link: true,
                count: false,
                rounding: Some(Rm::Rne),
                translates: false,
                reservation_offset: 0,
                reservations: 0x7777_0000_0000,
                exchange_gain: USUAL_GAIN,
            },
            memory,
            capstone: built.expect("Capstone knows x86-64"),
        }
    }
}

impl Lister {
    /// Lists code of a machine, where addresses are translated.
    pub fn of_machine() -> Self {
        let mut lister = Self::default();
        lister.config.map = lister.config.map.with_counter();
        (lister.config.translates, lister.config.reservation_offset) = (true, 0x1000_0000);
        lister
    }

    /// Compiles these instructions. They are not compiled if one ends the superblock before the last.
    pub fn list(&mut self, insns: &[Insn]) -> Listing {
        let code: Vec<u8> =
            insns.iter().flat_map(|insn| encode(insn, Xlen::Rv64).expect("it has an encoding").to_le_bytes()).collect();
        self.memory.write_bytes(GuestAddr(START), &code).expect("it is mapped");
        let isa = Isa::rv64_max();
        let config = Config { max_insns: insns.len(), ..self.config.clone() };
        self.compiler.fetch(START, &config, &isa, &self.memory).expect("the first instruction is legal");
        assert_eq!(self.compiler.fetched().insns.len(), insns.len(), "all are in one superblock");
        self.compiler.compile(&config, &isa).expect("the host has the code");
        let guest: Vec<String> = insns.iter().map(|insn| insn.disassemble(START).offsets().to_string()).collect();
        let text = self.text(&guest.join("; "), START + code.len() as u64);
        Listing { text, uncompiled: self.compiler.uncompiled().to_vec() }
    }

    /// The code without what every superblock has: the look at the stop flag, the exit at its end, and padding.
    fn text(&self, guest: &str, end: u64) -> String {
        let lines = self.lines();
        let looks = |line: &Line| line.text.starts_with("cmp ") && line.text.contains("[stop");
        // One with a loop may exchange registers before.
        let look = lines.iter().position(looks).expect("a superblock looks at the stop flag");
        let cold = lines[look + 1].target.expect("a jump");
        let shown = lines[..look].iter().chain(&lines[look + 2..]);
        let (mut hot, mut rest): (Vec<&Line>, Vec<&Line>) = shown.partition(|line| line.at < cold);
        // It leaves if the flag is set, and exchanges them back.
        rest.drain(..look + 2);
        let leads_to_end = |line: &&&Line| line.text == "jmp" && exit_of(&rest, line.target) == Some(end);
        if let Some(last) = hot.last().filter(leads_to_end) {
            rest.retain(|line| Some(line.at) != last.target);
            hot.pop();
        }
        hot.retain(|line| !line.text.starts_with("nop"));
        let count = hot.len();
        let shown = [hot, rest].concat();
        let places: BTreeSet<u64> = shown.iter().filter_map(|line| place(&shown, cold, line.target?)).collect();
        let number = |at: u64| places.iter().position(|&place| place == at).map(|index| index + 1);
        let mut text = format!("{guest}: {count}\n");
        for (index, line) in shown.iter().enumerate() {
            if index == count {
                text.push_str("    rarely:\n");
            }
            if let Some(number) = number(line.at) {
                text.push_str(&format!("  {number}:\n"));
            }
            let operand = match (line.target, line.exit) {
                (Some(0), _) => " start".to_owned(),
                (Some(target), _) => match place(&shown, cold, target) {
                    Some(place) => format!(" {}", number(place).expect("it is a place")),
                    None => " end".to_owned(),
                },
                (_, Some(pc)) => format!(" for {:+}", pc as i64 - START as i64),
                _ => String::new(),
            };
            text.push_str(&format!("    {}{operand}\n", line.text));
        }
        text
    }

    fn lines(&self) -> Vec<Line> {
        let code = self.compiler.code();
        let mut lines = Vec::new();
        let mut at = 0;
        while at < code.len() {
            let read = self.capstone.disasm_count(&code[at..], at as u64, 1).expect("Capstone answers");
            let insn = read.first().unwrap_or_else(|| panic!("no instruction: {:02x?}", &code[at..]));
            let (mnemonic, operands) = (insn.mnemonic().unwrap_or(""), insn.op_str().unwrap_or(""));
            let target = mnemonic.starts_with('j').then(|| operands.strip_prefix("0x").unwrap_or(operands));
            let target = target.and_then(|digits| u64::from_str_radix(digits, 16).ok());
            let operands = if target.is_some() { String::new() } else { named(operands) };
            let text = format!("{mnemonic} {operands}").trim_end().to_owned();
            let next = at + insn.bytes().len();
            let exit = text.contains("[LeaveLink]").then(|| {
                let [a, b, c, d, e, f] = code[next..next + 6] else { unreachable!("six bytes") };
                u64::from_le_bytes([a, b, c, d, e, f, 0, 0])
            });
            lines.push(Line { at: at as u64, text, target, exit });
            at = if exit.is_some() { next + EXIT_DATA } else { next };
        }
        lines
    }
}

/// The operands with names for what is at a displacement from rbp.
fn named(operands: &str) -> String {
    let Some((before, rest)) = operands.split_once("[rbp") else { return operands.to_owned() };
    let (place, after) = rest.split_once(']').expect("a bracket is closed");
    let digits = place.replace(' ', "").replace("0x", "");
    let disp = if digits.is_empty() { Some(0) } else { i64::from_str_radix(&digits, 16).ok() };
    let name = disp.and_then(name_at).unwrap_or_else(|| panic!("what is at {operands}?"));
    format!("{before}[{name}]{after}")
}

/// The first instruction shown at or behind a jump's target; `None` if it is the start or the end of the superblock.
fn place(shown: &[&Line], cold: u64, target: u64) -> Option<u64> {
    let at = shown.iter().map(|line| line.at).filter(|&at| at >= target).min()?;
    (target != 0 && (at < cold) == (target < cold)).then_some(at)
}

/// The guest's address that the exit at an address leads to.
fn exit_of(lines: &[&Line], at: Option<u64>) -> Option<u64> {
    lines.iter().find(|line| Some(line.at) == at)?.exit
}
