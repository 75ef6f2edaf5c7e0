//! LLVM's disassembler as an oracle, and where it is known to differ from the manual.
#![allow(dead_code)] // each test uses its part

use remu_isa::{ExtSet, Insn, Op, Xlen, csr_number};
use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

const TOOL: &str = "llvm-mc-19";

/// LLVM's name for turning on these extensions; what it does not know by name it does not gate.
pub fn features(exts: ExtSet) -> String {
    let known = exts.iter().filter(|e| !matches!(e.name(), "I" | "S" | "Sm"));
    let name = |e: remu_isa::Ext| match e.name() {
        "Zacas" => "+experimental-zacas".to_string(),
        name => format!("+{}", name.to_lowercase()),
    };
    known.map(name).collect::<Vec<_>>().join(",")
}

/// LLVM's text for each word, or none where it says there is no such instruction.
pub fn disassemble(xlen: Xlen, features: &str, aliases: bool, words: &[u32]) -> Vec<Option<String>> {
    let mut input = String::new();
    for word in words {
        let size = if word & 3 == 3 { 4 } else { 2 };
        let bytes: Vec<String> = word.to_le_bytes()[..size].iter().map(|b| format!("{b:#04x}")).collect();
        // The brackets keep an illegal word from putting the next out of step.
        input += &format!("[{}]\n", bytes.join(" "));
    }
    let mut child = Command::new(TOOL)
        .arg("--disassemble")
        .args(if aliases { &[][..] } else { &["-M", "no-aliases"] })
        .arg(format!("--triple=riscv{}", xlen.bits()))
        .arg(format!("-mattr={features}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{TOOL}: {e}; apt-get install llvm-19"));
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let unknown = errors.lines().find(|l| l.contains("not a recognized feature"));
    assert_eq!(unknown, None);
    let illegal: BTreeSet<usize> = errors
        .lines()
        .filter_map(|l| l.strip_suffix(": warning: invalid instruction encoding"))
        .map(|l| l.split(':').nth(1).unwrap().parse::<usize>().unwrap() - 1)
        .collect();
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('.'));
    let texts = (0..words.len()).map(|i| (!illegal.contains(&i)).then(|| lines.next().unwrap().to_string())).collect();
    assert_eq!(lines.next(), None, "LLVM printed more instructions than there were words");
    texts
}

fn tokens(text: &str) -> Vec<&str> {
    text.split([' ', '\t', ',']).filter(|t| !t.is_empty()).collect()
}

/// A number, or the number of a CSR.
fn number(token: &str) -> Option<i64> {
    let hex = |t: &str| t.strip_prefix("0x").and_then(|h| i64::from_str_radix(h, 16).ok());
    hex(token).or_else(|| token.parse().ok()).or_else(|| csr_number(token).map(i64::from))
}

/// The same but for spacing and the base of numbers.
pub fn same_text(ours: &str, theirs: &str) -> bool {
    let (ours, theirs) = (tokens(ours), tokens(theirs));
    let same = |(a, b): (&&str, &&str)| a == b || number(a).is_some_and(|n| Some(n) == number(b));
    ours.len() == theirs.len() && ours.iter().zip(&theirs).all(same)
}

/// One word on which the two differ.
pub struct Case<'a> {
    pub word: u32,
    pub xlen: Xlen,
    pub ours: Option<Insn>,
    pub theirs: Option<&'a str>,
}

impl Case<'_> {
    fn only_ours(&self, of: impl Fn(&Insn) -> bool) -> bool {
        self.theirs.is_none() && self.ours.as_ref().is_some_and(of)
    }

    fn only_theirs(&self, of: impl Fn(&[&str]) -> bool) -> bool {
        self.ours.is_none() && self.theirs.is_some_and(|t| of(&tokens(t)))
    }

    fn both(&self, of: impl Fn(&Insn, &[&str]) -> bool) -> bool {
        self.ours.is_some_and(|i| self.theirs.is_some_and(|t| of(&i, &tokens(t))))
    }
}

