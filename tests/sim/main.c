/* SPDX-License-Identifier: MIT */
/* Simulates failover over many seeds, and says which seed to look at.
 *
 *   failover_sim [--seeds N] [--seed FIRST] [--mutations] [--verbose]
 *
 * --seeds      histories, which the modes take in turn (default 1000)
 * --seed       from this seed on; with --seeds 1 --verbose it is printed
 * --mutations  break each rule of safety in turn, and see it caught */
#include "failover_sim.h"

#include "failover/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum infra__rule infra__broken_rule;

static const char *const rules[INFRA__RULES_COUNT] = {
    [INFRA__RULE_NONE] = "none",       [INFRA__RULE_ISSUE] = "issue",
    [INFRA__RULE_DRIFT] = "drift",     [INFRA__RULE_GUARD] = "guard",
    [INFRA__RULE_CALL_ID] = "call-id", [INFRA__RULE_EXPIRE] = "expire",
    [INFRA__RULE_GATE] = "gate",       [INFRA__RULE_LOST] = "lost",
    [INFRA__RULE_FLOOR] = "floor",     [INFRA__RULE_GRACE] = "grace",
    [INFRA__RULE_FENCE] = "fence",     [INFRA__RULE_ADOPT] = "adopt",
    [INFRA__RULE_DRAIN] = "drain",     [INFRA__RULE_ATTEST] = "attest",
    [INFRA__RULE_CLOCK] = "clock",     [INFRA__RULE_JUMP] = "jump",
    [INFRA__RULE_FIT] = "fit",
};
static const char *const modes[] = { "safety", "liveness", "regressed" };

enum { MODES = 3, AGAIN = 100 };

struct totals {
    uint64_t steps;
    uint64_t activations;
    uint64_t writes;
};

static uint32_t mode_of(uint64_t seed)
{
    return (uint32_t)(seed % MODES);
}

static struct sim_result run(uint64_t seed, bool verbose, struct totals *totals)
{
    const struct sim_options options = { .seed = seed,
                                         .mode = mode_of(seed),
                                         .nodes =
                                             2 + (uint32_t)(seed / MODES % 3),
                                         .verbose = verbose };
    struct sim_result r = sim_run(&options);

    totals->steps += r.steps;
    totals->activations += r.activations;
    totals->writes += r.writes;
    return r;
}

static void progress(const char *what, uint64_t done, uint64_t all)
{
    if (isatty(STDERR_FILENO) && done % 256 == 0) {
        fprintf(stderr, "\r%s: %llu of %llu  ", what, (unsigned long long)done,
                (unsigned long long)all);
    }
}

/* Every seed; now and again one twice, which must give the same. */
static int run_all(uint64_t first, uint64_t count, bool verbose)
{
    struct totals totals = { 0 };
    clock_t begin = clock();

    for (uint64_t s = first; s < first + count; s++) {
        struct sim_result r = run(s, verbose, &totals);
        if (r.violation == NULL && s % AGAIN == 0 &&
            run(s, false, &totals).trace != r.trace) {
            r.violation = "the same seed gives another history";
        }
        if (r.violation != NULL) {
            printf("seed %llu (%s) at %.6f s: %s\n", (unsigned long long)s,
                   modes[mode_of(s)], (double)r.at / 1e9, r.violation);
            return EXIT_FAILURE;
        }
        progress("seed", s - first, count);
    }
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    printf("%llu seeds, no violation: %llu steps (%.2f million a "
           "second), %llu activations, %llu writes\n",
           (unsigned long long)count, (unsigned long long)totals.steps,
           (double)totals.steps / 1e6 / (seconds > 0 ? seconds : 1),
           (unsigned long long)totals.activations,
           (unsigned long long)totals.writes);
    return EXIT_SUCCESS;
}

/* How many seeds until this broken rule shows; 0: it does not. */
static uint64_t seeds_until_caught(uint64_t first, uint64_t count,
                                   struct sim_result *ret)
{
    struct totals totals = { 0 };

    for (uint64_t s = first; s < first + count; s++) {
        *ret = run(s, false, &totals);
        if (ret->violation != NULL) {
            return s - first + 1;
        }
    }
    return 0;
}

static int run_mutations(uint64_t first, uint64_t count)
{
    int status = EXIT_SUCCESS;

    for (int rule = INFRA__RULE_NONE + 1; rule < INFRA__RULES_COUNT; rule++) {
        struct sim_result r;
        infra__broken_rule = (enum infra__rule)rule;
        uint64_t seeds = seeds_until_caught(first, count, &r);
        if (seeds == 0) {
            printf("%-8s not caught in %llu seeds\n", rules[rule],
                   (unsigned long long)count);
            status = EXIT_FAILURE;
        } else {
            printf("%-8s caught by seed %llu: %s\n", rules[rule],
                   (unsigned long long)(first + seeds - 1), r.violation);
        }
    }
    infra__broken_rule = INFRA__RULE_NONE;
    return status;
}

int main(int argc, char **argv)
{
    uint64_t first = 1;
    uint64_t count = 1000;
    bool mutations = false;
    bool verbose = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc) {
            count = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            first = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--mutations") == 0) {
            mutations = true;
        } else if (strcmp(argv[i], "--verbose") == 0) {
            verbose = true;
        } else {
            fprintf(stderr, "usage: failover_sim [--seeds N] [--seed FIRST] "
                            "[--mutations] [--verbose]\n");
            return 2;
        }
    }
    return mutations ? run_mutations(first, count)
                     : run_all(first, count, verbose);
}
