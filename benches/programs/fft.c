/* Floating point: the fast Fourier transform of 4096 complex doubles, its inverse, and a low-pass filter in between.
 * The roots of unity are computed with square roots only, so that all machines give the same bits. */
#include "../../testprogs/lib.h"
#include <math.h>

enum { BITS = 12, N = 1 << BITS };

typedef struct {
    double re, im;
} Complex;

static Complex root[N / 2], data[N];

static Complex mul(Complex x, Complex y)
{
    return (Complex){x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re};
}

/* Halves of angles: the root of half the step follows from the cosine of the step. */
static void make_roots(void)
{
    root[0] = (Complex){1, 0};
    double cosine = -1;
    for (int step = N / 2; step >= 1; step /= 2) {
        Complex w = {cosine, sqrt((1 - cosine) * (1 + cosine))};
        if (step == N / 4)
            w = (Complex){0, 1};
        for (int i = step; i < N / 2; i += 2 * step)
            root[i] = mul(root[i - step], w);
        cosine = step == N / 2 ? 0 : sqrt((1 + cosine) / 2);
    }
}

static void transform(int inverse)
{
    for (int i = 0, k = 0; i < N; i++) {
        if (i < k) {
            Complex t = data[i];
            data[i] = data[k];
            data[k] = t;
        }
        int bit = N / 2;
        for (; k & bit; bit /= 2)
            k ^= bit;
        k |= bit;
    }
    for (int half = 1; half < N; half *= 2) {
        int stride = N / 2 / half;
        for (int start = 0; start < N; start += 2 * half)
            for (int i = 0; i < half; i++) {
                Complex w = root[i * stride];
                if (!inverse)
                    w.im = -w.im;
                Complex *x = &data[start + i], *y = x + half, t = mul(*y, w);
                y->re = x->re - t.re;
                y->im = x->im - t.im;
                x->re += t.re;
                x->im += t.im;
            }
    }
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    make_roots();
    Rng r = {12};
    for (int i = 0; i < N; i++)
        data[i].re = (double)(int64_t)rng_next(&r) * 0x1p-63;
    for (int t = 0; t < rounds; t++) {
        transform(0);
        for (int i = 0; i < N; i++) {
            double scale = (i > N / 2 ? N - i : i) > N / 4 ? 0.95 / N : 1.0 / N;
            data[i].re *= scale;
            data[i].im *= scale;
        }
        transform(1);
        data[t % N].re += 0.5;
    }
    printf("%.12f %.12f hash %016llx\n", data[1].re, data[N / 2].re, (unsigned long long)hash_bytes(HASH_START, data, sizeof data));
    return 0;
}
