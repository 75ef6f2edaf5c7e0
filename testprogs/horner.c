/* Floating point: polynomials by fused multiply-add, a dependent chain, and the reduction of arguments
 * by conversion to integers and back. */
#include "lib.h"
#include <math.h>

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? atol(argv[1]) : 1000;
    double sum = 0, x = 0.1;
    for (long t = 0; t < rounds; t++) {
        x += 1.2345678;
        long whole = (long)x;
        double f = x - (double)whole, p = 1.0 / 5040;
        static const double c[] = {1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1, 1};
        for (int i = 0; i < 7; i++)
            p = fma(p, f, c[i]);
        float s = (float)p;
        sum += whole & 1 ? p : -(double)sqrtf(s);
        if (x > 1000)
            x -= 1000;
    }
    printf("%a\n", sum);
    return 0;
}
