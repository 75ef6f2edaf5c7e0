//! Tests of tables and bit patterns: constants, classes, boxing, modes. The arithmetic is tested against SoftFloat in
//! `tests/fp_vectors.rs`.

use super::*;

const FORMATS: [Fmt; 3] = [Fmt::H, Fmt::S, Fmt::D];

#[test]
fn fli_loads_the_constants_of_the_manual() {
    // Table "FLI encodings" of the Zfa chapter, as the manual writes the values.
    let manual: [(usize, f64); 29] = [
        (0, -1.0),
        (2, 2f64.powi(-16)),
        (3, 2f64.powi(-15)),
        (4, 2f64.powi(-8)),
        (5, 2f64.powi(-7)),
        (6, 0.0625),
        (7, 0.125),
        (8, 0.25),
        (9, 0.3125),
        (10, 0.375),
        (11, 0.4375),
        (12, 0.5),
        (13, 0.625),
        (14, 0.75),
        (15, 0.875),
        (16, 1.0),
        (17, 1.25),
        (18, 1.5),
        (19, 1.75),
        (20, 2.0),
        (21, 2.5),
        (22, 3.0),
        (23, 4.0),
        (24, 8.0),
        (25, 16.0),
        (26, 2f64.powi(7)),
        (27, 2f64.powi(8)),
        (28, 2f64.powi(15)),
        (29, 2f64.powi(16)),
    ];
    for (index, value) in manual {
        assert_eq!(fli(Fmt::D, index as u8), value.to_bits(), "fli.d {index}");
        assert_eq!(fli(Fmt::S, index as u8), u64::from((value as f32).to_bits()), "fli.s {index}");
    }
    assert_eq!(fli(Fmt::D, 1), f64::MIN_POSITIVE.to_bits());
    assert_eq!(fli(Fmt::S, 1), u64::from(f32::MIN_POSITIVE.to_bits()));
    for fmt in FORMATS {
        assert_eq!(fli(fmt, 30), fmt.infinity());
        assert_eq!(fli(fmt, 31), canonical_nan(fmt));
    }
    let half: [u64; 32] = [
        0xbc00, 0x0400, 0x0100, 0x0200, 0x1c00, 0x2000, 0x2c00, 0x3000, 0x3400, 0x3500, 0x3600, 0x3700, 0x3800, 0x3900,
        0x3a00, 0x3b00, 0x3c00, 0x3d00, 0x3e00, 0x3f00, 0x4000, 0x4100, 0x4200, 0x4400, 0x4800, 0x4c00, 0x5800, 0x5c00,
        0x7800, 0x7c00, 0x7c00, 0x7e00,
    ];
    for (index, bits) in half.into_iter().enumerate() {
        assert_eq!(fli(Fmt::H, index as u8), bits, "fli.h {index}");
    }
}

#[test]
fn class_tells_the_ten_classes_apart() {
    for fmt in FORMATS {
        let (sign, inf) = (fmt.sign_bit(), fmt.infinity());
        let smallest_normal = fli(fmt, 1);
        let classes: [(u64, &[u64]); 10] = [
            (0, &[sign | inf]),
            (1, &[sign | (inf - 1), sign | smallest_normal]),
            (2, &[sign | (smallest_normal - 1), sign | 1]),
            (3, &[sign]),
            (4, &[0]),
            (5, &[1, smallest_normal - 1]),
            (6, &[smallest_normal, inf - 1]),
            (7, &[inf]),
            (8, &[inf + 1, sign | (inf + 1), canonical_nan(fmt) - 1]),
            (9, &[canonical_nan(fmt), sign | canonical_nan(fmt), canonical_nan(fmt) + 1]),
        ];
        for (bit, numbers) in classes {
            for &v in numbers {
                assert_eq!(class(fmt, v), 1 << bit, "{fmt:?} {v:#x}");
                assert_eq!(fmt.is_nan(v), bit >= 8, "{fmt:?} {v:#x}");
                assert_eq!(fmt.is_signalling(v), bit == 8, "{fmt:?} {v:#x}");
            }
        }
    }
}

