// Corner cases of the privileged architecture, on both widths: SC without a reservation, cache-block instructions at
// addresses inside a block, page tables where no table can be, CSRs and the priorities of interrupts, and sources that
// the PLIC does not have.
#include "probe.h"

enum { SSIP = 1 << 1, STIP = 1 << 5 };
// Past the end of memory.
enum { HOLE = 0xf0000000 };
// What the entries of the window say.
enum { UNMAPPED = WINDOW, READ_ONLY = WINDOW + PAGE, GOOD = WINDOW + 2 * PAGE };

stub(do_sc, "sc" WIDTH "a2, a1, (a0)");
stub(do_other_sc, "lr" WIDTH "a3, (a1); sc" WIDTH "a2, a1, (a0)");
stub(do_load, LX "a2, (a0)");
stub(do_store, SX "a1, (a0)");
stub(do_zero, ".insn i 0x0f, 2, x0, a0, 4");
stub(do_clean, ".insn i 0x0f, 2, x0, a0, 1");
stub(do_flush, ".insn i 0x0f, 2, x0, a0, 2");
stub(do_inval, ".insn i 0x0f, 2, x0, a0, 0");
stub(do_jump, "jr a0");
stub(do_nothing, "nop");
stub(do_illegal, ".word 0");
stub(do_status, "csrr a2, mstatus");
stub(do_break, "ebreak");
stub(do_float, "csrw fcsr, x0; fadd.s f0, f0, f0");
stub(do_set_load, "csrs sstatus, a1; " LX "a2, (a0)");
stub(do_clear_load, "csrc sstatus, a1; " LX "a2, (a0)");
stub(do_set_float, "csrs sstatus, a1; fadd.s f0, f0, f0");
stub(do_store_float, "fsw f0, (a0)");

stub(do_satp_load, "csrw satp, a1; " LX "a2, (a0)");
stub(do_satp_sc, "lr" WIDTH "a2, (a0); csrw satp, a1; sc" WIDTH "a2, a1, (a0)");
// The page table's entry of GOOD is changed in between.
#if __riscv_xlen == 32
stub(do_fence_sc, "lr.w a2, (a0); li a3, 0x80400008; sw a1, (a3); sfence.vma; sc.w a2, a1, (a0)");
#else
stub(do_fence_sc, "lr.d a2, (a0); li a3, 0x80400010; sd a1, (a3); sfence.vma; sc.d a2, a1, (a0)");
#endif
stub(do_fcsr, "csrw fcsr, a0; csrr a2, fcsr");
stub(do_dynamic, "csrw frm, a0; fadd.s f0, f0, f0");

static int called(void) { return trap.cause == CALL_U || trap.cause == CALL_S || trap.cause == CALL_M; }

static void number(word value) {
    if (value > 15)
        number(value >> 4);
    write8(UART, "0123456789abcdef"[value & 15]);
}

// Runs code in supervisor mode with its arguments, and prints how it ends: with the value that it has loaded, or with
// the cause, and the distance of the reported address from the first argument.
static void attempt(const char *what, const char *code, word a0, word a1) {
    probe(MPP_S | FS, (word)code, a0, a1);
    print(what);
    print(called() ? " done " : " cause ");
    number(called() ? trap.loaded : trap.cause);
    if (!called() && trap.tval != a0) {
        print(" low ");
        number(a0 - trap.tval);
    }
}

static const int LEVELS = sizeof(word) == 4 ? 2 : 3;

static void window(void) {
    const word bits = V | R | A | D;
    tables(LEVELS);
    use_tables(LEVELS);
    *entry(0, 1) = leaf(DATA, bits);
    *entry(0, 2) = leaf(DATA, bits | W);
    flush();
}

