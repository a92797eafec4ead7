/* SPDX-License-Identifier: MIT */
/* infra-bench: one program, a subcommand per question. */
#include "bench.h"

#include <infra/balancer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct question {
    const char *name;
    int (*run)(const struct bench_options *options);
    const char *help;
    void (*help_own)(FILE *out); /* NULL: no options of its own. */
    int has_chart;
};

static const struct question questions[] = {
    { "pick", bench_pick,
      "nanoseconds per pick and release, by policy, backends and threads", NULL,
      0 },
    { "memory", bench_memory, "bytes per backend, and of the public structs",
      NULL, 0 },
    { "build", bench_build,
      "microseconds per publish and bytes of its table, by policy and backends",
      NULL, 0 },
    { "spread", bench_spread,
      "how evenly the load spreads over equal backends, by policy", NULL, 0 },
    { "disruption", bench_disruption,
      "keys that move when backends change, beside the least, by hash policy",
      NULL, 0 },
    { "health", bench_health,
      "microseconds per health check, how late it starts, how soon a failure "
      "is noticed",
      bench_health_help, 0 },
    { "outlier", bench_outlier,
      "nanoseconds per report of an outcome, and per sweep, by backends", NULL,
      0 },
    { "failover", bench_failover,
      "milliseconds without an active node, simulated, and a gate's price",
      bench_failover_help, 0 },
    { "route", bench_route,
      "nanoseconds per decision of a router, by statement, replicas and "
      "threads",
      NULL, 0 },
    { "classify", bench_classify,
      "nanoseconds to classify a statement of SQL, by class and dialect",
      bench_classify_help, 0 },
    { "http", bench_http,
      "nanoseconds to read a head of HTTP/1.1, to rewrite it, and to pass "
      "chunks",
      NULL, 0 },
    { "metrics", bench_metrics,
      "nanoseconds per count and observation, and per text of all series", NULL,
      0 },
    { "access", bench_access,
      "nanoseconds to check a source by rules, and to count it", NULL, 0 },
    { "compare", bench_compare,
      "simulated latency and errors by policy: which one for this traffic?",
      bench_compare_help, 1 },
};

static const char *const formats[] = {
    [REPORT_TABLE] = "table",
    [REPORT_TSV] = "tsv",
    [REPORT_JSON] = "json",
    [REPORT_SVG] = "svg",
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void print_help(FILE *out)
{
    fprintf(out, "usage: infra-bench QUESTION [OPTION...]\n\nquestions:\n");
    for (size_t i = 0; i < COUNT_OF(questions); i++) {
        fprintf(out, "  %-10s %s\n", questions[i].name, questions[i].help);
    }
    fprintf(out, "\noptions:\n"
                 "  --policy NAME               only this policy; one of");
    for (uint32_t i = 0; infra_balancer_policy_name(i) != NULL; i++) {
        fprintf(out, "%s\n                              %s", i > 0 ? "," : "",
                infra_balancer_policy_name(i));
    }
    fprintf(out, "\n"
                 "  --format table|tsv|json     how to print; default table\n"
                 "  --quick                     only see that it works\n"
                 "  --help                      print this\n");
    for (size_t i = 0; i < COUNT_OF(questions); i++) {
        if (questions[i].help_own != NULL) {
            fprintf(out, "\noptions of %s only:\n", questions[i].name);
            questions[i].help_own(out);
        }
    }
}

int bench_complain(const char *what, const char *value)
{
    fprintf(stderr, "infra-bench: %s \"%s\"; see infra-bench --help\n", what,
            value);
    return 2;
}

int bench_number(const char *text, uint32_t min, uint32_t max, uint32_t *ret)
{
    uint64_t n = 0;
    const char *p = text;

    while (*p >= '0' && *p <= '9' && n <= max) {
        n = n * 10 + (uint64_t)(*p++ - '0');
    }
    if (p == text || *p != '\0' || n < min || n > max) {
        return bench_complain("no number, or out of range:", text);
    }
    *ret = (uint32_t)n;
    return 0;
}

/* 0, or an exit status. */
static int parse_format(struct bench_options *o, const struct question *q,
                        const char *value)
{
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        if (strcmp(formats[i], value) == 0) {
            o->format = (enum report_format)i;
            return i == REPORT_SVG && !q->has_chart
                       ? bench_complain("no chart for", q->name)
                       : 0;
        }
    }
    return bench_complain("unknown format", value);
}

/* 0, or an exit status. The rest, for the question to parse, moves to the front
 * of argv. */
static int parse(struct bench_options *o, const struct question *q, char **argv)
{
    char **own = argv;
    int status = 0;

    o->own = argv;
    for (char **arg = argv; *arg != NULL && status == 0; arg++) {
        char *option = *arg;
        if (strcmp(option, "--quick") == 0) {
            o->quick = 1;
            continue;
        }
        int is_format = strcmp(option, "--format") == 0;
        int is_policy = strcmp(option, "--policy") == 0;
        if (!is_format && !is_policy && q->help_own == NULL) {
            return bench_complain("unknown option", option);
        }
        char *value = *++arg;
        if (value == NULL) {
            return bench_complain("unknown option, or no value for", option);
        }
        if (is_format) {
            status = parse_format(o, q, value);
        } else if (!is_policy) {
            *own++ = option;
            *own++ = value;
        } else if (infra_balancer_policy_by_name(value) == NULL) {
            status = bench_complain("unknown policy", value);
        } else {
            o->policy = value;
        }
    }
    *own = NULL;
    return status;
}

int main(int argc, char **argv)
{
    struct bench_options options = { .format = REPORT_TABLE };

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            print_help(stdout);
            return EXIT_SUCCESS;
        }
    }
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    for (size_t i = 0; i < COUNT_OF(questions); i++) {
        if (strcmp(questions[i].name, argv[1]) == 0) {
            int status = parse(&options, &questions[i], argv + 2);
            return status != 0 ? status : questions[i].run(&options);
        }
    }
    return bench_complain("unknown question", argv[1]);
}
