// Page tables and physical memory protection: each kind of access under each kind of entry.
//
// Each line is a mode and the kinds of access that end alike in it, with a character for each entry:
//     .    allowed, and the entry unchanged
//     a d  allowed, and A, or A and D, set in the entry
//     F L S  page fault of a fetch, a load, a store
//     f l s  access fault
//     0 4 6  misaligned
//     I    illegal instruction
// A line that begins with "!" shows a fault that reports another address, changes memory or sets D, or a wrong value.
#include "probe.h"

stub(at_load, LX "a2, (a0)");
stub(at_store, SX "a1, (a0)");
stub(at_lr, "lr" WIDTH "a2, (a0)");
stub(at_sc, "lr" WIDTH "a2, (a0); sc" WIDTH "a3, a1, (a0)");
stub(at_amo, "amoswap" WIDTH "a2, a1, (a0)");
stub(at_zero, ".insn i 0x0f, 2, x0, a0, 4");
stub(at_clean, ".insn i 0x0f, 2, x0, a0, 1");
stub(at_flush, ".insn i 0x0f, 2, x0, a0, 2");
stub(at_inval, ".insn i 0x0f, 2, x0, a0, 0");

enum { LOADS = 1, STORES = 2, ZEROES = 4, FETCHES = 8 };
static const struct access { const char *name; char *code; int does; } accesses[] = {
    {"fetch", 0, FETCHES},
    {"load", at_load, LOADS},
    {"store", at_store, STORES},
    {"lr", at_lr, LOADS},
    {"sc", at_sc, STORES},
    {"amo", at_amo, LOADS | STORES},
    {"zero", at_zero, ZEROES},
    {"clean", at_clean, 0},
    {"flush", at_flush, 0},
    {"inval", at_inval, 0},
};

static const struct mode { const char *name; word status; } modes[] = {
    {"user", 0},
    {"user mxr", MXR},
    {"supervisor", MPP_S},
    {"supervisor sum", MPP_S | SUM},
    {"supervisor mxr", MPP_S | MXR},
    {"machine as user", MPRV},
    {"machine as supervisor", MPRV | MPP_S},
    {"machine as supervisor sum mxr", MPRV | MPP_S | SUM | MXR},
};
enum { ACCESSES = sizeof accesses / sizeof *accesses, MODES = sizeof modes / sizeof *modes };

// What the data is before an access, what is stored, and the instruction that is fetched.
static const word PATTERN = (word)0x1122334455667788, STORED = (word)0x99aabbccddeeff00, ECALL = 0x73;

// The line of each kind of access in the current mode.
static char lines[ACCESSES][512];
static int length[ACCESSES], current;

static void put(char c) { lines[current][length[current]++] = c; }

static void begin(const struct access *access) {
    current = access - accesses;
    length[current] = 0;
}

static int alike(int a, int b) {
    int i = 0;
    while (length[a] == length[b] && i < length[a] && lines[a][i] == lines[b][i])
        i++;
    return length[a] == length[b] && i == length[a];
}

// Prints the lines of a mode.
static void report(const char *what, const struct mode *mode) {
    for (int i = 0; i < ACCESSES; i++) {
        if (!length[i])
            continue;
        print(what);
        print(", ");
        print(mode->name);
        print(":");
        for (int j = i; j < ACCESSES; j++) {
            if (!alike(i, j))
                continue;
            print(" ");
            print(accesses[j].name);
            if (j > i)
                length[j] = 0;
        }
        print(": ");
        for (int k = 0; k < length[i]; k++)
            write8(UART, lines[i][k]);
        print("\n");
        length[i] = 0;
    }
}

static void complain(const char *what, word a, word b) {
    print("! ");
    print(what);
    print(": ");
    show("", a);
    show("", b);
}