static void conditional_stores(void) {
    window();
    static const struct { const char *name; word at; } places[] = {
        {"good", GOOD}, {"read-only", READ_ONLY}, {"unmapped", UNMAPPED}, {"misaligned", GOOD + 2},
        {"misaligned, unmapped", UNMAPPED + 2}, {"over the end", GOOD + PAGE - 2},
    };
    for (word i = 0; i < sizeof places / sizeof *places; i++) {
        *(volatile word *)DATA = 0x1234;
        print(places[i].name);
        attempt(": sc without a reservation", do_sc, places[i].at, GOOD + 64);
        attempt(", after lr elsewhere", do_other_sc, places[i].at, GOOD + 64);
        print("\n");
        if (*(volatile word *)DATA != 0x1234)
            show("! stored", *(volatile word *)DATA);
    }
}

static void blocks(void) {
    window();
    set_menvcfg(CBO);
    csr_write(senvcfg, CBO);
    static const struct { const char *name, *code; } actions[] = {
        {"cbo.zero", do_zero}, {"cbo.clean", do_clean}, {"cbo.flush", do_flush}, {"cbo.inval", do_inval},
    };
    static const word offsets[] = {0, 64, PAGE - 1};
    for (word i = 0; i < sizeof actions / sizeof *actions; i++)
        for (word j = 0; j < sizeof offsets / sizeof *offsets; j++) {
            for (int k = 0; k < PAGE; k++)
                write8(DATA + k, 1);
            print(actions[i].name);
            print(" at ");
            number(offsets[j]);
            attempt(": unmapped", actions[i].code, UNMAPPED + offsets[j], 0);
            attempt(", read-only", actions[i].code, READ_ONLY + offsets[j], 0);
            deny(DATA, 12);
            attempt(", denied", actions[i].code, GOOD + offsets[j], 0);
            allow();
            attempt(", good", actions[i].code, GOOD + offsets[j], 0);
            word zeros = 0, first = 0;
            for (int k = PAGE - 1; k >= 0; k--)
                if (!read8(DATA + k)) {
                    zeros++;
                    first = k;
                }
            if (zeros) {
                print(", zeros ");
                number(zeros);
                print(" from ");
                number(first);
            }
            print("\n");
        }
    *entry(0, 3) = leaf(HOLE, V | R | W | A | D);
    flush();
    for (word i = 0; i < sizeof actions / sizeof *actions; i++) {
        print(actions[i].name);
        attempt(" without memory:", actions[i].code, GOOD + PAGE, 0);
        print("\n");
    }
}

// A table at `to`, and the root there.
static void table_at(const char *where, word to) {
    print("table ");
    print(where);
    window();
    *entry(1, WINDOW_1) = pointer(to);
    flush();
    attempt(": load", do_load, GOOD, 0);
    attempt(", store", do_store, GOOD, 0);
    attempt(", jump", do_jump, GOOD, 0);
    // Machine mode loads as supervisor mode does, since that has no code there.
    const int asid = sizeof(word) == 4 ? 22 : 44;
    csr_write(satp, csr_read(satp) >> asid << asid | to >> 12);
    flush();
    probe(MPRV | MPP_S, (word)do_load, GOOD, 0);
    print(", root: cause ");
    number(trap.cause);
    print("\n");
    use_tables(0);
}

static void misplaced_tables(void) {
    table_at("in the UART", UART);
    table_at("in the CLINT", CLINT);
    table_at("in the PLIC", PLIC);
    table_at("past the end of memory", HOLE);
#if __riscv_xlen == 64
    table_at("past all physical addresses", 0xfffffffffff000);
#endif
}

