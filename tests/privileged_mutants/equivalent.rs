//! Mutants that change nothing that a program can see.

use crate::rewrite::Mutant;

/// File, change and source of mutants, as far as they are alike, with the reason.
const EQUIVALENT: &[(&str, &str, &str, &str)] = &[];

/// Why a mutant is no fault, if it is none.
pub fn reason(mutant: &Mutant) -> Option<&'static str> {
    let is = |(file, what, source, _): &&(&str, &str, &str, &str)| {
        mutant.place.starts_with(file) && mutant.what == *what && mutant.source.starts_with(source)
    };
    EQUIVALENT.iter().find(is).map(|(.., why)| *why)
}
