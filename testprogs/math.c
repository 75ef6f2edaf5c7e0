/* The mathematical library, to the digits on which every good implementation agrees. */
#include "lib.h"
#include <complex.h>
#include <math.h>

int main(void)
{
    static const struct {
        const char *name;
        double (*f)(double);
    } one[] = {{"sin", sin}, {"cos", cos}, {"tan", tan}, {"asin", asin}, {"acos", acos}, {"atan", atan}, {"sinh", sinh}, {"cosh", cosh},
        {"tanh", tanh}, {"exp", exp}, {"exp2", exp2}, {"expm1", expm1}, {"log", log}, {"log2", log2}, {"log10", log10}, {"log1p", log1p},
        {"sqrt", sqrt}, {"cbrt", cbrt}, {"erf", erf}, {"tgamma", tgamma}, {"lgamma", lgamma}, {"floor", floor}, {"ceil", ceil},
        {"trunc", trunc}, {"round", round}, {"rint", rint}, {"j0", j0}};
    for (size_t i = 0; i < sizeof one / sizeof *one; i++) {
        printf("%-6s", one[i].name);
        for (double x = 0.0625; x <= 1.0; x += 0.1875)
            printf(" %.11g", one[i].f(OPAQUE(x)));
        double far = one[i].f(OPAQUE(20.75));
        printf(" %.11g\n", isnan(far) ? 0.0 : far);
    }
    printf("%.11g %.11g %.11g %.11g\n", pow(2.5, 3.7), pow(-2.0, 5.0), atan2(-1.0, -2.0), hypot(3e200, 4e200));
    for (int i = 0; i < 8; i++)
        printf("%.7g ", (double)(sinf((float)i) * powf(1.1f, (float)i)));
    double complex z = csqrt(-2.0 + 1.5 * I) * cexp(0.5 * I);
    printf("\n%.11g %.11g\n", creal(z), cimag(z));
    double s = 0;
    for (int i = 1; i < 20000; i++)
        s += sin(i) * exp(-i * 1e-3) / log(i + 1.0);
    printf("%.9f\n", s);
    return 0;
}
