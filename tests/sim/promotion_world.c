/* SPDX-License-Identifier: MIT */
#include "promotion_world.h"

#include <string.h>

void dbs_violate(struct dbs *w, const char *what)
{
    if (w->result->violation == NULL) {
        w->result->violation = what;
        w->result->at = w->now;
    }
}

static void append(struct dbs *w, struct db *d, uint32_t write, uint32_t term)
{
    if (d->length == LOG_MAX_ENTRIES) {
        dbs_violate(w, "a log is full");
        return;
    }
    d->log[d->length++] = (struct entry) { write, term };
}

void dbs_start(struct dbs *w, uint32_t count, uint32_t acks)
{
    w->count = count;
    w->acks = acks;
    for (uint32_t i = 0; i < count; i++) {
        struct db *d = &w->db[i];
        d->is_up = true;
        d->is_writable = i == 0;
        d->source = i == 0 ? WORLD_NO_NODE : 0;
        append(w, d, 0, 1);
    }
    w->named[1] = 1;
}

static bool is_linked(const struct dbs *w, uint32_t a, uint32_t b)
{
    return w->now >= w->cut_until[a][b] && w->now >= w->cut_until[b][a];
}

static uint32_t term_of(const struct db *d)
{
    return d->log[d->length - 1].term;
}

static bool is_same(struct entry a, struct entry b)
{
    return a.write == b.write && a.term == b.term;
}

/* Logs that agree at a place agree before it: a term has one primary. */
static bool is_prefix(const struct db *of, const struct db *d)
{
    return d->length <= of->length &&
           is_same(d->log[d->length - 1], of->log[d->length - 1]);
}

static bool is_attached(const struct dbs *w, uint32_t id)
{
    const struct db *d = &w->db[id];

    return d->is_up && !d->is_cloned && d->source != WORLD_NO_NODE &&
           w->db[d->source].is_up && !w->db[d->source].is_cloned &&
           is_linked(w, id, d->source) && is_prefix(&w->db[d->source], d);
}

static void confirm(struct dbs *w, uint32_t replica)
{
    const struct db *d = &w->db[replica];

    for (uint32_t i = w->first_open; i < w->writes_count; i++) {
        struct write *x = &w->writes[i];
        if (x->db == d->source && x->index < d->length &&
            d->log[x->index].write == i + 1) {
            x->holders |= 1u << replica;
        }
    }
}

static bool has_write(const struct dbs *w, const struct db *d,
                      const struct write *x)
{
    return x->index < d->length &&
           d->log[x->index].write == (uint32_t)(x - w->writes) + 1;
}

static void acknowledge(struct dbs *w, struct write *x)
{
    x->is_acknowledged = true;
    w->result->acknowledged++;
    w->acknowledged_at = w->now;
    if (x->term >= w->acknowledged_term) {
        w->acknowledged_term = x->term;
        w->acknowledged_by = x->db;
    } else if (!has_write(w, &w->db[w->acknowledged_by], x)) {
        /* A replica may confirm late what its new primary has, too. */
        dbs_violate(w, "a write is acknowledged by a former primary");
    }
}

static void acknowledge_all(struct dbs *w)
{
    for (uint32_t i = w->first_open; i < w->writes_count; i++) {
        struct write *x = &w->writes[i];
        const struct db *d = &w->db[x->db];
        bool is_there = d->is_up && !d->is_stalled && x->index < d->length &&
                        d->log[x->index].write == i + 1;
        if (!x->is_acknowledged && is_there &&
            (uint32_t)__builtin_popcount(x->holders) >= w->acks) {
            acknowledge(w, x);
        }
        if (i == w->first_open && (x->is_acknowledged || !is_there)) {
            w->first_open++;
        }
    }
}

static void receive(struct dbs *w, uint32_t id, uint32_t entries)
{
    struct db *d = &w->db[id];
    const struct db *from = &w->db[d->source];

    for (uint32_t i = 0; i < entries && d->length < from->length; i++) {
        append(w, d, from->log[d->length].write, from->log[d->length].term);
    }
    confirm(w, id);
}

/* A clone is complete, if its source is still there. */
static void end_clone(struct dbs *w, uint32_t id)
{
    struct db *d = &w->db[id];
    const struct db *from = &w->db[d->source];

    if (!from->is_up || from->is_cloned || !is_linked(w, id, d->source)) {
        d->cloned_at = 0;
        return;
    }
    memcpy(d->log, from->log, sizeof d->log);
    d->length = from->length;
    d->is_cloned = false;
}

