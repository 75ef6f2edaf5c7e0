//! Mutants that change nothing that a program can see.

use crate::rewrite::Mutant;

/// Mutants that are no faults: the end of the file's name, the function, the change, the begin of the source, and why.
const EQUIVALENT: &[[&str; 5]] = &[
    // A page that is taken for one with several rules has no TLB entry, so each access to it is checked.
    [
        "machine/pmp.rs",
        "is_uniform",
        "without the first condition",
        "page <= r . last",
        "a region below the page contains no part of it, so the page is taken for mixed",
    ],
    [
        "machine/pmp.rs",
        "is_uniform",
        "without the second condition",
        "page <= r . last",
        "a region above the page contains no part of it, so the page is taken for mixed",
    ],
    // An access that misses the TLB walks the page table, with the same result.
    ["tlb.rs", "hit", "mask without its lowest bit", "last & ! (PAGE_SIZE - 1)", "odd pages miss"],
    ["tlb.rs", "hit", "mask with one more bit", "last & ! (PAGE_SIZE - 1)", "odd addresses miss"],
    ["tlb.rs", "fill", "mask without its lowest bit", "addr & ! (PAGE_SIZE - 1)", "odd pages miss"],
    ["tlb.rs", "fill", "mask with one more bit", "addr & ! (PAGE_SIZE - 1)", "what an odd address fills misses"],
    ["tlb.rs", "fill", "left out", "self . tables", "all accesses miss"],
    ["tlb.rs", "fill", "without the first condition", "known . len ()", "all superpages are remembered"],
    [
        "tlb.rs",
        "fill",
        "without the second condition",
        "known . len ()",
        "duplicates count, so flushes are wider sooner",
    ],
    ["tlb.rs", "clear", "left out", "self . large", "superpages of which no entry is left make flushes wider"],
    [
        "tlb.rs",
        "select",
        "without the first condition",
        "bank . used",
        "an unused bank is an empty one for machine mode",
    ],
    ["tlb.rs", "select", "left out", "self . clock", "the bank that is reused first is another one"],
    ["tlb.rs", "select", "left out", "self . banks [index] . used", "a bank is reused at once, and cleared"],
];

/// Why a mutant is no fault, if it is none.
pub fn reason(mutant: &Mutant) -> Option<&'static str> {
    let is = |[file, function, what, source, _]: &&[&str; 5]| {
        let (path, _) = mutant.place.split_once(':').expect("a place has a line");
        path.ends_with(file)
            && mutant.function == *function
            && mutant.what == *what
            && mutant.source.starts_with(source)
    };
    EQUIVALENT.iter().find(is).map(|[.., why]| *why)
}
