//! CPU models: which extensions a guest CPU has, and how a program learns of them. A model is the name of a profile
//! and switches. The table here feeds `-cpu`, AT_HWCAP, riscv_hwprobe and the isa line of /proc/cpuinfo, so they
//! cannot disagree.

use remu_isa::{Ext, ExtKind, ExtSet};

/// The default model: every implemented extension.
pub const DEFAULT_MODEL: &str = "max";

/// A named set of extensions.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// The name that `-cpu` takes.
    pub name: &'static str,
    /// A short description.
    pub summary: &'static str,
    /// The mandatory extensions; `None` means every implemented extension.
    mandatory: Option<&'static [&'static [Ext]]>,
}

/// RV64GC without what a profile adds.
const IMAFDC: &[Ext] = &[Ext::I, Ext::M, Ext::A, Ext::F, Ext::D, Ext::C, Ext::Zicsr];
/// RVA20U64, "Mandatory Extensions", beyond [`IMAFDC`].
const RVA20: &[Ext] = &[Ext::Zicntr, Ext::Ziccif, Ext::Ziccrse, Ext::Ziccamoa, Ext::Za128rs, Ext::Zicclsm];
/// What RVA22U64 adds.
const RVA22: &[Ext] = &[
    Ext::Zihpm,
    Ext::Za64rs,
    Ext::Zihintpause,
    Ext::Zba,
    Ext::Zbb,
    Ext::Zbs,
    Ext::Zic64b,
    Ext::Zicbom,
    Ext::Zicbop,
    Ext::Zicboz,
    Ext::Zfhmin,
    Ext::Zkt,
];
/// What RVA23U64 adds.
const RVA23: &[Ext] = &[
    Ext::V,
    Ext::Zvfhmin,
    Ext::Zvbb,
    Ext::Zvkt,
    Ext::Zihintntl,
    Ext::Zicond,
    Ext::Zimop,
    Ext::Zcmop,
    Ext::Zcb,
    Ext::Zfa,
    Ext::Zawrs,
    Ext::Supm,
];
/// The extensions of QEMU's generic model beyond RV64GC that a program can use.
const GENERIC: &[Ext] = &[
    Ext::Zicntr,
    Ext::Zihpm,
    Ext::Zicbom,
    Ext::Zicboz,
    Ext::Zihintntl,
    Ext::Zihintpause,
    Ext::Zawrs,
    Ext::Zfa,
    Ext::Zba,
    Ext::Zbb,
    Ext::Zbc,
    Ext::Zbs,
];

/// Every model, the default first.
pub const PROFILES: &[Profile] = &[
    Profile { name: DEFAULT_MODEL, summary: "everything that is implemented (the default)", mandatory: None },
    Profile {
        name: "rv64gc",
        summary: "the base of Linux distributions: IMAFDC, Zicsr, Zifencei",
        mandatory: Some(&[IMAFDC, &[Ext::Zifencei, Ext::Zicntr]]),
    },
    Profile {
        name: "rv64",
        summary: "rv64gc and what QEMU's generic model adds to it",
        mandatory: Some(&[IMAFDC, &[Ext::Zifencei], GENERIC]),
    },
    Profile { name: "rva20u64", summary: "the profile RVA20U64", mandatory: Some(&[IMAFDC, RVA20]) },
    Profile { name: "rva22u64", summary: "the profile RVA22U64", mandatory: Some(&[IMAFDC, RVA20, RVA22]) },
    Profile { name: "rva23u64", summary: "the profile RVA23U64", mandatory: Some(&[IMAFDC, RVA20, RVA22, RVA23]) },
];

impl Profile {
    /// The extensions of this model that are not implemented yet. The model can be chosen only if there are none.
    pub fn missing(&self) -> ExtSet {
        let listed = self.mandatory.unwrap_or_default().iter().copied().flatten().copied();
        listed.filter(|&e| support(e) == Support::Missing).collect()
    }

    /// The model's extensions and those they imply.
    pub fn exts(&self) -> ExtSet {
        let listed: ExtSet = match self.mandatory {
            Some(lists) => lists.iter().copied().flatten().copied().collect(),
            None => Ext::ALL.into_iter().filter(|&e| support(e) == Support::Standard).collect(),
        };
        listed.with_implied()
    }
}

/// Whether a guest CPU can have an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// The default model has it.
    Standard,
    /// It can be switched on.
    OnRequest,
    /// Not implemented yet.
    Missing,
    /// A privileged extension, or one of another register width: it cannot be switched on for a user program's CPU.
    NotForPrograms,
}

