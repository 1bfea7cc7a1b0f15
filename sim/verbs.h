/*
 * verbs: what a person or nature can do to one world, by name, and what can be read of it, by name.
 */
#ifndef SIM_VERBS_H
#define SIM_VERBS_H

#include "sim/world.h"

enum verb_result {
    VERB_OK,
    VERB_UNKNOWN, /* not a verb of the world */
    VERB_WRONG,   /* its arguments are: `why` */
    VERB_REFUSED, /* the world does not let it happen: `why` */
};

/* w == NULL: only looks whether the line makes sense. Nothing is changed unless VERB_OK. */
enum verb_result verb_do(struct world *w, int argc, char **argv, char *why, size_t cap);
/* Value as text: a number ("16.02", switches as 1 and 0) or a word. false: unknown name. */
bool verb_value(const struct world *w, const char *name, char *out, size_t cap);
/* Whether verb_value knows the name. */
bool verb_value_known(const char *name);
/* Names of the faults that are on or off (all but phase_loss), one after the other; NULL: no more. */
const char *verb_fault_name(unsigned i);
/* Names of the values, one after the other; NULL: no more. For listings. */
const char *verb_value_name(unsigned i);

#endif
