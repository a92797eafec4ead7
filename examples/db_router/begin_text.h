/* SPDX-License-Identifier: MIT */
/* The text of a BEGIN, for a proxy that answers it itself and sends it with the
 * first statement of the transaction. */
#ifndef EXAMPLES_DB_ROUTER_BEGIN_TEXT_H
#define EXAMPLES_DB_ROUTER_BEGIN_TEXT_H

#include <infra/statement.h>
#include <stdbool.h>
#include <stddef.h>

#define BEGIN_TEXT_MAX 128u

/* Is it made of nothing but the words that begin a transaction and name its
 * modes, and short enough to be kept?  Not of WITH CONSISTENT SNAPSHOT, which
 * says from when on the client wants to see. */
bool begin_text_is_plain(const char *text, size_t size);

/* A BEGIN that is sent at once is one more write to the session. */
void begin_text_check(struct infra_statement *statement, const char *text,
                      size_t size);

/* Does the text that ends a transaction roll it back? */
bool end_text_is_rollback(const char *text, size_t size);

#endif
