/* SPDX-License-Identifier: MIT */
/* Health checks over sockets: infra_health says when, an infra_probe says what,
 * a job of the driver runs it, and the verdict goes back to infra_health. The
 * host sees the changes only. They wait in a list, one place per backend: the
 * last one counts, and none if the backend is again what the host knows.
 * O(log n) a check; about 0.5 KiB per backend, allocated when it is set. */
#include "driver.h"

#include <assert.h>
#include <string.h>

#define IDS_MAX_DEFAULT 64u /* As health.h says. */

INFRA__NO_TAIL_PADDING(struct infra_prober_options, health);
INFRA__NO_TAIL_PADDING(struct infra_prober_target, address_size);

struct backend {
    struct infra__job job;
    struct infra__address address;
    struct infra_prober *prober;
    struct infra_probe *probe;
    struct infra_probe_result result; /* Of the last check that ended. */
    struct infra_health_event change; /* While it is in the list. */
    struct backend *previous;
    struct backend *next;
    uint64_t key_hash;
    uint64_t check; /* Of the running job. */
    uint32_t id;
    uint32_t known; /* What the host takes it for: UP, DEGRADED or DOWN. */
    bool changed;   /* In the list. */
};

struct infra_prober {
    struct infra_allocator allocator;
    struct infra__client client;
    struct infra_driver *driver;
    struct infra_health *health;
    struct backend *first; /* With a change for the host, oldest first. */
    struct backend *last;
    struct infra_health_event doubt; /* While it waits: DOUBT or TRUST. */
    bool doubt_changed;
    uint32_t ids_max;
    uint32_t initial;           /* Kind of a backend that was just set. */
    struct backend *backends[]; /* By id; NULL: not checked. */
};

static size_t prober_size(uint32_t ids_max)
{
    return sizeof(struct infra_prober) + ids_max * sizeof(struct backend *);
}

static struct backend *find(const struct infra_prober *p, uint32_t id)
{
    return id < p->ids_max ? p->backends[id] : NULL;
}

static void drop_change(struct backend *b)
{
    struct infra_prober *p = b->prober;

    if (!b->changed) {
        return;
    }
    *(b->previous != NULL ? &b->previous->next : &p->first) = b->next;
    *(b->next != NULL ? &b->next->previous : &p->last) = b->previous;
    b->changed = false;
}

static void note_change(struct backend *b,
                        const struct infra_health_event *event)
{
    struct infra_prober *p = b->prober;

    drop_change(b);
    if (event->kind == b->known) {
        return;
    }
    b->change = *event;
    b->changed = true;
    b->previous = p->last;
    b->next = NULL;
    *(p->last != NULL ? &p->last->next : &p->first) = b;
    p->last = b;
}

static void note_doubt(struct infra_prober *p,
                       const struct infra_health_event *event)
{
    p->doubt = *event;
    p->doubt_changed = !p->doubt_changed; /* They come in turn. */
}

static void check_done(void *owner, infra_time now)
{
    struct backend *b = owner;

    if (infra_probe_result(b->probe, &b->result) == INFRA_OK) {
        (void)infra_health_verdict(b->prober->health, b->check,
                                   b->result.outcome, b->result.reason, now);
    }
}

/* The schedule is told that a check was cut short; it repeats it soon, unless
 * the backend is another one now. */
static void abandon_check(struct backend *b, infra_time now)
{
    if (b->job.running) {
        infra__job_cancel(&b->job);
        (void)infra_health_verdict(b->prober->health, b->check,
                                   INFRA_OUTCOME_ABANDONED, INFRA_PROBE_LOCAL,
                                   now);
    }
}

static void prober_turn(void *self, infra_time now)
{
    struct infra_prober *p = self;
    struct infra_health_event event;

    /* It ends: a check that is over at once is due again a fastinter later. */
    while (infra_health_next(p->health, now, &event) == INFRA_OK) {
        if (event.id == INFRA_HEALTH_NOBODY) {
            note_doubt(p, &event);
            continue;
        }
        struct backend *b = find(p, event.id);
        assert(b != NULL);
        if (event.kind != INFRA_HEALTH_PROBE) {
            note_change(b, &event);
            continue;
        }
        b->check = event.check;
        infra_probe_start(b->probe, now);
        infra__job_start(&b->job, now);
    }
}

static infra_time prober_deadline(const void *self)
{
    const struct infra_prober *p = self;

    return infra_health_deadline(p->health);
}

static bool prober_pending(const void *self)
{
    const struct infra_prober *p = self;

    return p->first != NULL || p->doubt_changed;
}