// Pages of each larger size, of which several parts are known: a fence for one of the addresses is for the whole page.
static void large_pages(void) {
    static const word parts[] = {0, 9 * PAGE, 100 * PAGE};
    const int levels = sizeof(word) == 4 ? 2 : 5;
    for (int level = 1; level < levels; level++) {
        const int bits = 12 + INDEX_BITS * level;
        const word size = 1ul << bits, at = level == 1 ? WINDOW + 7 * size : 3 * size, base = DATA & ~(size - 1);
        tables(levels);
        use_tables(levels);
        volatile word *pte = entry(level, at >> bits & ((1 << INDEX_BITS) - 1));
        for (int fenced = 0; fenced < 2; fenced++) {
            *pte = fenced ? 0 : leaf(base, V | R | X | A);
            if (fenced)
                __asm__ volatile("sfence.vma %0" : : "r"(at + size - PAGE + 8) : "memory");
            else
                flush();
            for (int i = 0; i < 3; i++) {
                write32(DATA + parts[i], 0x73); // ecall
                __asm__ volatile("fence.i" : : : "memory");
                const word part = at + DATA - base + parts[i];
                print("page of 2^");
                number(bits);
                attempt(fenced ? " removed: load" : ": load", do_load, part, 0);
                attempt(", jump", do_jump, part, 0);
                print("\n");
            }
        }
    }
    use_tables(0);
}

static void registers(void) {
    // The fields of mstatus that every hart with S and U mode has.
    const word status = 0x7e79ab | 1ul << (8 * sizeof(word) - 1);
    all_ones_and_zeros(mstatus, status);
    all_ones_and_zeros(sstatus, status);
    csr_write(mstatus, MPP_S);
    csr_write(mstatus, 2 << 11);
    show("mpp", csr_read(mstatus) >> 11 & 3);
    csr_write(mstatus, 0);
    all_ones_and_zeros(mideleg, 0xaab);
    all_ones_and_zeros(mcountinhibit, 7);
    all_ones_and_zeros(menvcfg, CBO | 1);
    all_ones_and_zeros(senvcfg, CBO | 1);
    all_ones_and_zeros(sepc, ~0ul);
    all_ones_and_zeros(mepc, ~0ul);
    all_ones_and_zeros(stval, ~0ul);
    all_ones_and_zeros(mtval, ~0ul);
    all_ones_and_zeros(sscratch, ~0ul);
    all_ones_and_zeros(mscratch, ~0ul);
    // QEMU's CPU has more counters, exceptions and extensions.
    all_ones_and_zeros(mcounteren, 15);
    all_ones_and_zeros(scounteren, 15);
    all_ones_and_zeros(medeleg, 0xf7ff);
    all_ones_and_zeros(menvcfg, 15);
    all_ones_and_zeros(senvcfg, 15);
    all_ones_and_zeros(mcause, ~0ul);
    all_ones_and_zeros(scause, ~0ul);
    // The letters I, M, A, F, D, C, S, U, and MXL.
    show("misa", csr_read(misa) & (0x14112d | 3ul << (8 * sizeof(word) - 2)));
    // Mode 2 of trap vectors is reserved.
    csr_write(stvec, DATA);
    csr_write(stvec, DATA + PAGE + 2);
    show("mode of stvec", csr_read(stvec) & 3);
    csr_write(stvec, 0);
    csr_write(satp, ~0ul >> 4);
    show("satp without a mode", csr_read(satp));
    csr_write(satp, 0);
#if __riscv_xlen == 32
    csr_write(satp, ~0ul);
    show("satp of ones", csr_read(satp));
    csr_write(satp, 0);
    all_ones_and_zeros(0x31a, (STCE | ADUE | PBMTE) >> 32); // menvcfgh
    // Each half leaves the other alone.
    csr_write(menvcfg, CBO);
    csr_write(0x31a, STCE >> 32);
    show("menvcfg", csr_read(menvcfg));
    show("menvcfgh", csr_read(0x31a));
    csr_write(menvcfg, 0);
    show("menvcfgh", csr_read(0x31a));
    csr_write(0x14d, 0x89abcdef);
    csr_write(0x15d, 0x1234567);
    show("stimecmp", csr_read(0x14d));
    show("stimecmph", csr_read(0x15d));
    csr_write(0x14d, 1);
    show("stimecmph", csr_read(0x15d));
    csr_write(0x15d, ~0ul);
    csr_write(0x15d, 0);
    show("stimecmph", csr_read(0x15d));
    csr_write(0x15d, ~0ul);
    csr_write(0x31a, 0);
#endif
    // mip and sip.
    for (word delegated = 0; delegated < 0x400; delegated += 2) {
        if (delegated & ~(word)(SSIP | STIP | SEIP))
            continue;
        csr_write(mideleg, delegated);
        csr_write(mie, ~0ul);
        csr_write(mip, ~0ul);
        show("delegated", csr_read(mideleg));
        show("  mie", csr_read(mie) & 0xaab);
        show("  mip", csr_read(mip) & 0xaab);
        show("  sie", csr_read(sie));
        show("  sip", csr_read(sip));
        csr_write(sie, 0);
        csr_write(sip, 0);
        show("  mie", csr_read(mie) & 0xaab);
        show("  mip", csr_read(mip) & 0xaab);
        csr_write(mip, 0);
        csr_write(mie, 0);
        csr_write(sie, ~0ul);
        csr_write(sip, ~0ul);
        show("  mie by sie", csr_read(mie) & 0xaab);
        show("  mip by sip", csr_read(mip) & 0xaab);
        csr_write(sip, 0);
        csr_write(mie, 0);
    }
    csr_write(mideleg, 0);
}

