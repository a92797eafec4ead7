/* SPDX-License-Identifier: MIT */
/* Passwords from the operator: from a file, from the environment, or from the
 * command line, where they are hidden at once.  They are wiped after use, and
 * no message contains one. */
#ifndef EXAMPLES_SECRET_H
#define EXAMPLES_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#define SECRET_MAX 4096u /* Bytes, without the zero at the end. */

/* The content of a file without its last newline, or of an environment
 * variable; release it with secret_free().  NULL: the error is on stderr, for
 * @name. */
char *secret_from_file(const char *name, const char *path);
char *secret_from_environment(const char *name, const char *variable);

/* Wipe the variables read, so that neither a program started later nor a reader
 * of /proc finds them.  Call it when all are read. */
void secret_forget_environment(void);

/* Make an argument unreadable in the list of processes. */
void secret_hide(char *argument);

/* Wipe and free; NULL is allowed. */
void secret_free(char *secret);

#endif