int infra_prober_create(struct infra_prober **ret, struct infra_driver *driver,
                        const struct infra_prober_options *options)
{
    struct infra_prober_options o = { .size = sizeof o };
    struct infra_health_options h = { .size = sizeof h };
    struct infra_health *health;

    if (ret == NULL || driver == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra__options_import(&o, sizeof o, options,
                                    sizeof(struct infra_prober_options));
    if (err != INFRA_OK) {
        return err;
    }
    err = infra__options_import(&h, sizeof h, o.health,
                                sizeof(struct infra_health_options));
    if (err != INFRA_OK) {
        return err;
    }
    err = infra_health_create(&health, &h);
    if (err != INFRA_OK) {
        return err;
    }
    h.ids_max = h.ids_max == 0 ? IDS_MAX_DEFAULT : h.ids_max;
    struct infra_allocator allocator = infra__allocator_or_libc(o.allocator);
    struct infra_prober *p =
        infra__alloc(&allocator, 1, prober_size(h.ids_max));
    if (p == NULL) {
        infra_health_destroy(health);
        return INFRA_ENOMEM;
    }
    p->allocator = allocator;
    p->client = (struct infra__client) { .turn = prober_turn,
                                         .deadline = prober_deadline,
                                         .pending = prober_pending,
                                         .self = p };
    p->driver = driver;
    p->health = health;
    p->ids_max = h.ids_max;
    p->initial = h.initial <= INFRA_HEALTH_INITIAL_FULLY_UP ? INFRA_HEALTH_UP
                                                            : INFRA_HEALTH_DOWN;
    infra__driver_join(driver, &p->client);
    *ret = p;
    return INFRA_OK;
}

static void free_backend(struct backend *b)
{
    struct infra_prober *p = b->prober;

    drop_change(b);
    infra__job_detach(&b->job);
    infra_probe_destroy(b->probe);
    p->backends[b->id] = NULL;
    infra__free(&p->allocator, b, 1, sizeof *b);
}

void infra_prober_destroy(struct infra_prober *prober)
{
    if (prober == NULL) {
        return;
    }
    for (uint32_t id = 0; id < prober->ids_max; id++) {
        if (prober->backends[id] != NULL) {
            free_backend(prober->backends[id]);
        }
    }
    assert(prober->first == NULL && prober->last == NULL);
    infra__driver_leave(prober->driver, &prober->client);
    infra_health_destroy(prober->health);
    struct infra_allocator allocator = prober->allocator;
    infra__free(&allocator, prober, 1, prober_size(prober->ids_max));
}

static int new_backend(struct infra_prober *p, struct backend **ret)
{
    struct backend *b = infra__alloc(&p->allocator, 1, sizeof *b);

    if (b == NULL) {
        return INFRA_ENOMEM;
    }
    b->prober = p;
    b->job.addresses = &b->address;
    b->job.addresses_count = 1;
    b->job.done = check_done;
    b->job.owner = b;
    int err = infra__job_attach(p->driver, &b->job);
    if (err != INFRA_OK) {
        infra__free(&p->allocator, b, 1, sizeof *b);
        return err;
    }
    *ret = b;
    return INFRA_OK;
}

int infra_prober_set(struct infra_prober *prober,
                     const struct infra_prober_target *target, infra_time now)
{
    struct infra_prober_target t = { .size = sizeof t };
    struct infra__address address;

    if (prober == NULL || target == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra__options_import(&t, sizeof t, target,
                                    sizeof(struct infra_prober_target));
    if (err != INFRA_OK) {
        return err;
    }
    if (t.id >= prober->ids_max || t.key == NULL || t.key[0] == '\0' ||
        t.probe == NULL ||
        infra__address_import(&address, t.address, t.address_size) !=
            INFRA_OK) {
        return INFRA_EINVAL;
    }
    struct backend *b = prober->backends[t.id];
    if (b == NULL) {
        err = new_backend(prober, &b);
        if (err != INFRA_OK) {
            return err;
        }
        b->id = t.id;
        prober->backends[t.id] = b;
    }
    /* Before the verdict on a check that this call cuts short: one of another
     * key's is stale then. It cannot fail, all was looked at above. */
    err = infra_health_set(prober->health, t.id, t.key, now);
    assert(err == INFRA_OK);
    uint64_t key_hash = infra_xxhash64(t.key, strlen(t.key), 0);
    if (b->key_hash != key_hash) {
        drop_change(b);
        b->known = prober->initial;
        b->result = (struct infra_probe_result) { 0 };
    }
    abandon_check(b, now);
    if (b->probe != t.probe) {
        infra_probe_destroy(b->probe);
    }
    b->key_hash = key_hash;
    b->address = address;
    b->probe = t.probe;
    b->job.exchange = infra_probe_exchange(t.probe);
    return err;
}

int infra_prober_remove(struct infra_prober *prober, uint32_t id)
{
    if (prober == NULL || id >= prober->ids_max) {
        return INFRA_EINVAL;
    }
    struct backend *b = prober->backends[id];
    if (b == NULL) {
        return INFRA_ENOENT;
    }
    free_backend(b);
    return infra_health_remove(prober->health, id);
}

int infra_prober_next(struct infra_prober *prober, infra_time now,
                      struct infra_health_event *ret)
{
    (void)now; /* What has happened stays true. */
    if (prober == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    if (prober->doubt_changed) {
        *ret = prober->doubt;
        prober->doubt_changed = false;
        return INFRA_OK;
    }
    struct backend *b = prober->first;
    if (b == NULL) {
        return INFRA_EAGAIN;
    }
    *ret = b->change;
    b->known = b->change.kind;
    drop_change(b);
    return INFRA_OK;
}

int infra_prober_inspect(const struct infra_prober *prober, uint32_t id,
                         struct infra_health_stats *ret_health,
                         struct infra_probe_result *ret_result)
{
    if (prober == NULL || id >= prober->ids_max) {
        return INFRA_EINVAL;
    }
    const struct backend *b = prober->backends[id];
    if (b == NULL) {
        return INFRA_ENOENT;
    }
    if (ret_health != NULL) {
        int err = infra_health_inspect(prober->health, id, ret_health);
        if (err != INFRA_OK) {
            return err;
        }
    }
    if (ret_result != NULL) {
        *ret_result = b->result;
    }
    return INFRA_OK;
}