// The counters of events and of time that are written and stopped.
static void counters(void) {
    csr_write(mcountinhibit, 5);
    csr_write(mcycle, 0x1000);
    csr_write(minstret, 0x2000);
    show("stopped mcycle", csr_read(mcycle));
    show("stopped minstret", csr_read(minstret));
    csr_write(mcountinhibit, 1);
    show("minstret goes on", csr_read(minstret) > 0x2000);
    show("mcycle does not", csr_read(mcycle));
    csr_write(mcountinhibit, 4);
    show("mcycle goes on", csr_read(mcycle) > 0x1000);
    csr_write(mcountinhibit, 5);
#if __riscv_xlen == 32
    csr_write(mcycle, 0x1000);
    csr_write(minstret, 0x2000);
    csr_write(mcycleh, 7);
    csr_write(minstreth, 9);
    show("mcycleh", csr_read(mcycleh));
    show("minstreth", csr_read(minstreth));
    // Each half of a counter keeps the other.
    show("mcycle", csr_read(mcycle));
    show("minstret", csr_read(minstret));
    csr_write(mcycle, 0x3000);
    csr_write(minstret, 0x4000);
    show("mcycleh", csr_read(mcycleh));
    show("minstreth", csr_read(minstreth));
    show("cycleh", csr_read(cycleh));
    show("instreth", csr_read(instreth));
    csr_write(mcycleh, 0);
    csr_write(minstreth, 0);
    show("mcycleh", csr_read(mcycleh));
    show("minstreth", csr_read(minstreth));
#endif
    csr_write(mcycle, 0x1234);
    csr_write(minstret, 0x5678);
    show("cycle", csr_read(cycle));
    show("instret", csr_read(instret));
    csr_write(mcountinhibit, 0);
    // They keep their values when they stop and when they go on.
    csr_write(mcycle, 0x1000000);
    csr_write(minstret, 0x1000000);
    csr_write(mcountinhibit, 5);
    show("mcycle is kept", csr_read(mcycle) >= 0x1000000);
    show("minstret is kept", csr_read(minstret) >= 0x1000000);
    csr_write(mcycle, 0x1234);
    csr_write(minstret, 0x5678);
    csr_write(mcountinhibit, 0);
    show("mcycle is kept", csr_read(mcycle) < 0x10000000);
    show("minstret is kept", csr_read(minstret) < 0x10000000);
}

