/* The string functions, at every alignment and length that their word-wise loops distinguish. */
#include "lib.h"
#include <ctype.h>
#include <strings.h>
#include <wchar.h>

static unsigned char a[512], b[512], want[512];

int main(void)
{
    Rng r = {9};
    uint64_t h = HASH_START;
    for (int from = 0; from < 17; from++) {
        for (int to = 0; to < 17; to++) {
            for (int len = 0; len < 80; len += 1 + len / 20) {
                for (int i = 0; i < 200; i++) {
                    a[i] = (unsigned char)(rng_next(&r) | 1);
                    b[i] = want[i] = (unsigned char)i;
                }
                for (int i = 0; i < len; i++)
                    want[to + i] = a[from + i];
                memcpy(b + to, a + from, (size_t)len);
                CHECK(memcmp(b, want, 200) == 0);
                memmove(b + to, b + from, (size_t)len);
                h = hash_bytes(h, b, 120);
                memset(b + to, len, (size_t)len);
                a[from + len] = 0;
                CHECK(strlen((char *)a + from) == (size_t)len);
                CHECK(strchr((char *)a + from, 0) == (char *)a + from + len);
                strcpy((char *)b + to, (char *)a + from);
                CHECK(strcmp((char *)b + to, (char *)a + from) == 0);
                if (len) {
                    b[to + len - 1] ^= 0x80;
                    h = hash_u64(h, (uint64_t)(strcmp((char *)b + to, (char *)a + from) > 0));
                    CHECK(strncmp((char *)b + to, (char *)a + from, (size_t)len - 1) == 0);
                    CHECK(memchr(a + from, a[from + len - 1], (size_t)len) != NULL);
                }
            }
        }
    }
    printf("copies %016llx\n", (unsigned long long)h);

    char line[] = "one, two;three  four\tfive";
    for (char *save, *t = strtok_r(line, ",; \t", &save); t; t = strtok_r(NULL, ",; \t", &save))
        printf("[%s]", t);
    puts("");
    printf("%zu %zu %s %s\n", strspn("aabbc", "ab"), strcspn("hello world", " "), strstr("needle in a haystack", "hay"),
        strrchr("a/b/c", '/'));
    printf("%d %d %d\n", strcasecmp("HeLLo", "hEllO"), strcoll("a", "b") < 0, strverscmp("file9", "file10") < 0);
    printf("%ld %lu %lld %ld\n", strtol("-0x7f", NULL, 0), strtoul("777", NULL, 8), strtoll("99999999999999999999", NULL, 10),
        strtol("zz", NULL, 36));
    char *copy = strdup("Mixed Case 123 \xff");
    int letters = 0, digits = 0;
    for (char *p = copy; *p; p++) {
        letters += isalpha((unsigned char)*p) != 0;
        digits += isdigit((unsigned char)*p) != 0;
        *p = (char)toupper((unsigned char)*p);
    }
    printf("%.14s %d %d\n", copy, letters, digits);
    free(copy);
    wchar_t wide[32];
    swprintf(wide, 32, L"%ls-%d", L"wide", 7);
    printf("%zu %ls\n", wcslen(wide), wide);
    char out[64];
    snprintf(out, sizeof out, "%5d|%-5d|%05d|%+d|%x|%#o|%c|%10.3s|%p", 42, 42, 42, 42, 0xbeef, 8, 'q', "abcdef", (void *)0x1234);
    puts(out);
    printf("%lld %llu %hhd %hd %zu %jd\n", -1234567890123456789LL, 18446744073709551615ULL, (signed char)200, (short)40000,
        (size_t)-1, (intmax_t)-1);
    printf("%d\n", snprintf(NULL, 0, "%1000s", ""));
    return 0;
}
