/* SPDX-License-Identifier: MIT */
/* What position.h of the public headers hides, and positions of nodes: a
 * replica that has followed several primaries says hundreds of intervals. */
#ifndef INFRA_ROUTER_POSITION_H
#define INFRA_ROUTER_POSITION_H

#include <infra/position.h>
#include <stdbool.h>

/* Parts in an array of the caller's, sorted by source, tag, epoch and first, so
 * that what may be joined stands side by side. Where two parts touch there is
 * one. */
struct infra__position_parts {
    uint32_t kind;
    bool fills;     /* If it is full, the smallest gap is filled. */
    bool is_filled; /* That has happened. */
    uint32_t count;
    uint32_t max;
    struct infra_position_part *parts;
};

/* Add a part. INFRA_EFULL: there is no room. O(log n), and what is behind it
 * moves. */
int infra__position_insert(struct infra__position_parts *list,
                           const struct infra_position_part *part);

/* Join the two intervals of one source with the least gap. False: no source has
 * two. */
bool infra__position_fill(struct infra__position_parts *list);

/* Add what a server's text says. INFRA_EINVAL, INFRA_EFULL. */
int infra__position_read(struct infra__position_parts *list, uint64_t epoch,
                         const char *text, size_t length);

/* Is it what the functions of this module make, whoever has had it since? */
bool infra__position_is_sound(const struct infra_position *p);

/* As infra_position_parse(), but exact, with up to @max parts, in order.
 * INFRA_EINVAL; INFRA_EFULL: more; then nothing is promised of @parts. */
int infra__position_parse_parts(uint32_t kind, uint64_t epoch, const char *text,
                                size_t length,
                                struct infra_position_part *parts, size_t max,
                                size_t *ret_count);

/* As infra_position_covers(), whatever the epochs of @need. @have is of
 * infra__position_parse_parts(). O(log n) for each part of @need. */
uint32_t infra__position_covers_parts(uint32_t kind,
                                      const struct infra_position_part *have,
                                      size_t have_count, bool have_is_filled,
                                      const struct infra_position *need);

#endif
