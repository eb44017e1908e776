/* busybox's awk counts the words of a text: field splitting, strings, hash tables, an interpreter of syntax trees. */
#include "program.h"

#include <stdlib.h>

enum { length = 1 << 18 };

static char script[] =
    "{ for (i = 1; i <= NF; i++) { count[$i]++; letters += length($i) } if ($0 ~ /ea.*t/) matched++ }"
    " END { for (word in count) { kinds++; if (count[word] > most) most = count[word]; squares += count[word] * count[word] }"
    " print NR, kinds, letters, matched, most, squares }";

void prepare(void) {
    char *text = allocate(length);
    make_text(text, length);
    write_file("awk.text", text, length);
    free(text);
}

uint64_t job(uint64_t index) {
    (void)index;
    require(run_busybox("awk.text", "awk.out", (char *[]){ "awk", script, NULL }) == 0, "awk");
    return file_checksum("awk.out", 0);
}
