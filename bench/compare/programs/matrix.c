/* Products of matrices in double precision, row by row: vector multiplications and additions on sequential memory. */
#include "program.h"

enum { size = 160 };

static double left[size][size], right[size][size];

void prepare(void) {
    uint64_t state = 7;
    for (int i = 0; i < size; i++)
        for (int j = 0; j < size; j++) {
            left[i][j] = (double)(next_random(&state) >> 44);
            right[i][j] = (double)(next_random(&state) >> 44);
        }
}

uint64_t job(uint64_t index) {
    static double product[size][size];
    for (int i = 0; i < size; i++) {
        for (int j = 0; j < size; j++)
            product[i][j] = (double)index;
        for (int k = 0; k < size; k++)
            for (int j = 0; j < size; j++)
                product[i][j] += left[i][k] * right[k][j];
    }
    return checksum(checksum_start, product, sizeof product);
}
