// Loads and stores.
#include "emit.h"

static const int offsets[] = {0, 8, -8, 2040, -2048, 16, 64, 256, 1024, -1024, -16, 504};
enum { OFFSETS = sizeof offsets / sizeof *offsets };

// An offset of any bits, and a place that is aligned: the base is not.
static void any_place(int size, int *offset, int *place) {
    *offset = (int)(chance() % 4096) - 2048;
    *place = size * (int)(chance() % (unsigned)(1024 / size));
}
enum { PLACES = 48 };

// `data` and the bytes around it that an offset reaches: each is told by its place.
static uint8_t byte_at(int place) {
    uint32_t hash = (uint32_t)(place + 4096) * 2654435761u;
    return (uint8_t)(hash >> 13);
}

static uint64_t memory_at(int place, int size) {
    uint64_t value = 0;
    for (int i = 0; i < size; i++)
        value |= (uint64_t)byte_at(place + i) << 8 * i;
    return value;
}

static void data(void) {
    line(".data");
    line(".balign 4096");
    for (int place = -2048; place < 2056; place += 8) {
        if (place == 0)
            line("data:");
        line(".quad %#llx", (unsigned long long)memory_at(place, 8));
    }
    line(".text");
}

static void loads(const char *name, int size, meaning *extend) {
    begin("ui", name);
    data();
    for (int i = 0; i < OFFSETS; i++)
        for (int within = 0; within < 8; within += size) {
            int offset = offsets[i] + within, x = any_reg(false), y = any_reg(false);
            word want = extend((word)memory_at(offset, size), 0);
            next_case();
            line("la x%d, data", x), li(y, ~want), line("%s x%d, %d(x%d)", name, y, offset, x), expect(y, want);
            // The base again, by what the register should still be.
            line("la x%d, data", y), line("sub x%d, x%d, x%d", y, y, x), expect(y, 0);
            next_case();
            line("la x%d, data", x), line("%s x%d, %d(x%d)", name, x, offset, x), expect(x, want);
            next_case();
            line("la x%d, data", x), line("%s x0, %d(x%d)", name, offset, x), line("mv x%d, x0", y), expect(y, 0);
        }
    for (int i = 0; i < PLACES; i++) {
        int offset, place, x = any_reg(false), y = any_reg(false);
        any_place(size, &offset, &place);
        word want = extend((word)memory_at(place, size), 0);
        next_case(), line("la x%d, data + %d", x, place - offset), li(y, ~want);
        line("%s x%d, %d(x%d)", name, y, offset, x), expect(y, want);
    }
    end();
}

static void stores(const char *name, int size) {
    begin("ui", name);
    data();
    for (int i = 0; i < OFFSETS; i++)
        for (int within = 0; within < 8; within += size) {
            int offset = offsets[i] + within;
            int x = any_reg(false), y = any_reg(false);
            word value = within == 0 && i % 4 == 3 ? 0 : any_word();
            next_case();
            line("la x%d, data", x), li(y, value);
            line("%s x%d, %d(x%d)", name, y, offset, x), expect(y, value);
            // The bytes of the store are new, their neighbours on both sides are not.
            for (int k = -1; k <= size; k++) {
                int place = offset + k;
                if (place < -2048 || place > 2047)
                    continue;
                line("lbu x%d, %d(x%d)", y, place, x);
                expect(y, k < 0 || k == size ? byte_at(place) : (uint8_t)(value >> 8 * k));
            }
            // As it was, for the next case.
            for (int k = 0; k < size; k++)
                li(y, byte_at(offset + k)), line("sb x%d, %d(x%d)", y, offset + k, x);
        }
    for (int i = 0; i < PLACES; i++) {
        int offset, place, x = any_reg(false), y = any_reg(false), z = any_reg(false);
        any_place(size, &offset, &place);
        word value = any_word();
        next_case(), line("la x%d, data + %d", x, place - offset), li(y, value);
        line("%s x%d, %d(x%d)", name, y, offset, x), line("la x%d, data", x);
        for (int k = 0; k < size; k++) {
            line("lbu x%d, %d(x%d)", z, place + k, x), expect(z, (uint8_t)(value >> 8 * k));
            li(z, byte_at(place + k)), line("sb x%d, %d(x%d)", z, place + k, x);
        }
    }
    next_case();
    line("la x5, data"), line("%s x0, 0(x5)", name), line("lbu x6, 0(x5)"), expect(6, 0);
    line("lbu x6, %d(x5)", size - 1), expect(6, 0), line("lbu x6, %d(x5)", size), expect(6, byte_at(size));
    // The base as the value.
    next_case();
    line("la x5, data"), line("%s x5, 0(x5)", name), line("lbu x6, 0(x5)"), line("andi x7, x5, 0xff");
    line("sub x6, x6, x7"), expect(6, 0);
    end();
}

void memory(void) {
    loads("lb", 1, MEANS((word)(int8_t)a));
    loads("lbu", 1, MEANS((uint8_t)a));
    loads("lh", 2, MEANS((word)(int16_t)a));
    loads("lhu", 2, MEANS((uint16_t)a));
    loads("lw", 4, MEANS(W(a)));
    stores("sb", 1);
    stores("sh", 2);
    stores("sw", 4);
#if XLEN == 64
    loads("lwu", 4, MEANS((uint32_t)a));
    loads("ld", 8, MEANS(a));
    stores("sd", 8);
#endif
}
