/* A register machine's bytecode in an interpreter loop, as Lua's: one indirect branch for each instruction. The bytecode sieves primes and
 * sums the lengths of Collatz sequences. */
#include "program.h"

enum { registers = 16, cells = 4096 };

enum operation { op_load, op_move, op_add, op_add_constant, op_multiply_constant, op_half, op_odd, op_get, op_set, op_jump, op_less, op_nonzero, op_halt };

/* op_less and op_nonzero go on at the target when they hold; constants and targets are in c. */
struct instruction {
    uint8_t operation, a, b;
    int32_t c;
};

static const struct instruction program[] = {
    /* Sieve: r1 the candidate, r2 a multiple, r3 the count of primes, r4 the number of cells, r5 a cell. */
    { op_load, 4, 0, cells },
    { op_load, 2, 0, 0 },
    { op_load, 5, 0, 0 },
    { op_set, 5, 2, 0 },               /*  3: clear the cell */
    { op_add_constant, 2, 2, 1 },
    { op_less, 2, 4, 3 },
    { op_load, 1, 0, 2 },
    { op_get, 5, 1, 0 },               /*  7: the next candidate */
    { op_nonzero, 5, 0, 16 },
    { op_add_constant, 3, 3, 1 },
    { op_load, 5, 0, 1 },
    { op_move, 2, 1, 0 },
    { op_set, 5, 2, 0 },               /* 12: strike out a multiple */
    { op_add, 2, 2, 1 },
    { op_less, 2, 4, 12 },
    { op_jump, 0, 0, 16 },
    { op_add_constant, 1, 1, 1 },      /* 16 */
    { op_less, 1, 4, 7 },
    /* Collatz: r6 the start, r7 the number, r8 the sum of lengths, r9 the end, r10 scratch. */
    { op_load, 6, 0, 2 },
    { op_load, 9, 0, 600 },
    { op_add, 6, 6, 15 },
    { op_add, 9, 9, 15 },
    { op_move, 7, 6, 0 },              /* 22: the next start */
    { op_add_constant, 8, 8, 1 },      /* 23: a step */
    { op_odd, 10, 7, 0 },
    { op_nonzero, 10, 0, 28 },
    { op_half, 7, 7, 0 },
    { op_jump, 0, 0, 30 },
    { op_multiply_constant, 7, 7, 3 }, /* 28 */
    { op_add_constant, 7, 7, 1 },
    { op_add_constant, 10, 7, -1 },    /* 30 */
    { op_nonzero, 10, 0, 23 },
    { op_add_constant, 6, 6, 1 },
    { op_less, 6, 9, 22 },
    { op_halt, 0, 0, 0 },
};

void prepare(void) {}

uint64_t job(uint64_t index) {
    int64_t r[registers] = { [15] = (int64_t)index };
    int64_t cell[cells];
    for (const struct instruction *next = program;;) {
        struct instruction i = *next++;
        switch ((enum operation)i.operation) {
        case op_load: r[i.a] = i.c; break;
        case op_move: r[i.a] = r[i.b]; break;
        case op_add: r[i.a] = r[i.b] + r[i.c]; break;
        case op_add_constant: r[i.a] = r[i.b] + i.c; break;
        case op_multiply_constant: r[i.a] = r[i.b] * i.c; break;
        case op_half: r[i.a] = r[i.b] >> 1; break;
        case op_odd: r[i.a] = r[i.b] & 1; break;
        case op_get: r[i.a] = cell[r[i.b]]; break;
        case op_set: cell[r[i.b]] = r[i.a]; break;
        case op_jump: next = program + i.c; break;
        case op_less: if (r[i.a] < r[i.b]) next = program + i.c; break;
        case op_nonzero: if (r[i.a] != 0) next = program + i.c; break;
        case op_halt: return (uint64_t)(r[3] * 1000003 + r[8]);
        }
    }
}
