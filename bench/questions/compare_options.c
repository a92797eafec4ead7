/* SPDX-License-Identifier: MIT */
#include "compare_options.h"

#include "../bench.h"
#include "../sim/trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Options with a numeric value. */
enum number {
    SEED,
    REQUESTS,
    SERVERS,
    BALANCERS,
    LOAD,
    WORKERS,
    MEAN,
    QUEUE,
    CAP,
    TIMEOUT,
    WITHIN,
};

static const struct {
    const char *name;
    const char *value;
    const char *help;
    double min;
    double max;
    int is_whole;
} numbers[] = {
    [SEED] = { "--seed", "N", "of everything that is drawn; default 1", 0, 1e15,
               1 },
    [REQUESTS] = { "--requests", "N", "how many arrive", 1, 1e9, 1 },
    [SERVERS] = { "--servers", "N", "how many serve", 1, 10000, 1 },
    [BALANCERS] = { "--balancers", "N",
                    "how many choose, each seeing only its own work", 1, 1000,
                    1 },
    [LOAD] = { "--load", "PERCENT", "of what the servers can do", 0.1, 1000,
               0 },
    [WORKERS] = { "--workers", "N", "of a server", 1, 1e6, 1 },
    [MEAN] = { "--mean", "MS", "mean service time", 1e-3, 1e6, 0 },
    [QUEUE] = { "--queue", "N",
                "most that wait at a server, more are errors; 0: no limit", 0,
                1e9, 1 },
    [CAP] = { "--cap", "N",
              "most in flight of a balancer at a server; 0: no cap", 0, 1e9,
              1 },
    [TIMEOUT] = { "--timeout", "MS", "of a request; 0: none", 0, 1e9, 0 },
    [WITHIN] = { "--within", "MS", "the latency that counts as success", 0, 1e9,
                 0 },
};

static const char *const services[] = {
    [SIM_EXPONENTIAL] = "exponential",
    [SIM_LOG_NORMAL] = "log-normal",
    [SIM_PARETO] = "pareto",
    [SIM_BIMODAL] = "bimodal",
};

static const char *const arrivals[] = {
    [SIM_POISSON] = "poisson",
    [SIM_BURSTY] = "bursty",
};

void bench_compare_help(FILE *out)
{
    fprintf(out,
            "  --scenario NAME|list        what to simulate; default %s. "
            "The other\n"
            "                              options change parts of it\n",
            scenario_at(0)->name);
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        fprintf(out, "  %-11s %-15s %s\n", numbers[i].name, numbers[i].value,
                numbers[i].help);
    }
    fprintf(out,
            "  --service NAME              exponential, log-normal, pareto,\n"
            "                              bimodal\n"
            "  --arrivals NAME|FILE        poisson, bursty, or a file with a "
            "time in\n"
            "                              seconds and optionally a key on "
            "each line\n"
            "  --format svg                a chart of the latencies\n");
}

static void set_number(struct compare_options *o, enum number number,
                       double value)
{
    switch (number) {
    case SEED:
        o->sim.seed = (uint64_t)value;
        break;
    case REQUESTS:
        o->sim.requests = (uint64_t)value;
        break;
    case SERVERS:
        o->sim.servers = (uint32_t)value;
        break;
    case BALANCERS:
        o->sim.balancers = (uint32_t)value;
        break;
    case LOAD:
        o->load = value / 100;
        break;
    case WORKERS:
        o->sim.workers = (uint32_t)value;
        break;
    case MEAN:
        o->sim.service_mean = value / 1e3;
        break;
    case QUEUE:
        o->sim.queue_max = (uint32_t)value;
        break;
    case CAP:
        o->sim.in_flight_max = (uint32_t)value;
        break;
    case TIMEOUT:
        o->sim.timeout = value / 1e3;
        break;
    case WITHIN:
        o->sim.within = value / 1e3;
        break;
    }
}

