// A hart with machine and user mode alone, and without floating point: what belongs to supervisor mode and to F is not
// there.
#include "probe.h"

#define read(name, csr) stub(name, "csrr a2, " #csr)
read(do_sstatus, sstatus);
read(do_sie, sie);
read(do_stvec, stvec);
read(do_scounteren, scounteren);
read(do_senvcfg, senvcfg);
read(do_sscratch, sscratch);
read(do_sepc, sepc);
read(do_scause, scause);
read(do_stval, stval);
read(do_sip, sip);
read(do_stimecmp, 0x14d);
read(do_satp, satp);
read(do_medeleg, medeleg);
read(do_mideleg, mideleg);
read(do_fflags, fflags);
read(do_frm, frm);
read(do_fcsr, fcsr);
read(do_mcounteren, mcounteren);
stub(do_sret, "sret");
stub(do_fence, "sfence.vma");
stub(do_fadd, ".word 0x00107053");
stub(do_flw, ".word 0x00052007");
stub(do_cycle, "csrr a2, cycle; li a2, 1");
stub(do_nothing, "nop");
stub(do_load, "ld a2, (a0)");
stub(do_mret, "mret");
stub(do_break, "ebreak");
stub(do_wfi, "wfi");
stub(do_zero, ".insn i 0x0f, 2, x0, a0, 4");
stub(do_clean, ".insn i 0x0f, 2, x0, a0, 1");
stub(do_inval, ".insn i 0x0f, 2, x0, a0, 0");

static const struct { const char *name, *code; } codes[] = {
    {"sstatus", do_sstatus}, {"sie", do_sie}, {"stvec", do_stvec}, {"scounteren", do_scounteren},
    {"senvcfg", do_senvcfg}, {"sscratch", do_sscratch}, {"sepc", do_sepc}, {"scause", do_scause},
    {"stval", do_stval}, {"sip", do_sip}, {"stimecmp", do_stimecmp}, {"satp", do_satp}, {"medeleg", do_medeleg},
    {"mideleg", do_mideleg}, {"fflags", do_fflags}, {"frm", do_frm}, {"fcsr", do_fcsr},
    {"mcounteren", do_mcounteren}, {"sret", do_sret}, {"sfence.vma", do_fence}, {"fadd.s", do_fadd}, {"flw", do_flw},
};

static const struct { const char *name; word bits; } fields[] = {
    {"SIE", 1 << 1}, {"SPIE", 1 << 5}, {"MPIE", 1 << 7}, {"SPP", 1 << 8}, {"FS", FS}, {"MPRV", MPRV}, {"SUM", SUM},
    {"MXR", MXR}, {"TVM", 1 << 20}, {"TW", 1 << 21}, {"TSR", 1 << 22},
};

// User mode may access everything but what entry 0 denies. There is no TLB to flush.
static void permit(word entries) {
    csr_write(pmpaddr1, ~0ul);
    csr_write(pmpcfg0, entries);
}

int main(void) {
    permit(0x1f00);
    show("misa", csr_read(misa));
    for (word i = 0; i < sizeof codes / sizeof *codes; i++) {
        probe(MPP_M | FS, (word)codes[i].code, (word)&trap, 0);
        print(codes[i].name);
        show(" in machine mode: cause", trap.cause);
        probe(FS, (word)codes[i].code, (word)&trap, 0);
        print(codes[i].name);
        show(" in user mode: cause", trap.cause);
    }
    // Fields of mstatus.
    for (word i = 0; i < sizeof fields / sizeof *fields; i++) {
        csr_write(mstatus, fields[i].bits);
        show(fields[i].name, csr_read(mstatus) & fields[i].bits);
    }
    csr_write(mstatus, MPP_M);
    csr_write(mstatus, 0);
    show("MPP of user mode", csr_read(mstatus) & MPP_M);
    csr_write(mie, ~0ul);
    show("mie", csr_read(mie) & 0xfff);
    csr_write(mie, 0);
    csr_write(mip, ~0ul);
    show("mip", csr_read(mip) & 0xf7f);
    // User mode: calls, counters, and what is denied to it.
    probe(0, (word)do_nothing, 0, 0);
    show("a call: cause", trap.cause);
    show("from", trap.status & MPP_M);
    csr_write(mcounteren, 0);
    probe(0, (word)do_cycle, 0, 0);
    show("cycle without mcounteren: cause", trap.cause);
    csr_write(mcounteren, 7);
    probe(0, (word)do_cycle, 0, 0);
    show("cycle with mcounteren: cause", trap.cause);
    probe(0, (word)do_load, (word)&trap, 0);
    show("a load: cause", trap.cause);
    csr_write(pmpaddr0, ((word)&trap & -64ul) >> 2 | 7);
    permit(0x1f18);
    probe(0, (word)do_load, (word)&trap, 0);
    show("a load that PMP denies: cause", trap.cause);
    probe(MPP_M, (word)do_load, (word)&trap, 0);
    show("in machine mode: cause", trap.cause);
    // MPRV with MPP = U: as user mode.
    probe(MPRV, (word)do_load, (word)&trap, 0);
    show("with MPRV: cause", trap.cause);
    permit(0x1f00);
    probe(0, (word)do_mret, 0, 0);
    show("mret: cause", trap.cause);
    probe(0, (word)do_break, 0, 0);
    show("ebreak: cause", trap.cause);
    // WFI may be executed in user mode. An interrupt that is pending ends it, though it is not taken.
    write32(CLINT, 1);
    csr_write(mie, MSIP);
    while (!(csr_read(mip) & MSIP))
        ;
    csr_write(mie, 0);
    probe(1 << 21, (word)do_wfi, 0, 0);
    show("wfi with TW: cause", trap.cause);
    write32(CLINT, 0);
    write64(CLINT + 0x4000, read64(CLINT + 0xbff8) + 20000);
    csr_write(mie, MTIP);
    probe(0, (word)do_wfi, 0, 0);
    show("wfi: cause", trap.cause & 0xff);
    show("  at", trap.epc - (word)do_wfi);
    write64(CLINT + 0x4000, ~0ul);
    csr_write(mie, 0);
    // Only menvcfg says which instructions for cache blocks user mode may execute.
    static const word enables[] = {0, 1, 0x10, 0x30, 0x40, 0x80, CBO};
    for (word i = 0; i < sizeof enables / sizeof *enables; i++) {
        csr_write(menvcfg, enables[i]);
        show("menvcfg", csr_read(menvcfg) & (CBO | 1));
        probe(0, (word)do_zero, DATA, 0);
        show("  cbo.zero: cause", trap.cause);
        probe(0, (word)do_clean, DATA, 0);
        show("  cbo.clean: cause", trap.cause);
        probe(0, (word)do_inval, DATA, 0);
        show("  cbo.inval: cause", trap.cause);
    }
    return 0;
}
