/* SPDX-License-Identifier: MIT */
/* OK, EOF and error packets, and the changes of the session in them. */
#ifndef EXAMPLES_MYSQL_TRACKED_H
#define EXAMPLES_MYSQL_TRACKED_H

#include "mysql_answer.h"

/* Read the OK at @packet, with its header, of @size bytes, into the result of
 * @a. What the client does not speak is taken out: the packet then begins
 * @ret_skipped bytes later. False: malformed. */
bool mysql_take_ok(struct mysql_answer *a, unsigned char *packet, size_t size,
                   size_t *ret_skipped);

/* Read an EOF of the old form, and an error. False: malformed. */
bool mysql_take_eof(struct mysql_answer *a, const unsigned char *packet,
                    size_t size);
bool mysql_take_error(struct mysql_answer *a, const unsigned char *packet,
                      size_t size);

#endif
