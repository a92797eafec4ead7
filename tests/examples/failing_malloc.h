/* SPDX-License-Identifier: MIT */
/* malloc() and its like for a program that is linked with
 * -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup: each call
 * counts, and one of them fails. */
#ifndef TESTS_FAILING_MALLOC_H
#define TESTS_FAILING_MALLOC_H

#include <stdbool.h>

/* Of this thread: the number of the call that fails, with all after it; < 0:
 * none does. */
extern _Thread_local long malloc_countdown;

/* Only that one call fails. */
extern bool malloc_fails_once;

#endif
