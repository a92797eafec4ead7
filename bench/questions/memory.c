/* SPDX-License-Identifier: MIT */
/* How much memory does a backend take? Counted at the allocator: the control
 * side with its slots (once), a published table (up to three per reader for a
 * moment), and a reader (one per thread), each per backend, for 1000 backends.
 * And the sizes of the structs that hosts keep, so that growth shows in a diff.
 * */
#include "../bench.h"

#include <infra/infra.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BACKENDS = 1000 };

static void *count_realloc(void *user, void *ptr, size_t old_size,
                           size_t new_size)
{
    size_t *live = user;

    *live += new_size - old_size;
    if (new_size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, new_size);
}

static void row(struct report *r, const char *what, size_t bytes, size_t parts)
{
    report_text(r, what);
    report_number(r, (double)bytes / (double)parts, 1);
}

static int fail(int err)
{
    fprintf(stderr, "infra-bench: %s\n", infra_strerror(err));
    return EXIT_FAILURE;
}

static int measure(struct report *report, const char *policy)
{
    size_t live = 0;
    struct infra_allocator allocator = { count_realloc, &live };
    struct infra_balancer_options o = {
        .size = sizeof o,
        .allocator = &allocator,
        .policy = infra_balancer_policy_by_name(policy),
        .ids_max = BACKENDS,
    };
    struct infra_balancer_reader *reader = NULL;
    struct infra_balancer *b = NULL;
    char what[64];

    int err = infra_balancer_create(&b, &o);
    for (uint32_t id = 0; err == INFRA_OK && id < BACKENDS; id++) {
        char key[32];
        snprintf(key, sizeof key, "10.0.%u.%u:80", (unsigned)id / 250,
                 (unsigned)id % 250);
        struct infra_backend backend = {
            .size = sizeof backend, .key = key, .id = id, .weight = 1 + id % 3
        };
        err = infra_balancer_set(b, &backend, 0);
    }
    size_t control = live;
    if (err == INFRA_OK) {
        err = infra_balancer_publish(b, 0);
    }
    size_t table = live - control;
    if (err == INFRA_OK) {
        err = infra_balancer_reader_create(&reader, b);
    }
    size_t readers = live - control - table;
    infra_balancer_reader_destroy(reader);
    infra_balancer_destroy(b);
    if (err != INFRA_OK) {
        return fail(err);
    }
    snprintf(what, sizeof what, "%s/control", policy);
    row(report, what, control, BACKENDS);
    snprintf(what, sizeof what, "%s/table", policy);
    row(report, what, table, BACKENDS);
    snprintf(what, sizeof what, "%s/reader", policy);
    row(report, what, readers, BACKENDS);
    return EXIT_SUCCESS;
}

int bench_memory(const struct bench_options *options)
{
    static const char *const columns[] = { "what", "bytes", NULL };
    struct report report;
    const char *name;
    int status = EXIT_SUCCESS;

    report_begin(&report, options->format, columns);
    for (uint32_t i = 0; status == EXIT_SUCCESS &&
                         (name = infra_balancer_policy_name(i)) != NULL;
         i++) {
        if (options->policy == NULL || strcmp(options->policy, name) == 0) {
            status = measure(&report, name);
        }
    }
    row(&report, "ticket", sizeof(struct infra_ticket), 1);
    row(&report, "request", sizeof(struct infra_request), 1);
    row(&report, "health event", sizeof(struct infra_health_event), 1);
    row(&report, "probe result", sizeof(struct infra_probe_result), 1);
    report_end(&report);
    return status;
}
