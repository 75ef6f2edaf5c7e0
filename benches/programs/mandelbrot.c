/* Floating point: escape counts of the Mandelbrot set on an n by n grid, as one hash. */
#include "../../testprogs/lib.h"

int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 100;
    uint64_t total = 0, h = HASH_START;
    for (int y = 0; y < n; y++) {
        for (int x = 0; x < n; x++) {
            double cr = 2.5 * x / n - 2.0, ci = 2.5 * y / n - 1.25, zr = 0, zi = 0;
            int i = 0;
            for (; i < 100; i++) {
                double rr = zr * zr, ii = zi * zi;
                if (rr + ii > 4)
                    break;
                zi = 2 * zr * zi + ci;
                zr = rr - ii + cr;
            }
            total += (uint64_t)i;
            h ^= (uint64_t)i << (x & 31);
        }
        h = h * 0x100000001b3u;
    }
    printf("%llu iterations, hash %016llx\n", (unsigned long long)total, (unsigned long long)h);
    return 0;
}
