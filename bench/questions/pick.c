/* SPDX-License-Identifier: MIT */
/* What does a pick with its release cost, by policy, number of backends and
 * threads? Expected: the same for 3 and for 10 000 backends, but for the caches
 * and for least connections, which looks at each; and two threads twice as much
 * as one where nothing is shared, which is round robin and smooth weighted.
 *
 * Beside ketama stands libmemcached, where there is one: see rival.h.
 *
 * A thread holds TICKETS tickets and gives back the oldest with each pick, so
 * that the load that two choices compares is real; hash policies get another
 * hash each time. Weights are 1, 2, 3, 1, 2, ... for smooth weighted and 1 for
 * the others. A pick of Prequal comes with asking whom to probe and with three
 * answers, since without them it would be two choices. A figure is the
 * nanoseconds that one thread spends on a pick and a release: the median and
 * the least of THREADS_REPEATS runs of about 30 ms. */
#include "../threads.h"
#include "rival.h"

#include <infra/balancer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TICKETS = 16 };

struct worker {
    struct infra_balancer_reader *reader;
    int by_hash;
    int is_probed;
};

/* Answer the probes that are due, each a little differently. */
static void answer_probes(struct infra_balancer_reader *r, uint64_t now)
{
    struct infra_balancer_probe probes[INFRA_BALANCER_PROBES_MAX];
    int count =
        infra_balancer_probes_next(r, now, probes, INFRA_BALANCER_PROBES_MAX);

    for (int i = 0; i < count; i++) {
        uint64_t word = (now + probes[i].id) * 0x9e3779b97f4a7c15u;
        (void)infra_balancer_probe_answer(r, &probes[i], (uint32_t)(word >> 60),
                                          word >> 44, now);
    }
}

static void pick_many(void *worker, uint64_t picks)
{
    const struct worker *w = worker;
    struct infra_balancer_reader *r = w->reader;
    struct infra_request request = { .hash = 0 };
    struct infra_ticket tickets[TICKETS];
    int id = 0;

    memset(tickets, 0, sizeof tickets);
    for (uint64_t i = 0; i < picks; i++) {
        struct infra_ticket *t = &tickets[i % TICKETS];
        if (i >= TICKETS) {
            (void)infra_balancer_release(r, t, INFRA_OUTCOME_OK, i);
        }
        /* Keys come hashed; this one multiplication stands for all of that. */
        request.hash = i * 0x9e3779b97f4a7c15u;
        id |= infra_balancer_pick(r, w->by_hash ? &request : NULL, i, t);
        if (w->is_probed) {
            answer_probes(r, i);
        }
    }
    for (int i = 0; i < TICKETS; i++) {
        (void)infra_balancer_release(r, &tickets[i], INFRA_OUTCOME_OK, 0);
    }
    if (id < 0) {
        fprintf(stderr, "infra-bench: a pick found nobody\n");
        abort();
    }
    bench_keep((uint64_t)id);
}

static int fill(struct infra_balancer *b, uint32_t backends, int weighted)
{
    for (uint32_t id = 0; id < backends; id++) {
        char key[16];
        snprintf(key, sizeof key, "b%u", (unsigned)id);
        struct infra_backend backend = { .size = sizeof backend,
                                         .key = key,
                                         .id = id,
                                         .weight = weighted ? 1 + id % 3 : 1 };
        int err = infra_balancer_set(b, &backend, 0);
        if (err != INFRA_OK) {
            return err;
        }
    }
    return infra_balancer_publish(b, 0);
}

static int measure_policy(struct report *report, const char *name,
                          uint32_t backends, int quick)
{
    struct infra_balancer_options o = {
        .size = sizeof o,
        .policy = infra_balancer_policy_by_name(name),
        .ids_max = backends,
        .seed = 1,
    };
    struct worker workers[THREADS_MAX] = { { .reader = NULL } };
    struct infra_balancer *b = NULL;
    int err = infra_balancer_create(&b, &o);

    for (int i = 0; i < THREADS_MAX && err == INFRA_OK; i++) {
        workers[i].by_hash = o.policy->whole_tier != 0;
        workers[i].is_probed = o.policy == infra_balancer_prequal();
        err = infra_balancer_reader_create(&workers[i].reader, b);
    }
    if (err == INFRA_OK) {
        err = fill(b, backends, strcmp(name, "smooth-weighted") == 0);
    }
    if (err == INFRA_OK) {
        const struct threads_job job = { pick_many, workers,
                                         sizeof workers[0] };
        threads_report(report, name, backends, &job, quick);
    }
    if (err == INFRA_OK && strcmp(name, "ketama") == 0) {
        err = rival_pick(report, backends, quick);
    }
    if (err != INFRA_OK) {
        fprintf(stderr, "infra-bench: %s\n", infra_strerror(err));
    }
    for (int i = 0; i < THREADS_MAX; i++) {
        infra_balancer_reader_destroy(workers[i].reader);
    }
    infra_balancer_destroy(b);
    return err;
}

int bench_pick(const struct bench_options *options)
{
    static const char *const columns[] = { "policy",    "backends", "threads",
                                           "median_ns", "min_ns",   "speedup",
                                           NULL };
    static const uint32_t sizes[] = { 3, 10, 100, 1000, 10000 };
    struct report report;
    const char *name;

    report_begin(&report, options->format, columns);
    for (uint32_t i = 0; (name = infra_balancer_policy_name(i)) != NULL; i++) {
        if (options->policy != NULL && strcmp(options->policy, name) != 0) {
            continue;
        }
        if (strcmp(name, "ketama") == 0 &&
            rival_pick(&report, 0, options->quick) != INFRA_OK) {
            return EXIT_FAILURE;
        }
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            char text[80];
            snprintf(text, sizeof text, "%s, %u backends ...", name,
                     (unsigned)sizes[k]);
            report_progress(text);
            if (measure_policy(&report, name, sizes[k], options->quick) != 0) {
                return EXIT_FAILURE;
            }
        }
    }
    report_progress("");
    report_end(&report);
    return EXIT_SUCCESS;
}
