// Supervisor mode: its CSRs, what machine mode delegates to it and traps from it, interrupts, and sfence.vma.
#include "probe.h"

enum { TVM = 1 << 20, TW = 1 << 21, TSR = 1 << 22 };
enum { SIE = 1 << 1, SPIE = 1 << 5, MPIE = 1 << 7, SPP = 1 << 8 };
enum { SSIP = 1 << 1, STIP = 1 << 5 };
#define SD (1ul << 63)
// The fields of mstatus that every hart with S and U mode has.
#define STATUS (0x7e79ab | SD)

stub(do_nothing, "nop");
stub(do_mret, "mret");
stub(do_sret, "sret");
stub(do_wfi, "wfi");
stub(do_satp, "csrr a2, satp");
stub(do_satp_write, "csrw satp, x0");
stub(do_fence, "sfence.vma");
stub(do_sinval, ".insn 0x16000073");
stub(do_w_inval, ".insn 0x18000073");
stub(do_inval_ir, ".insn 0x18100073");
stub(do_cycle, "csrr a2, cycle; li a2, 0");
stub(do_time, "csrr a2, time; li a2, 0");
stub(do_instret, "csrr a2, instret; li a2, 0");
stub(do_stimecmp, "csrr a2, 0x14d");
stub(do_mstatus, "csrr a2, mstatus");
stub(do_sstatus, "csrr a2, sstatus");
stub(do_sscratch, "csrr a2, sscratch");
stub(do_mepc, "csrr a2, mepc");
stub(do_write_time, "csrw time, x0");
stub(do_no_csr, "csrr a2, 0x5ff");
stub(do_break, "ebreak");
stub(do_illegal, ".word 0xffffffff");
stub(do_zero, ".insn i 0x0f, 2, x0, a0, 4");
stub(do_clean, ".insn i 0x0f, 2, x0, a0, 1");
stub(do_flush, ".insn i 0x0f, 2, x0, a0, 2");
stub(do_inval, ".insn i 0x0f, 2, x0, a0, 0");
stub(do_fadd, "fadd.d f0, f0, f0");
stub(do_flw, "flw f0, (a0)");
stub(do_fcsr, "csrr a2, fcsr");
stub(do_fcsr_write, "csrw fcsr, x0");
stub(do_load, "ld a2, (a0)");
stub(do_store, "sd a1, (a0)");
stub(do_amo_odd, "amoadd.d a2, a1, (a0)");
stub(do_lr_odd, "lr.d a2, (a0)");
stub(do_sc_odd, "sc.d a2, a1, (a0)");
stub(do_jump, "jr a0");

// The handler of supervisor mode: says so to machine mode by a call, from its first or a later vector.
__asm__(".text; .balign 64; .globl vectors\n"
        "vectors: .option push; .option norvc\n"
        ".rept 16; ecall; .endr\n"
        ".option pop");
extern char vectors[];

static int taken_in_supervisor(void) { return trap.cause == CALL_S && trap.epc - (u64)vectors < 64; }

// Prints how a probe ends: its cause, with its value if that is not zero, and where supervisor mode took it.
static void attempt(const char *what, u64 status, const char *code, u64 a0, u64 a1) {
    probe(status, (u64)code, a0, a1);
    print(what);
    if (taken_in_supervisor()) {
        show(": vector", (trap.epc - (u64)vectors) / 4);
        show("  scause", csr_read(scause));
        show("  stval", csr_read(stval));
        show("  sepc", csr_read(sepc) - (u64)code);
        show("  sstatus", csr_read(sstatus) & (SPP | SPIE | SIE));
        return;
    }
    show(": cause", trap.cause);
    if (trap.tval)
        show("  tval", trap.tval);
    if (trap.loaded)
        show("  loaded", trap.loaded);
}

