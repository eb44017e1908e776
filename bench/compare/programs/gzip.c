/* busybox's gzip of a mebibyte of text. */
#include "program.h"

#include <stdlib.h>

enum { length = 1 << 20, header = 10 };

void prepare(void) {
    char *text = allocate(length);
    make_text(text, length);
    write_file("gzip.text", text, length);
    free(text);
}

uint64_t job(uint64_t index) {
    (void)index;
    require(run_busybox("gzip.text", "gzip.gz", (char *[]){ "gzip", "-c", NULL }) == 0, "gzip");
    /* The header holds a time. */
    return file_checksum("gzip.gz", header);
}
