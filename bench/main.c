/* SPDX-License-Identifier: MIT */
/* infra-bench: one program, a subcommand per question. */
#include "bench.h"

#include <infra/balancer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(const struct bench_options *options);
    const char *help;
} questions[] = {
    { "pick", bench_pick,
      "nanoseconds per pick and release, by policy, backends and threads" },
    { "memory", bench_memory, "bytes per backend, and of the public structs" },
};

static const char *const formats[] = {
    [REPORT_TABLE] = "table",
    [REPORT_TSV] = "tsv",
    [REPORT_JSON] = "json",
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void print_help(FILE *out)
{
    fprintf(out, "usage: infra-bench QUESTION [OPTION...]\n\nquestions:\n");
    for (size_t i = 0; i < COUNT_OF(questions); i++) {
        fprintf(out, "  %-8s %s\n", questions[i].name, questions[i].help);
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
}

static int complain(const char *what, const char *value)
{
    fprintf(stderr, "infra-bench: %s \"%s\"; see infra-bench --help\n", what,
            value);
    return 2;
}

/* 0, or an exit status. */
static int parse(struct bench_options *o, char **argv)
{
    for (char **arg = argv; *arg != NULL; arg++) {
        if (strcmp(*arg, "--quick") == 0) {
            o->quick = 1;
            continue;
        }
        const char *option = *arg;
        const char *value = arg[1];
        if (strcmp(option, "--format") != 0 &&
            strcmp(option, "--policy") != 0) {
            return complain("unknown option", option);
        }
        if (value == NULL) {
            return complain("no value for", option);
        }
        arg++;
        if (strcmp(option, "--policy") == 0) {
            if (infra_balancer_policy_by_name(value) == NULL) {
                return complain("unknown policy", value);
            }
            o->policy = value;
            continue;
        }
        size_t i = 0;
        while (i < COUNT_OF(formats) && strcmp(formats[i], value) != 0) {
            i++;
        }
        if (i == COUNT_OF(formats)) {
            return complain("unknown format", value);
        }
        o->format = (enum report_format)i;
    }
    return 0;
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
            int status = parse(&options, argv + 2);
            return status != 0 ? status : questions[i].run(&options);
        }
    }
    return complain("unknown question", argv[1]);
}