/// A difference that is LLVM's, or of no consequence.
pub struct Difference {
    pub reason: &'static str,
    pub applies: fn(&Case) -> bool,
}

pub const DIFFERENCES: [Difference; 10] = [
    Difference {
        reason: "LLVM decodes the all-zero word; the C chapter: the 16-bit instruction with all bits zero is \
                 permanently reserved as an illegal instruction",
        applies: |c| c.word == 0 && c.only_theirs(|t| t == ["c.unimp"]),
    },
    Difference {
        reason: "rounding modes 5 and 6 decode and are refused when executed; the F chapter: the behaviour of an \
                 instruction that depends on rounding mode when executed with a reserved rounding mode is reserved",
        applies: |c| c.only_ours(|i| i.op.info().has_rm && matches!(i.rm, 5 | 6)),
    },
    Difference {
        reason: "LLVM refuses unused fields and modes of fence; the I chapter: base implementations shall ignore these \
                 fields, and shall treat all reserved configurations as normal fences with fm=0000",
        applies: |c| c.only_ours(|i| i.op == Op::Fence && (i.rd, i.rs1, i.imm >> 8) != (0, 0, 0)),
    },
    Difference {
        reason: "LLVM refuses unused fields of fence.i; the Zifencei chapter: for forward compatibility, base \
                 implementations shall ignore these fields",
        applies: |c| c.only_ours(|i| i.op == Op::FenceI && (i.rd, i.rs1, i.imm) != (0, 0, 0)),
    },
    Difference {
        reason: "LLVM decodes shifts by 32 and more on RV32; the I and Zbs chapters: encodings with shamt[5]=1 are \
                 reserved, the C chapter: they are designated for custom extensions",
        applies: |c| {
            let shift =
                ["slli", "srli", "srai", "rori", "bclri", "bexti", "binvi", "bseti", "c.slli", "c.srli", "c.srai"];
            let far = |t: &[&str]| shift.contains(&t[0]) && number(t[t.len() - 1]).is_some_and(|n| n >= 32);
            c.xlen == Xlen::Rv32 && c.only_theirs(far)
        },
    },
    Difference {
        reason: "LLVM decodes c.lui of 0; the C chapter: the code points with nzimm=0 are reserved",
        applies: |c| c.only_theirs(|t| t[0] == "c.lui" && t[2] == "0"),
    },
    Difference {
        reason: "LLVM decodes fcvtmod.w.d in every rounding mode; the Zfa chapter: the encodings with another \
                 rounding mode than RTZ are reserved",
        applies: |c| c.only_theirs(|t| t[0] == "fcvtmod.w.d" && t[3] != "rtz"),
    },
    Difference {
        reason: "LLVM takes hinval.* for part of Svinval; the Svinval chapter: if the hypervisor extension is \
                 implemented, Svinval also provides them",
        applies: |c| c.only_theirs(|t| matches!(t[0], "hinval.vvma" | "hinval.gvma")),
    },
    Difference {
        reason: "LLVM writes the immediate of c.lui zero, imm as a signed number; the C chapter: c.lui with rd=x0 is a \
                 hint, and its immediate has no effect",
        applies: |c| {
            let same = |i: &Insn, t: &[&str]| number(t[2]).map(|n| n as i32) == Some(i.imm >> 12);
            c.both(|i, t| i.op == Op::CLui && i.rd == 0 && t[..2] == ["c.lui", "zero"] && same(i, t))
        },
    },
    Difference {
        reason: "LLVM has mnemonics of its own for compressed shifts by 0; the C chapter: for RV32C and RV64C the code \
                 points with shamt=0 are hints",
        applies: |c| {
            let base = |t: &str| t.strip_suffix("64") == Some(c.ours.map_or("", |i| i.op.mnemonic()));
            c.both(|i, t| i.imm == 0 && base(t[0]) && t[1..] == [remu_isa::x_name(i.rd)])
        },
    },
];
