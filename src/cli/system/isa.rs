//! The ISA of the harts, from `-cpu` or from an ISA string.

use super::{CliError, SystemError, SystemOptions};
use crate::guest::riscv::profiles::CpuModel;
use remu_isa::{Ext, ExtSet, Isa, Xlen};

/// Why an ISA string is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum IsaError {
    /// It does not begin with a base ISA.
    #[error("an ISA string begins with rv32i, rv64i, rv32g or rv64g")]
    Base,
    /// An unknown extension.
    #[error("no extension '{0}'")]
    Unknown(String),
    /// An extension that is not implemented.
    #[error("extension {0} is not implemented yet")]
    Missing(Ext),
}

/// The ISA of the harts. `wanted` is the register width of the program, if known.
pub(super) fn of(options: &SystemOptions, wanted: Option<Xlen>) -> Result<Isa, SystemError> {
    if let Some(string) = &options.isa {
        return parse(string).map_err(|error| SystemError::Isa { string: string.clone(), error });
    }
    let spec = options.cpu.as_deref().unwrap_or("max");
    // QEMU names its 32-bit CPU models like the 64-bit ones.
    let (xlen, spec) = match spec.strip_prefix("rv32") {
        Some(rest) => (Xlen::Rv32, format!("rv64{rest}")),
        None => (wanted.unwrap_or(Xlen::Rv64), spec.to_owned()),
    };
    let model = CpuModel::parse(&spec).map_err(|error| CliError::Cpu { source_name: "-cpu".to_owned(), error })?;
    // The models describe what user programs see.
    Ok(complete(xlen, model.exts.with(Ext::S).with(Ext::Svinval)))
}

/// Adds what CPU models and ISA strings leave implicit: machine mode, and on RV32 Zcf if C and F are present.
fn complete(xlen: Xlen, exts: ExtSet) -> Isa {
    let has_zcf = xlen == Xlen::Rv32 && exts.contains(Ext::C) && exts.contains(Ext::F);
    let exts = exts.with(Ext::Sm).with_implied();
    Isa::new(xlen, if has_zcf { exts.with(Ext::Zcf) } else { exts })
}

/// Parses an ISA string: the base, single letters, then longer names, each after an underscore that the first name may
/// omit.
fn parse(string: &str) -> Result<Isa, IsaError> {
    let string = string.to_ascii_lowercase();
    let (xlen, rest) = match (string.strip_prefix("rv32"), string.strip_prefix("rv64")) {
        (Some(rest), _) => (Xlen::Rv32, rest),
        (_, Some(rest)) => (Xlen::Rv64, rest),
        _ => return Err(IsaError::Base),
    };
    if !rest.starts_with(['i', 'g']) {
        return Err(IsaError::Base);
    }
    let letters = rest.find(['_', 'z', 's', 'x']).unwrap_or(rest.len());
    let mut exts = ExtSet::default();
    for letter in rest[..letters].chars() {
        exts = match letter {
            'g' => {
                [Ext::I, Ext::M, Ext::A, Ext::F, Ext::D, Ext::Zicsr, Ext::Zifencei].into_iter().fold(exts, ExtSet::with)
            }
            // User mode is always present.
            'u' => exts,
            other => exts.with(find(&other.to_string())?),
        };
    }
    for name in rest[letters..].split('_').filter(|name| !name.is_empty()) {
        exts = exts.with(find(name)?);
    }
    Ok(complete(xlen, exts))
}

fn find(name: &str) -> Result<Ext, IsaError> {
    let ext = Ext::from_name(name).ok_or_else(|| IsaError::Unknown(name.to_owned()))?;
    if ext.implemented() { Ok(ext) } else { Err(IsaError::Missing(ext)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn isa_strings_are_parsed() {
        let isa = parse("rv64gc_zba_Zbb").unwrap();
        assert!(isa.xlen == Xlen::Rv64 && [Ext::D, Ext::Zcd, Ext::Zba, Ext::Zbb].iter().all(|&e| isa.exts.contains(e)));
        assert!(!isa.exts.contains(Ext::Zcf) && !isa.exts.contains(Ext::S));
        assert!(parse("rv64gc_svinval").unwrap().exts.contains(Ext::S), "implied");
        assert_eq!(parse("rv64imafdczicsr_zifencei_zba_zbb").unwrap().exts, isa.exts);
        let isa = parse("RV32IMAFUC").unwrap();
        assert!(isa.xlen == Xlen::Rv32 && isa.exts.contains(Ext::Zcf) && !isa.exts.contains(Ext::D));
    }

    #[test]
    fn errors_name_the_extension() {
        for (string, error) in [
            ("rv128i", IsaError::Base),
            ("rv64", IsaError::Base),
            ("rv64e", IsaError::Base),
            ("rv64iq", IsaError::Unknown("q".into())),
            ("rv64i_zfoo", IsaError::Unknown("zfoo".into())),
            ("rv64gcv", IsaError::Missing(Ext::V)),
        ] {
            assert_eq!(parse(string), Err(error), "{string}");
        }
    }
}
