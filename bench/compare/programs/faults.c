/* Touches 16 MiB of fresh memory page by page: a page fault each. */
#include "program.h"

#include <sys/mman.h>

enum { page = 4096, pages = 4096 };

void prepare(void) {}

uint64_t job(uint64_t index) {
    unsigned char *memory = mmap(NULL, (size_t)pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(memory != MAP_FAILED, "mmap");
    /* Large pages would turn 512 faults into one; a kernel without them refuses the advice. */
    (void)madvise(memory, (size_t)pages * page, MADV_NOHUGEPAGE);
    uint64_t sum = index;
    for (size_t i = 0; i < pages; i++)
        sum += memory[i * page + i % page]++ + 1u;
    require(munmap(memory, (size_t)pages * page) == 0, "munmap");
    return sum;
}