// One access to the data at `at`, the page entry of which is `*pte`. The line of memory is that at `data`.
static char attempt(const struct access *access, const struct mode *mode, word at, word data, volatile word *pte) {
    volatile word *line = (word *)data;
    int fetches = access->does == FETCHES;
    line[0] = fetches ? ECALL : PATTERN;
    line[1] = PATTERN;
    flush();
    word before = pte ? *pte : 0;
    word code = (word)access->code;
    int user = !(mode->status & (MPRV | MPP_M));
    word pc = fetches ? at : user ? code + USER : code;
    if (fetches)
        __asm__ volatile("fence.i" : : : "memory");
    probe(mode->status, pc, at, STORED);
    int changed = line[0] != (fetches ? ECALL : PATTERN) || line[1] != PATTERN;
    word updated = pte ? *pte ^ before : 0;
    char c = '?';
    switch (trap.cause) {
    case CALL_U:
    case CALL_S:
    case CALL_M:
        if (trap.epc - pc >= STUB)
            complain("epc", trap.epc, pc);
        if ((access->does & LOADS) && trap.loaded != PATTERN)
            complain("loaded", trap.loaded, at);
        if ((access->does & STORES) && line[0] != STORED)
            complain("not stored", line[0], at);
        if ((access->does & ZEROES) && (line[0] || line[1]))
            complain("not zeroed", line[0], at);
        if (!(access->does & (STORES | ZEROES)) && changed)
            complain("changed", line[0], at);
        return updated == 0 ? '.' : updated == A ? 'a' : (updated & ~(word)A) == D ? 'd' : '?';
    case 12: c = 'F'; break;
    case 13: c = 'L'; break;
    case 15: c = 'S'; break;
    case 1: c = 'f'; break;
    case 5: c = 'l'; break;
    case 7: c = 's'; break;
    case 0: case 4: case 6: c = '0' + trap.cause; break;
    case 2: return 'I';
    }
    if (trap.tval != at)
        complain("tval", trap.tval, at);
    if (changed)
        complain("changed by a fault", line[0], at);
    // Permission faults come before updates. But the LR before an SC has set A, the load of an AMO may have before its
    // store failed, and the walk may have before memory protection denies the page.
    int may_set_a = access->code == at_sc || access->code == at_amo || trap.cause < 12;
    if (updated & ~(word)(may_set_a ? A : 0))
        complain("entry changed by a fault", updated, at);
    return c;
}

// Whether the access exists in the mode: fetches of machine mode are not translated.
static int exists(const struct access *access, const struct mode *mode) {
    return !(access->does == FETCHES && mode->status & MPRV);
}

// All combinations of R, W, X, U, A and D, with V; then without it, and with bits that software may use.
static void bits(const struct access *access, const struct mode *mode, int levels) {
    for (word valid = V; valid < 2; valid--) {
        for (word combination = 0; combination < 64; combination++) {
            word bits = valid | (combination & 15) << 1 | (combination >> 4) << 6 | (valid ? 0 : 3 << 8);
            *entry(0, 0) = leaf(DATA, bits);
            put(attempt(access, mode, WINDOW, DATA, entry(0, 0)));
        }
        put(valid ? ' ' : '|');
    }
}

// An entry for either privilege with all permissions.
static word all(const struct mode *mode) {
    int user = !(mode->status & MPP_M);
    return V | R | W | X | A | D | (user ? U : 0);
}

