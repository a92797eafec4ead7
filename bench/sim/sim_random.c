/* SPDX-License-Identifier: MIT */
/* The distributions, by inversion, but for the log-normal (Box and Muller
 * 1958). The Pareto is bounded (Harchol-Balter, Crovella, Murta 1999): exponent
 * 1.5 from its least value to 1000 times that, so that 1 % of the requests are
 * a fifth of the work; unbounded, no run would be long enough. The bimodal is
 * 99 % short and 1 % that take 50 times as long: a third of the work. */
#include "sim_random.h"

#include <math.h>

#define WEYL 0x9e3779b97f4a7c15u

static const double pi = 3.14159265358979323846;
static const double pareto_exponent = 1.5;
static const double pareto_bound = 1000;
static const double bimodal_long = 50;
static const double bimodal_share = 0.01;

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t sim_stream(uint64_t seed, enum sim_stream stream)
{
    return mix(mix(seed + WEYL) + (uint64_t)stream);
}

uint64_t sim_random(uint64_t *state)
{
    *state += WEYL;
    return mix(*state);
}

double sim_uniform(uint64_t *state)
{
    return (double)((sim_random(state) >> 11) + 1) * 0x1p-53;
}

double sim_exponential(uint64_t *state)
{
    return -log(sim_uniform(state));
}

static double log_normal(double sigma, uint64_t *state)
{
    double radius = sqrt(2 * sim_exponential(state));
    double normal = radius * cos(2 * pi * sim_uniform(state));

    return exp(sigma * normal - sigma * sigma / 2);
}

static double pareto(uint64_t *state)
{
    const double a = pareto_exponent;
    const double rest = pow(pareto_bound, -a);
    const double mean =
        a / (a - 1) * (1 - pow(pareto_bound, 1 - a)) / (1 - rest);

    return pow(rest + sim_uniform(state) * (1 - rest), -1 / a) / mean;
}

static double bimodal(uint64_t *state)
{
    const double mean = 1 - bimodal_share + bimodal_share * bimodal_long;

    return (sim_uniform(state) <= bimodal_share ? bimodal_long : 1) / mean;
}

double sim_service_time(const struct sim_options *options, uint64_t *state)
{
    double units = 0;

    switch (options->service) {
    case SIM_EXPONENTIAL:
        units = sim_exponential(state);
        break;
    case SIM_LOG_NORMAL:
        units = log_normal(options->sigma > 0 ? options->sigma : 1, state);
        break;
    case SIM_PARETO:
        units = pareto(state);
        break;
    case SIM_BIMODAL:
        units = bimodal(state);
        break;
    }
    return units * options->service_mean;
}

void sim_keys_init(struct sim_keys *keys)
{
    double sum = 0;

    for (int k = 0; k < SIM_KEYS; k++) {
        sum += 1.0 / (k + 1);
        keys->sums[k] = sum;
    }
    for (int k = 0; k < SIM_KEYS; k++) {
        keys->sums[k] /= sum;
    }
}

uint64_t sim_key(const struct sim_keys *keys, uint64_t *state)
{
    double u = sim_uniform(state);
    uint64_t low = 0;
    uint64_t high = SIM_KEYS - 1;

    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (keys->sums[middle] < u) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return infra_xxhash64(&low, sizeof low, 0);
}
