//! Mutants that change nothing that a program can see.

use crate::rewrite::Mutant;

/// A mutant that is no fault.
struct Equivalent {
    /// The end of the file's name.
    file: &'static str,
    function: &'static str,
    what: &'static str,
    /// The begin of the source, or with a `$` behind it, the source.
    source: &'static str,
    why: &'static str,
}

impl Equivalent {
    fn is(&self, mutant: &Mutant) -> bool {
        let (path, _) = mutant.place.split_once(':').expect("a place has a line");
        path.ends_with(self.file)
            && mutant.function == self.function
            && mutant.what == self.what
            && match self.source.strip_suffix('$') {
                Some(source) => mutant.source == source,
                None => mutant.source.starts_with(self.source),
            }
    }
}

macro_rules! equivalent {
    ($($function:ident of $file:literal { $($what:literal in $source:literal: $why:literal;)+ })+) => {
        &[$($(Equivalent {
            file: $file,
            function: stringify!($function),
            what: $what,
            source: $source,
            why: $why,
        },)+)+]
    };
}

// In braces, so that rustfmt leaves a row in its line.
const EQUIVALENT: &[Equivalent] = equivalent! {
    // A page that is taken for one with several rules has no TLB entry, so each access to it is checked.
    is_uniform of "machine/pmp.rs" {
        "without the first condition" in "page <= r . last":
            "a region below the page contains no part of it, so the page is taken for mixed";
        "without the second condition" in "page <= r . last":
            "a region above the page contains no part of it, so the page is taken for mixed";
    }
    // An access that misses the TLB walks the page table, with the same result.
    fill of "tlb.rs" {
        "mask with one more bit" in "addr & ! (PAGE_SIZE - 1)": "what an odd address fills misses";
        "without the first condition" in "known . len ()": "all superpages are remembered";
        "without the second condition" in "known . len ()": "duplicates count, so flushes are wider sooner";
    }
    clear of "tlb.rs" {
        "left out" in "self . large": "superpages of which no entry is left make flushes wider";
    }
    select of "tlb.rs" {
        "the opposite" in "bank . used": "only an unused bank is found, which is an empty one";
        "without the first condition" in "bank . used": "an unused bank is an empty one for machine mode";
        "left out" in "self . clock": "the bank that is reused first is another one";
        "left out" in "self . banks [index] . used": "a bank is reused at once, and cleared";
    }
    // Bits that are zero or one already.
    walk of "walk.rs" {
        "mask with one more bit" in "entry >> 10 & ((1 << 44) - 1)": "bit 54 is reserved and faults";
        "no such arm" in "Paging :: Sv32": "an entry of 32 bits has none of the bits above";
        "mask with one more bit" in "extensions & RESERVED": "bit 0 is never one of the extensions";
        "mask with one more bit" in "extensions & PBMT": "bit 0 is never one of the extensions";
        "mask with one more bit" in "extensions & N": "bit 0 is never one of the extensions";
        "mask without its lowest bit" in "page >> 12 & 0xf": "9 is not aligned to 64 KiB, and faults";
        "mask without its lowest bit" in "page & ! napot": "the page's address is aligned";
        "mask without its highest bit" in "page & ! napot": "the page's address has 56 bits";
        "mask without its lowest bit" in "start & (page_size - 1)": "the page's address is aligned";
    }
    permits of "walk.rs" {
        "without the second condition" in "regime . sum": "the regime of fetches has no SUM";
    }
    // "It is guaranteed to be reflected in STIP eventually, but not necessarily immediately." A machine finds it at its
    // deadline.
    pending_now of "csr.rs" {
        "left out" in "self . update_clock": "the deadline sets the bit";
    }
    set_stimecmp of "csr.rs" {
        "left out" in "self . update_clock": "the deadline sets the bit";
    }
    execute of "privilege.rs" {
        "left out" in "self . update_clock": "the deadline ends the waiting";
    }
    pause of "privilege.rs" {
        "left out" in "self . inputs . pause": "a hint";
    }
    // "The xRET instruction is allowed to clear any outstanding LR address reservation but is not required to."
    enter of "trap.rs" {
        "left out" in "cpu . reservation": "the handler clears it if needed";
        "left out" in "self . traps": "only limits and the clock count traps";
        "left out" in "self . inputs . trapped": "the trace of traps";
    }
    trap_return of "trap.rs" {
        "left out" in "cpu . reservation": "not required";
    }
    epc of "trap.rs" {
        "mask with one more bit" in "self . trap_csrs (mode) . epc": "bit 0 is never set";
    }
    // Another regime that translates alike: there are more of them.
    regime of "mod.rs" {
        "without the first condition" in "is_data && mode == Mode :: Supervisor$": "fetches know no SUM";
        "without the second condition" in "is_data && mode == Mode :: Supervisor$": "user mode knows no SUM";
        "without the first condition" in "is_data && mode == Mode :: Supervisor && self": "fetches know no SUM";
        "without the first condition" in "is_data && self . status . mxr ()": "fetches know no MXR";
    }
    apply of "mod.rs" {
        "mask with one more bit" in "self . menvcfg & self . senvcfg": "bits 0 to 3 are never looked at";
    }
    written of "privileged/pmp.rs" {
        "mask with one more bit" in "value & Self :: BYPASS": "MML keeps its own value";
    }
    set_config of "privileged/pmp.rs" {
        "mask without its lowest bit" in "value & ! W": "R is clear";
    }
    region of "privileged/pmp.rs" {
        "mask without its lowest bit" in "addr & !": "that bit is the lowest zero";
        "mask without its highest bit" in "addr & !": "an address has 54 bits";
    }
    read_supervisor of "status.rs" {
        "mask with one more bit" in "self . 0 & SUPERVISOR": "bit 0 is never set";
    }
    write of "status.rs" {
        "mask with one more bit" in "value & MPP": "bit 0 is shifted out";
    }
    set of "status.rs" {
        "mask without its lowest bit" in "fields & ! FS": "bit 0 is no field";
        "mask without its highest bit" in "fields & ! FS": "bit 63 is no field";
        "mask without its lowest bit" in "self . 0 & ! fields": "bit 0 is never set";
        "mask without its highest bit" in "self . 0 & ! fields": "bit 63 is never set";
    }
    has of "status.rs" {
        "mask with one more bit" in "self . 0 & bits": "bit 0 is never set";
    }
    fs of "status.rs" {
        "mask with one more bit" in "self . 0 & FS": "bit 0 is never set";
    }
    mpp of "status.rs" {
        "mask with one more bit" in "self . 0 & MPP": "bit 0 is never set";
    }
    read_csr of "csr.rs" {
        "mask with one more bit" in "self . mie & self . mideleg": "bit 0 is never set";
        "mask with one more bit" in "self . pending_now": "bit 0 is never set";
    }
    write_csr of "csr.rs" {
        "mask without its lowest bit" in "self . mie & ! self . mideleg": "bit 0 is never set";
        "mask without its highest bit" in "self . mie & ! self . mideleg": "bit 63 is never set";
        "mask with one more bit" in "value & ! 1": "epc reads that bit as zero";
        "mask with one more bit" in "self . mideleg & Interrupts :: SUPERVISOR_SOFTWARE": "bit 0 is never delegated";
        "mask without its lowest bit" in "self . software_pending & ! writable": "bit 0 is never set";
        "mask without its highest bit" in "self . software_pending & ! writable": "nor is bit 63";
    }
    permit of "csr.rs" {
        "mask with one more bit" in "number & 0x1f": "that bit of the counters' numbers is zero";
    }
    float_csr of "csr.rs" {
        "without the first condition" in "cpu . isa . exts": "without F, FS is zero";
    }
    set_menvcfg of "csr.rs" {
        "mask without its lowest bit" in "supervisor & ! MENVCFG_PBMTE": "bit 0 is none of those";
        "mask without its highest bit" in "envcfg (": "no field has that bit";
        "mask with one more bit" in "value & supervisor": "bit 0 is written anyway";
    }
    may_invalidate of "csr.rs" {
        "mask without its highest bit" in "self . senvcfg": "CBIE is never 2";
        "mask without its highest bit" in "self . menvcfg": "CBIE is never 2";
    }
    pmp_entries of "csr.rs" {
        "without the second condition" in "first . is_multiple_of": "all four CSRs have entries";
    }
    envcfg of "csr.rs" {
        "mask without its lowest bit" in "old & ! fields": "bit 1 is never set";
        "mask without its highest bit" in "old & ! fields": "the caller writes STCE";
        "without the first set" in "old & ! fields": "the caller writes all other fields";
    }
    wakes of "trap.rs" {
        "mask with one more bit" in "self . pending": "bit 0 is never set";
    }
    interrupt of "trap.rs" {
        "mask with one more bit" in "self . pending": "bit 0 is never set";
    }
    interrupt_if_enabled of "trap.rs" {
        "mask without its lowest bit" in "ready & ! self . mideleg": "bit 0 is never set";
        "mask without its highest bit" in "ready & ! self . mideleg": "nor is bit 63";
        "mask with one more bit" in "ready & self . mideleg": "bit 0 is never set";
        "mask with one more bit" in "i . 0 & ready": "bit 0 is never set";
    }
    enter of "trap.rs" {
        "mask with one more bit" in "csrs . tvec & 1": "a write clears bit 1";
    }
};

/// Panics unless each row names one mutant.
pub fn check(all: &[Mutant]) {
    let mut wrong = Vec::new();
    for row in EQUIVALENT {
        let count = all.iter().filter(|mutant| row.is(mutant)).count();
        if count != 1 {
            wrong.push(format!("{count} mutants of {}: {}, {}: {}", row.file, row.function, row.what, row.source));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Why a mutant is no fault, if it is none.
pub fn reason(mutant: &Mutant) -> Option<&'static str> {
    EQUIVALENT.iter().find(|row| row.is(mutant)).map(|row| row.why)
}