// Leaves and pointers with one odd bit, at each level.
static void odd_bits(const struct access *access, const struct mode *mode, int levels) {
    static const word odd[] = {
        0, G, 1ul << 8, 1ul << 9, A, D, U, V,
#if __riscv_xlen == 64
        1ul << 54, 1ul << 55, 1ul << 56, 1ul << 57, 1ul << 58, 1ul << 59, 1ul << 60,
        PBMT(1), PBMT(2), PBMT(3), N, N | 8ul << 10, N | 4ul << 10, N | 1ul << 10, N | 0xful << 10,
        N | PBMT(1) | 8ul << 10,
#endif
    };
    // Leaves, at each level.
    for (int level = 0; level < levels; level++) {
        tables(levels);
        word size = 1ul << (12 + INDEX_BITS * level), base = DATA & ~(size - 1);
        word at = (level > 2 ? size : WINDOW) + (DATA & (size - 1));
        word *pte = level == 0 ? entry(0, 0) : level == 1 ? entry(1, WINDOW_1) : entry(level, 1);
        for (word i = 0; i < sizeof odd / sizeof *odd; i++) {
            // What is set already is cleared.
            *pte = leaf(base, all(mode)) ^ odd[i];
            put(attempt(access, mode, at, DATA, pte));
        }
        put(' ');
        // Misaligned superpages.
        for (int bit = 0; bit < INDEX_BITS * level; bit++) {
            *pte = leaf(base, all(mode)) ^ 1ul << (10 + bit);
            put(attempt(access, mode, at, DATA, pte));
        }
        put('|');
    }
    // Pointers.
    for (int level = 1; level < levels; level++) {
        tables(levels);
        *entry(0, 0) = leaf(DATA, all(mode));
        word *pte = level == 1 ? entry(1, WINDOW_1) : level == 2 ? entry(2, 1) : entry(level, 0);
        word good = *pte;
        for (word i = 0; i < sizeof odd / sizeof *odd; i++) {
            // Code must stay mapped.
            if (level > 2 && !(mode->status & MPRV))
                continue;
            *pte = good ^ (odd[i] & ~(15ul << 10));
            put(attempt(access, mode, WINDOW, DATA, 0));
        }
        *pte = good | R;
        put(level > 2 && !(mode->status & MPRV) ? '-' : attempt(access, mode, WINDOW, DATA, 0));
        *pte = good;
        put('|');
    }
    tables(levels);
}

// Memory protection: of the page, of a part of it, and of each table. Walks with memory protection are reads.
static void protection(const struct access *access, const struct mode *mode, int levels) {
    word bits = all(mode);
    *entry(0, 0) = leaf(DATA, bits);
    deny(DATA, 12);
    put(attempt(access, mode, WINDOW, DATA, entry(0, 0)));
    deny(DATA, 3);
    put(attempt(access, mode, WINDOW, DATA, entry(0, 0)));
    deny(DATA + 64, 6);
    put(attempt(access, mode, WINDOW, DATA, entry(0, 0)));
    // The tables that map the code are needed by all modes but machine mode.
    for (int level = 0; level < levels; level++) {
        if (level >= CODE_LEVEL && !(mode->status & MPRV))
            continue;
        deny(table(level), 12);
        put(attempt(access, mode, WINDOW, DATA, entry(0, 0)));
    }
    // The data page is denied, but the entry faults first.
    deny(DATA, 12);
    *entry(0, 0) = leaf(DATA, bits & ~(word)A);
    put(attempt(access, mode, WINDOW, DATA, entry(0, 0)));
    *entry(0, 0) = leaf(DATA, bits & ~(word)(R | W | X));
    put(attempt(access, mode, WINDOW, DATA, entry(0, 0)));
    // A table that may be read only cannot have A and D set.
    csr_write(pmpaddr0, table(0) >> 2 | 511);
    csr_write(pmpcfg0, 0x1f19);
    *entry(0, 0) = leaf(DATA, bits);
    put(attempt(access, mode, WINDOW, DATA, entry(0, 0)));
    *entry(0, 0) = leaf(DATA, bits & ~(word)(A | D));
    put(attempt(access, mode, WINDOW, DATA, entry(0, 0)));
    allow();
}

#if __riscv_xlen == 32
typedef unsigned short half;
#else
typedef u32 half;
#endif
enum { HALF = 8 * sizeof(half) };

