/* Two processes send a byte to and fro through two pipes: system calls and switches between processes. */
#include "program.h"

#include <sys/wait.h>
#include <unistd.h>

enum { rounds = 1000 };

void prepare(void) {}

uint64_t job(uint64_t index) {
    int to[2], back[2];
    require(pipe(to) == 0 && pipe(back) == 0, "pipe");
    pid_t child = fork();
    require(child >= 0, "fork");
    unsigned char byte;
    if (child == 0) {
        close(to[1]);
        while (read(to[0], &byte, 1) == 1) {
            byte += 3;
            if (write(back[1], &byte, 1) != 1)
                _exit(1);
        }
        _exit(0);
    }
    close(to[0]);
    close(back[1]);
    byte = (unsigned char)index;
    uint64_t sum = checksum_start;
    for (int round = 0; round < rounds; round++) {
        require(write(to[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1, "a pipe's byte");
        sum = sum * 31 + byte;
    }
    close(to[1]);
    close(back[0]);
    int status;
    require(waitpid(child, &status, 0) == child && status == 0, "the pipes' other process");
    return sum;
}
