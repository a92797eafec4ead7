/* SPDX-License-Identifier: MIT */
/* The id of each member's key, so that no key is there twice. Chains of ids by
 * a hash of the key, O(1) expected; two bytes per id for the heads, two in the
 * member. */
#ifndef INFRA_BALANCER_KEY_INDEX_H
#define INFRA_BALANCER_KEY_INDEX_H

#include "internal.h"

/* INFRA_OK, INFRA_ENOMEM; to be closed in either case. */
int infra__key_index_open(struct infra_balancer *b);
void infra__key_index_close(struct infra_balancer *b);

/* NO_INDEX: no member has it. */
uint32_t infra__key_index_find(const struct infra_balancer *b, const char *key);

/* The id becomes a member, its key set; or ceases to be one. */
void infra__key_index_add(struct infra_balancer *b, uint32_t id);
void infra__key_index_remove(struct infra_balancer *b, uint32_t id);

#endif
