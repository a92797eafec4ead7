/* SPDX-License-Identifier: MIT */
/* Text that is put together piece by piece. */
#ifndef EXAMPLES_DB_TEXT_H
#define EXAMPLES_DB_TEXT_H

#include <stddef.h>

/* Print at the end of @text, which has room for @size bytes in all; the rest is
 * cut off. */
void append(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
