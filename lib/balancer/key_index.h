/* SPDX-License-Identifier: MIT */
/* Which id has a key: of the backends that are members now, so that no key is
 * there twice. Chains of ids by a hash of the key, O(1) expected; two bytes an
 * id for the heads, two in the member. */
#ifndef INFRA_BALANCER_KEY_INDEX_H
#define INFRA_BALANCER_KEY_INDEX_H

#include "internal.h"

/* INFRA_OK, INFRA_ENOMEM. Closed in either case. */
int infra__key_index_open(struct infra_balancer *b);
void infra__key_index_close(struct infra_balancer *b);

/* NO_INDEX: no member has it. */
uint32_t infra__key_index_find(const struct infra_balancer *b, const char *key);

/* The id, whose key is set, becomes a member; or is one no more. */
void infra__key_index_add(struct infra_balancer *b, uint32_t id);
void infra__key_index_remove(struct infra_balancer *b, uint32_t id);

#endif
