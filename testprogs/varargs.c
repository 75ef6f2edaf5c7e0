/* Variable arguments of mixed classes, more than the registers hold, structures by value. */
#include "lib.h"
#include <stdarg.h>

typedef struct {
    int x;
    double y;
} Pair;
typedef struct {
    long v[5];
} Wide;
typedef struct {
    float a, b;
} Floats;
typedef struct {
    char c[9];
} Bytes;

static double total(const char *kinds, ...)
{
    va_list ap, copy;
    double sum = 0;
    va_start(ap, kinds);
    va_copy(copy, ap);
    for (const char *k = kinds; *k; k++) {
        switch (*k) {
        case 'i': sum += va_arg(ap, int); break;
        case 'l': sum += (double)va_arg(ap, long); break;
        case 'd': sum += va_arg(ap, double); break;
        case 's': sum += (double)strlen(va_arg(ap, char *)); break;
        case 'p': { Pair p = va_arg(ap, Pair); sum += p.x + p.y; break; }
        case 'w': { Wide w = va_arg(ap, Wide); sum += (double)(w.v[0] + w.v[4]); break; }
        case 'q': sum += (double)va_arg(ap, __int128); break;
        }
    }
    va_end(ap);
    if (*kinds == 'i')
        printf("first %d\n", va_arg(copy, int));
    va_end(copy);
    return sum;
}

static int format(char *out, size_t n, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int r = vsnprintf(out, n, fmt, ap);
    va_end(ap);
    return r;
}

__attribute__((noinline)) static Wide many(int a, double b, long c, float d, Pair p, Floats f, Bytes y, short g, double h, long i, long j,
    char k, float l, double m, double n, double o, double q, double r, double s)
{
    return (Wide){{a + c + i + j, (long)(b + d + p.y + h), p.x + g + k + y.c[8], (long)(f.a * f.b + l), (long)(m + n + o + q + r + s)}};
}

__attribute__((noinline)) static Floats swap(Floats f)
{
    return (Floats){f.b, f.a};
}

int main(void)
{
    Pair p = {3, 0.5};
    Wide w = {{1, 2, 3, 4, 5}};
    printf("%g\n", total("idlsidlpwqdidpl", 1, 2.5, 3L, "four", 5, 6.5, -7L, p, w, (__int128)1 << 40, 0.25, -9, 1e3, p, 11L));
    printf("%g\n", total("dddddddddddd", 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12.));
    char out[128];
    printf("%d ", format(out, sizeof out, "%d %s %g %c %ld %x %5.2f %s %d %d", 1, "two", 3.0, '4', 5L, 6, 7.0, "eight", 9, 10));
    puts(out);
    w = many(1, 2.5, 3, 4.5f, p, (Floats){2, 3}, (Bytes){"12345678"}, -5, 6.25, 7, 8, 'a', 9.5f, 1, 2, 3, 4, 5, 6);
    printf("%ld %ld %ld %ld %ld\n", w.v[0], w.v[1], w.v[2], w.v[3], w.v[4]);
    Floats f = swap((Floats){1.25f, -2.5f});
    printf("%g %g\n", (double)f.a, (double)f.b);
    return 0;
}
