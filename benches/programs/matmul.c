/* Floating point: dense matrix products of doubles, kept bounded, and a reduction in single precision. */
#include "../../testprogs/lib.h"

enum { N = 96 };
static double a[N][N], b[N][N], c[N][N];

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    Rng r = {1};
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++) {
            a[i][k] = (double)(int64_t)rng_next(&r) * 0x1p-66;
            b[i][k] = (double)(int64_t)rng_next(&r) * 0x1p-66;
        }
    for (int t = 0; t < rounds; t++) {
        for (int i = 0; i < N; i++)
            for (int k = 0; k < N; k++) {
                double sum = 0;
                for (int m = 0; m < N; m++)
                    sum += a[i][m] * b[m][k];
                c[i][k] = sum;
            }
        for (int i = 0; i < N; i++)
            for (int k = 0; k < N; k++)
                a[i][k] = c[i][k] * 0.2 + (double)(i - k);
    }
    float sum = 0;
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++)
            sum += (float)a[i][k] * (float)b[k][i];
    printf("%a %a\n", a[3][5], (double)sum);
    return 0;
}