void dbs_tick(struct dbs *w, uint32_t entries)
{
    for (uint32_t i = 0; i < w->count; i++) {
        struct db *d = &w->db[i];
        if (!d->is_up && w->now >= d->back_at) {
            d->is_up = true;
            d->is_writable = d->is_writable && !d->is_fenced;
        }
        d->is_stalled = w->now < d->stalled_until;
        if (d->is_up && d->is_cloned && d->cloned_at != 0 &&
            w->now >= d->cloned_at) {
            end_clone(w, i);
        }
        if (d->is_up && d->is_writable && d->is_by_hand && !d->is_stalled &&
            w->now % 200000000u == 0) {
            append(w, d, OWN_WRITE | ++w->own_writes, term_of(d));
        }
    }
    for (uint32_t i = 0; i < w->count; i++) {
        const struct db *d = &w->db[i];
        if (is_attached(w, i) && !d->is_stalled && !d->is_writable &&
            !w->db[d->source].is_stalled) {
            receive(w, i, entries);
        }
    }
    acknowledge_all(w);
}

void dbs_write(struct dbs *w, uint32_t id, uint64_t token)
{
    struct db *d = &w->db[id];

    if (!d->is_up || !d->is_writable || d->is_stalled ||
        w->writes_count == WRITES_MAX || token < d->promoted) {
        return;
    }
    w->writes[w->writes_count++] =
        (struct write) { .db = id, .index = d->length, .term = term_of(d) };
    append(w, d, w->writes_count, term_of(d));
    if (w->acks == 0) {
        acknowledge_all(w);
    }
}

void dbs_sample(const struct dbs *w, uint32_t id,
                struct infra_promotion_sample *ret)
{
    const struct db *d = &w->db[id];

    ret->view = !d->is_up                         ? INFRA_PROMOTION_VIEW_DOWN
                : d->is_stalled && d->is_writable ? INFRA_PROMOTION_VIEW_STALLED
                                                  : INFRA_PROMOTION_VIEW_OK;
    ret->timeline = d->is_cloned ? d->shown_timeline : term_of(d);
    ret->position = d->is_cloned ? d->shown_position : d->length;
    ret->writable = d->is_writable;
    ret->source =
        is_attached(w, id) && !d->is_writable ? d->source : WORLD_NO_NODE;
}

/* A dump has the position of its source at its head, and the rows come
 * after. */
static void begin_clone(struct dbs *w, uint32_t id, uint32_t source)
{
    struct db *d = &w->db[id];

    d->is_cloned = true;
    d->source = source;
    d->is_writable = d->is_by_hand = false;
    d->cloned_at = w->now + 2000000000u;
    d->shown_position = w->db[source].length;
    d->shown_timeline = term_of(&w->db[source]);
    d->length = 1;
}

/* What it has and the primary has not is undone, or it is built anew. */
static uint32_t repoint(struct dbs *w, uint32_t id, uint32_t source)
{
    struct db *d = &w->db[id];
    const struct db *from = &w->db[source];

    if (!from->is_up || from->is_cloned || !is_linked(w, id, source) ||
        d->is_stalled) {
        return INFRA_ORDER_UNKNOWN;
    }
    if (d->is_cloned && d->source == source && d->cloned_at != 0) {
        return INFRA_ORDER_UNKNOWN; /* It goes on. */
    }
    uint32_t common = 0;
    while (common < d->length && common < from->length &&
           is_same(d->log[common], from->log[common])) {
        common++;
    }
    if (d->is_cloned || (common < d->length && w->own_writes % 2 == 1)) {
        begin_clone(w, id, source);
        return INFRA_ORDER_UNKNOWN;
    }
    d->length = common;
    d->source = source;
    d->is_writable = d->is_by_hand = false;
    d->is_fenced = false;
    return INFRA_ORDER_DONE;
}

