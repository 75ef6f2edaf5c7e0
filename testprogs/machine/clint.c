// The CLINT on two harts: timer and software interrupts, and one clock.
#include "machine.h"

static u64 compare(u64 hart) { return CLINT + 0x4000 + 8 * hart; }
static u64 software(u64 hart) { return CLINT + 4 * hart; }
enum { TIME = CLINT + 0xbff8 };

static volatile u64 cause, woken, timers;

static void __attribute__((interrupt("machine"), aligned(4))) handler(void) {
    cause = csr_read(mcause);
    timers++;
    write64(compare(0), -1ul);
}

static u64 pending(u64 bits) { return csr_read(mip) & bits; }

int main(u64 hart) {
    if (hart == 1) {
        csr_set(mie, MSIP);
        while (!pending(MSIP))
            wfi();
        write32(software(1), 0);
        woken = !pending(MSIP) + 1;
        for (;;)
            wfi();
    }
    write64(compare(0), -1ul);
    u64 one = read64(TIME), two = csr_read(time), three = read64(TIME);
    show("one clock", one <= two && two <= three);
    show("no timer", pending(MTIP));
    write64(compare(0), 0);
    show("timer", pending(MTIP));
    write32(compare(0) + 4, 0x7fffffff);
    show("the upper half", pending(MTIP));
    show("compare", read64(compare(0)));
    write64(compare(0), -1ul);

    csr_write(mtvec, handler);
    csr_set(mie, MTIP);
    u64 start = read64(TIME);
    write64(compare(0), start + 20000);
    while (!pending(MTIP))
        wfi();
    u64 waited = read64(TIME) - start;
    show("waited", waited >= 20000);
    csr_set(mstatus, 8);
    csr_clear(mstatus, 8);
    show("taken", timers);
    show("cause", cause);
    show("cleared", pending(MTIP));

    // The clock can be set, and the time CSR follows.
    write64(TIME, 1ul << 40);
    show("set", read64(TIME) >> 40);
    show("followed", csr_read(time) >> 40);

    write32(software(0), 0xffffffff);
    show("software", pending(MSIP));
    show("one bit", read32(software(0)));
    write32(software(0), 0);
    show("cleared", pending(MSIP));
    write32(software(1), 1);
    while (!woken)
        ;
    show("the other hart", woken);
    return 0;
}