// Code is decoded anew when FS or the enabled instructions change within it.
static void changes_of_state(void) {
    static const struct { const char *name; word status; } states[] = {
        {"off", 0}, {"initial", 1 << 13}, {"clean", 2 << 13}, {"dirty", FS},
    };
    for (int i = 0; i < 4; i++) {
        probe(MPP_S | states[i].status, (word)do_float, 0, 0);
        print(states[i].name);
        show(": a write to fcsr, then fadd.s: cause", trap.cause);
        show("  FS", trap.status >> 13 & 3);
        probe(MPP_S | states[i].status, (word)do_store_float, DATA, 0);
        show("  fsw: cause", trap.cause);
        // Only instructions that use the state change it, and only if they are not reserved.
        probe(MPP_S | states[i].status, (word)do_illegal, 0, 0);
        show("  no instruction: FS", trap.status >> 13 & 3);
        probe(MPP_S | states[i].status, (word)do_status, 0, 0);
        show("  mstatus in supervisor mode: FS", trap.status >> 13 & 3);
        probe(MPP_S | states[i].status, (word)do_dynamic, 5, 0);
        show("  fadd.s in rounding mode 5: cause", trap.cause);
        csr_set(mstatus, FS);
        csr_write(frm, 0);
    }
    window();
    *(volatile word *)DATA = 0x1234;
    *entry(0, 4) = leaf(DATA, V | R | U | A);
    *entry(0, 5) = leaf(DATA, V | X | A);
    flush();
    probe(MPP_S, (word)do_set_load, WINDOW + 4 * PAGE, SUM);
    show("SUM set: cause", trap.cause);
    probe(MPP_S | SUM, (word)do_clear_load, WINDOW + 4 * PAGE, SUM);
    show("SUM cleared: cause", trap.cause);
    probe(MPP_S, (word)do_set_load, WINDOW + 5 * PAGE, MXR);
    show("MXR set: cause", trap.cause);
    probe(MPP_S | MXR, (word)do_clear_load, WINDOW + 5 * PAGE, MXR);
    show("MXR cleared: cause", trap.cause);
    probe(MPP_S, (word)do_set_float, 0, FS);
    show("FS set: cause", trap.cause);
    use_tables(0);
    // mie and mip keep what is not delegated, and sie and sip change nothing else.
    csr_write(mideleg, SSIP | SEIP);
    csr_write(mie, ~0ul);
    csr_write(mip, SSIP | STIP);
    csr_write(sie, SSIP);
    show("mie", csr_read(mie) & 0xaab);
    csr_write(sip, 0);
    show("mip", csr_read(mip) & 0xaab);
    csr_write(sip, SSIP);
    show("mip", csr_read(mip) & 0xaab);
    csr_write(mie, 0);
    csr_write(mip, 0);
    csr_write(mideleg, 0);
}

