/* SPDX-License-Identifier: MIT */
/* Every policy by its name, and Maglev once more with the greater of the
 * paper's two table sizes, since its figures depend on slots per backend. */
#include "sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct infra_maglev_options large_maglev = {
    .size = sizeof large_maglev,
    .table_size = 655373,
};

int sweep_set(struct infra_balancer *balancer, uint32_t id, uint32_t weight)
{
    char key[32];

    snprintf(key, sizeof key, "10.0.%u.%u:80", (unsigned)id / 250,
             (unsigned)id % 250);
    struct infra_backend backend = {
        .size = sizeof backend, .key = key, .id = id, .weight = weight
    };
    return infra_balancer_set(balancer, &backend, 0);
}

int sweep_create(struct infra_balancer **ret, const struct subject *subject,
                 const struct infra_allocator *allocator)
{
    struct infra_balancer_options o = {
        .size = sizeof o,
        .allocator = allocator,
        .policy = subject->policy,
        .policy_options = subject->policy_options,
        .ids_max = subject->backends + 1,
        .seed = 1,
    };
    int err = infra_balancer_create(ret, &o);

    for (uint32_t id = 0; err == INFRA_OK && id < subject->backends; id++) {
        err = sweep_set(*ret, id, 1);
    }
    return err;
}

int sweep_create_with_reader(struct infra_balancer **ret,
                             struct infra_balancer_reader **ret_reader,
                             const struct subject *subject)
{
    int err = sweep_create(ret, subject, NULL);

    if (err == INFRA_OK) {
        err = infra_balancer_publish(*ret, 0);
    }
    if (err == INFRA_OK) {
        err = infra_balancer_reader_create(ret_reader, *ret);
    }
    return err;
}

static int sweep_sizes(struct report *report, struct subject subject,
                       const uint32_t *sizes, size_t sizes_count,
                       sweep_measure measure, int quick)
{
    int err = INFRA_OK;

    for (size_t i = 0; i < (quick ? 1 : sizes_count) && err == INFRA_OK; i++) {
        char text[80];
        subject.backends = sizes[i];
        snprintf(text, sizeof text, "%s, %u backends ...", subject.name,
                 (unsigned)sizes[i]);
        report_progress(text);
        err = measure(report, &subject, quick);
    }
    return err;
}

int sweep(const struct bench_options *options, const char *const *columns,
          const uint32_t *sizes, size_t sizes_count, sweep_measure measure)
{
    struct report report;
    int err = INFRA_OK;
    const char *name;

    report_begin(&report, options->format, columns);
    for (uint32_t i = 0;
         err == INFRA_OK && (name = infra_balancer_policy_name(i)) != NULL;
         i++) {
        struct subject subject = {
            .name = name,
            .policy = infra_balancer_policy_by_name(name),
        };
        if (options->policy != NULL && strcmp(options->policy, name) != 0) {
            continue;
        }
        err = sweep_sizes(&report, subject, sizes, sizes_count, measure,
                          options->quick);
        if (err == INFRA_OK && strcmp(name, "maglev") == 0) {
            subject.name = "maglev-655373";
            subject.policy_options = &large_maglev;
            err = sweep_sizes(&report, subject, sizes, sizes_count, measure,
                              options->quick);
        }
    }
    report_progress("");
    report_end(&report);
    if (err < 0) {
        fprintf(stderr, "infra-bench: %s\n", infra_strerror(err));
    }
    return err == INFRA_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
