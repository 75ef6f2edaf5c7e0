// What two harts see of each other's stores. Stores may be seen late by their own hart's loads (SB), which is looked for until
// it happens, but in order (MP).
#include "two.h"

static struct { shared value; u64 space[15]; } x, y, first, second;
static shared seen[2], over;

static void store_buffering(u64 hart) {
    u64 rounds = 0;
    do {
        meet(hart);
        if (hart == 0)
            x.value = y.value = 0;
        meet(hart);
        // The harts leave the meeting at varying distances.
        for (u64 i = 0; i < (hart ? rounds % 7 : rounds % 5); i++)
            __asm__ volatile("");
        if (hart == 0)
            __asm__ volatile("sd %1, (%2); ld %0, (%3)" : "=&r"(seen[0]) : "r"(1l), "r"(&x.value), "r"(&y.value) : "memory");
        else
            __asm__ volatile("sd %1, (%2); ld %0, (%3)" : "=&r"(seen[1]) : "r"(1l), "r"(&y.value), "r"(&x.value) : "memory");
        meet(hart);
        rounds++;
        if (hart == 0)
            over = !seen[0] && !seen[1];
        meet(hart);
    } while (!over);
    if (hart == 0)
        print("stores are buffered\n");
}

static void fenced(u64 hart) {
    u64 both = 0;
    for (int i = 0; i < 2000; i++) {
        meet(hart);
        if (hart == 0)
            x.value = y.value = 0;
        meet(hart);
        if (hart == 0)
            __asm__ volatile("sd %1, (%2); fence rw, rw; ld %0, (%3)" : "=&r"(seen[0]) : "r"(1l), "r"(&x.value), "r"(&y.value) : "memory");
        else
            __asm__ volatile("sd %1, (%2); fence rw, rw; ld %0, (%3)" : "=&r"(seen[1]) : "r"(1l), "r"(&y.value), "r"(&x.value) : "memory");
        meet(hart);
        if (hart == 0)
            both += !seen[0] && !seen[1];
    }
    if (hart == 0)
        show("buffered beyond a fence", both);
}

static void message_passing(u64 hart) {
    u64 wrong = 0;
    for (u64 i = 1; i <= 100000; i++) {
        if (hart == 0) {
            first.value = i;
            __asm__ volatile("fence w, w" : : : "memory");
            second.value = i;
        } else {
            u64 flag = second.value;
            __asm__ volatile("fence r, r" : : : "memory");
            wrong += first.value < flag;
        }
    }
    seen[hart] = wrong;
    meet(hart);
    if (hart == 0)
        show("messages without their contents", seen[1]);
}

int main(u64 hart) {
    meet(hart);
    message_passing(hart);
    fenced(hart);
    store_buffering(hart);
    meet(hart);
    return 0;
}
