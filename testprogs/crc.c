/* Integers: CRC-32 by table, CRC-64 bit by bit, Adler-32: short dependent chains of shifts and loads. */
#include "lib.h"

static uint32_t table[256];
static unsigned char data[65536];

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
        table[i] = c;
    }
    Rng r = {4};
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)rng_next(&r);
    uint32_t crc = ~0u, a = 1, b = 0;
    uint64_t wide = 0;
    for (int t = 0; t < rounds; t++) {
        for (size_t i = 0; i < sizeof data; i++)
            crc = crc >> 8 ^ table[(crc ^ data[i]) & 255];
        for (size_t i = 0; i < sizeof data; i++) {
            a = (a + data[i]) % 65521;
            b = (b + a) % 65521;
        }
        for (size_t i = 0; i < sizeof data / 8; i++) {
            wide ^= data[i];
            for (int k = 0; k < 8; k++)
                wide = wide & 1 ? wide >> 1 ^ 0xc96c5795d7870f42u : wide >> 1;
        }
    }
    printf("%08x %016llx %04x%04x\n", ~crc, (unsigned long long)wide, b, a);
    return 0;
}
