/* SPDX-License-Identifier: MIT */
/* Entropy of the system, for seeds: from a clock a server could guess the nonces
 * of a login, and forge it out of a recording. */
#ifndef EXAMPLES_ENTROPY_H
#define EXAMPLES_ENTROPY_H

#include "arguments.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

/* False: it has been said why. */
static inline bool entropy_read(uint64_t *ret)
{
    return getrandom(ret, sizeof *ret, 0) == (ssize_t)sizeof *ret ||
           arguments_wrong("entropy of the system: %s", strerror(errno));
}

#endif