/* 0, or an exit status. */
static int parse_number(struct compare_options *o, enum number number,
                        const char *text)
{
    char *end = NULL;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !isfinite(value) ||
        value < numbers[number].min || value > numbers[number].max ||
        (numbers[number].is_whole && floor(value) != value)) {
        fprintf(stderr, "infra-bench: %s \"%s\": expected %s%.15g to %.15g\n",
                numbers[number].name, text,
                numbers[number].is_whole ? "a whole number, " : "",
                numbers[number].min, numbers[number].max);
        return 2;
    }
    set_number(o, number, value);
    return 0;
}

/* Its index, or the count if it is none of them. */
static size_t find(const char *const *names, size_t count, const char *name)
{
    size_t i = 0;

    while (i < count && strcmp(names[i], name) != 0) {
        i++;
    }
    return i;
}

/* All but --scenario. 0, or an exit status. */
static int parse_one(struct compare_options *o, const char *option,
                     const char *value)
{
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        if (strcmp(option, numbers[i].name) == 0) {
            return parse_number(o, (enum number)i, value);
        }
    }
    if (strcmp(option, "--service") == 0) {
        size_t i = find(services, COUNT_OF(services), value);
        if (i == COUNT_OF(services)) {
            return bench_complain("unknown service", value);
        }
        o->sim.service = (enum sim_service)i;
        o->sim.sigma = 0;
        return 0;
    }
    if (strcmp(option, "--arrivals") == 0) {
        size_t i = find(arrivals, COUNT_OF(arrivals), value);
        if (i < COUNT_OF(arrivals)) {
            o->sim.arrivals = (enum sim_arrivals)i;
            return 0;
        }
        trace_free(&o->trace);
        return trace_read(&o->trace, value) ? 0 : 2;
    }
    return bench_complain("unknown option", option);
}

static int is_given(char **own, const char *option)
{
    while (*own != NULL && strcmp(*own, option) != 0) {
        own += 2;
    }
    return *own != NULL;
}

/* Choose between load, rate and trace. 0, or an exit status. */
static int settle_rate(struct compare_options *o, char **own)
{
    struct sim_options *sim = &o->sim;

    if (o->trace.count > 0) {
        if (is_given(own, "--load")) {
            return bench_complain("a trace of arrivals has its own load:",
                                  "--load");
        }
        if (!is_given(own, "--requests") || sim->requests > o->trace.count) {
            sim->requests = o->trace.count;
        }
        sim->trace = &o->trace;
        o->load = 0;
    } else if (o->scenario->load > 0 || is_given(own, "--load")) {
        if (o->scenario->load == 0 && !is_given(own, "--workers")) {
            return bench_complain("without --workers this scenario has no "
                                  "limit, and so no",
                                  "--load");
        }
        sim->rate = sim_rate(sim, o->load);
    }
    return 0;
}

/* 0, or an exit status. */
static int choose_scenario(struct compare_options *o, char **own)
{
    o->scenario = scenario_at(0);
    for (char **arg = own; *arg != NULL; arg += 2) {
        if (strcmp(arg[0], "--scenario") == 0) {
            o->scenario = scenario_by_name(arg[1]);
            if (o->scenario == NULL && strcmp(arg[1], "list") != 0) {
                return bench_complain("unknown scenario", arg[1]);
            }
        }
    }
    return 0;
}

int compare_parse(struct compare_options *ret, char **own)
{
    *ret = (struct compare_options) { .load = 0 };
    int status = choose_scenario(ret, own);

    if (status != 0 || ret->scenario == NULL) {
        return status;
    }
    ret->sim = ret->scenario->options;
    ret->sim.seed = 1;
    ret->load = ret->scenario->load;
    for (char **arg = own; *arg != NULL && status == 0; arg += 2) {
        if (strcmp(arg[0], "--scenario") != 0) {
            status = parse_one(ret, arg[0], arg[1]);
            ret->is_changed |= strcmp(arg[0], "--seed") != 0;
        }
    }
    if (status == 0) {
        status = settle_rate(ret, own);
    }
    if (status != 0) {
        trace_free(&ret->trace);
    }
    return status;
}
