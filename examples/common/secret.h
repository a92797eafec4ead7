/* SPDX-License-Identifier: MIT */
/* Passwords on their way from the operator to who needs them: from a file, from
 * the environment, or from the command line, where they are hidden at once.
 * They are wiped after use, and no message contains one. */
#ifndef EXAMPLES_SECRET_H
#define EXAMPLES_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#define SECRET_MAX 4096u /* Bytes, without the zero at the end. */

/* The content of a file without the newline at its end, or what the
 * environment has; to be freed with secret_free().  NULL: it has been said what
 * is wrong with @name. */
char *secret_from_file(const char *name, const char *path);
char *secret_from_environment(const char *name, const char *variable);

/* Wipe what was read from the environment there: so that no program that is
 * started finds it, nor who reads /proc.  To be called when all is read. */
void secret_forget_environment(void);

/* Make an argument unreadable in the list of processes. */
void secret_hide(char *argument);

/* Wipe and free; NULL is allowed. */
void secret_free(char *secret);

#endif
