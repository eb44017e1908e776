/* The C library's memset and memcpy of 64 MiB. */
#include "program.h"

#include <string.h>

static const size_t length = (size_t)64 << 20;
static unsigned char *from, *to;

void prepare(void) {
    from = allocate(length);
    to = allocate(length);
    memset(from, 1, length);
    memset(to, 2, length);
}

uint64_t job(uint64_t index) {
    memset(from, (int)(index + 3), length);
    from[index * 4099 % length] ^= 0x55;
    memcpy(to, from, length);
    return (uint64_t)to[index * 4099 % length] << 8 | to[length - 1];
}