// What `corners` does not look at, which runs on both widths.
static void registers(void) {
    csr_write(mstatus, 0);
    show("UXL and SXL of mstatus", csr_read(mstatus) >> 32 & 15);
    show("UXL of sstatus", csr_read(sstatus) >> 32 & 15);
    all_ones_and_zeros(mie, 0xaaa);
    all_ones_and_zeros(mip, 0xaaa);
    csr_write(mip, 0);
    all_ones_and_zeros(menvcfg, STCE | PBMTE | ADUE | CBO | 1);
    // Whether a write with a reserved mode changes the base is unspecified.
    csr_write(stvec, ~2ul);
    show("stvec", csr_read(stvec));
    u64 before = csr_read(mtvec);
    csr_write(mtvec, ~2ul);
    show("mtvec", csr_read(mtvec));
    csr_write(mtvec, before);
    csr_write(menvcfg, 2 << 4);
    show("menvcfg.CBIE of 2", csr_read(menvcfg) >> 4 & 3);
    csr_write(menvcfg, 2 << 4 | 1);
    show("menvcfg.CBIE of 2 with FIOM", csr_read(menvcfg) >> 4 & 3);
    csr_write(menvcfg, 0);

    // A write with an unsupported mode changes nothing.
    for (u64 mode = 0; mode < 16; mode++) {
        csr_write(satp, 0);
        csr_write(satp, mode << 60 | 0x5aul << 44 | 0x123);
        if (csr_read(satp))
            show("satp", csr_read(satp));
    }
    csr_write(satp, 8ul << 60 | 0xffffffffffffffful);
    show("satp of ones", csr_read(satp));
    csr_write(satp, 15ul << 60);
    show("satp of an unsupported mode", csr_read(satp));
    csr_write(satp, 0);
}

static void returns(void) {
    static const struct { const char *name; u64 mode; } to[] = {{"user", 0}, {"supervisor", MPP_S}, {"machine", MPP_M}};
    for (int i = 0; i < 3; i++) {
        print("return to ");
        print(to[i].name);
        csr_write(mepc, do_nothing);
        // The probe runs in machine mode, with MPRV, and returns from it.
        csr_write(sepc, do_nothing);
        probe(MPRV | to[i].mode | MPIE, (u64)do_mret, 0, 0);
        show(" by mret: mstatus", trap.status & STATUS);
        show("  cause", trap.cause);
        if (to[i].mode == MPP_M)
            continue;
        csr_write(sepc, do_nothing);
        probe(MPRV | (to[i].mode ? SPP : 0) | SPIE, (u64)do_sret, 0, 0);
        print("return to ");
        print(to[i].name);
        show(" by sret: mstatus", trap.status & STATUS);
        show("  cause", trap.cause);
    }
    probe(MPRV | MPP_S | SUM, (u64)do_nothing, 0, 0);
    show("trap with MPRV: mstatus", trap.status & STATUS);
    csr_write(sepc, do_nothing);
    attempt("mret in supervisor mode", MPP_S, do_mret, 0, 0);
    attempt("mret in user mode", 0, do_mret, 0, 0);
    attempt("sret in user mode", 0, do_sret, 0, 0);
    attempt("sret in supervisor mode", MPP_S, do_sret, 0, 0);
}

static const struct mode { const char *name; u64 status; } modes[] = {
    {"user", 0}, {"supervisor", MPP_S}, {"machine", MPP_M},
};

