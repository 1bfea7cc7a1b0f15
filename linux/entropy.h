/*
 * entropy: random words for the port: the system's, or repeatable ones from a seed for virtual time.
 */
#ifndef LINUX_ENTROPY_H
#define LINUX_ENTROPY_H

#include <stdint.h>

/* Any thread. Ends the process if the system has no random device: nothing may go on with guessable
 * identifiers. */
uint32_t entropy_system(void);
/* splitmix64 (public domain algorithm of S. Vigna): good spread from any seed; not for secrets. */
uint32_t entropy_seeded(uint64_t *state);

#endif
