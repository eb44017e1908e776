/* The spectral norm of the matrix a(i,j) = 1 / ((i+j)(i+j+1)/2 + i + 1), by the power method: divisions and sums in double precision.
 * Compiled for SSE2, and again for AVX2 and FMA. */
#include "program.h"

#include <math.h>

enum { size = 128, repeats = 10 };

void prepare(void) {}

static double element(int i, int j) { return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1); }

static void multiply(const double *vector, double *product) {
    for (int i = 0; i < size; i++) {
        double sum = 0;
        for (int j = 0; j < size; j++)
            sum += element(i, j) * vector[j];
        product[i] = sum;
    }
}

static void multiply_transposed(const double *vector, double *product) {
    for (int i = 0; i < size; i++) {
        double sum = 0;
        for (int j = 0; j < size; j++)
            sum += element(j, i) * vector[j];
        product[i] = sum;
    }
}

uint64_t job(uint64_t index) {
    double u[size], v[size], middle[size];
    for (int i = 0; i < size; i++)
        u[i] = 1 + (double)index;
    for (int repeat = 0; repeat < repeats; repeat++) {
        multiply(u, middle);
        multiply_transposed(middle, v);
        multiply(v, middle);
        multiply_transposed(middle, u);
    }
    double across = 0, along = 0;
    for (int i = 0; i < size; i++)
        across += u[i] * v[i], along += v[i] * v[i];
    double norm = sqrt(across / along);
    return checksum(checksum_start, &norm, sizeof norm);
}
