/* Memory: the C library's allocator: small blocks that live and die at random, some that grow, a few large ones, and
 * trees that are built and freed at once. */
#include "../../testprogs/lib.h"

typedef struct Tree {
    struct Tree *left, *right;
} Tree;

static Tree *grow(int depth)
{
    Tree *t = malloc(sizeof *t);
    CHECK(t);
    t->left = depth ? grow(depth - 1) : NULL;
    t->right = depth ? grow(depth - 1) : NULL;
    return t;
}

static int fell(Tree *t)
{
    int n = 1;
    if (t->left)
        n += fell(t->left) + fell(t->right);
    free(t);
    return n;
}

enum { BLOCKS = 4096 };
static unsigned char *block[BLOCKS];
static size_t size[BLOCKS];

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? atol(argv[1]) : 1000;
    Rng r = {128};
    uint64_t sum = 0;
    for (long t = 0; t < rounds; t++) {
        uint64_t v = rng_next(&r);
        size_t i = v % BLOCKS, want = 8 + (v >> 20 & 255);
        if ((v >> 30 & 63) == 0)
            want *= 64;
        if (block[i] && v >> 60 < 4) {
            block[i] = realloc(block[i], size[i] + want);
            want += size[i];
        } else {
            if (block[i])
                sum += block[i][0] + block[i][size[i] - 1];
            free(block[i]);
            block[i] = v >> 60 == 15 ? calloc(1, want) : malloc(want);
        }
        CHECK(block[i]);
        size[i] = want;
        block[i][0] = (unsigned char)v;
        block[i][want - 1] = (unsigned char)(v >> 8);
        if (t % 2000 == 1999)
            sum += (uint64_t)fell(grow(10));
        if (t % 10000 == 9999) {
            unsigned char *large = OPAQUE(malloc(1 << 20));
            CHECK(large);
            large[t & 0xfffff] = 1;
            sum += large[t & 0xfffff];
            free(large);
        }
    }
    printf("sum %llu\n", (unsigned long long)sum);
    return 0;
}
