/* Floating point: the functions of the C library's libm, double and single. Their last bits may differ between
 * machines, so the sums are printed with fewer digits. */
#include "../../testprogs/lib.h"
#include <math.h>

static double sums[16];

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? atol(argv[1]) : 1000;
    Rng r = {271828};
    for (long t = 0; t < rounds; t++) {
        double x = (double)(rng_next(&r) >> 11) * 0x1p-53, y = 40 * x - 20, z = 0.5 + 3 * x;
        float f = (float)x * 10 - 5;
        sums[0] += sin(y);
        sums[1] += cos(y);
        sums[2] += tan(x);
        sums[3] += atan2(x, y);
        sums[4] += exp(-z);
        sums[5] += log(z);
        sums[6] += pow(z, x);
        sums[7] += sinh(x);
        sums[8] += cbrt(y);
        sums[9] += asin(x);
        sums[10] += erf(z - 2);
        sums[11] += hypot(x, y);
        sums[12] += fmod(1000 * z, y);
        sums[13] += (double)(sinf(f) + expf(f));
        sums[14] += (double)(logf(f * f + 1) * powf(2, f));
        sums[15] += floor(y) + rint(z) + (double)lround(y * z);
    }
    for (int i = 0; i < 16; i++)
        printf("%.3f\n", sums[i]);
    return 0;
}
