/* Checksums, reproducible numbers and text, files and child processes for the programs. */
#include "program.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

uint64_t checksum(uint64_t sum, const void *bytes, size_t length) {
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < length; i++)
        sum = (sum ^ byte[i]) * UINT64_C(0x100000001b3);
    return sum;
}

uint64_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

void require(int holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "failed: %s\n", what);
    exit(1);
}

void *allocate(size_t size) {
    void *memory = malloc(size);
    require(memory != NULL, "malloc");
    return memory;
}

void make_text(char *text, size_t length) {
    enum { words = 2048, longest = 11 };
    static char vocabulary[words][longest + 1];
    uint64_t state = 20260301;
    for (int word = 0; word < words; word++) {
        int letters = 2 + (int)(next_random(&state) >> 33) % (longest - 2);
        for (int letter = 0; letter < letters; letter++)
            vocabulary[word][letter] = "etaoinshrdlucmfwypvbgkqjxz"[(next_random(&state) >> 33) % (1 + (next_random(&state) >> 33) % 26)];
    }
    size_t at = 0, column = 0;
    while (at < length) {
        /* The product of two uniform numbers makes the low numbered words the frequent ones. */
        uint64_t drawn = next_random(&state);
        const char *word = vocabulary[((drawn >> 53) * (drawn >> 42 & 0x7ff)) >> 11];
        size_t letters = strlen(word), room = length - at;
        memcpy(text + at, word, letters < room ? letters : room);
        at += letters < room ? letters : room;
        column += letters + 1;
        if (at < length)
            text[at++] = column > 72 ? '\n' : ' ';
        if (column > 72)
            column = 0;
    }
    text[length - 1] = '\n';
}

void write_file(const char *path, const void *bytes, size_t length) {
    FILE *file = fopen(path, "wb");
    require(file != NULL && fwrite(bytes, 1, length, file) == length && fclose(file) == 0, path);
}

uint64_t file_checksum(const char *path, size_t skip) {
    static char block[65536];
    FILE *file = fopen(path, "rb");
    require(file != NULL && fseek(file, (long)skip, SEEK_SET) == 0, path);
    uint64_t sum = checksum_start;
    size_t length;
    while ((length = fread(block, 1, sizeof block, file)) > 0)
        sum = checksum(sum, block, length);
    require(!ferror(file), path);
    fclose(file);
    return sum;
}

static void redirect(int to, const char *path, int flags) {
    int file = open(path, flags, 0600);
    require(file >= 0 && dup2(file, to) == to, path);
    close(file);
}

int run_busybox(const char *input, const char *output, char *const arguments[]) {
    pid_t child = fork();
    require(child >= 0, "fork");
    if (child == 0) {
        if (input)
            redirect(STDIN_FILENO, input, O_RDONLY);
        if (output)
            redirect(STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC);
        execv("./busybox", arguments);
        _exit(127);
    }
    int status;
    require(waitpid(child, &status, 0) == child && WIFEXITED(status), "./busybox");
    return WEXITSTATUS(status);
}
