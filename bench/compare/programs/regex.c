/* The C library's regular expressions over the lines of a text. */
#include "program.h"

#include <regex.h>
#include <string.h>

enum { length = 1 << 16, patterns = 4 };

static char text[length];
static regex_t compiled[patterns];

void prepare(void) {
    static const char *const sources[patterns] = { "([a-z]+)ing ", "(^| )(e|t|a)[a-z]*(o|i)n( |$)", "[aeiou]{3,}", "t[^ ]* [^ ]*s " };
    for (int i = 0; i < patterns; i++)
        require(regcomp(&compiled[i], sources[i], REG_EXTENDED) == 0, sources[i]);
    make_text(text, length);
    for (char *end = text; (end = memchr(end, '\n', (size_t)(text + length - end))) != NULL;)
        *end++ = '\0';
}

uint64_t job(uint64_t index) {
    uint64_t sum = checksum_start + index;
    for (const char *line = text; line < text + length; line += strlen(line) + 1)
        for (int i = 0; i < patterns; i++) {
            regmatch_t match[2];
            if (regexec(&compiled[i], line, 2, match, 0) == 0)
                sum = sum * 31 + (uint64_t)(match[0].rm_so * 131 + match[0].rm_eo + i);
        }
    return sum;
}