/// Whether a guest CPU can have `ext`.
pub fn support(ext: Ext) -> Support {
    // Machine-level and supervisor-level extensions have names that begin with S. So does pointer masking for
    // programs.
    let privileged = (ext.name().starts_with('S') && ext != Ext::Supm) || matches!(ext, Ext::H | Ext::Zkr | Ext::Zcf);
    match ext.kind() {
        _ if privileged => Support::NotForPrograms,
        ExtKind::Absent => Support::Missing,
        ExtKind::Instructions => Support::Standard,
        ExtKind::Property => match ext {
            // An x86-64 host provides it. It is not announced because other hosts will not.
            Ext::Ztso => Support::OnRequest,
            // Atomic misaligned accesses, pointer masking, and a guarantee about vector instructions.
            Ext::Zama16b | Ext::Supm | Ext::Zvkt => Support::Missing,
            _ => Support::Standard,
        },
    }
}

/// The extensions that riscv_hwprobe's key IMA_EXT_0 has a bit for (uapi/asm/hwprobe.h).
const HWPROBE_IMA_EXT_0: &[(Ext, u32)] = &[
    (Ext::D, 0),
    (Ext::C, 1),
    (Ext::V, 2),
    (Ext::Zba, 3),
    (Ext::Zbb, 4),
    (Ext::Zbs, 5),
    (Ext::Zicboz, 6),
    (Ext::Zbc, 7),
    (Ext::Zbkb, 8),
    (Ext::Zbkc, 9),
    (Ext::Zbkx, 10),
    (Ext::Zknd, 11),
    (Ext::Zkne, 12),
    (Ext::Zknh, 13),
    (Ext::Zksed, 14),
    (Ext::Zksh, 15),
    (Ext::Zkt, 16),
    (Ext::Zvbb, 17),
    (Ext::Zvbc, 18),
    (Ext::Zvkb, 19),
    (Ext::Zvkg, 20),
    (Ext::Zvkned, 21),
    (Ext::Zvknha, 22),
    (Ext::Zvknhb, 23),
    (Ext::Zvksed, 24),
    (Ext::Zvksh, 25),
    (Ext::Zvkt, 26),
    (Ext::Zfh, 27),
    (Ext::Zfhmin, 28),
    (Ext::Zihintntl, 29),
    (Ext::Zvfh, 30),
    (Ext::Zvfhmin, 31),
    (Ext::Zfa, 32),
    (Ext::Ztso, 33),
    (Ext::Zacas, 34),
    (Ext::Zicond, 35),
    (Ext::Zihintpause, 36),
    (Ext::Zve32x, 37),
    (Ext::Zve32f, 38),
    (Ext::Zve64x, 39),
    (Ext::Zve64f, 40),
    (Ext::Zve64d, 41),
    (Ext::Zimop, 42),
    (Ext::Zca, 43),
    (Ext::Zcb, 44),
    (Ext::Zcd, 45),
    (Ext::Zcf, 46),
    (Ext::Zcmop, 47),
    (Ext::Zawrs, 48),
    (Ext::Supm, 49),
    (Ext::Zicntr, 50),
    (Ext::Zihpm, 51),
    (Ext::Zfbfmin, 52),
    (Ext::Zvfbfmin, 53),
    (Ext::Zvfbfwma, 54),
    (Ext::Zicbom, 55),
    (Ext::Zaamo, 56),
    (Ext::Zalrsc, 57),
    (Ext::Zabha, 58),
    (Ext::Zicbop, 60),
];

/// The value of riscv_hwprobe's key 4, IMA_EXT_0. Its bit 0 stands for F and D together.
pub fn hwprobe_ima_ext0(exts: ExtSet) -> u64 {
    HWPROBE_IMA_EXT_0.iter().filter(|&&(e, _)| exts.contains(e)).map(|&(_, bit)| 1 << bit).sum()
}

/// The value of riscv_hwprobe's key 3, BASE_BEHAVIOR: bit 0 for IMA.
pub fn hwprobe_base_behavior(exts: ExtSet) -> u64 {
    [Ext::I, Ext::M, Ext::A].into_iter().all(|e| exts.contains(e)).into()
}

/// AT_HWCAP: a bit per single-letter extension that the kernel announces there.
pub fn hwcap(exts: ExtSet) -> u64 {
    let letters =
        [(Ext::I, 'i'), (Ext::M, 'm'), (Ext::A, 'a'), (Ext::F, 'f'), (Ext::D, 'd'), (Ext::C, 'c'), (Ext::V, 'v')];
    letters.into_iter().filter(|&(e, _)| exts.contains(e)).map(|(_, letter)| 1 << (letter as u32 - 'a' as u32)).sum()
}

