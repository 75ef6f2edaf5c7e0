//! Labels, jumps, no-operations, and what the assembler refuses.

use crate::cases;
use crate::forms::int::CONDITIONS;
use crate::oracles::Disassembler;
use proptest::prelude::{ProptestConfig, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};
use remu::jit::x64::{Alu, AsmError, Assembler, Cond, Fp, Gpr, Label, Mem, Scale, Shift, Size, ToInt, Xmm};

/// The instruction in these bytes up to its target, and the offset of the target, by Capstone.
fn read(code: &[u8], start: usize, end: usize) -> (String, i64) {
    let text = Disassembler::new().text(&code[start..end]);
    let (name, to) = match text.split_once("[rip") {
        // lea: the displacement counts from the end, and is not there if it is 0.
        Some((name, "]")) => (name, (end - start) as i64),
        Some((name, disp)) => {
            let disp = disp.replace([' ', ']'], "").replace("0x", "");
            (name, (end - start) as i64 + i64::from_str_radix(&disp, 16).expect("a number"))
        }
        None => {
            let (name, to) = text.split_once(' ').expect("an operand");
            (name, u64::from_str_radix(to.trim_start_matches("0x"), 16).expect("a number") as i64)
        }
    };
    (name.trim_end().to_owned(), start as i64 + to)
}

/// The name of a conditional jump, or of one without a condition.
fn name(cond: Option<Cond>) -> String {
    cond.map_or("jmp".to_owned(), |cond| format!("j{}", CONDITIONS[cond as usize]))
}

/// An instruction that leads to a label, or that other instructions are led around by.
#[derive(Debug, Clone, Copy)]
enum Step {
    Jump(Option<Cond>, usize),
    Lea(Gpr, usize),
    Patchable(Option<Cond>),
    Fill(usize),
}

const LABELS: usize = 6;

