// The supervisor's timer (Sstc): stimecmp, STIP, and who may use them as STCE and mcounteren.TM say. On both widths.
#include "probe.h"

enum { SIE = 1 << 1, SSIP = 1 << 1, STIP = 1 << 5 };
#define NEVER ~0ull
// So far in the future that an interrupt comes while the hart executes or waits.
enum { SOON = 20000 };

stub(do_nothing, "nop");
stub(do_spin, "1: j 1b");
stub(do_wait, "1: wfi; csrr a2, sip; andi a2, a2, 32; beqz a2, 1b");
stub(do_read, "csrr a2, 0x14d");
stub(do_write, "csrw 0x14d, a0; csrr a2, 0x14d");
stub(do_clear, "csrc sip, a0; csrr a2, sip");
stub(do_set, "csrs sip, a0; csrr a2, sip");
#if __riscv_xlen == 32
stub(do_read_high, "csrr a2, 0x15d");
stub(do_write_high, "csrw 0x15d, a0; csrr a2, 0x15d");
#endif

static u64 now(void) {
#if __riscv_xlen == 32
    word high, low;
    do {
        high = csr_read(timeh);
        low = csr_read(time);
    } while (high != csr_read(timeh));
    return (u64)high << 32 | low;
#else
    return csr_read(time);
#endif
}

static void set_compare(u64 at) {
#if __riscv_xlen == 32
    csr_write(0x15d, ~0ul);
    csr_write(0x14d, at);
    csr_write(0x15d, at >> 32);
#else
    csr_write(0x14d, at);
#endif
}

static word pending(void) { return csr_read(mip) & STIP; }

// STIP belongs to software without STCE, and to the comparison with it.
static void control(void) {
    set_menvcfg(0);
    set_compare(0);
    show("without STCE", pending());
    csr_set(mip, STIP);
    show("set by software", pending());
    set_menvcfg(STCE);
    show("with STCE, after the time", pending());
    csr_clear(mip, STIP);
    show("cleared by software", pending());
    set_compare(NEVER);
    show("before the time", pending());
    csr_set(mip, STIP | SSIP);
    show("set by software", csr_read(mip) & (STIP | SSIP));
    csr_clear(mip, SSIP);
    set_compare(1ull << 63);
    show("in the second half of all times", pending());
    set_compare(now());
    show("at the time", pending());
    set_compare(now() + (1ull << 40));
    show("long before the time", pending());
    // STCE is switched with STIP as it is.
    set_compare(0);
    set_menvcfg(STCE | ADUE);
    show("another field of menvcfg", pending());
    csr_set(mip, SSIP | SEIP);
    set_menvcfg(0);
    show("without STCE", csr_read(mip) & (SSIP | STIP | SEIP));
    csr_clear(mip, STIP);
    show("cleared by software", csr_read(mip) & (SSIP | STIP | SEIP));
    csr_clear(mip, SSIP | SEIP);
    set_menvcfg(STCE);
    show("with STCE again", pending());
    set_compare(NEVER);
    set_menvcfg(0);
    show("without STCE again", pending());
    csr_set(mip, STIP);
    set_menvcfg(STCE);
    show("set by software, before the time", pending());
    // A comparison that is written without STCE counts from then on.
    set_menvcfg(0);
    csr_clear(mip, STIP);
    set_compare(0);
    show("compared without STCE", pending());
    set_menvcfg(STCE);
    show("and with it", pending());
    set_compare(NEVER);
}

static void waits(void) {
    csr_write(mideleg, 0);
    csr_write(mie, STIP);
    u64 at = now() + SOON;
    set_compare(at);
    while (!pending())
        wfi();
    show("machine mode waited", now() >= at);
    at = now() + SOON;
    set_compare(at);
    while (!pending())
        ;
    show("machine mode polled", now() >= at);
    csr_write(mideleg, STIP);
    at = now() + SOON;
    set_compare(at);
    probe(MPP_S, (word)do_wait, 0, 0);
    show("supervisor mode waited", now() >= at);
    show("  cause", trap.cause);
    show("  sip", trap.loaded);
    // The comparison goes on if STCE is set before its time.
    set_menvcfg(0);
    at = now() + SOON;
    set_compare(at);
    set_menvcfg(STCE);
    probe(MPP_S, (word)do_wait, 0, 0);
    show("waited with a new STCE", now() >= at);
    set_compare(NEVER);
    csr_write(mie, 0);
}

// Prints how a probe ends: in supervisor mode's handler, which is `do_nothing`, or in machine mode.
static void interrupted(word status, const char *code) {
    csr_write(scause, 0);
    probe(status, (word)code, 0, 0);
    show("  cause", trap.cause);
    if (csr_read(scause))
        show("  scause", csr_read(scause));
}

static void interrupts(void) {
    static const struct { const char *name; word status; } modes[] = {
        {"user", 0}, {"supervisor", MPP_S}, {"supervisor with SIE", MPP_S | SIE},
    };
    csr_write(stvec, do_nothing);
    for (word delegated = 0; delegated <= STIP; delegated += STIP)
        for (int mode = 0; mode < 3; mode++) {
            csr_write(mideleg, delegated);
            print(modes[mode].name);
            print(delegated ? ", delegated\n" : "\n");
            set_compare(0);
            csr_write(mie, 0);
            interrupted(modes[mode].status, do_nothing);
            csr_write(mie, STIP);
            interrupted(modes[mode].status, do_nothing);
            // Supervisor mode without SIE would never end.
            if (!delegated || mode != 1) {
                set_compare(now() + SOON);
                interrupted(modes[mode].status, do_spin);
            }
            set_compare(NEVER);
            interrupted(modes[mode].status, do_nothing);
        }
    csr_write(mie, 0);
}

static void access(const char *what, const char *code, word value) {
    probe(MPP_S, (word)code, value, 0);
    print(what);
    show(": cause", trap.cause);
    if (trap.cause == CALL_S)
        show("  loaded", trap.loaded);
}

// Who may access stimecmp, and STIP through sip.
static void accesses(void) {
    csr_write(mideleg, STIP);
    for (word counters = 0; counters < 8; counters++)
        for (int enabled = 0; enabled < 2; enabled++) {
            csr_write(mcounteren, counters);
            csr_write(scounteren, counters ^ 2);
            set_menvcfg(enabled ? STCE : 0);
            show("mcounteren", counters);
            show("STCE", enabled);
            access("  read", do_read, 0);
            access("  write", do_write, 0x12345678);
#if __riscv_xlen == 32
            access("  read of the upper half", do_read_high, 0);
            access("  write of the upper half", do_write_high, 0x7654321);
#endif
            set_compare(0);
            show("  STIP", pending());
            access("  clear", do_clear, STIP);
            set_compare(NEVER);
            access("  set", do_set, STIP);
            show("  STIP", pending());
            csr_write(mip, 0);
        }
    csr_write(mcounteren, 7);
    csr_write(mideleg, 0);
}

int main(word hart) {
    // No timer interrupt of machine mode.
    write32(CLINT + 0x4004, ~0u);
    allow();
    csr_write(mcounteren, 7);
    control();
    waits();
    interrupts();
    accesses();
    return 0;
}
