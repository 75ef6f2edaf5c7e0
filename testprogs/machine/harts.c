// Two harts at once: software interrupts, timers, contended atomic operations over two virtual addresses, and code that
// one hart changes and the other runs.
#include "two.h"

enum { ROUNDS = 2000, COUNTS = 20000, PAGES = 64 };

// Sends software interrupts back and forth. Hart 1 waits for them with another interrupt pending, which is not enabled.
static void interrupts(u64 hart) {
    write64(mtimecmp(hart), hart ? 0 : -1ul);
    csr_write(mie, MSIP);
    meet(hart);
    for (int i = 0; i < ROUNDS; i++) {
        if (hart == 0)
            write32(msip(1), 1);
        while (!(csr_read(mip) & MSIP))
            wfi();
        write32(msip(hart), 0);
        if (hart == 1)
            write32(msip(0), 1);
    }
    if (hart == 1)
        while (!(csr_read(mip) & MTIP))
            ;
    meet(hart);
    if (hart == 0)
        show("sent and received", ROUNDS);
    write64(mtimecmp(hart), -1ul);
}

static shared ticks[2];

static void __attribute__((interrupt("machine"), aligned(4))) tick(void) {
    u64 hart = csr_read(mhartid);
    ticks[hart]++;
    write64(mtimecmp(hart), read64(TIME) + 500);
}

// Both harts count in a loop without calls until their timers have interrupted them often.
static void timers(u64 hart) {
    csr_write(mtvec, tick);
    csr_write(mie, MTIP);
    meet(hart);
    write64(mtimecmp(hart), read64(TIME) + 500);
    csr_set(mstatus, 8);
    while (ticks[hart] < 100)
        ;
    csr_clear(mstatus, 8);
    write64(mtimecmp(hart), -1ul);
    csr_write(mie, 0);
    meet(hart);
    if (hart == 0)
        show("both interrupted", ticks[0] >= 100 && ticks[1] >= 100);
}

// Runs the body a3 times with loads and stores translated, at a0.
#define translated(name, body)                                                                                        \
    void name(u64 at, u64 unused, u64 status, u64 times);                                                             \
    __asm__(".text; .balign 4\n" #name ": csrs mstatus, a2\n1: " body "\n addi a3, a3, -1; bnez a3, 1b\n"             \
            "csrc mstatus, a2; ret\n")
translated(add_one, "li t0, 1; amoadd.d x0, t0, (a0)");
translated(reserve_and_add, "2: lr.d t0, (a0); addi t0, t0, 1; sc.d t1, t0, (a0); bnez t1, 2b");
translated(largest, "2: ld t0, (a0); addi t0, t0, 1; amomaxu.d t1, t0, (a0); bgeu t1, t0, 2b");

// A store-conditional fails after the other hart's atomic operation by another address, which leaves the value as it is.
extern char reserve[], conditional[];
__asm__(".text; .balign 4\nreserve: csrs mstatus, a2; lr.d a0, (a0); csrc mstatus, a2; ret\n"
        ".balign 4\nconditional: csrs mstatus, a2; sc.d a0, x0, (a0); csrc mstatus, a2; ret\n");
typedef u64 access(u64 at, u64 unused, u64 status);

static void atomics(u64 hart) {
    const u64 status = MPRV | MPP_S, at = WINDOW + (hart ? 8 * PAGE : 0), bits = V | R | W | A | D;
    if (hart == 0) {
        tables(3);
        *entry(0, 0) = leaf(DATA, bits);
        *entry(0, 8) = leaf(DATA, bits);
        write64(DATA, 0);
    }
    allow();
    meet(hart);
    use_tables(3);
    meet(hart);
    add_one(at, 0, status, COUNTS);
    meet(hart);
    if (hart == 0)
        show("added", read64(DATA) == 2 * COUNTS);
    meet(hart);
    reserve_and_add(at, 0, status, COUNTS);
    meet(hart);
    if (hart == 0)
        show("reserved and added", read64(DATA) == 4 * COUNTS);
    meet(hart);
    hart ? add_one(at, 0, status, COUNTS) : reserve_and_add(at, 0, status, COUNTS);
    meet(hart);
    if (hart == 0)
        show("one added, one reserved", read64(DATA) == 6 * COUNTS);
    meet(hart);
    largest(at, 0, status, COUNTS);
    meet(hart);
    if (hart == 0)
        show("grew", read64(DATA) >= 7 * COUNTS);
    meet(hart);
    u64 failed = 0;
    for (int i = 0; i < 1000; i++) {
        if (hart == 0)
            ((access *)reserve)(at, 0, status);
        meet(hart);
        if (hart == 1)
            __asm__ volatile("csrs mstatus, %1; amoadd.d x0, x0, (%0); csrc mstatus, %1" : : "r"(at), "r"(status) : "memory");
        meet(hart);
        if (hart == 0)
            failed += ((access *)conditional)(at, 0, status);
    }
    if (hart == 0)
        show("reservations lost", failed);
    use_tables(0);
}

// li a0, value; ret
static u32 li_a0(u32 value) { return 0x513 | value << 20; }
static void put(u64 at, u32 value) { write32(at, li_a0(value)); }
static void prepare(u64 at, u32 value) {
    put(at, value);
    write32(at + 4, 0x8067);
}
static u64 call(u64 at) { return ((u64(*)(void))at)(); }
static void fence_i(void) { __asm__ volatile("fence.i" : : : "memory"); }

// Hart 0 changes code, sends an interrupt, and hart 1 runs what it finds after a fence.
static void changes(u64 hart) {
    static shared result;
    u64 wrong = 0;
    if (hart == 0)
        prepare(DATA, 0);
    csr_write(mie, MSIP);
    meet(hart);
    for (int i = 0; i < ROUNDS; i++) {
        if (hart == 0) {
            put(DATA, i & 1023);
            __asm__ volatile("fence" : : : "memory");
            write32(msip(1), 1);
            while (!(csr_read(mip) & MSIP))
                wfi();
            write32(msip(0), 0);
            wrong += result != (i & 1023);
        } else {
            while (!(csr_read(mip) & MSIP))
                wfi();
            write32(msip(1), 0);
            fence_i();
            result = call(DATA);
            write32(msip(0), 1);
        }
    }
    if (hart == 0)
        show("wrong after a change", wrong);
    meet(hart);
}

// Hart 1 stores to each page all the time, while hart 0 runs code in it for the first time.
static void becomes_code(u64 hart) {
    static shared started, called, finished;
    u64 wrong = 0;
    for (u64 i = 0; i < PAGES; i++) {
        u64 at = DATA + (i + 1) * PAGE;
        meet(hart);
        if (hart == 1) {
            prepare(at, 0);
            for (u64 n = 0; called <= i; n++) {
                put(at, n & 1023);
                started = i + 1;
            }
            put(at, 1500);
            __atomic_store_n(&finished, i + 1, __ATOMIC_SEQ_CST);
        } else {
            while (started <= i)
                ;
            fence_i();
            wrong += call(at) > 1023;
            called = i + 1;
            while (finished <= i)
                ;
            fence_i();
            wrong += call(at) != 1500;
        }
    }
    if (hart == 0)
        show("wrong in new pages of code", wrong);
}

int main(u64 hart) {
    interrupts(hart);
    timers(hart);
    atomics(hart);
    changes(hart);
    becomes_code(hart);
    meet(hart);
    return 0;
}
