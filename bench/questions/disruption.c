/* SPDX-License-Identifier: MIT */
/* How many keys does a hash policy move when one of n equal backends is added
 * or removed, gets twice the weight, or goes down and comes back? KEYS keys are
 * looked up before and after. least_pct is what the change needs: the keys that
 * this backend itself gained or lost. Expected: exactly that for a flap, which
 * is checked, and for rendezvous; a little more where another membership lays
 * out another table. It says nothing about whether the backend got its fair
 * share: `spread` does. */
#include "../sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 100000 };

enum change { CHANGE_ADD, CHANGE_REMOVE, CHANGE_WEIGHT, CHANGE_FLAP };

static const char *const change_names[] = {
    [CHANGE_ADD] = "add",
    [CHANGE_REMOVE] = "remove",
    [CHANGE_WEIGHT] = "weight",
    [CHANGE_FLAP] = "flap",
};

enum { CHANGES = sizeof change_names / sizeof change_names[0] };

/* One balancer, its reader, and where each key went. */
struct lookup {
    struct infra_balancer *balancer;
    struct infra_balancer_reader *reader;
    int before[KEYS];
    int after[KEYS];
};

static int look_up(struct lookup *l, int *ret)
{
    int err = infra_balancer_publish(l->balancer, 0);

    for (uint64_t key = 0; err == INFRA_OK && key < KEYS; key++) {
        struct infra_request request = {
            .hash = infra_xxhash64(&key, sizeof key, 0),
        };
        struct infra_ticket ticket;
        ret[key] = infra_balancer_pick(l->reader, &request, 0, &ticket);
        err = ret[key] < 0 ? ret[key]
                           : infra_balancer_release(l->reader, &ticket,
                                                    INFRA_OUTCOME_OK, 0);
    }
    return err;
}

static int mark(struct lookup *l, uint32_t id, uint32_t state)
{
    return infra_balancer_mark(l->balancer, id, INFRA_BALANCER_AXIS_HEALTH,
                               state);
}

static int make_change(struct lookup *l, enum change change, uint32_t id)
{
    switch (change) {
    case CHANGE_ADD:
        return sweep_set(l->balancer, id, 1);
    case CHANGE_REMOVE:
        return infra_balancer_remove(l->balancer, id);
    case CHANGE_WEIGHT:
        return sweep_set(l->balancer, id, 2);
    case CHANGE_FLAP:
        return mark(l, id, INFRA_BALANCER_STATE_DOWN);
    }
    return INFRA_EINVAL;
}

/* The row of the change; a flap that moves what it need not is an error. */
static int compare(struct report *report, const struct subject *subject,
                   struct lookup *l, enum change change, int id)
{
    int moved = 0;
    int least = 0;

    for (int key = 0; key < KEYS; key++) {
        moved += l->before[key] != l->after[key];
        least += (l->after[key] == id) - (l->before[key] == id);
    }
    least = abs(least);
    report_text(report, subject->name);
    report_number(report, subject->backends, 0);
    report_text(report, change_names[change]);
    report_number(report, 100.0 * moved / KEYS, 2);
    report_number(report, 100.0 * least / KEYS, 2);
    if (change != CHANGE_FLAP) {
        return INFRA_OK;
    }
    int err = mark(l, (uint32_t)id, INFRA_BALANCER_STATE_UP);
    if (err == INFRA_OK) {
        err = look_up(l, l->after);
    }
    if (err == INFRA_OK &&
        (moved != least || memcmp(l->before, l->after, sizeof l->after) != 0)) {
        fprintf(stderr, "infra-bench: %s: a flap moved other keys\n",
                subject->name);
        err = 1;
    }
    return err;
}

static int measure_change(struct report *report, const struct subject *subject,
                          struct lookup *l, enum change change)
{
    uint32_t n = subject->backends;
    uint32_t id = change == CHANGE_ADD ? n : n / 2;

    l->balancer = NULL;
    l->reader = NULL;
    int err = sweep_create_with_reader(&l->balancer, &l->reader, subject);
    if (err == INFRA_OK) {
        err = look_up(l, l->before);
    }
    if (err == INFRA_OK) {
        err = make_change(l, change, id);
    }
    if (err == INFRA_OK) {
        err = look_up(l, l->after);
    }
    if (err == INFRA_OK) {
        err = compare(report, subject, l, change, (int)id);
    }
    infra_balancer_reader_destroy(l->reader);
    infra_balancer_destroy(l->balancer);
    return err;
}

static int measure(struct report *report, const struct subject *subject,
                   int quick)
{
    int err = INFRA_OK;

    (void)quick;
    if (!subject->policy->whole_tier) {
        return INFRA_OK; /* It keeps no key anywhere. */
    }
    struct lookup *l = malloc(sizeof *l);
    if (l == NULL) {
        return INFRA_ENOMEM;
    }
    for (int i = 0; i < CHANGES && err == INFRA_OK; i++) {
        err = measure_change(report, subject, l, (enum change)i);
    }
    free(l);
    return err;
}

int bench_disruption(const struct bench_options *options)
{
    static const char *const columns[] = { "policy",    "backends",  "change",
                                           "moved_pct", "least_pct", NULL };
    static const uint32_t sizes[] = { 10, 100, 1000 };

    return sweep(options, columns, sizes, sizeof sizes / sizeof sizes[0],
                 measure);
}
