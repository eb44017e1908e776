/* The C library's qsort of a million numbers: calls through a pointer, unpredictable branches, memory beyond the caches. */
#include "program.h"

#include <stdlib.h>

enum { numbers = 1000000 };

void prepare(void) {}

static int ascending(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

uint64_t job(uint64_t index) {
    uint32_t *array = allocate(numbers * sizeof *array);
    uint64_t state = index + 1;
    for (int i = 0; i < numbers; i++)
        array[i] = (uint32_t)(next_random(&state) >> 32);
    qsort(array, numbers, sizeof *array, ascending);
    uint64_t sum = checksum_start;
    for (int i = 0; i < numbers; i++)
        sum = sum * 31 + array[i];
    free(array);
    return sum;
}