fn steps() -> impl Strategy<Value = Step> {
    let cond = (0..17usize).prop_map(|n| Cond::ALL.get(n).copied());
    let label = 0..LABELS;
    prop_oneof![
        (cond.clone(), label.clone()).prop_map(|(cond, label)| Step::Jump(cond, label)),
        (0..16usize, label).prop_map(|(reg, label)| Step::Lea(Gpr::ALL[reg], label)),
        cond.prop_map(Step::Patchable),
        (0..200usize).prop_map(Step::Fill),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Random jumps and labels: each jump leads to its label, and backward ones are as short as they can be.
    #[test]
    fn jumps_lead_to_their_labels(
        steps in proptest::collection::vec(steps(), 1..60),
        places in proptest::collection::vec(0..60usize, LABELS),
    ) {
        let mut a = Assembler::new();
        let labels: Vec<Label> = (0..LABELS).map(|_| a.new_label()).collect();
        // The bytes and the target of each jump.
        let mut jumps = Vec::new();
        let mut patchable = Vec::new();
        for (n, step) in steps.iter().enumerate() {
            for (label, place) in labels.iter().zip(&places) {
                if *place == n {
                    a.bind(*label);
                }
            }
            let start = a.offset();
            match *step {
                Step::Jump(cond, label) => {
                    match cond {
                        Some(cond) => a.jcc(cond, labels[label]),
                        None => a.jmp(labels[label]),
                    }
                    jumps.push((start, a.offset(), labels[label], name(cond)));
                }
                Step::Lea(reg, label) => {
                    a.lea_label(reg, labels[label]);
                    jumps.push((start, a.offset(), labels[label], format!("lea {},", cases::reg(Size::Qword, reg))));
                }
                Step::Patchable(cond) => {
                    let at = match cond {
                        Some(cond) => a.jcc_patchable(cond),
                        None => a.jmp_patchable(),
                    };
                    patchable.push((start, at, name(cond)));
                }
                Step::Fill(bytes) => a.nop(bytes),
            }
        }
        for (label, place) in labels.iter().zip(&places) {
            if *place >= steps.len() {
                a.bind(*label);
            }
        }
        prop_assert_eq!(a.finish(), Ok(()));
        for (start, end, label, name) in jumps {
            let target = a.label_offset(label).expect("it is bound") as i64;
            let is_lea = name.starts_with("lea");
            let is_near = (-128..0).contains(&(target - start as i64 - 2));
            prop_assert!(is_lea || (end - start == 2) == is_near, "{} of {} bytes", name, end - start);
            prop_assert_eq!(read(a.bytes(), start, end), (name, target));
        }
        for (start, at, name) in patchable {
            prop_assert!(at % 8 <= 4, "the displacement at {at} crosses a multiple of eight");
            let jump = at - if name == "jmp" { 1 } else { 2 };
            prop_assert!(jump - start <= 3, "no more padding than is needed");
            prop_assert_eq!(read(a.bytes(), jump, at + 4), (name, at as i64 + 4));
        }
    }

    /// A short jump leads to its label, or is reported.
    #[test]
    fn short_jumps_reach_or_are_reported(distance in 0..300usize, forward: bool, cond in 0..17usize) {
        let mut a = Assembler::new();
        let label = a.new_label();
        let jump = |a: &mut Assembler| match Cond::ALL.get(cond) {
            Some(cond) => a.jcc_short(*cond, label),
            None => a.jmp_short(label),
        };
        let start = if forward {
            jump(&mut a);
            a.nop(distance);
            a.bind(label);
            0
        } else {
            a.bind(label);
            a.nop(distance);
            jump(&mut a);
            distance
        };
        let reaches = if forward { distance <= 127 } else { distance + 2 <= 128 };
        if reaches {
            prop_assert_eq!(a.finish(), Ok(()));
            let expected = if forward { distance + 2 } else { 0 };
            prop_assert_eq!(read(a.bytes(), start, start + 2), (name(Cond::ALL.get(cond).copied()), expected as i64));
        } else {
            prop_assert_eq!(a.finish(), Err(AsmError::OutOfReach(start + 1)));
        }
    }

    /// No-operations fill exactly what is asked for, with one instruction for each nine bytes begun.
    #[test]
    fn nops_fill(bytes in 0..100usize) {
        let mut a = Assembler::new();
        a.nop(bytes);
        prop_assert_eq!(a.bytes().len(), bytes);
        let text = Disassembler::new().text(a.bytes());
        let texts: Vec<&str> = text.split("; ").filter(|text| !text.is_empty()).collect();
        prop_assert_eq!(texts.len(), bytes.div_ceil(9));
        prop_assert!(texts.iter().all(|text| text.ends_with("nop") || text.starts_with("nop ")), "{}", text);
    }
}

#[test]
fn nops_are_the_recommended_ones() {
    // Intel's manual, instruction NOP.
    let recommended: [&[u8]; 9] = [
        &[0x90],
        &[0x66, 0x90],
        &[0x0f, 0x1f, 0x00],
        &[0x0f, 0x1f, 0x40, 0],
        &[0x0f, 0x1f, 0x44, 0x00, 0],
        &[0x66, 0x0f, 0x1f, 0x44, 0x00, 0],
        &[0x0f, 0x1f, 0x80, 0, 0, 0, 0],
        &[0x0f, 0x1f, 0x84, 0x00, 0, 0, 0, 0],
        &[0x66, 0x0f, 0x1f, 0x84, 0x00, 0, 0, 0, 0],
    ];
    for bytes in recommended {
        let mut a = Assembler::new();
        a.nop(bytes.len());
        assert_eq!(a.bytes(), bytes);
    }
}

#[test]
fn alignment_fills_up() {
    let mut a = Assembler::new();
    a.align(16);
    assert_eq!(a.offset(), 0);
    a.ret();
    a.align(16);
    assert_eq!(a.offset(), 16);
}

#[test]
fn external_jumps_are_left_to_be_filled_in() {
    let mut a = Assembler::new();
    let (jump, conditional, call) = (a.jmp_external(), a.jcc_external(Cond::G), a.call_external());
    assert_eq!(a.bytes(), [0xe9, 0, 0, 0, 0, 0x0f, 0x8f, 0, 0, 0, 0, 0xe8, 0, 0, 0, 0]);
    assert_eq!((jump, conditional, call), (1, 7, 12));
}

#[test]
fn an_external_displacement_can_lead_to_the_end_of_the_code() {
    let mut a = Assembler::new();
    let jump = a.jcc_external(Cond::G);
    a.nop(200);
    a.set_displacement(jump);
    a.ret();
    assert_eq!(read(a.bytes(), 0, 6), ("jg".to_owned(), 206));
}

#[test]
fn data_may_be_longer_than_the_buffer() {
    let mut a = Assembler::new();
    a.ret();
    let data: Vec<u8> = (0..10_000).map(|n| n as u8).collect();
    a.data(&data);
    a.data(&[]);
    a.ret();
    assert_eq!((a.bytes()[0], &a.bytes()[1..10_001], a.bytes()[10_001]), (0xc3, data.as_slice(), 0xc3));
    assert_eq!(a.offset(), 10_002);
}

#[test]
fn truncated_code_and_its_jumps_are_gone() {
    let mut a = Assembler::new();
    let (bound, lost) = (a.new_label(), a.new_label());
    a.jmp(bound);
    let end = a.offset();
    a.jmp(lost);
    a.truncate(end);
    a.ret();
    a.bind(bound);
    assert_eq!(a.finish(), Ok(()));
    assert_eq!(a.bytes(), [0xe9, 1, 0, 0, 0, 0xc3]);
}

#[test]
fn clear_forgets_code_labels_and_errors() {
    let mut a = Assembler::new();
    let label = a.new_label();
    a.jmp(label);
    assert_eq!(a.finish(), Err(AsmError::Unbound(1)));
    a.clear();
    assert_eq!(a.finish(), Ok(()));
    assert_eq!(a.offset(), 0);
    a.ret();
    assert_eq!(a.bytes(), [0xc3]);
}

#[test]
fn a_label_is_bound_once() {
    let mut a = Assembler::new();
    let label = a.new_label();
    assert_eq!(a.label_offset(label), None);
    a.ret();
    a.bind(label);
    assert_eq!(a.label_offset(label), Some(1));
    a.bind(label);
    assert_eq!(a.finish(), Err(AsmError::BoundTwice(1)));
}

#[test]
fn instructions_that_do_not_exist_are_reported_and_emit_nothing() {
    const RSP_INDEX: Mem = Mem::indexed(Gpr::Rax, Gpr::Rsp, Scale::One, 0);
    type Emit = fn(&mut Assembler);
    let cases: &[(&str, Emit)] = &[
        ("legacy index", |a| a.mov(Size::Qword, Gpr::Rax, RSP_INDEX)),
        ("VEX index", |a| a.vmov_load(Fp::Double, Xmm::Xmm0, RSP_INDEX)),
        ("lock cmp", |a| a.lock_alu_store(Alu::Cmp, Size::Qword, Mem::absolute(0), Gpr::Rax)),
        ("lock cmp imm", |a| a.lock_alu_imm(Alu::Cmp, Size::Qword, Mem::absolute(0), 0)),
        ("movsx down", |a| a.movsx(Size::Qword, Size::Dword, Gpr::Rax, Gpr::Rcx)),
        ("lea", |a| a.lea(Size::Byte, Gpr::Rax, Mem::absolute(0))),
        ("imul", |a| a.imul(Size::Byte, Gpr::Rax, Gpr::Rcx)),
        ("imul imm", |a| a.imul_imm(Size::Byte, Gpr::Rax, Gpr::Rcx, 1)),
        ("sign", |a| a.sign_extend_rax(Size::Byte)),
        ("cmov", |a| a.cmov(Cond::E, Size::Byte, Gpr::Rax, Gpr::Rcx)),
        ("rolx", |a| a.shift_x(Shift::Rol, Size::Qword, Gpr::Rax, Gpr::Rcx, Gpr::Rdx)),
        ("shlx", |a| a.shift_x(Shift::Shl, Size::Word, Gpr::Rax, Gpr::Rcx, Gpr::Rdx)),
        ("shld", |a| a.shld(Size::Byte, Gpr::Rax, Gpr::Rcx, 1)),
        ("bswap", |a| a.bswap(Size::Word, Gpr::Rax)),
        ("lzcnt", |a| a.lzcnt(Size::Byte, Gpr::Rax, Gpr::Rcx)),
        ("vmovd", |a| a.vmov_to_gpr(Size::Word, Gpr::Rax, Xmm::Xmm0)),
        ("vcvt", |a| a.vcvt_int(ToInt::Truncate, Fp::Single, Size::Word, Gpr::Rax, Xmm::Xmm0)),
        ("vpsll", |a| a.vpsll_imm(Size::Byte, Xmm::Xmm0, Xmm::Xmm0, 1)),
    ];
    for (name, emit) in cases {
        let mut a = Assembler::new();
        emit(&mut a);
        assert_eq!(a.offset(), 0, "{name}");
        assert!(matches!(a.finish(), Err(AsmError::NoForm(_))), "{name}");
    }
}

#[test]
fn conditions_negate_and_swap() {
    use std::cmp::Ordering;
    // The flags of a comparison, as the conditions read them.
    let holds = |cond: Cond, (a, b): (i8, i8)| {
        let (unsigned, signed) = ((a as u8).cmp(&(b as u8)), a.cmp(&b));
        match cond {
            Cond::B => unsigned == Ordering::Less,
            Cond::A => unsigned == Ordering::Greater,
            Cond::L => signed == Ordering::Less,
            Cond::G => signed == Ordering::Greater,
            Cond::Ae => unsigned != Ordering::Less,
            Cond::Be => unsigned != Ordering::Greater,
            Cond::Ge => signed != Ordering::Less,
            Cond::Le => signed != Ordering::Greater,
            Cond::E => signed == Ordering::Equal,
            Cond::Ne => signed != Ordering::Equal,
            _ => panic!("{cond:?} is no order"),
        }
    };
    let orders = [Cond::B, Cond::A, Cond::L, Cond::G, Cond::Ae, Cond::Be, Cond::Ge, Cond::Le, Cond::E, Cond::Ne];
    for cond in orders {
        for pair in [(0, 0), (1, 2), (2, 1), (-1, 1), (1, -1), (-128, 127), (127, -128)] {
            assert_eq!(holds(cond.negate(), pair), !holds(cond, pair), "{cond:?} {pair:?}");
            assert_eq!(holds(cond.swap(), (pair.1, pair.0)), holds(cond, pair), "{cond:?} {pair:?}");
        }
    }
    for cond in Cond::ALL {
        assert_eq!(cond.negate().negate(), cond);
        assert_ne!(cond.negate(), cond);
    }
}

#[test]
fn registers_have_numbers() {
    for n in 0..=255 {
        assert_eq!(Gpr::from_number(n).map(Gpr::number), (n < 16).then_some(n));
        assert_eq!(Xmm::from_number(n).map(Xmm::number), (n < 16).then_some(n));
    }
    assert_eq!(Gpr::from_number(4), Some(Gpr::Rsp));
    assert_eq!([Size::Byte, Size::Word, Size::Dword, Size::Qword].map(Size::bytes), [1, 2, 4, 8]);
}
