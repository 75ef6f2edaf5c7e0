/* Floating point: the largest singular value of an infinite matrix, cut at n, by power iteration. */
#include "../../testprogs/lib.h"
#include <math.h>

static double entry(int i, int k)
{
    return 1.0 / ((i + k) * (i + k + 1) / 2 + i + 1);
}

static void multiply(int n, const double *v, double *out, int transposed)
{
    for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int k = 0; k < n; k++)
            sum += (transposed ? entry(k, i) : entry(i, k)) * v[k];
        out[i] = sum;
    }
}

int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 100;
    double *u = malloc(3 * (size_t)n * sizeof *u), *v = u + n, *t = v + n;
    for (int i = 0; i < n; i++)
        u[i] = 1;
    for (int i = 0; i < 10; i++) {
        multiply(n, u, t, 0);
        multiply(n, t, v, 1);
        multiply(n, v, t, 0);
        multiply(n, t, u, 1);
    }
    double uv = 0, vv = 0;
    for (int i = 0; i < n; i++) {
        uv += u[i] * v[i];
        vv += v[i] * v[i];
    }
    printf("norm %.12f\n", sqrt(uv / vv));
    return 0;
}
