/* Integers: a byte-oriented Lempel-Ziv compressor with a hash table, and its decoder: data-dependent branches, byte
 * copies, calls. */
#include "../../testprogs/lib.h"

enum { SIZE = 1 << 17, HASH_BITS = 13 };
static unsigned char text[SIZE], packed[SIZE * 2], back[SIZE];
static int head[1 << HASH_BITS];

static uint32_t word(const unsigned char *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static unsigned char *put_length(unsigned char *out, size_t n)
{
    for (; n >= 255; n -= 255)
        *out++ = 255;
    *out++ = (unsigned char)n;
    return out;
}

static size_t get_length(const unsigned char **in)
{
    size_t n = 0;
    unsigned char c;
    do
        n += c = *(*in)++;
    while (c == 255);
    return n;
}

/* literals' length, literals, distance (2 bytes, 0 ends), match length - 4 */
static size_t compress(const unsigned char *in, size_t n, unsigned char *out)
{
    unsigned char *start = out;
    size_t lit = 0, i = 0;
    memset(head, -1, sizeof head);
    while (i + 4 <= n) {
        uint32_t w = word(in + i), slot = w * 2654435761u >> (32 - HASH_BITS);
        int at = head[slot];
        head[slot] = (int)i;
        if (at < 0 || i - (size_t)at > 65535 || word(in + at) != w) {
            i++;
            continue;
        }
        size_t len = 4;
        while (i + len < n && in[(size_t)at + len] == in[i + len])
            len++;
        out = put_length(out, i - lit);
        memcpy(out, in + lit, i - lit);
        out += i - lit;
        *out++ = (unsigned char)(i - (size_t)at);
        *out++ = (unsigned char)((i - (size_t)at) >> 8);
        out = put_length(out, len - 4);
        i += len;
        lit = i;
    }
    out = put_length(out, n - lit);
    memcpy(out, in + lit, n - lit);
    out += n - lit;
    *out++ = 0;
    *out++ = 0;
    return (size_t)(out - start);
}

static size_t expand(const unsigned char *in, unsigned char *out)
{
    unsigned char *start = out;
    for (;;) {
        size_t n = get_length(&in);
        memcpy(out, in, n);
        out += n;
        in += n;
        size_t distance = in[0] | (size_t)in[1] << 8;
        in += 2;
        if (!distance)
            return (size_t)(out - start);
        n = get_length(&in) + 4;
        for (const unsigned char *from = out - distance; n--;)
            *out++ = *from++;
    }
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    static const char *const words[] = {"the ", "guest ", "register ", "of ", "a ", "machine ", "that ", "loads ", "and ", "stores ", "in ", "memory, ",
        "then ", "branches.\n", "page ", "fault "};
    Rng r = {8};
    size_t n = 0;
    while (n < SIZE) {
        uint64_t v = rng_next(&r);
        const char *w = words[(v & 15) * (v >> 4 & 15) / 16];
        for (; *w && n < SIZE; w++)
            text[n++] = (unsigned char)*w;
    }
    size_t size = 0;
    for (int t = 0; t < rounds; t++) {
        text[t * 37 % SIZE] ^= 1;
        size = compress(text, n, packed);
        CHECK(expand(packed, back) == n && memcmp(text, back, n) == 0);
    }
    printf("%zu -> %zu bytes, hash %016llx\n", n, size, (unsigned long long)hash_bytes(HASH_START, packed, size));
    return 0;
}
