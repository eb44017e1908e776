/* The shortest system call. */
#include "program.h"

#include <sys/syscall.h>
#include <unistd.h>

enum { calls = 10000 };

void prepare(void) {}

uint64_t job(uint64_t index) {
    long same = syscall(SYS_getpid);
    uint64_t sum = index;
    for (int call = 0; call < calls; call++)
        sum += syscall(SYS_getpid) == same;
    return sum;
}
