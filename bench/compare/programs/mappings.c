/* Maps four pages, writes to one, and unmaps them, over and over. */
#include "program.h"

#include <sys/mman.h>

enum { length = 4 * 4096, repeats = 1000 };

void prepare(void) {}

uint64_t job(uint64_t index) {
    uint64_t sum = index;
    for (int repeat = 0; repeat < repeats; repeat++) {
        unsigned char *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        require(memory != MAP_FAILED, "mmap");
        memory[repeat * 16 % length] = (unsigned char)repeat;
        sum += memory[repeat * 16 % length] + memory[(repeat * 16 + 1) % length];
        require(munmap(memory, length) == 0, "munmap");
    }
    return sum;
}
