//! Mutants that no program can tell from what they are mutants of, and why.

use crate::mutant::Mutant;

/// Why nobody can tell, if that is so.
pub fn reason(_: &Mutant) -> Option<&'static str> {
    None
}
