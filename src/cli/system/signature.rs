//! The signature: the memory that an architectural test leaves for comparison.

use super::SystemError;
use super::engine::AnyEngine;
use crate::guest::riscv::Base;
use crate::machine::{BootPlan, Machine};
use std::path::Path;

/// The file for the signature, and the bytes per line.
pub(super) struct Signature<'a> {
    pub to: &'a Path,
    pub granularity: u64,
}

/// Writes the signature in the format of the architectural tests: lines of hexadecimal digits, the byte at the lowest
/// address last.
pub(super) fn write<B: Base>(
    machine: &Machine<B, AnyEngine<B>>,
    plan: &BootPlan<'_>,
    signature: &Signature<'_>,
    path: Option<&Path>,
) -> Result<(), SystemError> {
    let missing = |symbol| SystemError::NoSignature { path: path.unwrap_or(Path::new("")).into(), symbol };
    let find = |symbol| plan.image().and_then(|image| image.symbol(symbol)).ok_or_else(|| missing(symbol));
    let (begin, end) = (find("begin_signature")?, find("end_signature")?);
    let mut bytes = vec![0; usize::try_from(end.saturating_sub(begin)).unwrap_or(0)];
    machine.read(begin, &mut bytes).ok_or_else(|| missing("begin_signature"))?;
    let mut text = String::new();
    for line in bytes.chunks(signature.granularity as usize) {
        // Zeroes fill the last line.
        text.push_str(&"00".repeat(signature.granularity as usize - line.len()));
        line.iter().rev().for_each(|byte| text.push_str(&format!("{byte:02x}")));
        text.push('\n');
    }
    std::fs::write(signature.to, text).map_err(|error| SystemError::File { path: signature.to.into(), error })
}
