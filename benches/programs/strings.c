/* Memory: the C library's string functions: strlen, strcpy, strcmp, strchr, strstr, strtok, memchr, strspn, strcasecmp,
 * snprintf and strtol over short and long strings. */
#include "../../testprogs/lib.h"
#include <strings.h>

enum { LONG = 4000, WORDS = 64 };
static char text[LONG + 1], copy[LONG + 1], words[WORDS][24];

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? atol(argv[1]) : 10;
    Rng r = {44};
    for (int i = 0; i < LONG; i++)
        text[i] = "etaoin shrdlu,cmfwyp vbgkqjxz etaoinshr"[rng_next(&r) % 39];
    for (int i = 0; i < WORDS; i++)
        snprintf(words[i], sizeof words[i], "%c%llu", 'a' + i % 26, (unsigned long long)rng_next(&r) >> (i % 50));
    uint64_t sum = 0;
    for (long t = 0; t < rounds; t++) {
        text[(t * 31) % LONG] = (char)('a' + t % 26);
        strcpy(copy, text);
        sum += strlen(copy + t % 64);
        char *rest = NULL;
        for (char *word = strtok_r(copy, " ,", &rest); word; word = strtok_r(NULL, " ,", &rest))
            sum += strlen(word) + strspn(word, "aeiou");
        for (const char *at = text; (at = strchr(at, 'q')); at++)
            sum += (uint64_t)(at - text);
        for (const char *at = text; (at = strstr(at, "th")); at++)
            sum++;
        sum += memchr(text, 'Z', LONG) == NULL;
        sum += (uint64_t)(strrchr(text, 'a') - text);
        memcpy(copy, text, LONG);
        copy[LONG - 1 - t % 100] ^= 1;
        sum += strcmp(text, copy) < 0;
        for (int i = 0; i < WORDS; i++) {
            const char *x = words[i], *y = words[(i + t) % WORDS];
            sum += (uint64_t)(strcmp(x, y) > 0) + (uint64_t)(strncasecmp(x, y, 4) == 0);
            sum += (uint64_t)strtoll(x + 1, NULL, 10);
        }
        char line[64];
        sum += (uint64_t)snprintf(line, sizeof line, "%ld: %-12s|%08lx", t, words[t % WORDS], t * 77);
        strcat(line, words[(t + 1) % WORDS] + 20);
        sum = hash_bytes(sum, line, strlen(line));
    }
    printf("sum %016llx\n", (unsigned long long)sum);
    return 0;
}
