/* SHA-256 (FIPS 180-4, section 6.2) of 64 KiB: rotations, additions and Boolean functions of 32-bit words. */
#include "program.h"

enum { blocks = 1024 };

static uint32_t rounds[64], first[8];
static uint8_t message[blocks * 64];

/* The first 32 bits of the fraction of a prime's root (section 4.2.2 and 5.3.3), found bit by bit in whole numbers. */
static uint32_t root_fraction(uint64_t prime, int degree) {
    uint64_t root = 0;
    for (int bit = 35; bit >= 0; bit--) {
        unsigned __int128 candidate = root | UINT64_C(1) << bit, limit = prime, power = candidate * candidate;
        if (degree == 3) {
            /* candidate³ ≤ prime·2⁹⁶, in numbers of 128 bits: candidate < 2³⁶. */
            if (power * candidate <= limit << 96)
                root = (uint64_t)candidate;
        } else if (power <= limit << 64) {
            root = (uint64_t)candidate;
        }
    }
    return (uint32_t)root;
}

void prepare(void) {
    int found = 0;
    for (uint64_t number = 2; found < 64; number++) {
        int prime = 1;
        for (uint64_t divisor = 2; divisor * divisor <= number; divisor++)
            prime &= number % divisor != 0;
        if (!prime)
            continue;
        if (found < 8)
            first[found] = root_fraction(number, 2);
        rounds[found++] = root_fraction(number, 3);
    }
    require(first[0] == 0x6a09e667 && rounds[63] == 0xc67178f2, "the constants of SHA-256");
    uint64_t state = 1;
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)(next_random(&state) >> 56);
}

static uint32_t rotate(uint32_t word, int by) { return word >> by | word << (32 - by); }

static void compress(uint32_t hash[8], const uint8_t *block) {
    uint32_t w[64];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | block[4 * i + 1] << 16 | block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4], f = hash[5], g = hash[6], h = hash[7];
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + rounds[i] + w[i];
        uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    hash[0] += a, hash[1] += b, hash[2] += c, hash[3] += d, hash[4] += e, hash[5] += f, hash[6] += g, hash[7] += h;
}

uint64_t job(uint64_t index) {
    uint32_t hash[8];
    for (int i = 0; i < 8; i++)
        hash[i] = first[i];
    hash[0] += (uint32_t)index;
    for (int block = 0; block < blocks; block++)
        compress(hash, message + 64 * block);
    return checksum(checksum_start, hash, sizeof hash);
}
