// The PLIC with the serial port's empty transmitter as a source.
#include "machine.h"

enum { IER = UART + 1, IIR = UART + 2, SENDER = 2 };

static volatile u64 taken, cause, claimed, claimed_again;

static void __attribute__((interrupt("machine"), aligned(4))) handler(void) {
    taken++;
    cause = csr_read(mcause);
    claimed = read32(CLAIM);
    claimed_again = read32(CLAIM);
    // Reading IIR lowers the line.
    (void)read8(IIR);
    write8(IER, 0);
    write32(CLAIM, claimed);
}

static u64 external(void) { return csr_read(mip) & MEIP; }

// Raises the line.
static void raise(void) {
    write8(IER, 0);
    write8(IER, SENDER);
}

int main(u64 hart) {
    write32(priority(UART_SOURCE), 0xffffffff);
    show("priority", read32(priority(UART_SOURCE)));
    write32(priority(UART_SOURCE), 1);
    write32(THRESHOLD, 0xffffffff);
    show("threshold", read32(THRESHOLD));
    write32(THRESHOLD, 0);

    // What does not exist reads as zero.
    write32(priority(0), 7);
    write32(priority(96), 7);
    write32(priority(1000), 7);
    write32(ENABLE, 1);
    show("no source", read32(priority(0)) | read32(priority(96)) | read32(priority(1000)));
    show("source zero enabled", read32(ENABLE));
    write32(ENABLE, 0);
    write32(ENABLE + 12, 0xffffffff);
    show("no enable", read32(ENABLE + 12));
    write32(PENDING, 0xffffffff);
    show("pending is read-only", read32(PENDING));
    show("nothing to claim", read32(CLAIM));
    write32(CLAIM, 0);
    write32(CLAIM, 96);
    write32(CLAIM, 0xffffffff);

    raise();
    show("pending", read32(PENDING) >> UART_SOURCE & 1);
    show("not enabled", external());
    write32(ENABLE, 1 << UART_SOURCE);
    show("enabled", external());
    write32(THRESHOLD, 1);
    show("at the threshold", external());
    write32(THRESHOLD, 0);
    show("above the threshold", external());
    write32(priority(UART_SOURCE), 0);
    show("of priority zero", external());
    write32(priority(UART_SOURCE), 7);
    show("of priority seven", external());
    u64 source = read32(CLAIM), interrupts = external(), pending = read32(PENDING) >> UART_SOURCE & 1;
    // Printing would raise the line.
    write8(IER, 0);
    show("claim", source);
    show("claimed", interrupts);
    show("claimed and pending", pending);
    // Another source completes nothing.
    write32(CLAIM, UART_SOURCE + 1);
    raise();
    interrupts = external(), pending = read32(PENDING) >> UART_SOURCE & 1;
    write8(IER, 0);
    show("not completed", interrupts);
    show("raised while claimed", pending);
    write32(CLAIM, UART_SOURCE);
    raise();
    show("completed", external());

    // Context 1 is supervisor mode. Claiming in one context takes it from both.
    write32(ENABLE + 0x80, 1 << UART_SOURCE);
    write32(THRESHOLD + 0x1000, 1);
    write32(THRESHOLD + 0x1000, 0);
    show("supervisor", csr_read(mip) & SEIP);
    show("supervisor's claim", read32(CLAIM + 0x1000));
    show("claimed from both", csr_read(mip) & (SEIP | MEIP));
    (void)read8(IIR);
    write8(IER, 0);
    write32(CLAIM + 0x1000, UART_SOURCE);
    write32(ENABLE + 0x80, 0);
    raise();

    csr_write(mtvec, handler);
    csr_set(mie, MEIP);
    csr_set(mstatus, 8);
    csr_clear(mstatus, 8);
    show("taken", taken);
    show("cause", cause);
    show("claimed", claimed);
    show("claimed again", claimed_again);
    show("after it", external());
    // It wakes the hart while interrupts are off.
    raise();
    wfi();
    write8(IER, 0);
    show("woken", external());
    return 0;
}
