//! Emitted code as text, for the log item `out_asm`.

use crate::guest::{HostCode, Part};
use capstone::Capstone;
use capstone::arch::x86::{ArchMode, ArchSyntax};
use capstone::prelude::{BuildsCapstone, BuildsCapstoneSyntax};
use std::fmt::Write;

/// An instruction of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostInsn {
    /// Its address.
    pub address: u64,
    /// Its length.
    pub len: usize,
    /// Its text in Intel's syntax. What belongs to the guest's state has its name in place of a displacement.
    pub text: String,
}

/// Disassembles emitted code.
pub struct Disassembler(Capstone);

impl Disassembler {
    /// A disassembler of x86-64 code.
    pub fn new() -> Self {
        let built = Capstone::new().x86().mode(ArchMode::Mode64).syntax(ArchSyntax::Intel).build();
        Self(built.expect("Capstone is built with x86-64"))
    }

    /// The instructions in `bytes`, which are at `address`. Bytes that are no instruction are one each.
    pub fn insns(&self, bytes: &[u8], address: u64, name_at: fn(i64) -> Option<String>) -> Vec<HostInsn> {
        let mut insns = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let address = address + at as u64;
            let read = self.0.disasm_count(&bytes[at..], address, 1);
            let insn = match read.as_ref().ok().and_then(|read| read.first()) {
                Some(insn) => {
                    let (mnemonic, operands) = (insn.mnemonic().unwrap_or(""), insn.op_str().unwrap_or(""));
                    let text = format!("{mnemonic} {}", named(operands, name_at)).trim_end().to_owned();
                    HostInsn { address, len: insn.bytes().len(), text }
                }
                None => HostInsn { address, len: 1, text: format!(".byte {:#04x}", bytes[at]) },
            };
            at += insn.len;
            insns.push(insn);
        }
        insns
    }

    /// The code of the part that begins at this index, a line for each instruction.
    pub fn part(&self, text: &mut String, code: &HostCode<'_>, index: usize) {
        let start = code.parts[index].0 as usize;
        let end = code.parts.get(index + 1).map_or(code.bytes.len(), |&(offset, _)| offset as usize);
        let (bytes, address) = (&code.bytes[start..end], code.address + start as u64);
        if code.parts[index].1 == Part::Data {
            let _ = write!(text, "    {address:#x}:  data");
            bytes.iter().for_each(|byte| {
                let _ = write!(text, " {byte:02x}");
            });
            text.push('\n');
            return;
        }
        for insn in self.insns(bytes, address, code.name_at) {
            let _ = writeln!(text, "    {:#x}:  {}", insn.address, insn.text);
        }
    }
}

impl Default for Disassembler {
    fn default() -> Self {
        Self::new()
    }
}

/// The operands with names for what is at a displacement from rbp.
fn named(operands: &str, name_at: fn(i64) -> Option<String>) -> String {
    let name = |place: &str| {
        let digits = place.replace(' ', "").replace("0x", "");
        let disp = if digits.is_empty() { Some(0) } else { i64::from_str_radix(&digits, 16).ok() };
        disp.and_then(name_at)
    };
    let parts = operands.split_once("[rbp").and_then(|(before, rest)| {
        let (place, after) = rest.split_once(']')?;
        Some(format!("{before}[{}]{after}", name(place)?))
    });
    parts.unwrap_or_else(|| operands.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_named_and_data_is_shown() {
        let name_at = |disp: i64| (disp == -0x10).then(|| "t3".to_owned());
        // mov rbx, [rbp-16]; jmp to itself; add rax, [rbp+8]
        let bytes = [0x48, 0x8b, 0x5d, 0xf0, 0xeb, 0xfe, 0x48, 0x03, 0x45, 0x08];
        let code =
            HostCode { pc: 0, address: 0x1000, bytes: &bytes, parts: &[(0, Part::Insn(0)), (6, Part::Data)], name_at };
        let disassembler = Disassembler::new();
        let mut text = String::new();
        disassembler.part(&mut text, &code, 0);
        disassembler.part(&mut text, &code, 1);
        assert_eq!(
            text,
            "    0x1000:  mov rbx, qword ptr [t3]\n    0x1004:  jmp 0x1004\n    0x1006:  data 48 03 45 08\n"
        );
        let insns = disassembler.insns(&bytes[6..], 0, name_at);
        assert_eq!(insns[0].text, "add rax, qword ptr [rbp + 8]");
        // No instruction in 64-bit mode.
        assert_eq!(disassembler.insns(&[0x06], 0, name_at)[0].text, ".byte 0x06");
    }
}
