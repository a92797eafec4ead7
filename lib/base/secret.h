/* SPDX-License-Identifier: MIT */
/* Comparison of secrets in a time independent of their contents, and wiping
 * that no compiler removes. */
#ifndef INFRA_BASE_SECRET_H
#define INFRA_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

bool infra__equal_secret(const void *a, const void *b, size_t size);
void infra__wipe(void *bytes, size_t size);

#endif
