// CSRs that software looks for by reading them, and by which extensions are known: in which modes they exist, and whether machine
// mode may write them.
#include "probe.h"

static const word modes[] = {0, MPP_S, MPP_M};

// CSRs that software may look for.
#define CSRS(PROBE)                                                                                                    \
    /* sstateen0, mstateen0, mstateen0h */                                                                             \
    PROBE(0x10c) PROBE(0x30c) PROBE(0x31c)                                                                             \
    /* scountovf, scountinhibit, mcyclecfg, minstretcfg */                                                             \
    PROBE(0xda0) PROBE(0x120) PROBE(0x321) PROBE(0x322)                                                                \
    /* mtopi, stopi, mtopei, stopei, miselect, siselect */                                                             \
    PROBE(0xfb0) PROBE(0xdb0) PROBE(0x35c) PROBE(0x15c) PROBE(0x350) PROBE(0x150)                                      \
    /* hstatus, vsstatus, hgatp, mtval2, mtinst */                                                                     \
    PROBE(0x600) PROBE(0x200) PROBE(0x680) PROBE(0x34b) PROBE(0x34a)                                                   \
    /* mnscratch, mnstatus, scontext, dcsr */                                                                \
    PROBE(0x740) PROBE(0x744) PROBE(0x5a8) PROBE(0x7b0)                                                   \
    /* jvt, seed, ssp */                                                                                               \
    PROBE(0x017) PROBE(0x015) PROBE(0x011)                                                                             \
    /* The upper halves that RV32 has: mstatush, medelegh, mseccfgh, mhpmcounter3h, hpmcounter3h */                    \
    PROBE(0x310) PROBE(0x312) PROBE(0x757) PROBE(0xb83) PROBE(0xc83)                                                   \
    /* pmpcfg1 to pmpcfg3, pmpaddr15 */                                                                                \
    PROBE(0x3a1) PROBE(0x3a2) PROBE(0x3a3) PROBE(0x3bf)                                                                \
    /* mhpmcounter3, mhpmcounter31, hpmcounter3, hpmcounter31, mhpmevent3, mhpmevent31 */                              \
    PROBE(0xb03) PROBE(0xb1f) PROBE(0xc03) PROBE(0xc1f) PROBE(0x323) PROBE(0x33f)                                      \
    /* hpmcounter16, hpmcounter17 */                                                                                   \
    PROBE(0xc10) PROBE(0xc11)                                                                                          \
    /* misa, mcause, scause, tselect, time, timeh, mcycleh, instreth */                                                \
    PROBE(0x301) PROBE(0x342) PROBE(0x142) PROBE(0x7a0) PROBE(0xc01) PROBE(0xc81) PROBE(0xb80) PROBE(0xc82)            \
    /* mvendorid, mconfigptr, and one that nobody has */                                                               \
    PROBE(0xf11) PROBE(0xf15) PROBE(0x5c5)
#define READ(number) stub(read_##number, "csrr a2, " #number);
#define WRITE(number) stub(write_##number, "csrw " #number ", a0");
#define ROW(number) {#number, read_##number, write_##number},
CSRS(READ)
CSRS(WRITE)

int main(word hart) {
    allow();
    static const struct { const char *number, *read, *write; } csrs[] = {CSRS(ROW)};
    csr_write(mcounteren, 7);
    csr_write(scounteren, 7);
    for (word i = 0; i < sizeof csrs / sizeof *csrs; i++) {
        print(csrs[i].number);
        for (int mode = 0; mode < 3; mode++) {
            probe(modes[mode], (word)csrs[i].read, 0, 0);
            print(trap.cause == 2 ? " traps" : " exists");
        }
        probe(MPP_M, (word)csrs[i].write, 0, 0);
        print(trap.cause == 2 ? ", is not written\n" : ", is written\n");
    }
    return 0;
}
