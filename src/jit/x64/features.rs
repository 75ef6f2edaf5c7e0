//! What the host CPU has beyond the x86-64 baseline.

use bitflags::bitflags;
use std::arch::is_x86_feature_detected as has;
use std::fmt;
use thiserror::Error;

bitflags! {
    /// The instruction-set extensions of the host CPU that emitted code may use.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct HostFeatures: u32 {
        /// andn, bextr, blsi, blsmsk, blsr, tzcnt.
        const BMI1 = 1 << 0;
        /// bzhi, mulx, pdep, pext, rorx, sarx, shlx, shrx.
        const BMI2 = 1 << 1;
        /// lzcnt.
        const LZCNT = 1 << 2;
        /// popcnt.
        const POPCNT = 1 << 3;
        /// SSE 4.1.
        const SSE41 = 1 << 4;
        /// All VEX instructions on XMM registers that no other feature stands for.
        const AVX = 1 << 5;
        /// Fused multiplication and addition.
        const FMA = 1 << 6;
        /// Half precision conversion.
        const F16C = 1 << 7;
        /// Carry-less multiplication, in the VEX encoding.
        const PCLMULQDQ = 1 << 8;
        /// movbe.
        const MOVBE = 1 << 9;
        /// cmpxchg16b.
        const CX16 = 1 << 10;
        /// Fast `rep movsb` and `rep stosb`.
        const ERMS = 1 << 11;
    }
}

/// The names in /proc/cpuinfo, but for lzcnt, which it calls abm.
const NAMES: &[(&str, HostFeatures)] = &[
    ("bmi1", HostFeatures::BMI1),
    ("bmi2", HostFeatures::BMI2),
    ("lzcnt", HostFeatures::LZCNT),
    ("popcnt", HostFeatures::POPCNT),
    ("sse4_1", HostFeatures::SSE41),
    ("avx", HostFeatures::AVX),
    ("fma", HostFeatures::FMA),
    ("f16c", HostFeatures::F16C),
    ("pclmulqdq", HostFeatures::PCLMULQDQ),
    ("movbe", HostFeatures::MOVBE),
    ("cx16", HostFeatures::CX16),
    ("erms", HostFeatures::ERMS),
];

/// A word in a list of features to mask that is not a dash and the name of a feature.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown host feature '{word}': known are -all, {}", names())]
pub struct UnknownFeature {
    word: String,
}

fn names() -> String {
    NAMES.iter().map(|(name, _)| format!("-{name}")).collect::<Vec<_>>().join(", ")
}

impl HostFeatures {
    /// The features that the CPU has and the kernel supports.
    pub fn detect() -> Self {
        let found = [
            (Self::BMI1, has!("bmi1")),
            (Self::BMI2, has!("bmi2")),
            (Self::LZCNT, has!("lzcnt")),
            (Self::POPCNT, has!("popcnt")),
            (Self::SSE41, has!("sse4.1")),
            (Self::AVX, has!("avx")),
            (Self::FMA, has!("fma")),
            (Self::F16C, has!("f16c")),
            (Self::PCLMULQDQ, has!("pclmulqdq")),
            (Self::MOVBE, has!("movbe")),
            (Self::CX16, has!("cmpxchg16b")),
            (Self::ERMS, has!("ermsb")),
        ];
        found.into_iter().filter(|(_, has)| *has).map(|(feature, _)| feature).collect::<Self>().closed()
    }

    /// Removes the features that a list such as `-bmi2,-fma` names. `-all` removes all.
    pub fn parse_mask(self, list: &str) -> Result<Self, UnknownFeature> {
        let mut left = self;
        for word in list.split(',').filter(|word| !word.is_empty()) {
            let name = word.strip_prefix('-').unwrap_or("");
            match NAMES.iter().find(|(known, _)| *known == name) {
                Some((_, feature)) => left.remove(*feature),
                None if name == "all" => left = Self::empty(),
                None => return Err(UnknownFeature { word: word.to_owned() }),
            }
        }
        Ok(left.closed())
    }

    /// Without AVX, removes the features whose instructions are encoded as VEX on XMM registers.
    fn closed(self) -> Self {
        if self.contains(Self::AVX) { self } else { self - Self::FMA - Self::F16C - Self::PCLMULQDQ }
    }
}

/// The names, separated by commas.
impl fmt::Display for HostFeatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, _) in NAMES.iter().filter(|(_, feature)| self.contains(*feature)) {
            write!(f, "{separator}{name}")?;
            separator = ",";
        }
        Ok(())
    }
}
