// Disk and network loads of bench/compare/io: the guest's side, and the server on the host. Each load times itself by the guest's clock and prints
// "RESULT name value", in MB/s or, where the name ends in "-us", in microseconds.
//
//   io disk DEVICE SCALE      reads and writes the device with O_DIRECT; it holds at least 64 MiB
//   io tcp ADDRESS PORT SCALE  receives from a server and sends to it
//   io serve                  is that server: prints its port, and answers until it is killed
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { span = 64 << 20, large = 256 << 10, small = 4 << 10, threads = 4 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void result(const char *name, double value)
{
    printf("RESULT %s %.3f\n", name, value);
    fflush(stdout);
}

struct job {
    int file, count, block, writes, random;
    uint64_t seed;
};

static void *work(void *argument)
{
    struct job *job = argument;
    char *buffer;
    if (posix_memalign((void **)&buffer, 4096, job->block)) fail("memory");
    memset(buffer, 0x5a, job->block);
    uint64_t state = job->seed;
    for (int i = 0; i < job->count; i++) {
        // A linear congruential generator (Knuth, MMIX).
        state = state * 6364136223846793005u + 1442695040888963407u;
        off_t at = (job->random ? state >> 33 : (uint64_t)i) * job->block % span;
        ssize_t done = job->writes ? pwrite(job->file, buffer, job->block, at) : pread(job->file, buffer, job->block, at);
        if (done != job->block) fail("disk");
    }
    free(buffer);
    return NULL;
}

static double seconds(struct job job, int parallel)
{
    pthread_t thread[threads];
    struct job each[threads];
    double start = now();
    for (int i = 0; i < parallel; i++) {
        each[i] = job;
        each[i].seed += i;
        if (pthread_create(&thread[i], NULL, work, &each[i])) fail("thread");
    }
    for (int i = 0; i < parallel; i++) pthread_join(thread[i], NULL);
    return now() - start;
}

static void disk(const char *device, int scale)
{
    int file = open(device, O_RDWR | O_DIRECT);
    if (file < 0) fail(device);
    struct job job = { .file = file, .block = large, .count = 256 * scale, .seed = 1 };
    // Once through, so that the host has it all in its memory.
    seconds(job, 1);
    result("seq-read", (double)job.count * job.block / seconds(job, 1) / 1e6);
    job.writes = 1;
    result("seq-write", (double)job.count * job.block / seconds(job, 1) / 1e6);
    job = (struct job){ .file = file, .block = small, .count = 2000 * scale, .random = 1, .seed = 2 };
    result("rand-read-4k", (double)job.count * threads * job.block / seconds(job, threads) / 1e6);
    job.writes = 1;
    result("rand-write-4k", (double)job.count * threads * job.block / seconds(job, threads) / 1e6);
    job = (struct job){ .file = file, .block = small, .count = 4000 * scale, .seed = 3 };
    result("round-trip-us", seconds(job, 1) / job.count * 1e6);
    close(file);
}

static int stream(const char *address, int port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
    if (inet_pton(AF_INET, address, &to.sin_addr) != 1) fail(address);
    int file = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(file, (struct sockaddr *)&to, sizeof to)) fail("connect");
    return file;
}

// Sends or receives so many bytes.
static void move(int file, char *buffer, int64_t bytes, int sends)
{
    while (bytes > 0) {
        size_t part = bytes < large ? bytes : large;
        ssize_t done = sends ? write(file, buffer, part) : read(file, buffer, part);
        if (done <= 0) fail("stream");
        bytes -= done;
    }
}

static void tcp(const char *address, int port, int scale)
{
    char *buffer = calloc(1, large);
    int64_t bytes = (int64_t)scale * 64 << 20;
    char request[9];
    memcpy(request + 1, &bytes, 8);
    for (int sends = 0; sends <= 1; sends++) {
        int file = stream(address, port);
        request[0] = sends ? 'S' : 'R';
        double start = now();
        move(file, request, 9, 1);
        move(file, buffer, bytes, sends);
        // What was sent has arrived when the server says so.
        if (sends) move(file, buffer, 1, 0);
        result(sends ? "tcp-send" : "tcp-receive", bytes / (now() - start) / 1e6);
        close(file);
    }
    int file = stream(address, port), one = 1, rounds = 500 * scale;
    setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    request[0] = 'E';
    move(file, request, 9, 1);
    double start = now();
    for (int i = 0; i < rounds; i++) {
        move(file, buffer, 1, 1);
        move(file, buffer, 1, 0);
    }
    result("tcp-echo-us", (now() - start) / rounds * 1e6);
    free(buffer);
}

static void answer(int file)
{
    char *buffer = calloc(1, large), request[9];
    int64_t bytes;
    int one = 1;
    setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (int got = 0; got < 9;) {
        ssize_t done = read(file, request + got, 9 - got);
        if (done <= 0) return;
        got += done;
    }
    memcpy(&bytes, request + 1, 8);
    if (request[0] == 'E') {
        while (read(file, buffer, 1) == 1 && write(file, buffer, 1) == 1) { }
    } else {
        move(file, buffer, bytes, request[0] == 'R');
        if (request[0] == 'S') move(file, buffer, 1, 1);
    }
    close(file);
    free(buffer);
}

static void serve(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&at, size) || listen(listener, 16) || getsockname(listener, (struct sockaddr *)&at, &size)) fail("listen");
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    for (;;) {
        int file = accept(listener, NULL, NULL);
        if (file >= 0) answer(file);
    }
}

int main(int count, char **words)
{
    if (count == 4 && !strcmp(words[1], "disk")) disk(words[2], atoi(words[3]));
    else if (count == 5 && !strcmp(words[1], "tcp")) tcp(words[2], atoi(words[3]), atoi(words[4]));
    else if (count == 2 && !strcmp(words[1], "serve")) serve();
    else return fprintf(stderr, "usage: io disk DEVICE SCALE | io tcp ADDRESS PORT SCALE | io serve\n"), 2;
    return 0;
}
