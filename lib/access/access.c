/* SPDX-License-Identifier: MIT */
/* The control side: rules come and are published; readers and their counts. */
#include "internal.h"

#include <string.h>

INFRA__NO_TAIL_PADDING(struct infra_access_options, reserved);
INFRA__NO_TAIL_PADDING(struct infra_access_rule, reserved);
INFRA__NO_TAIL_PADDING(struct infra_access_status, default_action);

static int complete(void *options)
{
    struct infra_access_options *o = options;

    o->rules_max = o->rules_max != 0 ? o->rules_max : 1000000u;
    o->readers_max = o->readers_max != 0 ? o->readers_max : 64u;
    return o->rules_max <= INFRA_ACCESS_RULES_MAX &&
                   o->readers_max <= INFRA_ACCESS_READERS_MAX &&
                   o->default_action <= INFRA_ACCESS_ALLOW && o->reserved == 0
               ? INFRA_OK
               : INFRA_EINVAL;
}

int infra_access_create(struct infra_access **ret,
                        const struct infra_access_options *options)
{
    struct infra_access_options o = { .size = sizeof o };
    int err =
        ret != NULL ? infra__options_take(&o, options, complete) : INFRA_EINVAL;
    struct infra_access *access =
        infra__object_create(&err, sizeof *access, o.allocator);

    if (access == NULL) {
        return err;
    }
    access->options = o;
    access->options.allocator = NULL; /* The copy counts. */
    access->default_action = o.default_action;
    *ret = access;
    return INFRA_OK;
}

void infra_access_destroy(struct infra_access *access)
{
    if (access == NULL) {
        return;
    }
    if (access->table != NULL) {
        infra__edition_unref(&access->table->edition, infra__access_table_free,
                             access);
    }
    infra__access_rules_free(&access->allocator, &access->rules);
    infra__object_free(access, sizeof *access);
}

static bool is_prefix(const struct infra_prefix *p)
{
    struct infra_address masked = infra_address_mask(&p->address, p->length);

    return p->length <= 128 && memcmp(&masked, &p->address, 16) == 0;
}

int infra_access_add(struct infra_access *access,
                     const struct infra_access_rule *rule)
{
    struct infra_access_rule r = { .size = sizeof r };

    if (access == NULL || rule == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra__options_import(&r, sizeof r, rule, sizeof r);
    if (err != INFRA_OK) {
        return err;
    }
    if (r.action > INFRA_ACCESS_ALLOW || r.id == RULE_NONE || r.reserved != 0 ||
        !is_prefix(&r.prefix)) {
        return INFRA_EINVAL;
    }
    if (access->rules.count == access->options.rules_max) {
        return INFRA_EFULL;
    }
    err = infra__access_rules_grow(&access->allocator, &access->rules);
    if (err != INFRA_OK) {
        return err;
    }
    uint32_t place = access->rules.count++;
    access->rules.all[place] = (struct rule) {
        .prefix = r.prefix, .action = r.action, .id = r.id, .place = place
    };
    return INFRA_OK;
}

int infra_access_clear(struct infra_access *access)
{
    if (access == NULL) {
        return INFRA_EINVAL;
    }
    infra__access_rules_free(&access->allocator, &access->rules);
    access->default_action = access->options.default_action;
    return INFRA_OK;
}

/* A sorted copy becomes a table. */
static int compile(const struct infra_access *access, struct table **ret)
{
    struct rules sorted = { .size = access->rules.count,
                            .count = access->rules.count };
    int err = INFRA_OK;

    if (sorted.count > 0) {
        sorted.all =
            infra__alloc(&access->allocator, sorted.size, sizeof *sorted.all);
        if (sorted.all == NULL) {
            return INFRA_ENOMEM;
        }
        memcpy(sorted.all, access->rules.all,
               sorted.count * sizeof *sorted.all);
    }
    if (infra__access_rules_sort(&sorted) != NULL) {
        err = INFRA_EEXIST;
    } else {
        *ret = infra__access_table_create(&access->allocator, &sorted,
                                          access->default_action);
        err = *ret != NULL ? INFRA_OK : INFRA_ENOMEM;
    }
    infra__access_rules_free(&access->allocator, &sorted);
    return err;
}

int infra_access_publish(struct infra_access *access)
{
    struct table *t = NULL;
    int err = access != NULL ? compile(access, &t) : INFRA_EINVAL;

    if (err != INFRA_OK) {
        return err;
    }
    t->edition.version = ++access->version;
    t->edition.refs = 1; /* Control's own. */
    if (access->table != NULL) {
        infra__edition_unref(&access->table->edition, infra__access_table_free,
                             access);
    }
    access->table = t;
    for (struct infra_access_reader *r = access->readers; r != NULL;
         r = r->next) {
        (void)infra__inbox_settle(&r->inbox, infra__access_table_free, access);
        infra__inbox_post(&r->inbox, &t->edition, infra__access_table_free,
                          access);
    }
    return INFRA_OK;
}

static void add_counts(uint64_t sum[2], const struct infra_access_reader *r)
{
    for (int i = 0; i < 2; i++) {
        /* Relaxed: statistics. */
        sum[i] += atomic_load_explicit(&r->counts[i], memory_order_relaxed);
    }
}

int infra_access_inspect(const struct infra_access *access,
                         struct infra_access_status *ret)
{
    if (access == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    uint64_t counts[2] = { access->past[0], access->past[1] };
    for (const struct infra_access_reader *r = access->readers; r != NULL;
         r = r->next) {
        add_counts(counts, r);
    }
    const struct table *t = access->table;
    struct infra_access_status s = {
        .allowed = counts[INFRA_ACCESS_ALLOW],
        .denied = counts[INFRA_ACCESS_DENY],
        .version = access->version,
        .bytes = t != NULL ? t->bytes : 0,
        .rules = access->rules.count,
        .ranges = t != NULL ? t->v4_count + t->v6_count : 0,
        .readers = access->readers_count,
        .default_action = access->default_action,
    };
    return infra__status_export(ret, &s, sizeof s, sizeof s);
}

int infra_access_reader_create(struct infra_access_reader **ret,
                               struct infra_access *access)
{
    if (ret == NULL || access == NULL) {
        return INFRA_EINVAL;
    }
    if (access->readers_count == access->options.readers_max) {
        return INFRA_EFULL;
    }
    struct infra_access_reader *r =
        infra__alloc_lines(&access->allocator, sizeof *r);
    if (r == NULL) {
        return INFRA_ENOMEM;
    }
    r->access = access;
    if (access->table != NULL) {
        infra__inbox_post(&r->inbox, &access->table->edition,
                          infra__access_table_free, access);
    }
    r->next = access->readers;
    access->readers = r;
    access->readers_count++;
    *ret = r;
    return INFRA_OK;
}

void infra_access_reader_destroy(struct infra_access_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    struct infra_access *access = reader->access;
    struct infra_access_reader **link = &access->readers;

    while (*link != reader) {
        link = &(*link)->next;
    }
    *link = reader->next;
    access->readers_count--;
    add_counts(access->past, reader);
    infra__inbox_finish(&reader->inbox, infra__access_table_free, access);
    infra__free_lines(&access->allocator, reader, sizeof *reader);
}
