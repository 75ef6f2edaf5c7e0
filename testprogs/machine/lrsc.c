// What may come between LR and SC on a machine: the other hart's accesses by another address, trap handlers that use
// SC themselves, interrupts, and the updates of A and D in a page-table entry that is reserved.
#include "two.h"

enum { TIMES = 50, COUNTS = 20000, TICKS = 200, UPDATES = 2000 };
static const u64 STATUS = MPRV | MPP_S, BITS = V | R | W | A | D;

// The address at which a hart sees the data.
static u64 seen_by(u64 hart) { return WINDOW + (hart ? 8 * PAGE : 0) + 64; }
enum { HERE = DATA + 64 };

// Runs the body with loads and stores translated, at a0; returns a0.
#define translated(name, body)                                                                                        \
    u64 name(u64 at, u64 value, u64 status);                                                                          \
    __asm__(".text; .balign 4\n" #name ": csrs mstatus, a2\n " body "\n csrc mstatus, a2; ret\n")
translated(reserve, "lr.d a0, (a0)");
translated(reserve_word, "lr.w a0, (a0)");
translated(conditional, "sc.d a0, a1, (a0)");
translated(conditional_word, "sc.w a0, a1, (a0)");
translated(store_byte, "sb a1, 3(a0)");
translated(store_half, "sh a1, 2(a0)");
translated(store_word, "sw a1, (a0)");
translated(store_double, "sd a1, (a0)");
translated(store_compressed, ".option push; .option rvc; c.sd a1, 0(a0); .option pop");
translated(store_odd, "sh a1, 1(a0)");
translated(store_before, "sd a1, -4(a0)");
translated(store_behind, "sd a1, 2(a0)");
translated(store_float, "fmv.d.x f0, a1; fsd f0, (a0)");
translated(atomic_word, "amoadd.w x0, a1, (a0)");
translated(atomic_double, "amoxor.d x0, a1, (a0)");
translated(atomic_twice, "amoxor.d x0, a1, (a0); amoxor.d x0, a1, (a0)");
translated(pair_word, "1: lr.w t0, (a0); add t0, t0, a1; sc.w t1, t0, (a0); bnez t1, 1b");
translated(pair_double, "1: lr.d t0, (a0); xor t0, t0, a1; sc.d t1, t0, (a0); bnez t1, 1b");
translated(zero_block, ".insn i 0x0f, 2, x0, a0, 4");

typedef u64 action(u64 at, u64 value, u64 status);
static const struct { const char *name; action *action; } actions[] = {
    {"sb", store_byte}, {"sh", store_half}, {"sw", store_word}, {"sd", store_double}, {"c.sd", store_compressed},
    {"sh inside", store_odd}, {"sd over the beginning", store_before}, {"sd over the end", store_behind},
    {"fsd", store_float}, {"amoadd.w", atomic_word}, {"amoxor.d", atomic_double},
    {"amoxor.d, twice", atomic_twice}, {"lr.w and sc.w", pair_word}, {"lr.d and sc.d", pair_double},
    {"cbo.zero", zero_block},
};
enum { ACTIONS = sizeof actions / sizeof *actions };

// A reservation is lost to each of the other hart's accesses that changes the word, and the failing SC stores nothing.
static void other_hart(u64 hart) {
    u64 at = seen_by(hart);
    for (int i = 0; i < ACTIONS; i++)
        for (int word_only = 0; word_only < 2; word_only++) {
            u64 failed = 0, stored = 0;
            for (int j = 0; j < TIMES; j++) {
                if (hart == 0) {
                    write64(HERE - 8, 0);
                    write64(HERE, 0x1111111111111111);
                    write64(HERE + 8, 0);
                    (word_only ? reserve_word : reserve)(at, 0, STATUS);
                }
                meet(hart);
                if (hart == 1)
                    actions[i].action(at, 0x2222222222222222, STATUS);
                meet(hart);
                if (hart == 0) {
                    u64 before = read64(HERE);
                    int fails = (word_only ? conditional_word : conditional)(at, 0x3333333333333333, STATUS) != 0;
                    failed += fails;
                    stored += fails && read64(HERE) != before;
                }
                meet(hart);
            }
            if (hart == 0) {
                print(actions[i].name);
                show(word_only ? " of a word: failed" : ": failed", failed);
                if (stored)
                    show("! stored", stored);
            }
        }
}

// Half of a doubleword is counted by LR and SC of all of it, while the other hart stores to the other half.
#define counted(name, between)                                                                                        \
    static void name(u64 at, u64 times) {                                                                             \
        u64 t, failed;                                                                                                \
        for (u64 i = 0; i < times; i++)                                                                               \
            __asm__ volatile("1: lr.d %0, (%2); " between " addi %0, %0, 1; sc.d %1, %0, (%2); bnez %1, 1b"           \
                             : "=&r"(t), "=&r"(failed) : "r"(at), "r"(&elsewhere) : "memory");                        \
    }
static shared elsewhere;
counted(count_at_once, "")
counted(count_with_loads, "ld %1, (%3); ld %1, (%3);")
counted(count_slowly, "li %1, 9; 2: addi %1, %1, -1; bnez %1, 2b;")
static void (*const counts[])(u64, u64) = {count_at_once, count_with_loads, count_slowly};
static const char *const windows[] = {"at once", "with loads", "in a loop"};

static void halves(u64 hart) {
    for (int i = 0; i < 3; i++) {
        static shared finished;
        u64 wrong = 0, last = 0;
        if (hart == 0) {
            write64(HERE, 0);
            finished = 0;
        }
        meet(hart);
        if (hart == 0) {
            counts[i](HERE, COUNTS);
            finished = 1;
            meet(hart);
            show(windows[i], read32(HERE) == COUNTS);
        } else {
            while (!finished) {
                write32(HERE + 4, ++last);
                wrong += read32(HERE + 4) != (u32)last;
            }
            elsewhere = wrong + (read32(HERE + 4) != (u32)last);
            meet(hart);
        }
        meet(hart);
        if (hart == 0)
            show("  overwritten", elsewhere);
        meet(hart);
    }
}

// Traps between LR and SC whose handlers use SC: to another word, and to this one, which gets the same value.
void sc_elsewhere(void), sc_here(void), sc_that_fails(void);
u64 call_between(u64 at, void *handler);
__asm__(".text; .balign 4\ncall_between: csrw mtvec, a1; la a3, elsewhere; lr.d a2, (a0); ecall; sc.d a0, a2, (a0); ret\n"
        ".balign 4\nsc_elsewhere: lr.d t0, (a3); sc.d t1, t0, (a3); j 1f\n"
        ".balign 4\nsc_here: lr.d t0, (a0); sc.d t1, t0, (a0); j 1f\n"
        ".balign 4\nsc_that_fails: sc.d t1, t0, (a3); j 1f\n"
        "1: csrr t0, mepc; addi t0, t0, 4; csrw mepc, t0; mret\n");

// The same without a trap.
u64 sc_between(u64 at), pair_between(u64 at);
__asm__(".text; .balign 4\nsc_between: la a3, elsewhere; lr.d a2, (a0); sc.d t1, a2, (a3); sc.d a0, a2, (a0); ret\n"
        ".balign 4\npair_between: la a3, elsewhere; lr.d a2, (a0); lr.d t0, (a3); sc.d t1, t0, (a3); sc.d a0, a2, (a0); ret\n");

static void handlers(void) {
    show("after sc elsewhere", call_between(HERE, sc_elsewhere) != 0);
    show("after sc here", call_between(HERE, sc_here) != 0);
    show("after sc that fails", call_between(HERE, sc_that_fails) != 0);
    show("after sc alone", sc_between(HERE) != 0);
    show("after another pair", pair_between(HERE) != 0);
}

static shared ticks[2];

// Counts as the code does that it interrupts, after a time that varies.
static void __attribute__((interrupt("machine"), aligned(4))) tick(void) {
    u64 hart = csr_read(mhartid), t, failed;
    __asm__ volatile("1: lr.d %0, (%2); addi %0, %0, 1; sc.d %1, %0, (%2); bnez %1, 1b"
                     : "=&r"(t), "=&r"(failed) : "r"((u64)HERE) : "memory");
    ticks[hart]++;
    write64(mtimecmp(hart), read64(TIME) + 20 + ticks[hart] % 67);
}

static void interrupted(u64 hart) {
    for (int i = 0; i < 3; i++) {
        static shared counted[2];
        if (hart == 0)
            write64(HERE, 0);
        ticks[hart] = counted[hart] = 0;
        meet(hart);
        csr_write(mtvec, tick);
        csr_write(mie, MTIP);
        write64(mtimecmp(hart), read64(TIME) + 50);
        csr_set(mstatus, 8);
        while (ticks[hart] < TICKS) {
            counts[i](HERE, 100);
            counted[hart] += 100;
        }
        csr_clear(mstatus, 8);
        write64(mtimecmp(hart), -1ul);
        csr_write(mie, 0);
        meet(hart);
        if (hart == 0) {
            print("interrupted, ");
            show(windows[i], read64(HERE) == counted[0] + counted[1] + ticks[0] + ticks[1]);
        }
        meet(hart);
    }
}

// Hart 0 flips a bit for software in the entry of a page all the time; the other hart's stores set D in it.
static void entries(u64 hart) {
    static shared finished, lost;
    volatile word *pte = entry(0, 8);
    set_menvcfg(ADUE);
    meet(hart);
    if (hart == 0) {
        u64 lost_flips = 0;
        for (u64 t, failed, before = *pte; !finished; before = t) {
            __asm__ volatile("1: lr.d %0, (%2); xori %0, %0, 0x100; sc.d %1, %0, (%2); bnez %1, 1b"
                             : "=&r"(t), "=&r"(failed) : "r"(pte) : "memory");
            lost_flips += !((t ^ before) & 0x100);
        }
        meet(hart);
        show("flips lost", lost_flips);
        show("updates lost", lost);
    } else {
        u64 missing = 0;
        for (int i = 0; i < UPDATES; i++) {
            __asm__ volatile("amoand.d x0, %0, (%1)" : : "r"(~(u64)(A | D)), "r"(pte) : "memory");
            flush();
            store_double(seen_by(hart), i, STATUS);
            missing += (*pte & (A | D)) != (A | D);
        }
        lost = missing;
        finished = 1;
        meet(hart);
    }
    set_menvcfg(0);
}

int main(u64 hart) {
    write64(mtimecmp(hart), -1ul);
    csr_set(mstatus, FS);
    set_menvcfg(CBO);
    csr_write(senvcfg, CBO);
    if (hart == 0) {
        tables(3);
        *entry(0, 0) = leaf(DATA, BITS);
        *entry(0, 8) = leaf(DATA, BITS);
    }
    allow();
    meet(hart);
    use_tables(3);
    meet(hart);
    other_hart(hart);
    halves(hart);
    if (hart == 0)
        handlers();
    meet(hart);
    interrupted(hart);
    entries(hart);
    use_tables(0);
    meet(hart);
    return 0;
}
