/* SPDX-License-Identifier: MIT */
#include "sim_arrivals.h"

#include "sim_random.h"

/* Mean arrivals in a burst. */
static const double burst_size = 100;

void sim_arrivals_init(struct sim_arrival_process *a,
                       const struct sim_options *options)
{
    *a = (struct sim_arrival_process) {
        .options = options,
        .random = sim_stream(options->seed, SIM_STREAM_ARRIVALS),
    };
    if (options->trace == NULL) {
        a->gap_mean = 1 / options->rate;
        if (options->arrivals == SIM_BURSTY) {
            a->gap_mean /= 2;
            a->on_mean = burst_size * a->gap_mean;
            a->on_left = a->on_mean * sim_exponential(&a->random);
        }
    }
}

/* Time passes for the process only while it is on. */
static double next_gap(struct sim_arrival_process *a)
{
    double on = a->gap_mean * sim_exponential(&a->random);
    double pauses = 0;

    if (a->on_mean > 0) {
        double left = on;
        while (left > a->on_left) {
            left -= a->on_left;
            pauses += a->on_mean * sim_exponential(&a->random);
            a->on_left = a->on_mean * sim_exponential(&a->random);
        }
        a->on_left -= left;
    }
    return on + pauses;
}

infra_time sim_arrivals_next(struct sim_arrival_process *a)
{
    const struct sim_trace *trace = a->options->trace;

    if (a->count == a->options->requests ||
        (trace != NULL && a->count == trace->count)) {
        return INFRA_TIME_NEVER;
    }
    a->count++;
    if (trace != NULL) {
        return trace->times[a->count - 1];
    }
    a->now += next_gap(a);
    return (infra_time)(a->now * 1e9);
}
