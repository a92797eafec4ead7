/* SPDX-License-Identifier: MIT */
/* The data path: one load to see a new table, one lookup, one count. And the
 * same decision in words. */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>

static const struct table *table_of(struct infra_access_reader *reader)
{
    return (const struct table *)(const void *)infra__inbox_look(
        &reader->inbox);
}

int infra_access_check(struct infra_access_reader *reader,
                       const struct infra_address *address, uint32_t *ret_rule)
{
    struct answer answer = { RULE_NONE, INFRA_ACCESS_DENY };

    if (reader == NULL || address == NULL) {
        return INFRA_ACCESS_DENY;
    }
    const struct table *t = table_of(reader);
    if (t != NULL) {
        struct point p = point_of(address);
        answer = p.high == 0 && p.low >> 32 == 0xffff
                     ? infra__access_find_ipv4(t, (uint32_t)p.low)
                     : infra__access_find_ipv6(t, p);
    }
    if (ret_rule != NULL) {
        *ret_rule = answer.rule;
    }
    _Atomic uint64_t *count = &reader->counts[answer.action];
    /* Relaxed: statistics, with this thread as the only writer. */
    atomic_store_explicit(count,
                          atomic_load_explicit(count, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    return (int)answer.action;
}

void infra_access_reader_refresh(struct infra_access_reader *reader)
{
    if (reader != NULL) {
        (void)table_of(reader);
    }
}

/* A text that may be cut, and how long it would be. */
struct text {
    char *at;
    size_t size;
    size_t length;
};

static void append(struct text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void append(struct text *t, const char *format, ...)
{
    size_t used = t->length < t->size ? t->length : t->size;
    va_list args;

    va_start(args, format);
    int n = vsnprintf(t->size > used ? t->at + used : NULL, t->size - used,
                      format, args);
    va_end(args);
    t->length += n > 0 ? (size_t)n : 0;
}

/* The longest prefix shorter than @below that has the address; of equal ones
 * the first. */
static const struct rule *next_wider(const struct infra_access *access,
                                     const struct infra_address *address,
                                     uint32_t below)
{
    const struct rule *best = NULL;

    for (uint32_t i = 0; i < access->rules.count; i++) {
        const struct rule *r = &access->rules.all[i];
        if (r->prefix.length < below &&
            (best == NULL || r->prefix.length > best->prefix.length) &&
            infra_prefix_contains(&r->prefix, address)) {
            best = r;
        }
    }
    return best;
}

int infra_access_explain(const struct infra_access *access,
                         const struct infra_address *address, char *ret,
                         size_t size)
{
    struct text t = { .at = ret, .size = size };
    char prefix[INFRA_PREFIX_TEXT_MAX];
    const char *before = ", over";

    if (access == NULL || address == NULL || (ret == NULL && size > 0)) {
        return INFRA_EINVAL;
    }
    const struct rule *r = next_wider(access, address, 129);
    if (r == NULL) {
        append(&t, "%s by default",
               infra_access_action_name(access->default_action));
        return (int)t.length;
    }
    (void)infra_prefix_print(&r->prefix, prefix);
    append(&t, "%s by rule %u (%s)", infra_access_action_name(r->action),
           (unsigned)r->id, prefix);
    while ((r = next_wider(access, address, r->prefix.length)) != NULL) {
        (void)infra_prefix_print(&r->prefix, prefix);
        append(&t, "%s rule %u (%s %s)", before, (unsigned)r->id,
               infra_access_action_name(r->action), prefix);
        before = ",";
    }
    return (int)t.length;
}