// Accesses over the end of a page: each of the two pages in turn is one that fails, for several reasons. A fault is
// followed by the distance of the reported address from the access's. Nothing may be stored. Atomic operations are
// misaligned there, and cache blocks are the last of the first page.
static void crossing(const struct access *access, const struct mode *mode, int levels) {
    enum { NEXT = DATA + 2 * PAGE, END = PAGE - sizeof(half), FETCH_END = PAGE - 2 };
    int fetches = access->does == FETCHES, stores = access->code == at_store;
    int blocks = access->does & ZEROES || (!access->does && access->code);
    word good = all(mode), code = (word)access->code;
    word at = WINDOW + (fetches ? FETCH_END : blocks ? PAGE - 64 : END);
    const word bad[] = {
        good, 0, good ^ U, good & ~(word)A, good & ~(word)D, good & ~(word)(W | D), good & ~(word)X,
    };
    enum { KINDS = sizeof bad / sizeof *bad };
    volatile half *first = (half *)(DATA + END), *second = (half *)NEXT;
    volatile unsigned short *fetched[] = {(unsigned short *)(DATA + FETCH_END), (unsigned short *)NEXT};
    for (int which = 1; which < 4; which++) {
        for (int kind = 0; kind < KINDS + 1; kind++) {
            // The last kind is denied by memory protection.
            word entry_of_bad = kind < KINDS ? bad[kind] : good;
            *entry(0, 0) = leaf(DATA, which & 1 ? entry_of_bad : good);
            *entry(0, 1) = leaf(NEXT, which & 2 ? entry_of_bad : good);
            if (kind == KINDS)
                deny(which & 1 ? DATA : NEXT, 12);
            *first = (half)PATTERN;
            *second = (half)(PATTERN >> HALF);
            if (fetches) {
                *fetched[0] = ECALL;
                *fetched[1] = 0;
            }
            flush();
            __asm__ volatile("fence.i" : : : "memory");
            probe(mode->status, fetches ? at : mode->status & (MPRV | MPP_M) ? code : code + USER, at, STORED);
            allow();
            int called = trap.cause == CALL_U || trap.cause == CALL_S || trap.cause == CALL_M;
            if (called && access->code == at_load && trap.loaded != PATTERN)
                complain("loaded", trap.loaded, at);
            word stored = called && stores ? STORED : PATTERN;
            if (stores && (*first != (half)stored || *second != stored >> HALF))
                complain("stored", *first, *second);
            if (access->does & ZEROES && called)
                stored = 0;
            if (!stores && !fetches && (*first != (half)stored || *second != PATTERN >> HALF))
                complain("changed", *first, *second);
            if (fetches && trap.epc != at)
                complain("epc", trap.epc, at);
            if (called) {
                put('.');
            } else {
                put("?fI?4l6s????FL?S"[trap.cause & 15]);
                word distance = trap.tval - at;
                put(distance < 10 ? '0' + distance : '?');
            }
        }
        put(' ');
    }
    *entry(0, 1) = 0;
}

static void matrix(const char *what, void group(const struct access *, const struct mode *, int), int levels) {
    for (const struct mode *mode = modes; mode < modes + MODES; mode++) {
        for (const struct access *access = accesses; access < accesses + ACCESSES; access++) {
            begin(access);
            if (exists(access, mode))
                group(access, mode, levels);
        }
        report(what, mode);
    }
}

int main(word hart) {
    allow();
    csr_write(senvcfg, CBO);
    static const struct { const char *name; int levels; } kinds[] = {
#if __riscv_xlen == 32
        {"Sv32", 2},
#else
        {"Sv39", 3}, {"Sv48", 4}, {"Sv57", 5},
#endif
    };
    for (word kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        int levels = kinds[kind].levels, first = kind == 0;
        print(kinds[kind].name);
        print("\n");
        set_menvcfg(CBO);
        tables(levels);
        use_tables(levels);
        if (first)
            matrix("entries", bits, levels);
        matrix("odd bits", odd_bits, levels);
        matrix("protection", protection, levels);
        if (first)
            matrix("over a page's end", crossing, levels);
        set_menvcfg(CBO | ADUE);
        if (first)
            matrix("entries with ADUE", bits, levels);
        matrix("protection with ADUE", protection, levels);
        // RV32 has no memory types.
        if (first && levels > 2) {
            set_menvcfg(CBO | PBMTE);
            matrix("odd bits with PBMTE", odd_bits, levels);
        }
    }
    use_tables(0);
    return 0;
}
