/* SPDX-License-Identifier: MIT */
/* Entropy of the system, for seeds.  A seed from the clock can be guessed: a
 * server could forge a login out of a recorded one. */
#ifndef EXAMPLES_ENTROPY_H
#define EXAMPLES_ENTROPY_H

#include "arguments.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

/* False: the reason is on stderr. */
static inline bool entropy_read(uint64_t *ret)
{
    return getrandom(ret, sizeof *ret, 0) == (ssize_t)sizeof *ret ||
           arguments_wrong("entropy of the system: %s", strerror(errno));
}

#endif
