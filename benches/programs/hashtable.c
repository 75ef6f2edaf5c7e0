/* Memory: a hash table with open addressing that grows, shrinks by tombstones and is walked, with 64-bit keys; and one
 * of strings with chains. */
#include "../../testprogs/lib.h"

typedef struct {
    uint64_t key, value; /* key 0 is free, key 1 was removed */
} Slot;

typedef struct {
    Slot *slots;
    size_t mask, used, live;
} Table;

static size_t home(const Table *t, uint64_t key)
{
    key *= 0x9e3779b97f4a7c15u;
    return (key ^ key >> 29) & t->mask;
}

static Slot *find(const Table *t, uint64_t key)
{
    for (size_t i = home(t, key);; i = (i + 1) & t->mask)
        if (t->slots[i].key == key || t->slots[i].key == 0)
            return &t->slots[i];
}

static void resize(Table *t, size_t size)
{
    Table old = *t;
    t->slots = calloc(size, sizeof *t->slots);
    CHECK(t->slots);
    t->mask = size - 1;
    t->used = t->live;
    for (size_t i = 0; old.slots && i <= old.mask; i++)
        if (old.slots[i].key > 1)
            *find(t, old.slots[i].key) = old.slots[i];
    free(old.slots);
}

static uint64_t *put(Table *t, uint64_t key)
{
    if ((t->used + 1) * 4 > (t->mask + 1) * 3)
        resize(t, t->live * 2 > t->mask ? (t->mask + 1) * 2 : t->mask + 1);
    Slot *s = find(t, key);
    if (s->key == 0) {
        s->key = key;
        t->used++;
        t->live++;
    }
    return &s->value;
}

static int removed(Table *t, uint64_t key)
{
    Slot *s = find(t, key);
    if (s->key == 0)
        return 0;
    *s = (Slot){1, 0};
    t->live--;
    return 1;
}

typedef struct Word {
    struct Word *next;
    int count;
    char text[16];
} Word;

enum { BUCKETS = 1024 };
static Word *buckets[BUCKETS];

static int count_word(const char *text)
{
    Word **at = &buckets[hash_bytes(HASH_START, text, strlen(text)) % BUCKETS];
    while (*at && strcmp((*at)->text, text) != 0)
        at = &(*at)->next;
    if (!*at) {
        *at = calloc(1, sizeof **at);
        CHECK(*at);
        strcpy((*at)->text, text);
    }
    return ++(*at)->count;
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? atol(argv[1]) : 1000;
    Table t = {0};
    resize(&t, 16);
    Rng r = {3};
    long gone = 0, most = 0;
    for (long i = 0; i < rounds; i++) {
        uint64_t v = rng_next(&r), key = (v % 200000) * 7919 + 2;
        *put(&t, key) += v >> 32;
        if (v >> 62 == 0)
            gone += removed(&t, (v >> 20) % 200000 * 7919 + 2);
        if ((v >> 50 & 7) == 0) {
            char text[16];
            size_t n = 2 + (v >> 53 & 3);
            for (size_t k = 0; k < n; k++)
                text[k] = (char)('a' + (v >> 3 * k & 7));
            text[n] = 0;
            int count = count_word(text);
            most = count > most ? count : most;
        }
    }
    uint64_t sum = 0;
    for (size_t i = 0; i <= t.mask; i++)
        if (t.slots[i].key > 1)
            sum ^= t.slots[i].key * t.slots[i].value;
    printf("%zu keys in %zu slots, %ld removed, sum %016llx, most %ld\n", t.live, t.mask + 1, gone, (unsigned long long)sum, most);
    free(t.slots);
    return 0;
}
