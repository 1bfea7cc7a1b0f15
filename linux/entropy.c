#include "linux/entropy.h"

#include <stdio.h>
#include <stdlib.h>

uint32_t entropy_system(void)
{
    uint32_t word;
    FILE *f = fopen("/dev/urandom", "rb");
    if (!f || fread(&word, sizeof word, 1, f) != 1) {
        perror("/dev/urandom");
        abort();
    }
    fclose(f);
    return word;
}

uint32_t entropy_seeded(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ z >> 31) >> 32);
}