// Code in which machine mode's loads change their meaning: they are as in supervisor mode, by MPRV.
static void changes_of_memory(void) {
    const word bits = V | R | W | A | D, status = MPRV | MPP_S;
    const int top = 8 * sizeof(word) == 32 ? 22 : 44;
    window();
    // The second address space has another page there.
    for (int i = 0; i < PAGE / (int)sizeof(word); i++)
        entry(6, 0)[i] = *entry(LEVELS - 1, i);
    *entry(6, sizeof(word) == 4 ? WINDOW_1 : WINDOW >> 30) = pointer(table(sizeof(word) == 4 ? 4 : 5));
    *entry(5, WINDOW_1) = pointer(table(4));
    *entry(4, 2) = leaf(DATA + PAGE, bits);
    flush();
    word first = csr_read(satp), second = (first >> top << top | table(6) >> 12) + (1ul << top);
    // SC to another page, also if that has the same value and was reserved before.
    *(volatile word *)DATA = *(volatile word *)(DATA + PAGE) = 1;
    probe(MPP_M, (word)do_other_sc, DATA, DATA + PAGE);
    probe(status, (word)do_satp_sc, GOOD, second);
    show("sc after satp is written fails, of the same value", trap.loaded != 0);
    csr_write(satp, first);
    *(volatile word *)(DATA + PAGE) = 2;
    probe(status, (word)do_load, GOOD, 0);
    show("loaded", trap.loaded);
    probe(status, (word)do_satp_load, GOOD, second);
    show("after satp is written", trap.loaded);
    csr_write(satp, first);
    probe(status, (word)do_satp_sc, GOOD, second);
    show("sc after satp is written fails", trap.loaded != 0);
    show("  memory", *(volatile word *)(DATA + PAGE));
    csr_write(satp, first);
    *(volatile word *)(DATA + PAGE) = 1;
    probe(MPP_S, (word)do_fence_sc, GOOD, leaf(DATA + PAGE, bits));
    show("sc after its page is another one fails", trap.loaded != 0);
    // Each bit of an address space's number counts.
    for (int bit = 0; bit < (sizeof(word) == 4 ? 9 : 16); bit++) {
        *entry(0, 2) = leaf(DATA, bits);
        *(volatile word *)(DATA + PAGE) = 2;
        csr_write(satp, first);
        flush();
        probe(status, (word)do_load, GOOD, 0);
        show("loaded", trap.loaded);
        probe(status, (word)do_satp_load, GOOD, (first >> top << top | table(6) >> 12) + (1ul << (top + bit)));
        show("in another space", trap.loaded);
        *entry(4, 2) = leaf(DATA, bits);
        __asm__ volatile("sfence.vma x0, %0" : : "r"(1ul << bit) : "memory");
        probe(status, (word)do_load, GOOD, 0);
        show("another page there", trap.loaded);
        *entry(4, 2) = leaf(DATA + PAGE, bits);
    }
    csr_write(satp, first);
    // FIOM alone enables neither the update of A nor memory types.
    set_menvcfg(1);
    *entry(0, 2) = leaf(DATA, bits & ~A);
    flush();
    probe(status, (word)do_load, GOOD, 0);
    show("not accessed: cause", trap.cause);
#if __riscv_xlen == 64
    *entry(0, 2) = leaf(DATA, bits) | PBMT(1);
    flush();
    probe(status, (word)do_load, GOOD, 0);
    show("with a memory type: cause", trap.cause);
#endif
    set_menvcfg(0);
    // A root past all memory, by one bit.
    csr_write(satp, first | 1ul << (sizeof(word) == 4 ? 21 : 43));
    flush();
    probe(status, (word)do_load, GOOD, 0);
    show("root past all memory: cause", trap.cause);
    use_tables(0);
    // Memory protection, by the address of a region alone.
    deny(DATA, 12);
    probe(status, (word)do_load, DATA, 0);
    show("denied: cause", trap.cause);
    csr_write(pmpaddr0, (DATA + PAGE) >> 2 | 511);
    flush();
    probe(status, (word)do_load, DATA, 0);
    show("elsewhere: cause", trap.cause);
    csr_write(pmpaddr0, DATA >> 2 | 511);
    flush();
    probe(status, (word)do_load, DATA, 0);
    show("denied again: cause", trap.cause);
    allow();
    // Bits beside CBIE do not enable CBO.INVAL.
    set_menvcfg(CBO);
    csr_write(senvcfg, 1);
    probe(0, (word)do_inval, DATA, 0);
    show("inval by FIOM alone: cause", trap.cause);
    set_menvcfg(1);
    csr_write(senvcfg, CBO);
    probe(MPP_S, (word)do_inval, DATA, 0);
    show("inval by FIOM alone: cause", trap.cause);
    probe(MPP_S | FS, (word)do_zero, DATA, 0);
    show("zero by FIOM alone: cause", trap.cause);
    probe(MPP_S | FS, (word)do_clean, DATA, 0);
    show("clean by FIOM alone: cause", trap.cause);
    csr_write(senvcfg, 0);
    // Values of fcsr.
    probe(MPP_M | FS, (word)do_fcsr, 0xe5, 0);
    show("fcsr", trap.loaded);
    // With STCE, software cannot set STIP.
    set_menvcfg(STCE);
    csr_write(0x14d, ~0ul);
    csr_write(mip, STIP);
    show("STIP by software", csr_read(mip) & STIP);
    set_menvcfg(0);
    show("STIP without STCE", csr_read(mip) & STIP);
    csr_write(mip, 0);
}

