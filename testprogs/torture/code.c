// Code that changes while threads run it: written by two threads, in place, through a second mapping and by pwrite,
// and made visible by the flush call, or on RISC-V by fence.i too. Whoever has seen that version N is complete runs
// version N or a later one.

#include "torture.h"

#define WRITERS 2
#define RUNNERS 2

typedef int (*function)(void);

// A function that returns `version`, below 2048. Both stores are of whole words, so no runner sees a part.
static size_t encode(uint32_t *code, int version) {
#if defined(__riscv)
    code[0] = (uint32_t)version << 20 | 0x513; // addi a0, zero, version
    code[1] = 0x8067;                          // ret
    return 8;
#else
    uint64_t text = 0x90c300000000b8 | (uint64_t)version << 8; // mov eax, version; ret
    memcpy(code, &text, 8);
    return 8;
#endif
}

enum way { IN_PLACE, SECOND_MAPPING, PWRITE, WAYS };

struct place {
    pthread_mutex_t mutex;
    char *code, *alias;
    int file;
    off_t at;
    enum way way;
    atomic_int version;
};

static struct place places[WAYS];
static atomic_bool stop;

static void flush(void *code, size_t size) {
    __builtin___clear_cache((char *)code, (char *)code + size);
}

static void write_version(struct place *place, int version) {
    uint32_t code[2];
    size_t size = encode(code, version);
    uint64_t word;
    memcpy(&word, code, 8);
    switch (place->way) {
    case IN_PLACE: *(volatile uint64_t *)place->code = word; break;
    case SECOND_MAPPING: *(volatile uint64_t *)place->alias = word; break;
    default: SAME(pwrite(place->file, code, size, place->at), size);
    }
}

static void *change(void *arg) {
    (void)arg;
    while (!stop) {
        struct place *place = &places[dice(WAYS)];
        pthread_mutex_lock(&place->mutex);
        int version = place->version + 1;
        if (version < 2048) {
            write_version(place, version);
            flush(place->code, 8);
            place->version = version;
            SAME(((function)place->code)(), version);
        }
        pthread_mutex_unlock(&place->mutex);
    }
    return NULL;
}

static void *run(void *arg) {
    (void)arg;
    // Before a version is complete, it may run and then the one before it again: fetches of instructions are not ordered.
    while (!stop)
        for (int i = 0; i < WAYS; i++) {
            int complete = places[i].version;
            int result = ((function)places[i].code)();
            if (result < complete)
                dprintf(2, "way %d: version %d after %d was complete\n", i, result, complete);
            CHECK(result >= complete);
        }
    return NULL;
}

// One thread changes its own code and needs no more than fence.i.
static void fences(struct place *place) {
#if defined(__riscv)
#define FENCE __asm__ volatile("fence.i" ::: "memory")
#else
#define FENCE flush(place->code, 8)
#endif
    for (int version = 0; version < 2048; version += 1 + (int)dice(100)) {
        write_version(place, version);
        FENCE;
        SAME(((function)place->code)(), version);
    }
}

// Another thread has written and said so: fence.i is enough for the one that runs the code.
static atomic_int written, seen;

static void *write_for_fence(void *arg) {
    struct place *place = arg;
    for (int version = 1; version < 100; version++) {
        write_version(place, version);
        written = version;
        while (seen != version)
            sched_yield();
    }
    return NULL;
}

static void fence_after_other(struct place *place) {
    written = seen = 0;
    pthread_t writer = start(write_for_fence, place);
    for (int version = 1; version < 100; version++) {
        while (written != version)
            sched_yield();
        FENCE;
        SAME(((function)place->code)(), version);
        seen = version;
    }
    join(writer);
}

static void *call(void *code) {
    return (void *)(intptr_t)((function)code)();
}

// Changes the code in the child of a fork.
static void *call_in_child(void *arg) {
    struct place *place = arg;
    pid_t pid = fork();
    if (pid == 0) {
        for (int version = 1; version < 5; version++) {
            write_version(place, version);
            flush(place->code, 8);
            SAME(((function)place->code)(), version);
        }
        _exit(7);
    }
    reap_exited(pid, 7);
    return call(place->code);
}

// Threads that come after each other run the same code, which changes between them.
static void one_after_the_other(struct place *place) {
    for (int version = 1; version < 50; version++) {
        write_version(place, version);
        flush(place->code, 8);
        SAME((intptr_t)join(start(call, place->code)), version);
    }
    write_version(place, 4);
    flush(place->code, 8);
    SAME((intptr_t)join(start(call_in_child, place)), 4);
}

static void round_of(void) {
    int file = memfd_create("code", MFD_CLOEXEC);
    SAME(ftruncate(file, WAYS * 4096), 0);
    for (int i = 0; i < WAYS; i++) {
        struct place *place = &places[i];
        *place = (struct place){.mutex = PTHREAD_MUTEX_INITIALIZER, .file = file, .at = i * 4096 + 8 * dice(512), .way = i};
        off_t page = place->at & ~4095, within = place->at & 4095;
        char *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED, file, page);
        char *alias = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, page);
        CHECK(code != MAP_FAILED && alias != MAP_FAILED);
        place->code = code + within;
        place->alias = alias + within;
        for (int j = 0; j < 2; j++) {
            fences(place);
            fence_after_other(place);
        }
        one_after_the_other(place);
        write_version(place, 0);
        flush(place->code, 8);
    }
    pthread_t threads[WRITERS + RUNNERS];
    stop = false;
    for (int i = 0; i < WRITERS + RUNNERS; i++)
        threads[i] = start(i < WRITERS ? change : run, NULL);
    int64_t until = nanoseconds() + 100000000;
    while (nanoseconds() < until)
        usleep(1000);
    stop = true;
    for (int i = 0; i < WRITERS + RUNNERS; i++)
        join(threads[i]);
    for (int i = 0; i < WAYS; i++) {
        munmap(places[i].code - (places[i].at & 4095), 4096);
        munmap(places[i].alias - (places[i].at & 4095), 4096);
    }
    close(file);
}

int main(int argc, char **argv) {
    set_deadline(argc, argv);
    do
        round_of();
    while (time_is_left());
    puts("No thread ran old code.");
    return 0;
}