static void trapped(void) {
    static const struct { const char *name, *code; } actions[] = {
        {"satp", do_satp}, {"satp write", do_satp_write}, {"sfence.vma", do_fence}, {"sinval.vma", do_sinval},
        {"sfence.w.inval", do_w_inval}, {"sfence.inval.ir", do_inval_ir}, {"sret", do_sret}, {"wfi", do_wfi},
        {"mstatus", do_mstatus}, {"sscratch", do_sscratch}, {"mepc", do_mepc}, {"a write to time", do_write_time},
        {"no such CSR", do_no_csr}, {"ebreak", do_break}, {"all ones", do_illegal},
    };
    static const struct { const char *name; u64 status; } controls[] = {
        {"nothing", 0}, {"TVM", TVM}, {"TW", TW}, {"TSR", TSR}, {"all", TVM | TW | TSR},
    };
    // A pending interrupt ends wfi.
    csr_write(mie, SSIP);
    csr_write(mideleg, SSIP);
    csr_write(mip, SSIP);
    csr_write(sscratch, 0);
    for (u64 i = 0; i < sizeof actions / sizeof *actions; i++)
        for (int mode = 0; mode < 3; mode++)
            for (u64 j = 0; j < sizeof controls / sizeof *controls; j++) {
                // In user mode the interrupt would be taken.
                csr_write(mideleg, modes[mode].status ? SSIP : 0);
                csr_write(mie, modes[mode].status ? SSIP : 0);
                csr_write(sepc, do_nothing);
                csr_write(satp, 0);
                probe(modes[mode].status | controls[j].status, (u64)actions[i].code, 0, 0);
                if (j == 0) {
                    print(actions[i].name);
                    print(" in ");
                    print(modes[mode].name);
                    show(" mode: cause", trap.cause);
                    if (trap.cause == 3)
                        show("  tval", trap.tval - trap.epc);
                    else if (trap.tval)
                        show("  tval", trap.tval);
                } else if (trap.cause == 2) {
                    print("  trapped by ");
                    print(controls[j].name);
                    print("\n");
                }
            }
    csr_write(mip, 0);
    csr_write(mie, 0);
    csr_write(mideleg, 0);
}

static void counters(void) {
    static const struct { const char *name, *code; u64 bit; } reads[] = {
        {"cycle", do_cycle, 1}, {"time", do_time, 2}, {"instret", do_instret, 4},
    };
    for (int i = 0; i < 3; i++)
        for (int enabled = 0; enabled < 4; enabled++) {
            csr_write(mcounteren, enabled & 1 ? reads[i].bit : 7 & ~reads[i].bit);
            csr_write(scounteren, enabled & 2 ? reads[i].bit : 7 & ~reads[i].bit);
            print(reads[i].name);
            show(" enabled by", enabled);
            for (int mode = 0; mode < 3; mode++) {
                probe(modes[mode].status, (u64)reads[i].code, 0, 0);
                show(modes[mode].name, trap.cause);
            }
        }
    csr_write(0x14d, ~0ul);
    for (int enabled = 0; enabled < 4; enabled++) {
        csr_write(mcounteren, enabled & 1 ? 2 : 5);
        csr_write(scounteren, 7);
        csr_write(menvcfg, enabled & 2 ? STCE : 0);
        show("stimecmp enabled by", enabled);
        for (int mode = 0; mode < 3; mode++) {
            probe(modes[mode].status, (u64)do_stimecmp, 0, 0);
            show(modes[mode].name, trap.cause);
        }
    }
    // The comparison sets STIP, which no write to mip changes then.
    csr_write(menvcfg, 0);
    csr_write(mip, STIP);
    show("STIP written without STCE", csr_read(mip) & STIP);
    csr_write(mip, 0);
    csr_write(menvcfg, STCE);
    csr_write(mip, STIP);
    show("STIP written with STCE", csr_read(mip) & STIP);
    csr_write(0x14d, 0);
    show("STIP at the time", csr_read(mip) & STIP);
    csr_write(mip, 0);
    show("STIP cleared by software", csr_read(mip) & STIP);
    csr_write(0x14d, ~0ul);
    show("STIP before the time", csr_read(mip) & STIP);
    csr_write(menvcfg, 0);
}

static void cache_blocks(void) {
    static const struct { const char *name, *code; } actions[] = {
        {"cbo.zero", do_zero}, {"cbo.clean", do_clean}, {"cbo.flush", do_flush}, {"cbo.inval", do_inval},
    };
    static const u64 enables[] = {0, 0x80, 0x40, 0x10, 0x30, CBO};
    for (int i = 0; i < 4; i++)
        for (int m = 0; m < 6; m++)
            for (int s = 0; s < 6; s++) {
                csr_write(menvcfg, enables[m]);
                csr_write(senvcfg, enables[s]);
                u64 causes = 0;
                for (int mode = 0; mode < 3; mode++) {
                    probe(modes[mode].status, (u64)actions[i].code, DATA, 0);
                    causes = causes << 4 | trap.cause;
                }
                print(actions[i].name);
                show("", enables[m] << 8 | enables[s]);
                show("  causes", causes);
            }
    csr_write(menvcfg, CBO);
    csr_write(senvcfg, CBO);
    csr_write(menvcfg, 0);
}