/// The isa line of /proc/cpuinfo: `rv64imafdc_zicbom_…` in the canonical order. As in the kernel, B and Zmmul are not
/// listed.
pub fn isa_string(xlen: u32, exts: ExtSet) -> String {
    let mut s = format!("rv{xlen}");
    for ext in exts.iter().filter(|&e| !matches!(e, Ext::B | Ext::Zmmul | Ext::S | Ext::Sm)) {
        let name = ext.name();
        if name.len() > 1 {
            s.push('_');
        }
        s.extend(name.chars().map(|c| c.to_ascii_lowercase()));
    }
    s
}

/// What is wrong with a `-cpu` argument.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CpuError {
    /// No such model.
    #[error("no CPU model '{0}'; -cpu list shows them")]
    UnknownModel(String),
    /// Some of the model's mandatory extensions are not implemented.
    #[error("CPU model {model} needs {missing}, not implemented yet")]
    Incomplete {
        /// The model.
        model: &'static str,
        /// What is missing.
        missing: String,
    },
    /// No such extension or property.
    #[error("no extension '{0}'; -cpu list shows them")]
    UnknownExtension(String),
    /// The extension has instructions that are not implemented.
    #[error("extension {0} is not implemented yet")]
    NotImplemented(&'static str),
    /// The extension is not one that a program can use.
    #[error("extension {0} is not for programs; only a whole machine has it")]
    NotForPrograms(&'static str),
    /// Not `NAME=on` or `NAME=off`.
    #[error("'{0}': write NAME=on or NAME=off")]
    BadSwitch(String),
    /// The base cannot be switched off.
    #[error("the base instruction set I cannot be switched off")]
    Base,
    /// Two switches that exclude each other.
    #[error("{0}={1} contradicts the other switches")]
    Contradiction(&'static str, &'static str),
}

/// A guest CPU: a model and its switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuModel {
    /// The model's name.
    pub name: &'static str,
    /// Everything it has, implied extensions included.
    pub exts: ExtSet,
}

impl Default for CpuModel {
    fn default() -> Self {
        Self { name: DEFAULT_MODEL, exts: PROFILES[0].exts() }
    }
}

impl CpuModel {
    /// Parses `MODEL[,EXT=on|off]…`; `+ext` and `-ext` are short for `ext=on` and `ext=off`.
    ///
    /// Switching an extension on also switches on those it implies; switching one off also switches off those that
    /// need it.
    pub fn parse(spec: &str) -> Result<Self, CpuError> {
        let mut words = spec.split(',');
        let name = words.next().unwrap_or_default();
        let profile = PROFILES
            .iter()
            .find(|p| p.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| CpuError::UnknownModel(name.into()))?;
        if !profile.missing().is_empty() {
            return Err(CpuError::Incomplete { model: profile.name, missing: join(profile.missing()) });
        }
        let switches = words.map(switch).collect::<Result<Vec<_>, _>>()?;
        let mut exts = profile.exts();
        for &(ext, on) in &switches {
            exts = if on {
                exts.with(ext).with_implied()
            } else {
                let whole = exts.without_dependents(ext);
                // Zmmul is a part of M and does not depend on it, but m=off disables both.
                if ext == Ext::M { whole.without_dependents(Ext::Zmmul) } else { whole }
            };
        }
        match switches.iter().find(|&&(ext, on)| exts.contains(ext) != on) {
            Some(&(ext, on)) => Err(CpuError::Contradiction(ext.name(), if on { "on" } else { "off" })),
            None => Ok(Self { name: profile.name, exts }),
        }
    }
}

fn switch(word: &str) -> Result<(Ext, bool), CpuError> {
    let (name, on) = match (word.strip_prefix('+'), word.strip_prefix('-'), word.split_once('=')) {
        (Some(name), ..) => (name, true),
        (_, Some(name), _) => (name, false),
        (.., Some((name, "on" | "true" | "yes" | "y"))) => (name, true),
        (.., Some((name, "off" | "false" | "no" | "n"))) => (name, false),
        (.., Some((name, _))) if Ext::from_name(name).is_none() => {
            return Err(CpuError::UnknownExtension(name.into()));
        }
        _ => return Err(CpuError::BadSwitch(word.into())),
    };
    let ext = Ext::from_name(name).ok_or_else(|| CpuError::UnknownExtension(name.into()))?;
    match support(ext) {
        Support::NotForPrograms => Err(CpuError::NotForPrograms(ext.name())),
        Support::Missing if on => Err(CpuError::NotImplemented(ext.name())),
        _ if ext == Ext::I && !on => Err(CpuError::Base),
        _ => Ok((ext, on)),
    }
}

