// The PLIC's contexts of two harts: machine and supervisor mode of each are told of what they enable, and of nothing
// else. An interrupt of a device ends the other hart's WFI.
#include "two.h"

enum { CONTEXTS = 4, IER = UART + 1, IIR = UART + 2, SENDER = 2, ROUNDS = 200 };
static word enables(int context) { return ENABLE + 0x80 * context; }
static word threshold(int context) { return THRESHOLD + 0x1000 * context; }
static word claim(int context) { return CLAIM + 0x1000 * context; }

static void raise(void) {
    write8(IER, 0);
    write8(IER, SENDER);
}

static void lower(void) {
    write8(IER, 0);
    (void)read8(IIR);
}

// The external interrupts that are pending in each hart: a bit for each context.
static word pending(word hart) {
    static shared seen[2];
    meet(hart);
    word mip = csr_read(mip);
    seen[hart] = (mip & MEIP ? 1 : 0) | (mip & SEIP ? 2 : 0);
    meet(hart);
    return seen[0] | seen[1] << 2;
}

// Enables the source in the contexts of a set, and shows which are told, and what each of them claims.
static void contexts(word hart, word set) {
    if (hart == 0) {
        for (int i = 0; i < CONTEXTS; i++)
            write32(enables(i), set >> i & 1 ? 1 << UART_SOURCE : 0);
        raise();
    }
    word told = pending(hart);
    if (hart == 0) {
        show("enabled in", set);
        show("  told", told);
        for (int i = 0; i < CONTEXTS; i++)
            if (!(set >> i & 1))
                show("  claimed without", read32(claim(i)));
    }
    // A threshold is of one context.
    for (int i = 0; i < CONTEXTS; i++) {
        if (hart == 0)
            write32(threshold(i), 1);
        told = pending(hart);
        if (hart == 0) {
            show("  told below a threshold", told);
            write32(threshold(i), 0);
        }
    }
    if (hart == 0) {
        // Nothing is printed while it is claimed, since that would raise the line again.
        word claimed[CONTEXTS], first = 0;
        for (word i = 0; i < CONTEXTS; i++) {
            claimed[i] = set >> i & 1 ? read32(claim(i)) : 0;
            first = claimed[i] ? i : first;
        }
        lower();
        write32(claim(first), UART_SOURCE);
        for (word i = 0; i < CONTEXTS; i++)
            show("  claimed", claimed[i]);
    }
    told = pending(hart);
    if (hart == 0)
        show("  told afterwards", told);
}

// Each interrupt is for the other hart, which waits.
static void woken(word hart) {
    static shared taken;
    if (hart == 0)
        for (int i = 0; i < CONTEXTS; i++)
            write32(enables(i), i == 2 ? 1 << UART_SOURCE : 0);
    csr_write(mie, MEIP);
    meet(hart);
    for (word i = 1; i <= ROUNDS; i++) {
        if (hart == 0) {
            raise();
            while (taken < i)
                ;
        } else {
            while (!(csr_read(mip) & MEIP))
                wfi();
            if (read32(claim(2)) != UART_SOURCE)
                show("! nothing to claim", i);
            lower();
            write32(claim(2), UART_SOURCE);
            while (csr_read(mip) & MEIP)
                ;
            taken = i;
        }
    }
    csr_write(mie, 0);
    meet(hart);
    if (hart == 0)
        show("woken", taken);
}

int main(word hart) {
    write64(mtimecmp(hart), -1ul);
    if (hart == 0)
        write32(priority(UART_SOURCE), 1);
    for (word set = 0; set < 1 << CONTEXTS; set++)
        contexts(hart, set);
    woken(hart);
    meet(hart);
    return 0;
}
