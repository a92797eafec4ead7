/* SPDX-License-Identifier: MIT */
/* Secrets are compared in a time that does not depend on where they differ, and
 * wiped in a way that no compiler leaves out. */
#ifndef INFRA_BASE_SECRET_H
#define INFRA_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

bool infra__equal_secret(const void *a, const void *b, size_t size);
void infra__wipe(void *bytes, size_t size);

#endif
