/* What every program of the comparison shares: main.c runs and times the jobs that the program's own file defines, support.c helps. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stddef.h>
#include <stdint.h>

/* Defined by each program. Prepare runs once, untimed; job does one fixed piece of work, timed, and gives its checksum.
 * Equal indices give equal checksums. The jobs of a program that runs in threads share nothing that they write. */
void prepare(void);
uint64_t job(uint64_t index);

/* Adds bytes to a checksum (FNV-1a, 64 bits); begin with checksum_start. */
#define checksum_start UINT64_C(0xcbf29ce484222325)
uint64_t checksum(uint64_t sum, const void *bytes, size_t length);

/* The next number of a reproducible sequence (xorshift64*); the state must not be 0. */
uint64_t next_random(uint64_t *state);

/* Ends the program with a message unless the condition holds. */
void require(int holds, const char *what);
void *allocate(size_t size);

/* Fills the buffer with lines of words, some far more frequent than others, as in written text; the last byte is a line feed. */
void make_text(char *text, size_t length);
void write_file(const char *path, const void *bytes, size_t length);
uint64_t file_checksum(const char *path, size_t skip);

/* Runs ./busybox by fork and exec with standard input and output from and to files (or unchanged where null); gives its exit status. */
int run_busybox(const char *input, const char *output, char *const arguments[]);

#endif