#[test]
fn boxing_fills_and_checks_the_upper_bits() {
    assert_eq!(box_bits(Fmt::H, 0x3c00), 0xffff_ffff_ffff_3c00);
    assert_eq!(box_bits(Fmt::S, 0x3f80_0000), 0xffff_ffff_3f80_0000);
    assert_eq!(box_bits(Fmt::D, 1), 1);
    for fmt in FORMATS {
        for v in [0, 1, fmt.infinity(), canonical_nan(fmt), fmt.sign_bit()] {
            assert_eq!(unbox(fmt, box_bits(fmt, v)), v);
        }
    }
    for bit in 16..64 {
        assert_eq!(unbox(Fmt::H, box_bits(Fmt::H, 0x3c00) ^ 1 << bit), 0x7e00);
    }
    for bit in 32..64 {
        assert_eq!(unbox(Fmt::S, box_bits(Fmt::S, 0x3f80_0000) ^ 1 << bit), 0x7fc0_0000);
    }
}

#[test]
fn rounding_mode_fields_resolve_as_the_manual_says() {
    for rm in Rm::ALL {
        assert_eq!(Rm::from_bits(rm.bits()), Some(rm));
        assert_eq!(RmField(rm.bits()).resolve(7), Some(rm), "a static mode ignores frm");
        assert_eq!(RmField::DYNAMIC.resolve(rm.bits()), Some(rm));
    }
    for reserved in 5..=7 {
        assert_eq!(RmField::DYNAMIC.resolve(reserved), None);
    }
    for reserved in 5..=6 {
        assert_eq!(RmField(reserved).resolve(0), None);
    }
}

#[test]
fn sign_injection_leaves_the_rest_alone() {
    for fmt in FORMATS {
        let s = fmt.sign_bit();
        let nan = fmt.infinity() + 1;
        assert_eq!(sgnj(fmt, Sgnj::Copy, nan, s), nan | s);
        assert_eq!(sgnj(fmt, Sgnj::Copy, nan | s, 1), nan);
        assert_eq!(sgnj(fmt, Sgnj::Negate, nan, s), nan);
        assert_eq!(sgnj(fmt, Sgnj::Negate, nan, 0), nan | s);
        assert_eq!(sgnj(fmt, Sgnj::Xor, nan | s, s), nan);
        assert_eq!(sgnj(fmt, Sgnj::Xor, nan, s), nan | s);
        assert_eq!(negate(fmt, nan), nan | s);
    }
}

#[test]
fn host_flags_and_modes_convert_both_ways() {
    for bits in 0..32 {
        let guest = Flags(bits);
        for rm in [Rm::Rne, Rm::Rtz, Rm::Rdn, Rm::Rup] {
            let mxcsr = host::for_guest(rm, guest);
            assert_eq!(host::flags(mxcsr), guest);
            assert_eq!(host::mode(mxcsr.rounding()), rm);
            assert_eq!(crate::host::fp::Mxcsr::from_bits(mxcsr.bits() | 0xffff_8040), mxcsr);
        }
    }
    let saved = host::enter(Rm::Rup, Flags::DZ);
    host::raise(Flags::NX);
    let inside = crate::host::fp::Mxcsr::read();
    let accrued = host::leave(saved);
    assert_eq!(host::mode(inside.rounding()), Rm::Rup);
    assert_eq!(accrued, Flags::DZ | Flags::NX);
    assert_eq!(crate::host::fp::Mxcsr::read(), saved);
}

#[test]
fn fused_operations_are_used_once_detected() {
    use crate::host::fp as unit;
    if unit::has_fma() {
        let [two, three, seven] = [2.0f64, 3.0, 7.0].map(f64::to_bits);
        assert_eq!(unit::fma_f64(two, two, three), Some(seven));
    } else {
        assert_eq!(unit::fma_f64(0, 0, 0), None);
    }
}
