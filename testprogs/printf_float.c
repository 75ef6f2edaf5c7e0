/* Every way printf has of writing a floating-point number, over values that are hard to write. */
#include "lib.h"
#include <float.h>
#include <math.h>

int main(void)
{
    volatile double zero = 0.0;
    const double values[] = {
        0.0, -0.0, 1.0, -1.0, 0.1, 0.5, 1.5, 2.5, 1.0 / 3, 2.0 / 3, 123456789.0, 1e15, 1e16, 1e21, 1e22, 1e23,
        9.995, 0.00001, 0.0001, 99999.5, 999999.5, 3.141592653589793, 2.718281828459045, DBL_MAX, DBL_MIN, DBL_EPSILON,
        4.9406564584124654e-324, 2.2250738585072009e-308, 9007199254740993.0, 5e-324 * 3, 1e100, 1e-100,
        1.0 / zero, -1.0 / zero, __builtin_nan(""),
    };
    const char *formats[] = {
        "%f", "%F", "%e", "%E", "%g", "%G", "%a", "%A", "%.0f", "%.1f", "%.17g", "%.3e", "%.0e", "%#.0f", "%#g", "%+.2f", "% .2f",
        "%012.3f", "%-14.4e|", "%20g", "%.20f", "%.3a", "%+a", "%'.2f",
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        for (size_t k = 0; k < sizeof formats / sizeof *formats; k++) {
            printf(k ? "  " : "");
            printf(formats[k], values[i]);
        }
        puts("");
    }
    printf("%.100f\n%.60e\n%.1074g\n", 0.1, DBL_MAX, 4.9406564584124654e-324);
    printf("%*.*f %-*.*e|\n", 12, 3, 2.0 / 7, 15, 5, -2.0 / 7);
    printf("%f %g %a\n", (double)1.1f, (double)FLT_MIN, (double)FLT_MAX);

    /* And back: the nearest double to the decimal string, ties and subnormals included. */
    const char *texts[] = {"0.1", "1e23", "9007199254740993", "2.2250738585072011e-308", "4.9e-324", "2.4703282292062327e-324",
        "2.4703282292062328e-324", "1.7976931348623159e308", "1e400", "-1e-400", "0x1.8p3", "0x1.fffffffffffff8p0", "inf", "nan", "12abc", "."};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *end;
        double d = strtod(texts[i], &end);
        float f = strtof(texts[i], NULL);
        printf("%s -> %.17g %.9g, %zu read\n", texts[i], d, (double)f, (size_t)(end - texts[i]));
    }
    double a, b;
    int n = sscanf(" 3.25e2;-0x10", "%lf;%lf", &a, &b);
    printf("sscanf %d %g %g\n", n, a, b);

    /* Every double survives 17 digits. */
    Rng r = {7};
    int bad = 0;
    char text[64];
    for (int i = 0; i < 3000; i++) {
        uint64_t bits = rng_next(&r);
        double d, back;
        memcpy(&d, &bits, sizeof d);
        if (isnan(d) || isinf(d))
            continue;
        snprintf(text, sizeof text, "%.17g", d);
        back = strtod(text, NULL);
        bad += memcmp(&d, &back, sizeof d) != 0;
    }
    printf("round trips lost: %d\n", bad);
    return 0;
}
