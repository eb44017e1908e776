/* Starts a shell by fork and exec and waits for it: new address spaces, page faults, cold code. */
#include "program.h"

void prepare(void) {}

uint64_t job(uint64_t index) {
    int status = run_busybox(NULL, NULL, (char *[]){ "sh", "-c", "true && exit 7", NULL });
    require(status == 7, "the shell's exit status");
    return index + (uint64_t)status;
}
