/* SPDX-License-Identifier: MIT */
/* What a session needs to see, against what is known of the history.
 *
 * A part that was acknowledged under an older token holds under the present one
 * only if each reign since then began behind it: then it is part of the present
 * history, and is compared like one of today. A part beyond the beginning of a
 * later reign was lost in that failover, although the new primary soon writes
 * other things under the same numbers. */
#include "internal.h"

#include <string.h>

/* Does the reign that began at @since hold @part? Its first timeline is the one
 * that begins there, so only the byte counts for LSN. */
static bool is_held(const struct infra_position *since,
                    const struct infra_position_part *part)
{
    struct infra_position one = { .kind = since->kind, .count = 1 };

    one.parts[0] = *part;
    if (since->kind == INFRA_POSITION_LSN) {
        return since->count > 0 && part->last <= since->parts[0].last;
    }
    return infra__position_covers_parts(since->kind, since->parts, since->count,
                                        since->is_filled,
                                        &one) == INFRA_POSITION_ANSWER_YES;
}

static enum need resolve_part(struct infra_position_part *part, uint8_t kind,
                              const struct table *t)
{
    bool is_first = true;

    if (part->epoch == t->token || part->epoch == 0 || t->token == 0) {
        return NEED_MET;
    }
    if (part->epoch > t->token) {
        return ROUTER_RULE(NEWER) ? NEED_NEWER : NEED_MET;
    }
    for (uint32_t i = 0; i < t->reigns_count; i++) {
        const struct reign *r = &t->reigns[i];
        if (r->token <= part->epoch) {
            is_first = false;
            continue;
        }
        if (is_first || r->since.kind != kind) {
            return NEED_UNKNOWN; /* A reign is not known, or its beginning. */
        }
        if (!is_held(&r->since, part) && ROUTER_RULE(LOST)) {
            return NEED_LOST;
        }
        part->epoch = r->token;
        if (kind == INFRA_POSITION_LSN) {
            memcpy(part->source, r->since.parts[0].source, sizeof part->source);
        }
    }
    return part->epoch == t->token ? NEED_MET : NEED_UNKNOWN;
}

enum need infra__need_resolve(struct infra_position *need,
                              const struct table *t)
{
    struct infra_position resolved = { 0 };
    bool is_old = false;

    for (uint32_t i = 0; i < need->count; i++) {
        is_old |= need->parts[i].epoch != t->token;
    }
    if (!is_old) {
        return NEED_MET;
    }
    for (uint32_t i = 0; i < need->count; i++) {
        struct infra_position one = { .kind = need->kind, .count = 1 };
        one.parts[0] = need->parts[i];
        enum need answer = resolve_part(&one.parts[0], need->kind, t);
        if (answer != NEED_MET) {
            return answer;
        }
        if (infra_position_merge(&resolved, &one) != INFRA_OK) {
            return NEED_UNKNOWN;
        }
    }
    resolved.is_filled |= need->is_filled;
    *need = resolved;
    return NEED_MET;
}

/* A sample of an older reign proves only what each reign since took over. */
static bool is_taken_over(const struct infra_position *need,
                          const struct table *t, const struct view *v)
{
    bool is_known = v->token == t->token;

    for (uint32_t i = 0; i < t->reigns_count && v->token != t->token; i++) {
        const struct reign *r = &t->reigns[i];
        if (r->token <= v->token) {
            is_known = true;
            continue;
        }
        for (uint32_t k = 0; k < need->count; k++) {
            if (r->since.kind != need->kind ||
                !is_held(&r->since, &need->parts[k])) {
                return false;
            }
        }
    }
    return is_known;
}

uint64_t infra__need_covered(const struct infra_position *need,
                             const struct table *t, uint64_t nodes)
{
    uint64_t covered = 0;

    if (need->count == 0) {
        return nodes;
    }
    for (; nodes != 0; nodes &= nodes - 1) {
        uint32_t id = first_of(nodes);
        const struct view *v = &t->views[id];
        if (!ROUTER_RULE(COVER) ||
            (v->position_kind == need->kind && is_taken_over(need, t, v) &&
             infra__position_covers_parts(need->kind, v->parts, v->parts_count,
                                          false,
                                          need) == INFRA_POSITION_ANSWER_YES)) {
            covered |= bit_of(id);
        }
    }
    return covered;
}

int infra__need_raise(struct infra_position *need, const struct table *t,
                      uint32_t id)
{
    const struct view *v = &t->views[id];
    struct infra_position sample = { 0 };

    if (v->position_kind == INFRA_POSITION_NONE) {
        return INFRA_EINVAL;
    }
    for (uint32_t i = 0; i < v->parts_count; i++) {
        struct infra_position one = { .kind = v->position_kind, .count = 1 };
        one.parts[0] = v->parts[i];
        one.parts[0].epoch = v->token;
        int err = infra_position_merge(&sample, &one);
        if (err != INFRA_OK) {
            return err;
        }
    }
    return infra_position_merge(need, &sample);
}
