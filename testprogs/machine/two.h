// Two harts: what one of them shares with the other.
#include "probe.h"

typedef volatile u64 shared;

// Both harts come here before either goes on.
static shared arrived[2];
static inline void meet(u64 hart) {
    u64 now = arrived[hart] + 1;
    __atomic_store_n(&arrived[hart], now, __ATOMIC_SEQ_CST);
    // A pause may give up the host's processor: the harts leave together only if it is rare.
    for (int spins = 0; __atomic_load_n(&arrived[!hart], __ATOMIC_SEQ_CST) < now; spins++)
        if (spins > 1000)
            __asm__ volatile(".4byte 0x0100000f"); // pause
}

static inline u64 msip(u64 hart) { return CLINT + 4 * hart; }
static inline u64 mtimecmp(u64 hart) { return CLINT + 0x4000 + 8 * hart; }
enum { TIME = CLINT + 0xbff8 };
