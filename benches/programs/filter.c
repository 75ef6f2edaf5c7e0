/* Floating point in single precision: a signal goes through a symmetric filter of 33 taps, four recursive sections and
 * an envelope follower, and leaves as 16-bit samples. */
#include "../../testprogs/lib.h"
#include <math.h>

enum { TAPS = 33, BLOCK = 512, SECTIONS = 4 };

typedef struct {
    float b0, b1, b2, a1, a2, z1, z2;
} Section;

static float history[TAPS - 1 + BLOCK], taps[TAPS], block[BLOCK];
static int16_t samples[BLOCK];
static Section sections[SECTIONS];

static void convolve(void)
{
    for (int i = 0; i < BLOCK; i++) {
        const float *x = history + i;
        float sum = taps[TAPS / 2] * x[TAPS / 2];
        for (int k = 0; k < TAPS / 2; k++)
            sum += taps[k] * (x[k] + x[TAPS - 1 - k]);
        block[i] = sum;
    }
    memmove(history, history + BLOCK, (TAPS - 1) * sizeof *history);
}

static void recurse(Section *s)
{
    for (int i = 0; i < BLOCK; i++) {
        float x = block[i], y = s->b0 * x + s->z1;
        s->z1 = s->b1 * x - s->a1 * y + s->z2;
        s->z2 = s->b2 * x - s->a2 * y;
        block[i] = y;
    }
}

int main(int argc, char **argv)
{
    int blocks = argc > 1 ? atoi(argv[1]) : 100;
    float sum = 0;
    for (int k = 0; k < TAPS; k++) {
        float d = (float)(k - TAPS / 2) / TAPS;
        taps[k] = (1 - 4 * d * d) * (1 - 2 * fabsf(d));
        sum += taps[k];
    }
    for (int k = 0; k < TAPS; k++)
        taps[k] /= sum;
    for (int i = 0; i < SECTIONS; i++)
        sections[i] = (Section){0.2f + 0.05f * (float)i, 0.1f, 0.05f, -0.5f - 0.1f * (float)i, 0.25f, 0, 0};

    Rng r = {32};
    uint64_t h = HASH_START;
    float envelope = 0, phase = 0;
    long clipped = 0;
    for (int t = 0; t < blocks; t++) {
        for (int i = 0; i < BLOCK; i++) {
            phase += 0.013f + 0.00001f * (float)(t & 1023);
            phase -= floorf(phase);
            float noise = (float)(int32_t)rng_next(&r) * 0x1p-31f;
            history[TAPS - 1 + i] = 8 * (phase - 0.5f) + noise;
        }
        convolve();
        for (int i = 0; i < SECTIONS; i++)
            recurse(&sections[i]);
        for (int i = 0; i < BLOCK; i++) {
            float level = fabsf(block[i]);
            envelope += (level > envelope ? 0.1f : 0.001f) * (level - envelope);
            float out = block[i] / (0.1f + sqrtf(envelope)) * 9000;
            clipped += out > 32767 || out < -32768;
            samples[i] = (int16_t)fminf(fmaxf(out, -32768), 32767);
        }
        h = hash_u64(h, (uint64_t)samples[t % BLOCK]);
    }
    printf("%ld clipped, envelope %a, hash %016llx\n", clipped, (double)envelope, (unsigned long long)hash_bytes(h, samples, sizeof samples));
    return 0;
}