static void floating(void) {
    static const struct { const char *name, *code; } actions[] = {
        {"fadd.d", do_fadd}, {"flw", do_flw}, {"fcsr", do_fcsr}, {"fcsr write", do_fcsr_write}, {"none", do_nothing},
    };
    for (int i = 0; i < 5; i++)
        for (u64 state = 0; state < 4; state++) {
            print(actions[i].name);
            show(" in state", state);
            for (int mode = 0; mode < 3; mode++) {
                probe(modes[mode].status | state << 13, (u64)actions[i].code, DATA, 0);
                show(modes[mode].name, trap.cause);
                show("  FS and SD", trap.status & (FS | SD));
            }
        }
}

static void delegation(void) {
    csr_write(stvec, vectors);
    for (int delegated = 0; delegated < 2; delegated++) {
        csr_write(medeleg, delegated ? 0xb1ff & ~(u64)(1 << CALL_S) : 0);
        print(delegated ? "delegated\n" : "not delegated\n");
        for (int mode = 0; mode < 3; mode++) {
            print(modes[mode].name);
            print("\n");
            attempt("ebreak", modes[mode].status | SIE, do_nothing, 0, 0);
            attempt("illegal", modes[mode].status | SIE, do_illegal, 0, 0);
            attempt("load", modes[mode].status, do_load, 0x500, 0);
            attempt("store", modes[mode].status, do_store, 0x508, 0);
            attempt("fetch", modes[mode].status, do_jump, 0x600, 0);
        }
    }
    csr_write(medeleg, 0);
    // Exceptions have no vectors of their own.
    csr_write(medeleg, 1 << 2 | 1 << 3);
    csr_write(stvec, (u64)vectors | 1);
    attempt("vectored: illegal", MPP_S, do_illegal, 0, 0);
    attempt("vectored: break", 0, do_break, 0, 0);
    csr_write(medeleg, 0);
}

static void interrupts(void) {
    // With the software interrupt of machine mode, one of supervisor mode, or both.
    csr_write(medeleg, 0);
    for (int vectored = 0; vectored < 2; vectored++) {
        csr_write(stvec, (u64)vectors | vectored);
        print(vectored ? "vectored\n" : "direct\n");
        for (int delegated = 0; delegated < 2; delegated++)
            for (int which = 1; which < 4; which++)
                for (int enabled = 0; enabled < 4; enabled++)
                    for (int mode = 0; mode < 3; mode++) {
                        csr_write(mideleg, delegated ? SSIP | STIP | SEIP : 0);
                        write32(CLINT, which & 1);
                        while ((csr_read(mip) >> 3 & 1) != (which & 1))
                            ;
                        csr_write(mip, which & 2 ? SSIP : 0);
                        csr_write(mie, MSIP | SSIP);
                        print(modes[mode].name);
                        print(delegated ? " delegated" : "");
                        show(" pending", which);
                        show("  enabled", enabled);
                        u64 enables = (enabled & 1 ? SIE : 0) | (enabled & 2 ? MPIE : 0);
                        attempt("", modes[mode].status | enables, do_nothing, 0, 0);
                        csr_write(mie, 0);
                    }
        write32(CLINT, 0);
        // By priority: external, software, timer.
        for (u64 pending = SSIP; pending <= (SSIP | STIP | SEIP); pending += 2) {
            if (pending & ~(u64)(SSIP | STIP | SEIP))
                continue;
            csr_write(mideleg, 0);
            csr_write(mip, pending);
            csr_write(mie, ~0ul);
            show("pending", pending);
            attempt("not delegated", MPP_S, do_nothing, 0, 0);
            csr_write(mie, 0);
            csr_write(mideleg, SSIP | STIP | SEIP);
            csr_write(mie, ~0ul);
            attempt("delegated", MPP_S | SIE, do_nothing, 0, 0);
            csr_write(mie, 0);
        }
        csr_write(mip, 0);
    }
    csr_write(mideleg, 0);

    // wfi ends for whatever mie enables, though the interrupt is not taken.
    for (int delegated = 0; delegated < 2; delegated++)
        for (int mode = 1; mode < 3; mode++) {
            csr_write(mideleg, delegated ? SSIP : 0);
            csr_write(mip, SSIP);
            csr_write(mie, SSIP);
            print(modes[mode].name);
            attempt(delegated ? " wfi, delegated" : " wfi", modes[mode].status, do_wfi, 0, 0);
        }
    csr_write(mie, 0);
    csr_write(mip, 0);
    csr_write(mideleg, 0);

    // SEIP is what software has set, or the PLIC's line. Setting or clearing bits of mip does not copy the line.
    enum { ENABLE_S = PLIC + 0x2080, THRESHOLD_S = PLIC + 0x201000, IER = UART + 1 };
    write32(priority(UART_SOURCE), 1);
    write32(THRESHOLD_S, 0);
    write32(ENABLE_S, 1 << UART_SOURCE);
    u64 seen[8];
    write8(IER, 2);
    seen[0] = csr_read(mip) & SEIP;
    csr_clear(mip, SEIP);
    seen[1] = csr_read(mip) & SEIP;
    csr_set(mip, SSIP);
    csr_clear(mip, SSIP);
    seen[2] = csr_read(mip) & SEIP;
    write8(IER, 0);
    (void)read32(PLIC + 0x201004);
    seen[3] = csr_read(mip) & SEIP;
    csr_set(mip, SEIP);
    seen[4] = csr_read(mip) & SEIP;
    csr_set(mip, SSIP);
    seen[5] = csr_read(mip) & SEIP;
    csr_clear(mip, SEIP | SSIP);
    seen[6] = csr_read(mip) & SEIP;
    for (int i = 0; i < 7; i++)
        show("SEIP", seen[i]);
    write32(PLIC + 0x201004, UART_SOURCE);
    write32(ENABLE_S, 0);
}

