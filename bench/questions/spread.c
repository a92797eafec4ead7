/* SPDX-License-Identifier: MIT */
/* How evenly does a policy spread the load over equal backends? For each of
 * them 1000 picks, with the hashes of as many different keys; the load of a
 * backend is its share of these picks. Expected: max_mean of 1 and stddev_mean
 * of 0 where backends take turns; 0.03, which is 1 / sqrt(1000), where chance
 * draws them or the keys; more where the table itself is uneven, as rings are.
 * "first" is uneven by intent. table_min and table_max say how much of that is
 * the table's doing: the least and the greatest part of it that anybody has, of
 * what it should be.
 *
 * There is one ticket in flight per backend, on average. They are given back in
 * the order of the picks after a millisecond of virtual time, so that whatever
 * is uneven is the policy's doing. */
#include "../sweep.h"

#include <math.h>
#include <stdlib.h>

enum { PICKS_PER_BACKEND = 1000 };

/* Picks of each backend, and the tickets in flight. */
struct load {
    uint32_t *picks;
    struct infra_ticket *tickets;
};

/* Give back the oldest ticket and take another in its place. */
static int step(struct infra_balancer_reader *r, const struct load *load,
                uint32_t backends, uint64_t i)
{
    infra_time latency = INFRA_MS(1);
    infra_time now = latency / backends * i;
    struct infra_ticket *ticket = &load->tickets[i % backends];
    struct infra_request request = {
        .hash = infra_xxhash64(&i, sizeof i, 0),
    };

    if (i >= backends) {
        infra_balancer_report(r, ticket, INFRA_OUTCOME_OK, latency);
        infra_balancer_release(r, ticket, INFRA_OUTCOME_OK, now);
    }
    int id = infra_balancer_pick(r, &request, now, ticket);
    if (id < 0) {
        return id;
    }
    load->picks[id]++;
    return INFRA_OK;
}

static void row(struct report *report, const struct subject *subject,
                const uint32_t *picks,
                const struct infra_balancer_tier_status *table)
{
    double mean = PICKS_PER_BACKEND;
    double squares = 0;
    double most = 0;

    for (uint32_t id = 0; id < subject->backends; id++) {
        most = fmax(most, picks[id]);
        squares += (picks[id] - mean) * (picks[id] - mean);
    }
    report_text(report, subject->name);
    report_number(report, subject->backends, 0);
    report_number(report, most / mean, 3);
    report_number(report, sqrt(squares / subject->backends) / mean, 3);
    report_number(report, table->share_min_ppm / 1e6, 3);
    report_number(report, table->share_max_ppm / 1e6, 3);
}

static int measure(struct report *report, const struct subject *subject,
                   int quick)
{
    uint32_t n = subject->backends;
    struct load load = { calloc(n, sizeof *load.picks),
                         calloc(n, sizeof *load.tickets) };
    struct infra_balancer_tier_status table = { .size = sizeof table };
    struct infra_balancer_reader *reader = NULL;
    struct infra_balancer *b = NULL;
    int err =
        load.picks == NULL || load.tickets == NULL ? INFRA_ENOMEM : INFRA_OK;

    (void)quick;
    if (err == INFRA_OK) {
        err = sweep_create_with_reader(&b, &reader, subject);
    }
    for (uint64_t i = 0; err == INFRA_OK && i < n * PICKS_PER_BACKEND; i++) {
        err = step(reader, &load, n, i);
    }
    if (err == INFRA_OK) {
        err = infra_balancer_inspect_tier(b, 0, &table);
    }
    if (err == INFRA_OK) {
        row(report, subject, load.picks, &table);
    }
    infra_balancer_reader_destroy(reader);
    infra_balancer_destroy(b);
    free(load.tickets);
    free(load.picks);
    return err;
}

int bench_spread(const struct bench_options *options)
{
    static const char *const columns[] = { "policy",    "backends",
                                           "max_mean",  "stddev_mean",
                                           "table_min", "table_max",
                                           NULL };
    static const uint32_t sizes[] = { 10, 100, 1000 };

    return sweep(options, columns, sizes, sizeof sizes / sizeof sizes[0],
                 measure);
}
