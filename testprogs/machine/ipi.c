// Interrupts that another hart sends end WFI, whatever is pending besides and whatever is enabled.
#include "machine.h"

enum { SSIP = 1 << 1, MIE = 1 << 3 };

static volatile int round_of[2], woken;

static void wait_for(volatile int *what, int value) {
    while (*what != value)
        ;
}

// What is pending, enabled by mie, and enabled by mstatus while the hart waits.
static const struct { const char *name; word pending, enabled, delegated, status; } cases[] = {
    {"nothing else", 0, MSIP, 0, 0},
    {"another pending", SSIP, MSIP, 0, 0},
    {"another pending and delegated", SSIP, MSIP, SSIP, 0},
    {"another delegated and enabled", 0, MSIP | SSIP, SSIP, 0},
};
enum { CASES = sizeof cases / sizeof *cases };

int main(word hart) {
    if (hart == 1) {
        for (int i = 0; i < CASES; i++) {
            wait_for(&round_of[0], i + 1);
            csr_write(mideleg, cases[i].delegated);
            csr_write(mip, cases[i].pending);
            csr_write(mie, cases[i].enabled);
            csr_write(mstatus, cases[i].status);
            round_of[1] = i + 1;
            // WFI may end for no reason.
            while (!(csr_read(mip) & MSIP))
                wfi();
            write32(CLINT + 4, 0);
            while (csr_read(mip) & MSIP)
                ;
            woken = i + 1;
        }
        return 0;
    }
    for (int i = 0; i < CASES; i++) {
        round_of[0] = i + 1;
        wait_for(&round_of[1], i + 1);
        // Long enough for the other hart to wait.
        for (volatile int j = 0; j < 20000; j++)
            ;
        write32(CLINT + 4, 1);
        wait_for(&woken, i + 1);
        print(cases[i].name);
        print(": woken\n");
    }
    return 0;
}
