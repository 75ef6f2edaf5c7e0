// Physical memory protection with Smepmp: each configuration of an entry, with and without MML and MMWP, for machine
// mode and for user mode.
#include "probe.h"

stub(do_load, "ld a2, (a0)");
stub(do_store, "sd a1, (a0)");

enum { LOCK = 0x80, NAPOT = 0x18, TOR = 8, MML = 1, MMWP = 2, RLB = 4 };
enum { PMP_R = 1, PMP_W = 2, PMP_X = 4 };
// Copies of the code for user mode.
enum { CODE = 0x80700000 };
extern char etext[];


static u64 config(int entry, u64 value) { return value << (8 * entry); }

// Allowed kinds of access to DATA, as letters.
static void kinds(u64 status) {
    int user = !(status & MPP_M);
    const char *load = user ? (char *)CODE : do_load, *store = user ? (char *)(CODE + 64) : do_store;
    probe(status, (u64)load, DATA, 0);
    print(trap.cause == 5 && trap.tval == DATA ? "-" : trap.cause >= CALL_U ? "r" : "?");
    probe(status, (u64)store, DATA + 8, 1);
    print(trap.cause == 7 && trap.tval == DATA + 8 ? "-" : trap.cause >= CALL_U ? "w" : "?");
    probe(status, DATA, 0, 0);
    print(trap.cause == 1 && trap.tval == DATA ? "-" : trap.cause >= CALL_U && trap.epc == DATA ? "x" : "?");
}

// Entry 0 is of DATA. The others are what the program itself needs.
static void others(u64 first) {
    u64 code = LOCK | TOR | PMP_R | PMP_X, data = LOCK | TOR | PMP_R | PMP_W;
    csr_write(pmpaddr0, DATA >> 2 | 511);
    csr_write(pmpaddr1, CODE >> 2 | 511);
    csr_write(pmpaddr2, 0x80000000ul >> 2);
    csr_write(pmpaddr3, ((u64)etext + 3) >> 2);
    csr_write(pmpaddr4, TABLES >> 2);
    csr_write(pmpaddr5, UART >> 2 | 31);
    csr_write(pmpaddr6, FINISHER >> 2 | 511);
    csr_write(pmpcfg0, config(0, first) | config(1, NAPOT | PMP_R | PMP_X) | config(3, code) | config(4, data) |
                           config(5, LOCK | NAPOT | PMP_R | PMP_W) | config(6, LOCK | NAPOT | PMP_R | PMP_W));
}

static void table_of_configurations(const char *what) {
    for (u64 bits = 0; bits < 16; bits++) {
        u64 value = NAPOT | (bits & 7) | (bits & 8 ? LOCK : 0);
        others(value);
        print(what);
        print(bits & 8 ? ": L" : ": -");
        print(bits & PMP_R ? "R" : "-");
        print(bits & PMP_W ? "W" : "-");
        print(bits & PMP_X ? "X" : "-");
        print(" machine ");
        kinds(MPP_M);
        print(" user ");
        kinds(0);
        show(" stored", csr_read(pmpcfg0) & 0xff);
    }
}

// What no entry matches.
static void unmatched(const char *what) {
    others(0);
    print(what);
    print(": no entry: machine ");
    kinds(MPP_M);
    print(" user ");
    kinds(0);
    print("\n");
}

int main(u64 hart) {
    for (int i = 0; i < 4; i++) {
        write32(CODE + 4 * i, read32((u64)do_load + 4 * i));
        write32(CODE + 64 + 4 * i, read32((u64)do_store + 4 * i));
    }
    write32(DATA, 0x73);
    __asm__ volatile("fence.i" : : : "memory");
    // RLB lets locked entries be changed, until it is cleared while there are any.
    csr_write(0x747, RLB);
    show("mseccfg", csr_read(0x747));
    unmatched("plain");
    table_of_configurations("plain");
    csr_write(0x747, RLB | MML);
    show("mseccfg", csr_read(0x747));
    unmatched("MML");
    table_of_configurations("MML");
    others(0);
    csr_write(0x747, RLB | MML | MMWP);
    print("MMWP at once: machine ");
    kinds(MPP_M);
    print("\n");
    show("mseccfg", csr_read(0x747));
    unmatched("MML and MMWP");
    table_of_configurations("MML and MMWP");
    // Neither MML nor MMWP can be cleared.
    csr_write(0x747, RLB);
    show("mseccfg", csr_read(0x747));
    // Without RLB, locked entries keep their value, and no entry that lets machine mode execute can be added.
    others(NAPOT | PMP_R);
    csr_write(0x747, 0);
    show("mseccfg", csr_read(0x747));
    csr_write(0x747, RLB);
    show("mseccfg after RLB was cleared", csr_read(0x747));
    for (u64 bits = 0; bits < 16; bits++) {
        u64 value = NAPOT | (bits & 7) | (bits & 8 ? LOCK : 0);
        // Entries 8 to 15 follow one another: none of them can be changed once it is locked.
        csr_write(pmpaddr8, 0);
        csr_write(pmpcfg2, bits < 8 ? value : value << 8 * (bits - 8));
        show("pmpcfg2", csr_read(pmpcfg2));
    }
    u64 before = csr_read(pmpcfg0), address = csr_read(pmpaddr4);
    csr_write(pmpcfg0, 0);
    show("locked entries", csr_read(pmpcfg0) == (before & ~0xfffful));
    csr_write(pmpaddr4, 0);
    csr_write(pmpaddr2, 0);
    show("locked addresses", csr_read(pmpaddr4) == address && csr_read(pmpaddr2) == 0x80000000ul >> 2);
    return 0;
}
