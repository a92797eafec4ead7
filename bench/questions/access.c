/* SPDX-License-Identifier: MIT */
/* What does it cost to check a source and to count it? The goal: 5 ns for a
 * check at 10 000 prefixes, 10 ns at 100 000; 5 ns for a rate, 40 ns for a
 * table of sources.
 *
 * Prefixes are random, most of 24 bits (IPv6: 48), half of the sources inside
 * of one. A figure is the nanoseconds for one call: the median and the least of
 * REPEATS runs through 4096 sources, so that branches cannot be foretold. */
#include "../bench.h"
#include "../stopwatch.h"

#include <infra/access.h>
#include <infra/limit.h>
#include <stdlib.h>
#include <string.h>

enum { REPEATS = 101, SOURCES = 4096 };

struct subject {
    struct infra_access_reader *reader;
    struct infra_limit_table *table;
    struct infra_limit_rate rate;
    infra_time state;
    infra_time now;
    struct infra_address sources[SOURCES];
};

static uint64_t seed;

static uint64_t next_random(void)
{
    uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void must(int result)
{
    if (result != INFRA_OK) {
        fprintf(stderr, "infra-bench: %s\n", infra_strerror(result));
        exit(EXIT_FAILURE);
    }
}

static struct infra_address random_address(int is_ipv4)
{
    struct infra_address a = infra_address_ipv4((uint32_t)next_random());

    if (!is_ipv4) {
        uint64_t r[2] = { next_random(), next_random() };
        memcpy(a.bytes, r, sizeof r);
        a.bytes[0] = 0x20 | (a.bytes[0] & 0x1f);
    }
    return a;
}

static void fill(struct infra_access *access, struct subject *s, int is_ipv4,
                 uint32_t prefixes)
{
    for (uint32_t i = 0; i < SOURCES; i++) {
        s->sources[i] = random_address(is_ipv4);
    }
    for (uint32_t i = 0; i < prefixes; i++) {
        uint32_t more =
            next_random() % 5 < 3 ? 0 : (uint32_t)(next_random() % 17);
        uint32_t length = (is_ipv4 ? 96 + 16 : 40) + (more != 0 ? more : 8);
        struct infra_address a = random_address(is_ipv4);
        struct infra_access_rule r = {
            .size = sizeof r,
            .prefix = { infra_address_mask(&a, length), length },
            .action = length % 2,
            .id = i,
        };
        must(infra_access_add(access, &r));
        if (i % 2 == 0) { /* Later ones take the places of earlier ones. */
            s->sources[i / 2 % (SOURCES / 2)] = a;
        }
    }
}

static uint64_t run_check(struct subject *s)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < SOURCES; i++) {
        uint32_t rule;
        /* One source of each kind in turn. */
        uint32_t k = i / 2 + (i & 1) * (SOURCES / 2);
        sum += (uint64_t)infra_access_check(s->reader, &s->sources[k], &rule);
        sum += rule;
    }
    return sum;
}

static uint64_t run_rate(struct subject *s)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < SOURCES; i++) {
        sum += (uint64_t)infra_limit_take(&s->rate, &s->state, 1, s->now += 90);
    }
    return sum;
}

static uint64_t run_shared_rate(struct subject *s)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < SOURCES; i++) {
        sum += (uint64_t)infra_limit_take_shared(&s->rate, &s->state, 1,
                                                 s->now += 90);
    }
    return sum;
}

static uint64_t run_table(struct subject *s)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < SOURCES; i++) {
        sum += (uint64_t)infra_limit_table_take(s->table, &s->sources[i], 1,
                                                s->now += 90, NULL);
    }
    return sum;
}

static uint64_t run_connections(struct subject *s)
{
    uint64_t ticket = 0;

    for (uint32_t i = 0; i < SOURCES; i++) {
        if (infra_limit_table_enter(s->table, &s->sources[i], &ticket)) {
            must(infra_limit_table_leave(s->table, ticket));
        }
    }
    return ticket;
}

static void measure(struct report *report, const char *what, uint32_t rules,
                    struct subject *s, uint64_t (*run)(struct subject *s),
                    int quick)
{
    double ns[REPEATS];
    int repeats = quick ? 1 : REPEATS;

    bench_keep(run(s));
    for (int i = 0; i < repeats; i++) {
        double begin = stopwatch_now_ns();
        bench_keep(run(s));
        ns[i] = (stopwatch_now_ns() - begin) / SOURCES;
    }
    double median = stopwatch_median(ns, repeats);
    report_text(report, what);
    report_number(report, rules, 0);
    report_number(report, median, 1);
    report_number(report, ns[0], 1);
}

static void measure_checks(struct report *report, struct subject *s,
                           int is_ipv4, uint32_t prefixes, int quick)
{
    struct infra_access *access = NULL;

    seed = prefixes;
    must(infra_access_create(&access, NULL));
    must(infra_access_reader_create(&s->reader, access));
    fill(access, s, is_ipv4, prefixes);
    must(infra_access_publish(access));
    measure(report, is_ipv4 ? "check IPv4" : "check IPv6", prefixes, s,
            run_check, quick);
    infra_access_reader_destroy(s->reader);
    infra_access_destroy(access);
}

int bench_access(const struct bench_options *options)
{
    static const char *const columns[] = { "call", "rules", "median_ns",
                                           "min_ns", NULL };
    static struct subject s;
    struct infra_limit_table_options o = { .size = sizeof o,
                                           .rate = &s.rate,
                                           .connections_max = 10 };
    struct report report;

    report_begin(&report, options->format, columns);
    for (int is_ipv4 = 1; is_ipv4 >= 0; is_ipv4--) {
        for (uint32_t n = 100; n <= (options->quick ? 100u : 100000u);
             n *= n == 100 ? 100 : 10) {
            measure_checks(&report, &s, is_ipv4, n, options->quick);
        }
    }
    must(infra_limit_rate_of(&s.rate, 10, 1000, 100));
    must(infra_limit_table_create(&s.table, &o));
    measure(&report, "rate", 0, &s, run_rate, options->quick);
    s.state = 0;
    measure(&report, "rate, shared", 0, &s, run_shared_rate, options->quick);
    measure(&report, "table, rate", 0, &s, run_table, options->quick);
    measure(&report, "table, connection", 0, &s, run_connections,
            options->quick);
    infra_limit_table_destroy(s.table);
    report_end(&report);
    return 0;
}
