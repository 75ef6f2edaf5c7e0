/* Integers: dense matrices: products in 64 and in 32 bits, transposition, all shortest paths, and the determinant
 * modulo a prime. */
#include "../../testprogs/lib.h"

enum { N = 64 };
static const int64_t PRIME = 2147483647;
static int64_t a[N][N], b[N][N], c[N][N];
static int32_t d[N][N], e[N][N];

static void product64(void)
{
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++) {
            int64_t sum = 0;
            for (int m = 0; m < N; m++)
                sum += a[i][m] * b[m][k] >> 7;
            c[i][k] = sum;
        }
}

static void product32(void)
{
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++) {
            uint32_t sum = 0;
            for (int m = 0; m < N; m++)
                sum += (uint32_t)d[i][m] * (uint32_t)d[k][m];
            e[i][k] = (int32_t)sum;
        }
}

static void shortest(int32_t v[N][N])
{
    for (int via = 0; via < N; via++)
        for (int i = 0; i < N; i++)
            for (int k = 0; k < N; k++) {
                int32_t length = v[i][via] + v[via][k];
                if (length < v[i][k])
                    v[i][k] = length;
            }
}

static int64_t power(int64_t x, int64_t e)
{
    int64_t p = 1;
    for (; e; e >>= 1, x = x * x % PRIME)
        if (e & 1)
            p = p * x % PRIME;
    return p;
}

static int64_t determinant(int64_t v[N][N])
{
    int64_t det = 1;
    for (int col = 0; col < N; col++) {
        int pivot = col;
        while (pivot < N && v[pivot][col] == 0)
            pivot++;
        if (pivot == N)
            return 0;
        for (int k = 0; pivot != col && k < N; k++) {
            int64_t t = v[col][k];
            v[col][k] = v[pivot][k];
            v[pivot][k] = t;
        }
        if (pivot != col)
            det = PRIME - det;
        det = det * v[col][col] % PRIME;
        int64_t inverse = power(v[col][col], PRIME - 2);
        for (int i = col + 1; i < N; i++) {
            int64_t factor = PRIME - v[i][col] * inverse % PRIME;
            for (int k = col; k < N; k++)
                v[i][k] = (v[i][k] + factor * v[col][k]) % PRIME;
        }
    }
    return det;
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    uint64_t h = HASH_START;
    Rng r = {64};
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++)
            a[i][k] = (int64_t)(rng_next(&r) >> 33);
    for (int t = 0; t < rounds; t++) {
        for (int i = 0; i < N; i++)
            for (int k = 0; k < N; k++) {
                b[k][i] = a[i][k];
                d[i][k] = (int32_t)(a[k][i] & 0xfffff) + 1;
            }
        product64();
        product32();
        shortest(d);
        for (int i = 0; i < N; i++)
            for (int k = 0; k < N; k++) {
                a[i][k] = ((c[i][k] ^ e[i][k]) + d[i][k]) & 0x3fffffff;
                b[i][k] = a[i][k];
            }
        h = hash_u64(h, (uint64_t)determinant(b));
    }
    printf("hash %016llx\n", (unsigned long long)hash_bytes(h, a, sizeof a));
    return 0;
}
