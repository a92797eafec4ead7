/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <stdio.h>

struct watch watch;

void watch_setup(void)
{
    test_heap_init(&watch.heap, -1);
    watch.outlier = NULL;
}

void watch_teardown(void)
{
    watch_close(&watch);
}

struct infra_outlier_options watch_no_runs(void)
{
    return (struct infra_outlier_options) {
        .max_ejection_percent = 100,
        .consecutive_5xx = WATCH_OFF,
        .consecutive_gateway_failure = WATCH_OFF,
        .consecutive_local_origin_failure = WATCH_OFF,
    };
}

void watch_open(struct watch *w, struct infra_outlier_options options)
{
    test_heap_init(&w->heap, -1);
    options.size = sizeof options;
    options.allocator = &w->heap.allocator;
    ck_assert_int_eq(infra_outlier_create(&w->outlier, &options), INFRA_OK);
}

void watch_close(struct watch *w)
{
    infra_outlier_destroy(w->outlier);
    w->outlier = NULL;
    ck_assert_int_eq(w->heap.live, 0);
}

void watch_set(struct watch *w, uint32_t id, uint32_t tier, infra_time now)
{
    char key[16];

    snprintf(key, sizeof key, "b%u", (unsigned)id);
    ck_assert_int_eq(infra_outlier_set(w->outlier, id, key, tier, now),
                     INFRA_OK);
}

void watch_fill(struct watch *w, uint32_t count)
{
    for (uint32_t id = 0; id < count; id++) {
        watch_set(w, id, 0, 0);
    }
}

/* Check's assertions write to a pipe each, which is too slow for every
 * report. */
int watch_report(struct watch *w, uint32_t id, uint32_t result, int count)
{
    int woken = 0;

    for (int i = 0; i < count; i++) {
        int err = infra_outlier_report(w->outlier, id, result, 0);
        if (err != 0) {
            ck_assert_int_eq(err, 1);
        }
        woken += err;
    }
    return woken;
}

void watch_serve(uint32_t id, int good, int bad)
{
    (void)watch_report(&watch, id, INFRA_OUTCOME_OK, good);
    (void)watch_report(&watch, id, INFRA_OUTCOME_ERROR, bad);
}

void watch_time(struct watch *w, uint32_t id, infra_time latency, int count)
{
    int errors = 0;

    for (int i = 0; i < count; i++) {
        errors += infra_outlier_report(w->outlier, id, INFRA_OUTCOME_OK,
                                       latency) != 0;
    }
    ck_assert_int_eq(errors, 0);
}

struct infra_outlier_event watch_next(struct watch *w, infra_time now)
{
    struct infra_outlier_event e = { .kind = WATCH_NOTHING };
    int err = infra_outlier_next(w->outlier, now, &e);

    ck_assert(err == INFRA_OK ||
              (err == INFRA_EAGAIN && e.kind == WATCH_NOTHING));
    return e;
}

struct infra_outlier_event watch_expect(struct watch *w, infra_time now,
                                        uint32_t kind, uint32_t id,
                                        uint32_t reason)
{
    struct infra_outlier_event e = watch_next(w, now);

    ck_assert_msg(e.kind == kind && e.id == id && e.reason == reason,
                  "at %llu ms: %s of %u for %s, not %s of %u for %s",
                  (unsigned long long)(now / INFRA_MS(1)),
                  infra_outlier_event_name(e.kind), e.id,
                  infra_outlier_reason_name(e.reason),
                  infra_outlier_event_name(kind), id,
                  infra_outlier_reason_name(reason));
    return e;
}

void watch_quiet(struct watch *w, infra_time now)
{
    struct infra_outlier_event e = watch_next(w, now);

    ck_assert_msg(e.kind == WATCH_NOTHING, "at %llu ms: %s of %u for %s",
                  (unsigned long long)(now / INFRA_MS(1)),
                  infra_outlier_event_name(e.kind), e.id,
                  infra_outlier_reason_name(e.reason));
}

struct infra_outlier_status watch_inspect(struct watch *w, uint32_t id)
{
    struct infra_outlier_status s = { .size = sizeof s };

    ck_assert_int_eq(infra_outlier_inspect(w->outlier, id, &s), INFRA_OK);
    return s;
}
