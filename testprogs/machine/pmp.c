// Physical memory protection whose entries stay locked: what can be written nevertheless, and machine mode's accesses
// that no entry matches.
#include "probe.h"

stub(do_load, "ld a2, (a0)");
stub(do_store, "sd a1, (a0)");

enum { LOCK = 0x80, NAPOT = 0x18, NA4 = 0x10, TOR = 8, MMWP = 2, RLB = 4 };
enum { PMP_R = 1, PMP_W = 2, PMP_X = 4 };

static u64 config(int entry, u64 value) { return value << (8 * (entry & 7)); }

// Allowed kinds of access of machine mode, as letters.
static void kinds(u64 at) {
    probe(MPP_M, (u64)do_load, at, 0);
    print(trap.cause == CALL_M ? "r" : "-");
    probe(MPP_M, (u64)do_store, at + 8, 1);
    print(trap.cause == CALL_M ? "w" : "-");
    probe(MPP_M, at, 0, 0);
    print(trap.cause == CALL_M ? "x" : "-");
}

// Prints which of the addresses can be written.
static void addresses(void) {
#define ADDRESS(n)                                                                                                     \
    csr_write(pmpaddr##n, 0x1000 + n);                                                                                 \
    print(csr_read(pmpaddr##n) == 0x1000 + n ? " " #n : " -");                                                         \
    csr_write(pmpaddr##n, 0)
    print("written:");
    ADDRESS(7);
    ADDRESS(8);
    ADDRESS(9);
    ADDRESS(10);
    ADDRESS(11);
    ADDRESS(12);
    ADDRESS(13);
    ADDRESS(14);
    ADDRESS(15);
    print("\n");
}

int main(u64 hart) {
    csr_write(pmpaddr0, ~0ul);
    show("an address of ones", csr_read(pmpaddr0));
    csr_write(pmpcfg2, ~config(15, LOCK) & 0x7f7f7f7f7f7f7f7f);
    show("configurations of ones", csr_read(pmpcfg2));
    csr_write(pmpcfg2, 0);
    // RLB can be set while no entry is locked, whatever they allow.
    csr_write(pmpaddr0, DATA >> 2);
    csr_write(pmpcfg0, TOR | PMP_R | PMP_W | PMP_X);
    csr_write(0x747, RLB);
    show("mseccfg", csr_read(0x747));
    csr_write(0x747, 0);
    show("mseccfg", csr_read(0x747));
    // Without MML, an entry that lets machine mode execute can be added.
    csr_write(pmpcfg2, config(8, LOCK | PMP_X));
    show("pmpcfg2", csr_read(pmpcfg2));
    csr_write(0x747, RLB);
    show("mseccfg", csr_read(0x747));
    // The entry before a locked one of kind TOR has a locked address, those before others do not.
    addresses();
    csr_write(pmpcfg2, config(10, LOCK | NA4 | PMP_R) | config(12, LOCK | NAPOT | PMP_R) | config(14, TOR | PMP_R));
    show("pmpcfg2", csr_read(pmpcfg2));
    addresses();
    csr_write(pmpcfg2, config(14, LOCK | TOR | PMP_R));
    show("pmpcfg2", csr_read(pmpcfg2));
    addresses();
    // Machine mode and what no entry matches.
    write32(DATA, 0x73);
    __asm__ volatile("fence.i" : : : "memory");
    print("no entry: ");
    kinds(DATA);
    csr_write(0x747, MMWP);
    print("\nno entry, with MMWP: ");
    kinds(DATA);
    print("\nan entry, with MMWP: ");
    csr_write(pmpaddr1, DATA >> 2 | 511);
    csr_write(pmpcfg0, config(0, TOR | PMP_R | PMP_W | PMP_X) | config(1, NAPOT));
    kinds(DATA);
    print("\n");
    return 0;
}