/// Names in canonical order, for a message.
pub fn join(exts: ExtSet) -> String {
    exts.iter().map(Ext::name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(spec: &str) -> ExtSet {
        CpuModel::parse(spec).unwrap_or_else(|e| panic!("{spec}: {e}")).exts
    }

    fn error(spec: &str) -> String {
        CpuModel::parse(spec).expect_err(spec).to_string()
    }

    #[test]
    fn every_profile_is_complete_or_says_what_is_missing() {
        for p in PROFILES {
            match CpuModel::parse(p.name) {
                Ok(m) => assert!(p.missing().is_empty() && m.exts.iter().all(|e| support(e) != Support::Missing)),
                Err(e) => assert!(!p.missing().is_empty() && e.to_string().contains(p.name)),
            }
        }
        assert!(!CpuModel::default().exts.contains(Ext::S), "a program has no supervisor instructions");
    }

    #[test]
    fn profiles_include_their_predecessors() {
        let [rva20, rva22] = ["rva20u64", "rva22u64"].map(model);
        assert!(rva20.is_subset(rva22) && rva22.is_subset(model("max")));
        assert!(!rva20.contains(Ext::Zba) && !rva20.contains(Ext::Zifencei) && rva22.contains(Ext::B));
        assert!(model("rv64gc").contains(Ext::Zifencei));
    }

    #[test]
    fn switches_carry_implied_and_dependent_extensions_along() {
        assert!(model("rv64gc,zba=on").contains(Ext::Zba));
        assert!(model("rv64gc,+Zfa,-zifencei").contains(Ext::Zfa));
        let no_f = model("max,f=off");
        assert!([Ext::F, Ext::D, Ext::Zfh, Ext::Zcd, Ext::Zfa].into_iter().all(|e| !no_f.contains(e)));
        assert!(no_f.contains(Ext::Zicsr) && no_f.contains(Ext::Zca));
        let no_m = model("rv64gc,m=off");
        assert!(!no_m.contains(Ext::M) && !no_m.contains(Ext::Zmmul));
        let no_c = model("max,c=off");
        assert!([Ext::C, Ext::Zca, Ext::Zcb, Ext::Zcd].into_iter().all(|e| !no_c.contains(e)));
        assert!(model("rv64gc,zba=on,zbb=on,zbs=on").contains(Ext::B));
    }

    #[test]
    fn errors_name_the_unusable_extension() {
        assert_eq!(error("rv128"), "no CPU model 'rv128'; -cpu list shows them");
        assert_eq!(error("max,zfoo=on"), "no extension 'zfoo'; -cpu list shows them");
        assert_eq!(error("max,zba=maybe"), "'zba=maybe': write NAME=on or NAME=off");
        assert_eq!(error("max,zba"), "'zba': write NAME=on or NAME=off");
        assert_eq!(error("max,svinval=on"), "extension Svinval is not for programs; only a whole machine has it");
        assert_eq!(error("max,i=off"), "the base instruction set I cannot be switched off");
        assert_eq!(error("max,d=on,f=off"), "D=on contradicts the other switches");
        assert_eq!(error("max,zknd=on"), "extension Zknd is not implemented yet");
        assert!(model("max,v=off") == model("max"), "switching off an absent extension is not an error");
    }

    #[test]
    fn hwcap_hwprobe_and_isa_line_agree() {
        let gc = model("rv64gc");
        assert_eq!(hwcap(gc), 0x112d);
        assert_eq!(hwcap(model("rv64gc,c=off,d=off,f=off")), 0x1101);
        assert_eq!(isa_string(64, gc), "rv64imafdc_zicntr_zicsr_zifencei_zaamo_zalrsc_zca_zcd");
        let bits = hwprobe_ima_ext0(gc);
        assert_eq!(bits, 1 | 1 << 1 | 1 << 43 | 1 << 45 | 1 << 50 | 1 << 56 | 1 << 57);
        assert_eq!(hwprobe_ima_ext0(model("rv64gc,zba=on")), bits | 1 << 3);
        assert_eq!((hwprobe_base_behavior(gc), hwprobe_base_behavior(model("rv64gc,a=off"))), (1, 0));
    }

    #[test]
    fn hwprobe_bits_are_distinct() {
        let all: std::collections::BTreeSet<u32> = HWPROBE_IMA_EXT_0.iter().map(|r| r.1).collect();
        assert_eq!(all.len(), HWPROBE_IMA_EXT_0.len());
        assert!(all.iter().all(|&b| b < 64));
    }
}