// Exceptions whose neighbour alone is delegated, or which alone are.
static void delegation(void) {
    csr_write(stvec, (word)do_nothing);
    for (int bit = 0; bit < 10; bit++) {
        csr_write(medeleg, 1ul << bit);
        show("delegated", bit);
        probe(MPP_S, (word)do_illegal, 0, 0);
        show("  illegal instruction: mcause", trap.cause);
        probe(MPP_S, (word)do_break, 0, 0);
        show("  breakpoint: mcause", trap.cause);
        probe(0, (word)do_nothing, 0, 0);
        show("  call: mcause", trap.cause);
    }
    // Fields of mstatus that were set before a trap or a return.
    csr_write(medeleg, 1 << 3);
    probe(1 << 8 | 1 << 5, (word)do_break, 0, 0);
    show("SPP and SPIE after a trap from user mode", trap.status & 0x122);
    csr_write(medeleg, 0);
    csr_write(stvec, 0);
    probe(MPRV | MPP_S | 1 << 7, (word)do_break, 0, 0);
    show("MPP and MPIE after a trap from machine mode", trap.status & 0x1888);
    probe(MPP_M | 1 << 3, (word)do_status, 0, 0);
    show("MPP, MPIE and MIE after mret", trap.loaded & 0x1888);
}

// Interrupts of each mode and for each, by priority.
static void priorities(void) {
    for (word pending = 2; pending <= (SSIP | STIP | SEIP); pending += 2) {
        if (pending & ~(word)(SSIP | STIP | SEIP))
            continue;
        for (word delegated = 0; delegated <= pending; delegated += 2) {
            if (delegated & ~pending)
                continue;
            csr_write(mideleg, delegated);
            csr_write(stvec, (word)do_nothing);
            csr_write(mip, pending);
            csr_write(mie, pending);
            show("pending", pending);
            show("  delegated", delegated);
            probe(MPP_S | 2, (word)do_nothing, 0, 0);
            csr_write(mie, 0);
            // Taken in supervisor mode, its handler calls.
            show("  mcause", trap.cause & 0x1f);
            if (trap.cause == CALL_S)
                show("  scause", csr_read(scause) & 0x1f);
        }
    }
    csr_write(mip, 0);
    csr_write(mideleg, 0);
}

static void plic_sources(void) {
    // Whether sources that may exist can be given a priority.
    static const int sources[] = {1, 10, 95, 96, 97, 127, 128, 511, 1023};
    for (word i = 0; i < sizeof sources / sizeof *sources; i++) {
        int source = sources[i];
        write32(priority(source), 1);
        show("source", source);
        show("  priority", read32(priority(source)));
        write32(priority(source), 0);
        word enables = ENABLE + source / 32 * 4;
        write32(enables, 1u << source % 32);
        show("  enabled", read32(enables));
        write32(enables, 0);
        show("  pending", read32(PENDING + source / 32 * 4) >> source % 32 & 1);
        // It completes nothing.
        write32(CLAIM, source);
        show("  claimed", read32(CLAIM));
    }
}

int main(word hart) {
    // No timer interrupt.
    write32(CLINT + 0x4004, ~0u);
    allow();
    registers();
    counters();
    changes_of_state();
    changes_of_memory();
    delegation();
    priorities();
    conditional_stores();
    blocks();
    misplaced_tables();
    large_pages();
    plic_sources();
    return 0;
}