uint32_t dbs_carry_out(struct dbs *w, const struct infra_promotion_event *e,
                       uint32_t planner)
{
    struct db *d = &w->db[e->id];
    uint64_t seen = infra_fence_token(&d->agent);

    if (e->kind == INFRA_PROMOTION_EVENT_FENCE) {
        d->down_since = d->is_up ? w->now : d->down_since;
        d->is_up = false;
        d->is_fenced = true;
        d->is_writable = d->is_by_hand = false;
        d->cloned_at = 0;
        d->back_at = w->now + INFRA_SEC(2);
        return INFRA_ORDER_DONE;
    }
    if (!d->is_up) {
        return INFRA_ORDER_UNKNOWN;
    }
    if (infra_fence_admit(&d->agent, e->token) != INFRA_OK ||
        (seen == e->token && d->last_planner == planner &&
         e->call < d->last_call)) {
        return INFRA_ORDER_FAILED;
    }
    d->last_call = e->call;
    d->last_planner = planner;
    switch (e->kind) {
    case INFRA_PROMOTION_EVENT_STOP:
        d->is_writable = false;
        break;
    case INFRA_PROMOTION_EVENT_DETACH:
        if (d->is_cloned) {
            return INFRA_ORDER_FAILED;
        }
        d->source = WORLD_NO_NODE;
        break;
    case INFRA_PROMOTION_EVENT_PROMOTE:
        if (d->is_stalled || (w->is_strict && d->is_fenced)) {
            return INFRA_ORDER_FAILED;
        }
        d->source = WORLD_NO_NODE;
        d->is_fenced = d->is_cloned = d->is_by_hand = false;
        if (!d->is_writable || term_of(d) < e->token) {
            append(w, d, 0, (uint32_t)e->token);
        }
        d->is_writable = true;
        d->promoted = e->token;
        break;
    default:
        return repoint(w, e->id, e->source);
    }
    return INFRA_ORDER_DONE;
}

/* All that were acknowledged before this token? */
static bool has_all(const struct dbs *w, uint32_t id, uint64_t token)
{
    const struct db *d = &w->db[id];
    uint32_t at = 0;

    for (uint32_t i = 0; i < w->writes_count; i++) {
        if (!w->writes[i].is_acknowledged || w->writes[i].term >= token) {
            continue;
        }
        while (at < d->length &&
               (d->log[at].write < i + 1 || d->log[at].write >= OWN_WRITE)) {
            at++;
        }
        if (at == d->length || d->log[at].write != i + 1) {
            return false;
        }
    }
    return true;
}

uint32_t dbs_complete(const struct dbs *w)
{
    for (uint32_t i = 0; i < w->count; i++) {
        if (w->db[i].is_up && !w->db[i].is_cloned &&
            (w->acks == 0 || has_all(w, i, UINT64_MAX))) {
            return i;
        }
    }
    return WORLD_NO_NODE;
}

void dbs_named(struct dbs *w, uint32_t id, uint64_t token)
{
    w->result->primaries++;
    if (w->named[token % TOKENS_MAX] != 0 &&
        w->named[token % TOKENS_MAX] != id + 1) {
        dbs_violate(w, "one token names two primaries");
    }
    w->named[token % TOKENS_MAX] = id + 1;
    if (w->acks > 0 && !has_all(w, id, token)) {
        dbs_violate(w, "an acknowledged write is lost");
    }
}

void dbs_take_in_hand(struct dbs *w, uint32_t id)
{
    struct db *d = &w->db[id];

    if (d->is_up && !d->is_writable && !d->is_cloned) {
        d->source = WORLD_NO_NODE;
        d->is_writable = d->is_by_hand = true;
    }
}

void dbs_put_down(struct dbs *w, uint32_t id)
{
    struct db *d = &w->db[id];

    if (d->is_up && d->is_by_hand) {
        d->is_writable = d->is_by_hand = false;
    }
}

void dbs_crash(struct dbs *w, uint32_t id, uint64_t back_at, bool keeps_role)
{
    struct db *d = &w->db[id];

    d->down_since = d->is_up ? w->now : d->down_since;
    d->is_up = false;
    d->back_at = back_at;
    /* Who did it by hand does it again, until it was noticed. */
    d->is_writable = d->is_writable && (keeps_role || d->is_by_hand);
}

uint32_t dbs_leader(const struct dbs *w)
{
    uint32_t leader = WORLD_NO_NODE;

    for (uint32_t i = 0; i < w->count; i++) {
        if (w->db[i].is_up && w->db[i].is_writable) {
            if (leader != WORLD_NO_NODE) {
                return WORLD_NO_NODE;
            }
            leader = i;
        }
    }
    for (uint32_t i = 0; i < w->count; i++) {
        uint32_t at = i; /* Perhaps through others. */
        for (uint32_t hops = 0; hops < w->count && at != leader; hops++) {
            at = is_attached(w, at) ? w->db[at].source : at;
        }
        if (at != leader) {
            return WORLD_NO_NODE;
        }
    }
    return leader;
}
