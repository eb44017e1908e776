/* Bodies under their gravity, by the leap-frog method in double precision: multiplications, divisions and square roots.
 * Compiled for SSE2, and again for AVX2 and FMA. */
#include "program.h"

#include <math.h>

enum { bodies = 8, steps = 2000 };

struct system {
    double x[bodies], y[bodies], z[bodies], vx[bodies], vy[bodies], vz[bodies], mass[bodies];
};

void prepare(void) {}

static double uniform(uint64_t *state) { return (double)(next_random(state) >> 11) * 0x1p-53; }

uint64_t job(uint64_t index) {
    struct system s;
    uint64_t state = index + 1;
    for (int i = 0; i < bodies; i++) {
        s.x[i] = 10 * uniform(&state) + 3 * i, s.y[i] = 10 * uniform(&state), s.z[i] = 10 * uniform(&state);
        s.vx[i] = uniform(&state) - 0.5, s.vy[i] = uniform(&state) - 0.5, s.vz[i] = uniform(&state) - 0.5;
        s.mass[i] = 0.1 + uniform(&state);
    }
    const double dt = 0.001, softening = 0.01;
    for (int step = 0; step < steps; step++) {
        for (int i = 0; i < bodies; i++) {
            double ax = 0, ay = 0, az = 0;
            /* The body's pull on itself is 0, for the distance is; so the loop has no branch and can run several at a time. */
            for (int j = 0; j < bodies; j++) {
                double dx = s.x[j] - s.x[i], dy = s.y[j] - s.y[i], dz = s.z[j] - s.z[i];
                double square = dx * dx + dy * dy + dz * dz + softening;
                double pull = s.mass[j] / (square * sqrt(square));
                ax += pull * dx, ay += pull * dy, az += pull * dz;
            }
            s.vx[i] += dt * ax, s.vy[i] += dt * ay, s.vz[i] += dt * az;
        }
        for (int i = 0; i < bodies; i++)
            s.x[i] += dt * s.vx[i], s.y[i] += dt * s.vy[i], s.z[i] += dt * s.vz[i];
    }
    return checksum(checksum_start, &s, sizeof s);
}
