// Two harts with both kinds of timers, which interrupt them or end their WFI; and bits of mip that software changes while
// devices change others.
#include "two.h"

enum { SSIP = 1 << 1, STIP = 1 << 5, MIE = 1 << 3, TICKS = 100, ROUNDS = 90, TOGGLES = 300 };

static u64 now(void) { return read64(TIME); }
static void set_stimecmp(u64 at) { csr_write(0x14d, at); }

static shared ticks[2][2];

// Both timers go on, each with its own period.
static void __attribute__((interrupt("machine"), aligned(4))) tick(void) {
    word hart = csr_read(mhartid), supervisor = (csr_read(mcause) & 15) == 5;
    ticks[hart][supervisor]++;
    if (supervisor)
        set_stimecmp(now() + 310);
    else
        write64(mtimecmp(hart), now() + 470);
}

static void interrupts(word hart) {
    csr_write(mtvec, tick);
    csr_write(mie, MTIP | STIP);
    meet(hart);
    write64(mtimecmp(hart), now() + 470);
    set_stimecmp(now() + 310);
    csr_set(mstatus, MIE);
    while (ticks[hart][0] < TICKS || ticks[hart][1] < TICKS)
        ;
    csr_clear(mstatus, MIE);
    write64(mtimecmp(hart), -1ul);
    set_stimecmp(-1ul);
    meet(hart);
    if (hart == 0)
        print("both timers of both harts interrupt\n");
}

// Each hart waits for a time of its own. The other one's may be earlier or later, or it is busy meanwhile; an earlier
// time that is set first is taken back.
static void waits(word hart) {
    static shared early[2];
    csr_write(mie, MTIP | STIP);
    for (word i = 0; i < ROUNDS; i++) {
        const word by_stimecmp = i >> hart & 1, bit = by_stimecmp ? STIP : MTIP;
        meet(hart);
        const u64 start = now(), at = start + 50 + (i * 37 + hart * 161) % 400;
        if (i % 5 == hart) {
            write64(mtimecmp(hart), start + 20);
            set_stimecmp(start + 30);
            write64(mtimecmp(hart), -1ul);
            set_stimecmp(-1ul);
        }
        if (by_stimecmp)
            set_stimecmp(at);
        else
            write64(mtimecmp(hart), at);
        while (!(csr_read(mip) & bit))
            if (i % 3 != hart)
                wfi();
        early[hart] += now() < at;
        write64(mtimecmp(hart), -1ul);
        set_stimecmp(-1ul);
        while (csr_read(mip) & (MTIP | STIP))
            ;
    }
    csr_write(mie, 0);
    meet(hart);
    if (hart == 0)
        show("woken before the time", early[0] + early[1]);
}

static void toggle(void) {
    csr_set(mip, SSIP);
    csr_clear(mip, SSIP);
}

// Hart 1 sets and clears a bit of mip all the time, which neither loses what devices set meanwhile nor keeps it.
static void toggles(word hart) {
    enum { CONTEXT = 3, ENABLE_OF_IT = ENABLE + 0x80 * CONTEXT, CLAIM_OF_IT = CLAIM + 0x1000 * CONTEXT, IER = UART + 1 };
    static shared acknowledged, kept;
    if (hart == 0) {
        write32(priority(UART_SOURCE), 1);
        write32(ENABLE_OF_IT, 1 << UART_SOURCE);
    }
    meet(hart);
    for (u64 i = 1; i <= TOGGLES; i++) {
        if (hart == 0) {
            write32(msip(1), 1);
            write8(IER, 2);
            while (acknowledged < 2 * i - 1)
                ;
            write8(IER, 0);
            (void)read32(CLAIM_OF_IT);
            write32(CLAIM_OF_IT, UART_SOURCE);
            write32(msip(1), 0);
            acknowledged = 2 * i;
            while (kept < i)
                ;
        } else {
            while ((csr_read(mip) & (MSIP | SEIP)) != (MSIP | SEIP))
                toggle();
            acknowledged = 2 * i - 1;
            while (acknowledged != 2 * i)
                toggle();
            while (csr_read(mip) & (MSIP | SEIP))
                toggle();
            kept = i;
        }
    }
    meet(hart);
    if (hart == 0)
        show("set and cleared beside", kept);
}

int main(word hart) {
    set_menvcfg(STCE);
    write64(mtimecmp(hart), -1ul);
    set_stimecmp(-1ul);
    meet(hart);
    interrupts(hart);
    waits(hart);
    toggles(hart);
    meet(hart);
    return 0;
}
