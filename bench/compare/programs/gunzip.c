/* busybox's gunzip of two mebibytes of text. */
#include "program.h"

#include <stdlib.h>

enum { length = 2 << 20 };

void prepare(void) {
    char *text = allocate(length);
    make_text(text, length);
    write_file("gunzip.text", text, length);
    free(text);
    require(run_busybox("gunzip.text", "gunzip.gz", (char *[]){ "gzip", "-c", NULL }) == 0, "gzip");
}

uint64_t job(uint64_t index) {
    (void)index;
    require(run_busybox("gunzip.gz", "gunzip.out", (char *[]){ "gunzip", "-c", NULL }) == 0, "gunzip");
    return file_checksum("gunzip.out", 0);
}
