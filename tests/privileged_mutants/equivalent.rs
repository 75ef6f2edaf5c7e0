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
    ["tlb.rs", "fill", "mask with one more bit", "addr & ! (PAGE_SIZE - 1)", "what an odd address fills misses"],
    ["tlb.rs", "fill", "without the first condition", "known . len ()", "all superpages are remembered"],
    [
        "tlb.rs",
        "fill",
        "without the second condition",
        "known . len ()",
        "duplicates count, so flushes are wider sooner",
    ],
    ["tlb.rs", "clear", "left out", "self . large", "superpages of which no entry is left make flushes wider"],
    ["tlb.rs", "select", "the opposite", "bank . used", "only an unused bank is found, which is an empty one"],
    [
        "tlb.rs",
        "select",
        "without the first condition",
        "bank . used",
        "an unused bank is an empty one for machine mode",
    ],
    ["tlb.rs", "select", "left out", "self . clock", "the bank that is reused first is another one"],
    ["tlb.rs", "select", "left out", "self . banks [index] . used", "a bank is reused at once, and cleared"],
    // Bits that are zero or one already.
    ["walk.rs", "walk", "mask with one more bit", "entry >> 10 & ((1 << 44) - 1)", "bit 54 is reserved and faults"],
    ["walk.rs", "walk", "no such arm", "Paging :: Sv32", "an entry of 32 bits has none of the bits above"],
    ["walk.rs", "walk", "mask with one more bit", "extensions &", "bit 0 is never one of the extensions"],
    ["walk.rs", "walk", "mask without its lowest bit", "page >> 12 & 0xf", "9 is not aligned to 64 KiB, and faults"],
    ["walk.rs", "walk", "mask without its lowest bit", "page & ! napot", "the page's address is aligned"],
    ["walk.rs", "walk", "mask without its highest bit", "page & ! napot", "the page's address has 56 bits"],
    ["walk.rs", "walk", "mask without its lowest bit", "start & (page_size - 1)", "the page's address is aligned"],
    ["walk.rs", "permits", "without the second condition", "regime . sum", "the regime of fetches has no SUM"],
    ["walk.rs", "permits", "without the second condition", "regime . mxr", "a leaf is readable or executable"],
    ["csr.rs", "read_csr", "mask with one more bit", "self . mie & self . mideleg", "bit 0 is never set"],
    ["csr.rs", "read_csr", "mask with one more bit", "self . pending_now", "bit 0 is never set"],
    ["csr.rs", "write_csr", "mask without its lowest bit", "self . mie & ! self . mideleg", "bit 0 is never set"],
    ["csr.rs", "write_csr", "mask without its highest bit", "self . mie & ! self . mideleg", "bit 63 is never set"],
    ["csr.rs", "write_csr", "mask with one more bit", "value & ! 1", "epc reads that bit as zero"],
    [
        "csr.rs",
        "write_csr",
        "mask with one more bit",
        "self . mideleg & Interrupts :: SUPERVISOR_SOFTWARE",
        "bit 0 is never delegated",
    ],
    [
        "csr.rs",
        "write_csr",
        "mask without its lowest bit",
        "self . software_pending & ! writable",
        "bit 0 is never set",
    ],
    ["csr.rs", "write_csr", "mask without its highest bit", "self . software_pending & ! writable", "nor is bit 63"],
    ["csr.rs", "permit", "mask with one more bit", "number & 0x1f", "that bit of the counters' numbers is zero"],
    ["csr.rs", "float_csr", "without the first condition", "cpu . isa . exts", "without F, FS is zero"],
    ["csr.rs", "set_menvcfg", "mask without its lowest bit", "supervisor & ! MENVCFG_PBMTE", "bit 0 is none of those"],
    ["csr.rs", "set_menvcfg", "mask without its highest bit", "envcfg (", "no field has that bit"],
    ["csr.rs", "set_menvcfg", "mask with one more bit", "value & supervisor", "bit 0 is written anyway"],
    ["csr.rs", "set_menvcfg", "left out", "self . apply", "machine mode, which writes it, is left by a trap return"],
    ["csr.rs", "may_invalidate", "mask without its highest bit", "self .", "CBIE is never 2"],
    ["csr.rs", "pmp_entries", "without the second condition", "first . is_multiple_of", "all four CSRs have entries"],
    ["csr.rs", "envcfg", "mask without its lowest bit", "old & ! fields", "bit 1 is never set"],
    ["csr.rs", "envcfg", "mask without its highest bit", "old & ! fields", "the caller writes STCE"],
    ["csr.rs", "envcfg", "without the first set", "old & ! fields", "the caller writes all other fields"],
    ["trap.rs", "wakes", "mask with one more bit", "self . pending", "bit 0 is never set"],
    ["trap.rs", "interrupt", "mask with one more bit", "self . pending", "bit 0 is never set"],
    [
        "trap.rs",
        "interrupt_if_enabled",
        "mask without its lowest bit",
        "ready & ! self . mideleg",
        "bit 0 is never set",
    ],
    ["trap.rs", "interrupt_if_enabled", "mask without its highest bit", "ready & ! self . mideleg", "nor is bit 63"],
    ["trap.rs", "interrupt_if_enabled", "mask with one more bit", "ready & self . mideleg", "bit 0 is never set"],
    ["trap.rs", "interrupt_if_enabled", "mask with one more bit", "ready & i . 0", "bit 0 is never set"],
    ["trap.rs", "enter", "mask with one more bit", "csrs . tvec & 1", "a write clears bit 1"],
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
