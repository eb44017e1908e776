/* Runs a program's jobs in one thread or several and prints its name, the elapsed seconds and the checksum.
 *
 *   PROGRAM [JOBS [THREADS]]
 */
#include "program.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { most_threads = 64 };

struct share {
    uint64_t first, step, jobs, sum;
};

static void *work(void *argument) {
    struct share *share = argument;
    for (uint64_t index = share->first; index < share->jobs; index += share->step)
        share->sum += job(index);
    return NULL;
}

static double seconds_now(void) {
    struct timespec now;
    require(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock_gettime");
    return now.tv_sec + now.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
    const char *slash = strrchr(arguments[0], '/');
    const char *name = slash ? slash + 1 : arguments[0];
    uint64_t jobs = count > 1 ? strtoull(arguments[1], NULL, 10) : 1;
    uint64_t threads = count > 2 ? strtoull(arguments[2], NULL, 10) : 1;
    require(jobs > 0 && threads > 0 && threads <= most_threads, "usage: PROGRAM [JOBS [THREADS]]");
#ifdef __AVX2__
    require(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"), "the processor has no AVX2 and FMA");
#endif

    prepare();
    struct share shares[most_threads];
    pthread_t running[most_threads];
    double start = seconds_now();
    for (uint64_t thread = 0; thread < threads; thread++) {
        shares[thread] = (struct share){ .first = thread, .step = threads, .jobs = jobs };
        if (thread > 0)
            require(pthread_create(&running[thread], NULL, work, &shares[thread]) == 0, "pthread_create");
    }
    work(&shares[0]);
    uint64_t sum = shares[0].sum;
    for (uint64_t thread = 1; thread < threads; thread++) {
        require(pthread_join(running[thread], NULL) == 0, "pthread_join");
        sum += shares[thread].sum;
    }
    double elapsed = seconds_now() - start;

    printf("RESULT %s", name);
    if (count > 2)
        printf("@%llu", (unsigned long long)threads);
    printf(" %.6f %016llx\n", elapsed, (unsigned long long)sum);
    return 0;
}
