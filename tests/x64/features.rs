//! The host's features and lists of those to leave unused.

use remu::jit::x64::HostFeatures;
use std::fs;

fn masked(list: &str) -> HostFeatures {
    HostFeatures::all().parse_mask(list).expect("the list is right")
}

#[test]
fn a_list_masks_features() {
    assert_eq!(masked(""), HostFeatures::all());
    assert_eq!(masked("-bmi2"), HostFeatures::all() - HostFeatures::BMI2);
    assert_eq!(masked("-bmi2,-fma"), HostFeatures::all() - HostFeatures::BMI2 - HostFeatures::FMA);
    assert_eq!(masked("-all"), HostFeatures::empty());
    assert_eq!(HostFeatures::empty().parse_mask("-bmi2"), Ok(HostFeatures::empty()));
}

#[test]
fn what_is_encoded_as_avx_goes_with_it() {
    let left = masked("-avx");
    assert!(!left.intersects(HostFeatures::AVX | HostFeatures::FMA | HostFeatures::F16C | HostFeatures::PCLMULQDQ));
    assert!(left.contains(HostFeatures::BMI2 | HostFeatures::SSE41));
}

#[test]
fn a_wrong_word_is_named() {
    for word in ["bmi2", "-bmi3", "+bmi2", "-", "- bmi2"] {
        let error = HostFeatures::all().parse_mask(&format!("-fma,{word}")).expect_err("it is wrong").to_string();
        let list = "-bmi1, -bmi2, -lzcnt, -popcnt, -sse4_1, -avx, -fma, -f16c, -pclmulqdq, -movbe, -cx16, -erms";
        assert_eq!(error, format!("unknown host feature '{word}': known are -all, {list}"));
    }
}

#[test]
fn features_are_shown_as_a_list() {
    let some = HostFeatures::BMI2 | HostFeatures::AVX | HostFeatures::CX16;
    assert_eq!(some.to_string(), "bmi2,avx,cx16");
    assert_eq!(HostFeatures::empty().to_string(), "");
}

#[test]
fn detection_agrees_with_the_kernel() {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").expect("the kernel describes the CPU");
    let flags = cpuinfo.lines().find(|line| line.starts_with("flags")).expect("flags");
    let found = HostFeatures::detect();
    for (flag, feature) in [
        ("bmi1", HostFeatures::BMI1),
        ("bmi2", HostFeatures::BMI2),
        ("abm", HostFeatures::LZCNT),
        ("popcnt", HostFeatures::POPCNT),
        ("sse4_1", HostFeatures::SSE41),
        ("avx", HostFeatures::AVX),
        ("fma", HostFeatures::FMA),
        ("f16c", HostFeatures::F16C),
        ("pclmulqdq", HostFeatures::PCLMULQDQ),
        ("movbe", HostFeatures::MOVBE),
        ("cx16", HostFeatures::CX16),
        ("erms", HostFeatures::ERMS),
    ] {
        assert_eq!(found.contains(feature), flags.split_whitespace().any(|f| f == flag), "{flag}");
    }
}