// Loads through WINDOW in supervisor mode.
static u64 load(u64 at) {
    probe(MPP_S, (u64)do_load, at, 0);
    return trap.cause == CALL_S ? trap.loaded : trap.cause << 32;
}

static void fence_address(u64 at) { __asm__ volatile("sfence.vma %0" : : "r"(at) : "memory"); }
static void fence_both(u64 at, u64 asid) { __asm__ volatile("sfence.vma %0, %1" : : "r"(at), "r"(asid) : "memory"); }
static void fence_asid(u64 asid) { __asm__ volatile("sfence.vma x0, %0" : : "r"(asid) : "memory"); }

static void fences(void) {
    enum { OTHER = DATA + 0x200000 };
    const u64 bits = V | R | W | X | A | D;
    for (int i = 0; i < 512; i++) {
        write64(DATA + i * PAGE, 0x1000 + i);
        write64(OTHER + i * PAGE, 0x2000 + i);
    }
    tables(3);
    use_tables(3);
    // A page of 4 KiB.
    *entry(0, 3) = leaf(DATA, bits);
    flush();
    show("page", load(WINDOW + 3 * PAGE));
    *entry(0, 3) = leaf(OTHER, bits);
    fence_address(WINDOW + 3 * PAGE + 0x7f8);
    show("another page", load(WINDOW + 3 * PAGE));
    *entry(0, 3) = 0;
    fence_address(WINDOW + 3 * PAGE);
    show("no page", load(WINDOW + 3 * PAGE));
    *entry(0, 3) = leaf(DATA, bits);
    fence_asid(0);
    show("page again", load(WINDOW + 3 * PAGE));
    *entry(0, 3) = leaf(OTHER, bits);
    fence_both(WINDOW + 3 * PAGE, 0);
    show("another again", load(WINDOW + 3 * PAGE));
    // A page of 2 MiB, flushed by any of its addresses.
    *entry(1, 1) = leaf(DATA, bits);
    flush();
    show("superpage", load(WINDOW + 0x200000) + load(WINDOW + 0x200000 + 511 * PAGE));
    *entry(1, 1) = leaf(OTHER, bits);
    fence_address(WINDOW + 0x200000 + 77 * PAGE);
    show("another superpage", load(WINDOW + 0x200000) + load(WINDOW + 0x200000 + 511 * PAGE));
    *entry(1, 1) = leaf(DATA, bits);
    fence_both(WINDOW + 0x200000 + 78 * PAGE, 0);
    show("superpage again", load(WINDOW + 0x200000) + load(WINDOW + 0x200000 + 511 * PAGE));
    // 64 KiB in sixteen entries.
    for (int i = 16; i < 32; i++)
        *entry(0, i) = leaf(DATA + 0x8000, bits | N);
    flush();
    show("contiguous", load(WINDOW + 16 * PAGE) + (load(WINDOW + 31 * PAGE) << 16));
    for (int i = 16; i < 32; i++)
        *entry(0, i) = leaf(OTHER + 0x8000, bits | N);
    fence_address(WINDOW + 20 * PAGE);
    show("other contiguous", load(WINDOW + 20 * PAGE));
    flush();
    show("all contiguous", load(WINDOW + 16 * PAGE) + (load(WINDOW + 31 * PAGE) << 16));
    // Invalid addresses.
    fence_address(1ul << 63);
    fence_address(0x5555555555555555);
    fence_both(~(1ul << 62), 0xffff);
    show("after invalid addresses", load(WINDOW + 3 * PAGE));
    show("invalid address", load(1ul << 38));
    show("  tval", trap.tval);
    show("invalid address", load(1ul << 63));
    show("  tval", trap.tval);
    // Svinval.
    *entry(0, 3) = leaf(DATA, bits);
    __asm__ volatile(".insn 0x18000073");
    register u64 a0 __asm__("a0") = WINDOW + 3 * PAGE;
    __asm__ volatile(".insn 0x16050073; .insn 0x18100073" : : "r"(a0) : "memory");
    show("after sinval.vma", load(WINDOW + 3 * PAGE));
    // Two address spaces, without fences after they are known.
    u64 root = table(2), other_root = table(6), middle = table(5), last = table(4);
    for (int i = 0; i < 512; i++)
        write64(other_root + 8 * i, read64(root + 8 * i));
    write64(other_root + 8, pointer(middle));
    write64(middle, pointer(last));
    write64(last + 3 * 8, leaf(OTHER, bits));
    flush();
    for (int i = 0; i < 3; i++) {
        csr_write(satp, 8ul << 60 | 1ul << 44 | root >> 12);
        show("space 1", load(WINDOW + 3 * PAGE));
        csr_write(satp, 8ul << 60 | 2ul << 44 | other_root >> 12);
        show("space 2", load(WINDOW + 3 * PAGE));
    }
    write64(last + 3 * 8, leaf(OTHER + PAGE, bits));
    fence_both(WINDOW + 3 * PAGE, 2);
    show("space 2 changed", load(WINDOW + 3 * PAGE));
    csr_write(satp, 8ul << 60 | 1ul << 44 | root >> 12);
    show("space 1", load(WINDOW + 3 * PAGE));
    // Tables and pages where there is no memory.
    *entry(1, 2) = pointer(0x10000000000);
    *entry(0, 3) = leaf(0x10000000000, bits);
    flush();
    show("no table", load(WINDOW + 0x400000) >> 32);
    show("no memory", load(WINDOW + 3 * PAGE) >> 32);
    use_tables(0);
}

static void misaligned(void) {
    for (int mode = 0; mode < 3; mode++) {
        print(modes[mode].name);
        print("\n");
        attempt("amo", modes[mode].status, do_amo_odd, DATA + 4, 0);
        attempt("lr", modes[mode].status, do_lr_odd, DATA + 4, 0);
        attempt("sc", modes[mode].status, do_sc_odd, DATA + 4, 0);
    }
}

int main(u64 hart) {
    // No timer interrupt.
    write64(CLINT + 0x4000, ~0ul);
    allow();
    registers();
    csr_write(mepc, 0);
    returns();
    trapped();
    counters();
    cache_blocks();
    floating();
    delegation();
    interrupts();
    fences();
    misaligned();
    return 0;
}
