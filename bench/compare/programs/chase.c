/* Follows pointers through 64 MiB in random order: every step waits for memory, and for the page tables. */
#include "program.h"

#include <stdlib.h>

enum { line = 64, nodes = (64 << 20) / line, steps = 100000 };

struct node {
    struct node *next;
    char rest[line - sizeof(struct node *)];
};

static struct node *list;

void prepare(void) {
    list = allocate(nodes * sizeof *list);
    uint32_t *order = allocate(nodes * sizeof *order);
    uint64_t state = 11;
    for (uint32_t i = 0; i < nodes; i++)
        order[i] = i;
    /* Sattolo's shuffle: one cycle through all. */
    for (uint32_t i = nodes - 1; i > 0; i--) {
        uint32_t j = (uint32_t)((next_random(&state) >> 32) % i), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
    for (uint32_t i = 0; i < nodes; i++)
        list[i].next = &list[order[i]];
    free(order);
}

uint64_t job(uint64_t index) {
    const struct node *node = &list[index * 7919 % nodes];
    for (int step = 0; step < steps; step++)
        node = node->next;
    return (uint64_t)(node - list);
}
