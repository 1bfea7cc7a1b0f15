/*
 * wave: the two functions that every simulated sample needs: a sine of an integer phase and a cheap random
 * number.
 *
 * A phase is a uint32_t in which 2^32 is one turn, so that it wraps by itself and a harmonic is a
 * multiplication.
 */
#ifndef SIM_WAVE_H
#define SIM_WAVE_H

#include <stdint.h>

/* sin(2π·phase/2^32); error below 4e-6, which is 60 dB under the ADC's own step. */
static inline float wave_sin(uint32_t phase)
{
    if ((phase + 0x40000000u) & 0x80000000u) /* second and third quarter: mirror into ±90° */
        phase = 0x80000000u - phase;
    float x = (float)(int32_t)phase * (1.0f / 2147483648.0f); /* ±0.5 half turns */
    float q = x * x;
    /* Taylor series of sin(πx) to x^9 */
    return x * (3.14159265f + q * (-5.16771278f + q * (2.55016404f + q * (-0.59926453f + q * 0.08214589f))));
}

/* splitmix64 (Steele, Lea, Flood 2014): good enough for noise and two multiplications cheap. */
static inline uint64_t wave_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* About a normal distribution, mean 0, standard deviation 1, never beyond ±3.5: the sum of four uniforms. */
static inline float wave_gauss(uint64_t *state)
{
    uint64_t r = wave_random(state);
    int32_t sum = (int32_t)(r & 0xffff) + (int32_t)(r >> 16 & 0xffff) + (int32_t)(r >> 32 & 0xffff) +
                  (int32_t)(r >> 48) - 131070;
    return (float)sum * (1.0f / 37837.2f); /* 65536 / √12 · √4 */
}

/* Uniform in [0, 1). */
static inline double wave_uniform(uint64_t *state)
{
    return (double)(wave_random(state) >> 11) * (1.0 / 9007199254740992.0);
}

#endif
