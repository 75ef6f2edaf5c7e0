// What two harts see of each other's stores. Stores may be seen late by their own hart's loads (SB), which is looked for until
// it happens, but in order (MP).
#include "two.h"

enum { ROUNDS = 256 };
// A word for each round, in a cache line of its own.
static struct { shared value; u64 space[7]; } x[ROUNDS], y[ROUNDS];
static shared first, second, seen[2][ROUNDS];

#define store_and_load(fence)                                                                                         \
    for (int i = 0; i < ROUNDS; i++) {                                                                                \
        meet(hart);                                                                                                   \
        /* The harts leave the meeting at varying distances. */                                                       \
        for (int wait = hart ? i % 5 : i % 7; wait > 0; wait--)                                                       \
            __asm__ volatile("");                                                                                     \
        u64 loaded;                                                                                                   \
        __asm__ volatile("sd %1, (%2); " fence "ld %0, (%3)" : "=&r"(loaded)                                          \
                         : "r"(1l), "r"(hart ? &y[i].value : &x[i].value), "r"(hart ? &x[i].value : &y[i].value)       \
                         : "memory");                                                                                 \
        seen[hart][i] = loaded;                                                                                       \
    }

// In how many rounds neither hart saw the other's store, told to both.
static u64 unseen(u64 hart) {
    meet(hart);
    u64 both = 0;
    for (int i = 0; i < ROUNDS; i++)
        both += !seen[0][i] && !seen[1][i];
    meet(hart);
    for (int i = 0; i < ROUNDS; i++)
        *(hart ? &y[i].value : &x[i].value) = 0;
    return both;
}

static void store_buffering(u64 hart) {
    do
        store_and_load("")
    while (!unseen(hart));
    if (hart == 0)
        print("stores are buffered\n");
}

static void fenced(u64 hart) {
    u64 both = 0;
    for (int times = 0; times < 8; times++) {
        store_and_load("fence rw, rw; ");
        both += unseen(hart);
    }
    if (hart == 0)
        show("buffered beyond a fence", both);
}

static void message_passing(u64 hart) {
    u64 wrong = 0;
    for (u64 i = 1; i <= 100000; i++) {
        if (hart == 0) {
            first = i;
            __asm__ volatile("fence w, w" : : : "memory");
            second = i;
        } else {
            u64 flag = second;
            __asm__ volatile("fence r, r" : : : "memory");
            wrong += first < flag;
        }
    }
    seen[hart][0] = wrong;
    meet(hart);
    if (hart == 0)
        show("messages without their contents", seen[1][0]);
}

int main(u64 hart) {
    meet(hart);
    message_passing(hart);
    fenced(hart);
    store_buffering(hart);
    meet(hart);
    return 0;
}
