/* SPDX-License-Identifier: MIT */
/* The data side. Nearly every pick is plain: nothing restricts it and all of
 * the first list may be picked, so it is the policy's answer, a ticket and a
 * count. All others are in pick_restricted.c. No lock, no allocation, no fence,
 * no system call. */
#include "pick_steps.h"

static const struct infra_request no_restriction;

static inline bool is_plain(const struct infra_request *request)
{
    return request->eligible == NULL &&
           (request->tried_count | request->flags) == 0;
}

int infra_balancer_pick(struct infra_balancer_reader *reader,
                        const struct infra_request *request, infra_time now,
                        struct infra_ticket *ret)
{
    if (reader == NULL || ret == NULL ||
        (request != NULL && request->tried == NULL &&
         request->tried_count > 0)) {
        return INFRA_EINVAL;
    }
    const struct table *t =
        (const struct table *)(const void *)infra__inbox_look(&reader->inbox);
    if (t == NULL) {
        return INFRA_ENONE;
    }
    request = request != NULL ? request : &no_restriction;
    if (atomic_load_explicit(&t->plain, memory_order_relaxed) &&
        is_plain(request) && !reader->has_budget) {
        struct infra_balancer_candidates c;
        look_at(&c, reader, t->lists, request, now);
        c.narrow = false;
        uint32_t index = ask_policy(reader, &c);
        if (index < c.list->count) {
            const struct entry *e = &c.list->entries[index];
            if (reader->policy.needs_load) {
                (void)reserve(reader, e->id, 0);
            }
            return grant(reader, e, 0, now, ret);
        }
    }
    return infra__pick_with_care(reader, t, request, now, ret);
}

void infra_balancer_refresh(struct infra_balancer_reader *reader)
{
    if (reader != NULL) {
        (void)infra__inbox_look(&reader->inbox);
    }
}
