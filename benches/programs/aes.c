/* Integers: AES-128 (FIPS 197): encryption by tables of words in counter mode, and decryption as the standard
 * writes it, byte by byte. The tables are computed, and an example of the standard is checked. */
#include "../../testprogs/lib.h"

enum { ROUNDS = 10, SIZE = 1 << 16 };
static unsigned char sbox[256], inverse[256];
static uint32_t table[4][256];
static unsigned char data[SIZE], out[SIZE];

static unsigned char twice(unsigned char v)
{
    return (unsigned char)(v << 1 ^ (v & 0x80 ? 0x1b : 0));
}

static unsigned char product(unsigned char a, unsigned char b)
{
    unsigned char p = 0;
    for (; b; b >>= 1, a = twice(a))
        if (b & 1)
            p ^= a;
    return p;
}

static uint32_t ror(uint32_t v, int n)
{
    return v >> n | v << (32 - n);
}

static void make_tables(void)
{
    for (int v = 0; v < 256; v++) {
        unsigned char i = 0;
        if (v)
            for (i = 1; product((unsigned char)v, i) != 1;)
                i++;
        unsigned char s = 0x63;
        for (int k = 0; k < 5; k++)
            s ^= (unsigned char)(i << k | i >> (8 - k));
        sbox[v] = s;
        inverse[s] = (unsigned char)v;
    }
    for (int v = 0; v < 256; v++) {
        uint32_t s = sbox[v], s2 = twice(sbox[v]);
        uint32_t column = s2 << 24 | s << 16 | s << 8 | (s2 ^ s);
        for (int k = 0; k < 4; k++)
            table[k][v] = k ? ror(column, 8 * k) : column;
    }
}

static uint32_t substitute(uint32_t v)
{
    return (uint32_t)sbox[v >> 24] << 24 | (uint32_t)sbox[v >> 16 & 255] << 16 | (uint32_t)sbox[v >> 8 & 255] << 8 | sbox[v & 255];
}

static uint32_t load(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void store(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (24 - 8 * i));
}

static void expand(const unsigned char key[16], uint32_t w[4 * (ROUNDS + 1)])
{
    unsigned char constant = 1;
    for (int i = 0; i < 4; i++)
        w[i] = load(key + 4 * i);
    for (int i = 4; i < 4 * (ROUNDS + 1); i++) {
        uint32_t t = w[i - 1];
        if (i % 4 == 0) {
            t = substitute(ror(t, 24)) ^ (uint32_t)constant << 24;
            constant = twice(constant);
        }
        w[i] = w[i - 4] ^ t;
    }
}

static void encrypt(const uint32_t *w, const unsigned char in[16], unsigned char to[16])
{
    uint32_t s[4], t[4];
    for (int i = 0; i < 4; i++)
        s[i] = load(in + 4 * i) ^ *w++;
    for (int round = 1; round < ROUNDS; round++) {
        for (int i = 0; i < 4; i++)
            t[i] = table[0][s[i] >> 24] ^ table[1][s[(i + 1) & 3] >> 16 & 255] ^ table[2][s[(i + 2) & 3] >> 8 & 255] ^
                   table[3][s[(i + 3) & 3] & 255] ^ *w++;
        memcpy(s, t, sizeof s);
    }
    for (int i = 0; i < 4; i++) {
        uint32_t mixed = (s[i] & 0xff000000) | (s[(i + 1) & 3] & 0xff0000) | (s[(i + 2) & 3] & 0xff00) | (s[(i + 3) & 3] & 0xff);
        store(to + 4 * i, substitute(mixed) ^ *w++);
    }
}

static void add_key(unsigned char s[16], const uint32_t *w)
{
    unsigned char key[4];
    for (int i = 0; i < 4; i++) {
        store(key, w[i]);
        for (int k = 0; k < 4; k++)
            s[4 * i + k] ^= key[k];
    }
}

static void decrypt(const uint32_t *w, const unsigned char in[16], unsigned char to[16])
{
    unsigned char s[16], t[16];
    memcpy(s, in, 16);
    add_key(s, w + 4 * ROUNDS);
    for (int round = ROUNDS - 1; round >= 0; round--) {
        for (int i = 0; i < 16; i++)
            t[(i + 4 * (i & 3)) & 15] = inverse[s[i]];
        add_key(t, w + 4 * round);
        memcpy(s, t, 16);
        for (int i = 0; round && i < 16; i += 4) {
            const unsigned char *c = t + i;
            /* 14 11 13 9, turned: of multiples by 2, 4 and 8 */
            for (int k = 0; k < 4; k++) {
                unsigned char v0 = c[k], v1 = c[(k + 1) & 3], v2 = c[(k + 2) & 3], v3 = c[(k + 3) & 3];
                unsigned char eight = twice(twice(twice(v0 ^ v1 ^ v2 ^ v3)));
                s[i + k] = (unsigned char)(eight ^ twice(twice(v0 ^ v2)) ^ twice(v0 ^ v1) ^ v1 ^ v2 ^ v3);
            }
        }
    }
    memcpy(to, s, 16);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    uint32_t w[4 * (ROUNDS + 1)];
    unsigned char key[16], plain[16], cipher[16], back[16];
    make_tables();
    for (int i = 0; i < 16; i++) {
        key[i] = (unsigned char)i;
        plain[i] = (unsigned char)(i * 0x11);
    }
    expand(key, w);
    encrypt(w, plain, cipher);
    decrypt(w, cipher, back);
    CHECK(memcmp(plain, back, 16) == 0);
    for (int i = 0; i < 16; i++)
        printf("%02x", cipher[i]);
    puts("");

    Rng r = {16};
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (unsigned char)rng_next(&r);
    for (int t = 0; t < rounds; t++) {
        expand(data, w);
        unsigned char counter[16] = {0}, stream[16];
        for (uint32_t i = 0; i < SIZE; i += 16) {
            store(counter + 12, i / 16);
            encrypt(w, counter, stream);
            for (int k = 0; k < 16; k++)
                out[i + (uint32_t)k] = data[i + (uint32_t)k] ^ stream[k];
        }
        /* every eighth block is turned back, too */
        for (size_t i = 0; i < SIZE; i += 128)
            decrypt(w, out + i, data + i);
        memcpy(data + 16, out + 32, 64);
    }
    printf("%016llx %016llx\n", (unsigned long long)hash_bytes(HASH_START, out, SIZE), (unsigned long long)hash_bytes(HASH_START, data, SIZE));
    return 0;
}
