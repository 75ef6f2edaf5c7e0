/* Floating point: five bodies under gravity, leapfrog steps; the energy at the end is printed. */
#include "../../testprogs/lib.h"
#include <math.h>

enum { BODIES = 5 };
typedef struct {
    double p[3], v[3], mass;
} Body;

static double energy(const Body *b)
{
    double e = 0;
    for (int i = 0; i < BODIES; i++) {
        e += 0.5 * b[i].mass * (b[i].v[0] * b[i].v[0] + b[i].v[1] * b[i].v[1] + b[i].v[2] * b[i].v[2]);
        for (int k = i + 1; k < BODIES; k++) {
            double d2 = 0;
            for (int c = 0; c < 3; c++)
                d2 += (b[i].p[c] - b[k].p[c]) * (b[i].p[c] - b[k].p[c]);
            e -= b[i].mass * b[k].mass / sqrt(d2);
        }
    }
    return e;
}

int main(int argc, char **argv)
{
    long steps = argc > 1 ? atol(argv[1]) : 1000;
    Body b[BODIES];
    Rng r = {2024};
    for (int i = 0; i < BODIES; i++) {
        b[i].mass = i ? 0.01 * i : 10;
        for (int c = 0; c < 3; c++) {
            b[i].p[c] = i ? 2.0 * i + (double)(rng_next(&r) >> 40) * 0x1p-24 : 0;
            b[i].v[c] = i ? (double)(int64_t)rng_next(&r) * 0x1p-63 : 0;
        }
    }
    const double dt = 0.001;
    for (long s = 0; s < steps; s++) {
        for (int i = 0; i < BODIES; i++)
            for (int k = i + 1; k < BODIES; k++) {
                double dx = b[i].p[0] - b[k].p[0], dy = b[i].p[1] - b[k].p[1], dz = b[i].p[2] - b[k].p[2];
                double d2 = dx * dx + dy * dy + dz * dz;
                double mag = dt / (d2 * sqrt(d2));
                b[i].v[0] -= dx * b[k].mass * mag;
                b[i].v[1] -= dy * b[k].mass * mag;
                b[i].v[2] -= dz * b[k].mass * mag;
                b[k].v[0] += dx * b[i].mass * mag;
                b[k].v[1] += dy * b[i].mass * mag;
                b[k].v[2] += dz * b[i].mass * mag;
            }
        for (int i = 0; i < BODIES; i++)
            for (int c = 0; c < 3; c++)
                b[i].p[c] += dt * b[i].v[c];
    }
    printf("energy %.12f\n", energy(b));
    return 0;
}
