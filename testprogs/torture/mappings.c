// mmap, mprotect and munmap while other threads read, write and execute there. The state of each page is published
// like a sequence lock: where it did not change around an access, the access succeeded or faulted as the state says.

#include "torture.h"
#include <setjmp.h>

#define USERS 3
#define PAGES 4
#define SIZE (PAGES * 4096)

enum state { WRITABLE, READABLE, NONE, UNMAPPED, CODE, STATES };

static char *area;
// Odd while a page changes; otherwise twice a number, of which the state is the remainder.
static atomic_ulong states[PAGES];
static atomic_bool stop;

static _Thread_local sigjmp_buf jump;
static _Thread_local volatile sig_atomic_t fault_code;
static _Thread_local char *volatile fault_address;

static void handler(int signal, siginfo_t *info, void *context) {
    (void)context;
    SAME(signal, SIGSEGV);
    fault_code = info->si_code;
    fault_address = info->si_addr;
    siglongjmp(jump, 1);
}

// The function returns the number.
static void encode(void *at, int number) {
#if defined(__riscv)
    uint32_t code[2] = {(uint32_t)number << 20 | 0x513, 0x8067};
#else
    unsigned char code[6] = {0xb8, (unsigned char)number, (unsigned char)(number >> 8), 0, 0, 0xc3};
#endif
    memcpy(at, code, sizeof code);
}

static int version_of(unsigned long state) {
    return (int)(state / STATES % 2000);
}

static void set_state(int page, enum state state) {
    char *at = area + page * 4096;
    unsigned long next = states[page] / 2 / STATES * STATES + STATES + state;
    states[page] |= 1;
    switch (state) {
    case UNMAPPED: SAME(munmap(at, 4096), 0); break;
    case CODE:
        CHECK(mmap(at, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
        encode(at, version_of(next));
        SAME(mprotect(at, 4096, PROT_READ | PROT_EXEC), 0);
        __builtin___clear_cache(at, at + 8);
        break;
    default: {
        int protection = state == WRITABLE ? PROT_READ | PROT_WRITE : state == READABLE ? PROT_READ : PROT_NONE;
        // Over what is there, or by a change of it if it is mapped.
        if (mprotect(at, 4096, protection) != 0)
            CHECK(mmap(at, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
    }
    }
    states[page] = 2 * next;
}

static void *change(void *arg) {
    int first = (int)(intptr_t)arg;
    while (!stop) {
        int page = first + (int)dice(PAGES / 2);
        set_state(page, dice(STATES));
        if (dice(4) == 0)
            usleep(dice(300));
    }
    return NULL;
}

enum access { READ, WRITE, EXECUTE, ACCESSES };

static bool is_allowed(enum access access, enum state state) {
    switch (access) {
    case READ: return state == WRITABLE || state == READABLE || state == CODE;
    case WRITE: return state == WRITABLE;
    default: return state == CODE;
    }
}

static void access_one(int page, enum access wanted) {
    char *volatile at = area + page * 4096;
    volatile int result = 0;
    volatile bool faulted = false;
    volatile unsigned long before = states[page];
    // Only what is code is called: a fault has the address of the access then.
    bool is_code = !(before & 1) && before / 2 % STATES == CODE;
    volatile enum access access = wanted == EXECUTE && !is_code ? READ : wanted;
    if (sigsetjmp(jump, 1) == 0) {
        switch (access) {
        case READ: result = *(volatile char *)(at + 64); break;
        case WRITE: *(volatile char *)(at + 64) = 1; break;
        default: result = ((int (*)(void))at)();
        }
    } else
        faulted = true;
    if (states[page] != before || before & 1)
        return;
    enum state state = before / 2 % STATES;
    SAME(faulted, !is_allowed(access, state));
    if (faulted) {
        SAME(fault_code, state == UNMAPPED ? SEGV_MAPERR : SEGV_ACCERR);
        CHECK(fault_address == at + 64);
    } else if (access == EXECUTE)
        SAME(result, version_of(before / 2));
}

static void *use(void *arg) {
    (void)arg;
    while (!stop)
        access_one(dice(PAGES), dice(ACCESSES));
    return NULL;
}

int main(int argc, char **argv) {
    set_deadline(argc, argv);
    handle(SIGSEGV, handler, 0);
    // Other mappings must not take a place that is unmapped meanwhile: all of them are made before.
    area = mmap((void *)0x2000000000, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    CHECK(area != MAP_FAILED);
    pthread_t changers[2], users[USERS];
    for (intptr_t i = 0; i < 2; i++)
        changers[i] = start(change, (void *)(i * PAGES / 2));
    for (int i = 0; i < USERS; i++)
        users[i] = start(use, NULL);
    while (time_is_left())
        usleep(1000);
    stop = true;
    for (int i = 0; i < 2; i++)
        join(changers[i]);
    for (int i = 0; i < USERS; i++)
        join(users[i]);
    puts("Every access met the state of its page.");
    return 0;
}
