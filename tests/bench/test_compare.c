/* SPDX-License-Identifier: MIT */
/* The simulation behind `infra-bench compare`, against what queueing theory
 * knows in closed form. Service is exponential with a mean of 1 ms unless a
 * test says otherwise, so that milliseconds are service times. */
#include "support.h"

#include "../../bench/sim/scenarios.h"
#include "../../bench/sim/sim_internal.h"
#include "../../bench/sim/trace.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct sim_result result;

#define ck_assert_near(value, expected, part)                         \
    ck_assert_msg(fabs((value) / (expected)-1) <= (part),             \
                  "%s is %.4f, expected %.4f within %.1f %%", #value, \
                  (double)(value), (double)(expected), 100 * (double)(part))

static struct sim_options options_for(const char *policy, uint32_t servers,
                                      double load)
{
    struct sim_options o = {
        .policy = infra_balancer_policy_by_name(policy),
        .seed = 1,
        .requests = 200000,
        .balancers = 1,
        .servers = servers,
        .workers = 1,
        .service_mean = 1e-3,
        .within = 10e-3,
    };
    o.rate = sim_rate(&o, load);
    return o;
}

static void run(const struct sim_options *o)
{
    ck_assert_int_eq(sim_run(&result, o), INFRA_OK);
    ck_assert_uint_gt(result.latency.count, 0);
}

static double mean_ms(void)
{
    return histogram_mean(&result.latency) / 1e6;
}

static double p99_ms(void)
{
    return histogram_percentile(&result.latency, 0.99) / 1e6;
}

static double part_of(uint64_t count)
{
    return (double)count / (double)result.latency.count;
}

/* A percentile of known values is right within a bucket, which is 0.8 %. */
START_TEST(histogram_knows_its_percentiles)
{
    static struct histogram h;
    static const double fractions[] = { 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1 };
    const uint64_t scale[] = { 1, 1000, 123456789 };

    for (size_t s = 0; s < sizeof scale / sizeof scale[0]; s++) {
        memset(&h, 0, sizeof h);
        ck_assert_double_eq(histogram_percentile(&h, 0.5), 0);
        for (uint64_t i = 1; i <= 100000; i++) {
            histogram_add(&h, i * scale[s]);
        }
        ck_assert_near(histogram_mean(&h), 50000.5 * (double)scale[s], 1e-9);
        for (size_t i = 0; i < sizeof fractions / sizeof fractions[0]; i++) {
            ck_assert_near(histogram_percentile(&h, fractions[i]),
                           fractions[i] * 100000 * (double)scale[s], 0.011);
        }
    }
    memset(&h, 0, sizeof h);
    histogram_add(&h, UINT64_MAX);
    ck_assert_near(histogram_percentile(&h, 0.5), 0x1p64, 0.008);
}
END_TEST

static const double loads[] = { 0.3, 0.5, 0.7 };

/* One server is M/M/1: the time in system is exponential with the mean
 * 1 / (mu - lambda). */
START_TEST(one_server_is_m_m_1)
{
    struct sim_options o = options_for("round-robin", 1, loads[_i]);

    o.requests = 3000000;
    run(&o);
    ck_assert_near(mean_ms(), 1 / (1 - loads[_i]), 0.02);
    ck_assert_near(p99_ms(), log(100) / (1 - loads[_i]), 0.02);
    ck_assert_near(result.utilisation, loads[_i], 0.01);
}
END_TEST

/* One server with four workers is M/M/4, whose mean wait is Erlang's C. */
START_TEST(workers_make_m_m_c)
{
    const double load = 0.8;
    const double a = 4 * load;
    struct sim_options o = options_for("round-robin", 1, load);
    double term = 1;
    double sum = 0;

    o.workers = 4;
    o.rate = sim_rate(&o, load);
    o.requests = 3000000;
    run(&o);
    for (int k = 0; k < 4; k++) {
        sum += term;
        term *= a / (k + 1);
    }
    double c = term / (1 - load) / (sum + term / (1 - load));
    ck_assert_near(mean_ms(), 1 + c / (4 - a), 0.02);
    ck_assert_near(result.utilisation, load, 0.01);
}
END_TEST

/* A server with room for K requests loses the part that M/M/1/K does. */
START_TEST(a_full_queue_answers_errors)
{
    const double load = 0.9;
    const double k = 4;
    struct sim_options o = options_for("round-robin", 1, load);

    o.queue_max = 3; /* And one in service. */
    o.requests = 2000000;
    run(&o);
    ck_assert_near(part_of(result.errors),
                   (1 - load) * pow(load, k) / (1 - pow(load, k + 1)), 0.02);
}
END_TEST

/* With a cap of one in flight two servers are M/M/2/2: Erlang's B is lost. */
START_TEST(a_cap_loses_what_erlang_b_says)
{
    const double a = 2 * 0.9;
    struct sim_options o = options_for("least-connections", 2, 0.9);

    o.in_flight_max = 1;
    o.requests = 1000000;
    run(&o);
    ck_assert_uint_eq(result.errors, result.unpicked);
    ck_assert_near(part_of(result.errors), a * a / 2 / (1 + a + a * a / 2),
                   0.02);
}
END_TEST

/* Round robin over n servers makes each one E(n)/M/1, whose time in system is
 * exponential with the mean 1 / (1 - s), s = (n load / (n load + 1 - s))^n. And
 * all servers are equally busy. */
START_TEST(round_robin_is_e_n_m_1)
{
    const double load = 0.7;
    const double n = 4;
    struct sim_options o = options_for("round-robin", 4, load);
    double s = 0.5;

    for (int i = 0; i < 1000; i++) {
        s = pow(n * load / (n * load + 1 - s), n);
    }
    o.requests = 4000000;
    run(&o);
    ck_assert_near(mean_ms(), 1 / (1 - s), 0.02);
    ck_assert_near(p99_ms(), log(100) / (1 - s), 0.02);
    ck_assert_near(result.utilisation, load, 0.01);
    ck_assert_near(result.spread, 1, 0.01);
}
END_TEST

/* Under random every server is an M/M/1, where the library has that policy. */
START_TEST(random_is_many_m_m_1)
{
    const double load = 0.7;
    struct sim_options o = options_for("random", 10, load);

    if (o.policy != NULL) {
        o.requests = 4000000;
        run(&o);
        ck_assert_near(mean_ms(), 1 / (1 - load), 0.02);
        ck_assert_near(p99_ms(), log(100) / (1 - load), 0.02);
    }
}
END_TEST

/* The part of requests that take longer than t service times at a server that
 * two choices found, among infinitely many (Mitzenmacher 2001): a part
 * s(k) = load^(2^k - 1) of the servers has k requests or more, the shorter
 * queue of two has them with s(k)^2, and one who finds k stays for k + 1
 * exponential services, which is Erlang's distribution. */
static double mean_field_tail(double load, double t)
{
    double tail = 0;
    double term = exp(-t);
    double erlang = term;

    for (int k = 0; k < 12; k++) {
        double here = pow(load, 2 * (pow(2, k) - 1));
        double more = pow(load, 2 * (pow(2, k + 1) - 1));
        tail += (here - more) * erlang;
        term *= t / (k + 1);
        erlang += term;
    }
    return tail;
}

/* Two choices over 100 servers is within 3 % of the mean field's p99. */
START_TEST(two_choices_meet_the_mean_field)
{
    const double load = 0.9;
    struct sim_options o = options_for("two-choices", 100, load);
    double low = 0;
    double high = 100;

    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        *(mean_field_tail(load, middle) > 0.01 ? &low : &high) = middle;
    }
    o.requests = 4000000;
    o.warm_up = 0.1;
    run(&o);
    ck_assert_near(p99_ms(), low, 0.03);
}
END_TEST

/* The same seed gives the same result to the bit, another one another. */
START_TEST(the_seed_decides)
{
    static struct sim_result first;
    struct sim_options o = options_for("two-choices", 10, 0.8);

    o.balancers = 3;
    run(&o);
    first = result;
    run(&o);
    ck_assert_mem_eq(&first, &result, sizeof first);
    o.seed = 2;
    run(&o);
    ck_assert_mem_ne(&first, &result, sizeof first);
}
END_TEST

/* Every policy meets the same requests: what differs is not their number, and
 * the work that servers got is the same. */
START_TEST(policies_meet_the_same_traffic)
{
    struct sim_options o = options_for("round-robin", 10, 0.5);

    run(&o);
    double utilisation = result.utilisation;
    o.policy = infra_balancer_policy_by_name("two-choices");
    run(&o);
    ck_assert_near(result.utilisation, utilisation, 1e-4);
}
END_TEST

/* All distributions of service have the mean that was asked for. */
START_TEST(service_times_have_their_mean)
{
    struct sim_options o = { .service = (enum sim_service)_i,
                             .service_mean = 2e-3 };
    const int count = 4000000;
    uint64_t random = 1;
    double sum = 0;
    double least = 1;

    for (int i = 0; i < count; i++) {
        double seconds = sim_service_time(&o, &random);
        least = fmin(least, seconds);
        sum += seconds;
    }
    ck_assert_double_ge(least, 0);
    ck_assert_near(sum / count, o.service_mean, 0.005);
}
END_TEST

/* The squared coefficient of variation of the gaps: 1 for Poisson, far more for
 * bursts. Both arrive at the mean rate. */
START_TEST(arrivals_have_their_rate)
{
    struct sim_options o = { .requests = 1000000,
                             .arrivals = (enum sim_arrivals)_i,
                             .rate = 500 };
    struct sim_arrival_process a;
    double squares = 0;
    double least = 1;
    double last = 0;
    infra_time at = 0;

    sim_arrivals_init(&a, &o);
    while ((at = sim_arrivals_next(&a)) != INFRA_TIME_NEVER) {
        double gap = (double)at / 1e9 - last;
        least = fmin(least, gap);
        squares += gap * gap;
        last += gap;
    }
    ck_assert_uint_eq(a.count, o.requests);
    ck_assert_double_ge(least, 0);
    ck_assert_near(1e6 / last, o.rate, 0.03);
    double variation = squares / 1e6 * o.rate * o.rate - 1;
    if (o.arrivals == SIM_POISSON) {
        ck_assert_near(variation, 1, 0.02);
    } else {
        ck_assert_double_gt(variation, 20);
    }
}
END_TEST

static void note_served(struct sim_server *server, uint32_t beside,
                        double seconds)
{
    const struct sim_request r = { .accepted = INFRA_SEC(5), .beside = beside };

    sim_probe_note(server, &r, r.accepted + sim_time(seconds));
}

/* The latency that a server tells with @in_flight, in seconds. */
static double told(struct sim_server *server, uint32_t in_flight)
{
    struct sim_probe probe = { .probe = { .id = 0 } };
    struct sim s = { .servers = server, .probes = &probe };

    server->busy = in_flight / 3;
    server->waiting = in_flight - server->busy;
    sim_probe_arrive(&s, 0, 0);
    ck_assert_uint_eq(s.events.count, 1);
    free(s.events.heap);
    ck_assert_uint_eq(probe.in_flight, in_flight);
    return (double)probe.latency / 1e9;
}

/* A server answers a probe with the median of its last nine times at about its
 * present load, or at the nearest of which it knows any. */
START_TEST(servers_tell_the_median_at_their_load)
{
    static const struct {
        uint32_t in_flight;
        double seconds;
    } rows[] = { { 5, 5 },   { 0, 5 },     { 8, 5 },       { 9, 12 },
                 { 12, 12 }, { 13, 12 },   { 15, 16 },     { 16, 16 },
                 { 19, 16 }, { 20, 20 },   { 23, 20 },     { 24, 20 },
                 { 99, 20 }, { 5000, 99 }, { 4000000, 99 } };
    struct sim_recent recent[SIM_LEVELS] = { { .count = 0 } };
    struct sim_server server = { .recent = recent };

    ck_assert_double_eq(told(&server, 3), 0);
    for (int i = 0; i < 18; i++) {
        note_served(&server, 5, i < 9 ? 1000 : 1 + i * 4 % 9);
    }
    note_served(&server, 12, 12);
    note_served(&server, 17, 16);
    note_served(&server, 20, 20);
    note_served(&server, 1000000, 99);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_near(told(&server, rows[i].in_flight), rows[i].seconds, 1e-6);
    }
}
END_TEST

/* Key k is asked for 1 / k as often as the first. */
START_TEST(keys_follow_zipf)
{
    static struct sim_keys keys;
    const int count = 1000000;
    uint64_t random = 1;
    double harmonic = 0;
    int counts[3] = { 0 };

    sim_keys_init(&keys);
    for (int i = 0; i < count; i++) {
        uint64_t hash = sim_key(&keys, &random);
        for (uint64_t k = 0; k < 3; k++) {
            counts[k] += hash == infra_xxhash64(&k, sizeof k, 0);
        }
    }
    for (int k = 1; k <= SIM_KEYS; k++) {
        harmonic += 1.0 / k;
    }
    for (int k = 0; k < 3; k++) {
        ck_assert_near(counts[k], count / harmonic / (k + 1), 0.02);
    }
}
END_TEST

/* A server of double speed takes half the time, and its weight is 2: smooth
 * weighted round robin makes all equally busy. */
START_TEST(speeds_are_weights)
{
    static const uint32_t speeds[] = { 1, 2, 3 };
    struct sim_options o = options_for("smooth-weighted", 3, 0.6);

    o.speeds = speeds;
    o.speeds_count = 3;
    o.rate = sim_rate(&o, 0.6);
    ck_assert_near(o.rate, 0.6 * 6 * 1000, 1e-9);
    run(&o);
    ck_assert_near(result.utilisation, 0.6, 0.01);
    ck_assert_near(result.spread, 1, 0.02);
}
END_TEST

/* A client waits for its time-out and no longer, and that is an error. */
START_TEST(requests_time_out)
{
    const struct sim_fault slow = { .kind = SIM_SLOW, .extra = 10 };
    struct sim_options o = options_for("round-robin", 4, 0.2);

    o.workers = 1000000;
    o.timeout = 0.1;
    o.within = 0.1;
    o.faults = &slow;
    o.faults_count = 1;
    run(&o);
    ck_assert_near(part_of(result.errors), 0.25, 1e-3);
    ck_assert_uint_eq(result.within + result.errors, result.latency.count);
    ck_assert_near(histogram_percentile(&result.latency, 1), 100e6, 0.008);
}
END_TEST

/* A slow server is slow from the fault's beginning to its end only. */
START_TEST(faults_begin_and_end)
{
    struct sim_fault slow = {
        .kind = SIM_SLOW, .begin = 10, .end = 20, .extra = 1
    };
    struct sim_options o = options_for("round-robin", 1, 0.2);

    o.workers = 1000000;
    o.rate = 1000;
    o.requests = 40000;
    o.within = 0.5;
    o.faults = &slow;
    o.faults_count = 1;
    run(&o);
    ck_assert_near(part_of(result.within), 0.75, 0.01);
    o.measure_begin = 10;
    o.measure_end = 20;
    run(&o);
    ck_assert_near((double)result.latency.count, 10000, 0.03);
    ck_assert_uint_eq(result.within, 0);
    o.measure_end = 0;
    o.measure_begin = 20;
    run(&o);
    ck_assert_uint_eq(result.within, result.latency.count);
    o.measure_begin = 0;
    o.warm_up = 0.25;
    run(&o);
    ck_assert_uint_eq(result.latency.count, 30000);
}
END_TEST

/* A refused connection goes to another server and costs 1 ms, no error. The
 * retry takes a turn as well, so that four turns are three requests. */
START_TEST(refused_requests_are_retried)
{
    const struct sim_fault refuse = { .kind = SIM_REFUSE, .server = 1 };
    struct sim_options o = options_for("round-robin", 4, 0.2);

    o.faults = &refuse;
    o.faults_count = 1;
    run(&o);
    ck_assert_uint_eq(result.errors, 0);
    ck_assert_near(part_of(result.retries), 1.0 / 3, 0.02);
}
END_TEST

/* After two retries the client has its error, 3 ms late. */
START_TEST(retries_are_limited)
{
    const struct sim_fault refuse[] = { { .kind = SIM_REFUSE, .server = 0 },
                                        { .kind = SIM_REFUSE, .server = 1 },
                                        { .kind = SIM_REFUSE, .server = 2 } };
    struct sim_options o = options_for("round-robin", 3, 0.2);

    o.faults = refuse;
    o.faults_count = 3;
    run(&o);
    ck_assert_uint_eq(result.errors, result.latency.count);
    ck_assert_uint_eq(result.retries, 2 * o.requests);
    ck_assert_uint_eq(result.unpicked, 0);
    ck_assert_near(histogram_mean(&result.latency), 3e6, 1e-9);
    o.servers = 2;
    run(&o);
    ck_assert_uint_eq(result.unpicked, o.requests);
    ck_assert_near(histogram_mean(&result.latency), 2e6, 1e-9);
}
END_TEST

/* A server that fails fast fails its share under round robin, and draws more
 * than that under policies that look at the work in flight. */
START_TEST(a_black_hole_draws_traffic)
{
    const struct sim_fault hole = { .kind = SIM_FAIL_FAST, .server = 3 };
    struct sim_options o = options_for("round-robin", 5, 0.6);

    o.faults = &hole;
    o.faults_count = 1;
    run(&o);
    ck_assert_near(part_of(result.errors), 0.2, 0.001);
    o.policy = infra_balancer_policy_by_name("least-connections");
    run(&o);
    ck_assert_double_gt(part_of(result.errors), 0.25);
}
END_TEST

/* A restart resets what the server had. Until the balancers know they are
 * refused there; with news at once there is nothing to retry. */
START_TEST(a_restart_resets_and_is_noticed)
{
    const struct sim_fault restart = {
        .kind = SIM_RESTART, .server = 0, .begin = 20, .end = 40
    };
    struct sim_options o = options_for("round-robin", 2, 0.4);

    o.workers = 1000000;
    o.service_mean = 1;
    o.rate = 1000;
    o.requests = 60000;
    o.faults = &restart;
    o.faults_count = 1;
    run(&o);
    ck_assert_near((double)result.errors, 500, 0.15); /* In flight: Little. */
    ck_assert_uint_eq(result.retries, 0);
    ck_assert_near(result.spread, 4.0 / 3, 0.05);
    o.update_delay = 5;
    run(&o);
    ck_assert_uint_gt(result.retries, 2400); /* Half of 5 s, and turns that */
    ck_assert_uint_lt(result.retries, 5000); /* the retries themselves took. */
}
END_TEST

/* An absent server gets nothing, and its share after it has joined. */
START_TEST(a_fresh_server_joins)
{
    struct sim_fault absent = { .kind = SIM_ABSENT, .server = 1 };
    struct sim_options o = options_for("round-robin", 2, 0.4);

    o.rate = 1000;
    o.requests = 100000;
    o.faults = &absent;
    o.faults_count = 1;
    run(&o);
    ck_assert_near(result.spread, 2, 1e-6);
    absent.end = 40;
    o.update_delay = 10; /* So it works for the second half. */
    run(&o);
    ck_assert_uint_eq(result.retries, 0);
    ck_assert_near(result.spread, 1.5, 0.02);
}
END_TEST

/* Every ticket comes back in every scenario under every policy, with time-outs
 * and full queues on top; else the run answers EBUSY. */
START_TEST(every_ticket_comes_back)
{
    struct sim_options o = scenario_at((uint32_t)_i)->options;
    const char *name = NULL;

    if (!(o.rate > 0)) {
        o.rate = sim_rate(&o, scenario_at((uint32_t)_i)->load);
    }
    o.requests = 50000;
    o.queue_max = 20;
    o.timeout = 20 * o.service_mean;
    for (uint32_t i = 0; (name = infra_balancer_policy_name(i)) != NULL; i++) {
        o.policy = infra_balancer_policy_by_name(name);
        int err = sim_run(&result, &o);
        ck_assert_msg(err == INFRA_OK, "%s: %s", name, infra_strerror(err));
    }
}
END_TEST

/* Options that cannot be simulated are refused. */
START_TEST(impossible_options_are_refused)
{
    const struct sim_options good = options_for("round-robin", 2, 0.5);
    struct sim_options bad[6] = { good, good, good, good, good, good };

    bad[0].policy = NULL;
    bad[1].servers = 0;
    bad[2].balancers = 0;
    bad[3].workers = 0;
    bad[4].service_mean = 0;
    bad[5].rate = 0;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_int_eq(sim_run(&result, &bad[i]), INFRA_EINVAL);
    }
}
END_TEST

/* 1 and the trace if @text is one. */
static int read_text(struct sim_trace *ret, const char *text)
{
    char path[] = "trace-XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    int is_read = trace_read(ret, path);
    ck_assert_int_eq(unlink(path), 0);
    return is_read;
}

/* A trace has times from its first line on, keys where there are some, and a
 * run over it has exactly its arrivals. */
START_TEST(traces_are_replayed)
{
    struct sim_options o = options_for("round-robin", 1, 0.5);
    struct sim_trace t;

    ck_assert_int_eq(read_text(&t, "# seconds key\n1700000000.5 /a\n"
                                   "1700000000.75\n\n 1700000001.5\t/b x\r\n"
                                   "1700000001.5 /a"),
                     1);
    ck_assert_uint_eq(t.count, 4);
    ck_assert_uint_eq(t.times[0], 0);
    ck_assert_uint_eq(t.times[1], INFRA_MS(250));
    ck_assert_uint_eq(t.times[2], INFRA_SEC(1));
    ck_assert_uint_eq(t.times[3], INFRA_SEC(1));
    ck_assert_uint_eq(t.hashes[0], infra_xxhash64("/a", 2, 0));
    ck_assert_uint_eq(t.hashes[1], 0);
    ck_assert_uint_eq(t.hashes[2], infra_xxhash64("/b", 2, 0));
    ck_assert_uint_eq(t.hashes[3], t.hashes[0]);
    o.trace = &t;
    run(&o);
    ck_assert_uint_eq(result.latency.count, 4);
    o.requests = 3;
    run(&o);
    ck_assert_uint_eq(result.latency.count, 3);
    trace_free(&t);
}
END_TEST

/* What is not a trace is complained about. */
START_TEST(bad_traces_are_refused)
{
    static const char *const rows[] = { "",         "# none\n", "soon\n",
                                        "1.5x\n",   "2\n1\n",   "nan\n",
                                        "0\n2e9\n", "inf\n" };
    struct sim_trace t;

    ck_assert_int_eq(read_text(&t, rows[_i]), 0);
    ck_assert_int_eq(trace_read(&t, "no-such-trace"), 0);
}
END_TEST

/* Scenarios have names of their own, are found by them, and say what was
 * published about a policy. */
START_TEST(scenarios_are_found)
{
    const struct scenario *s = NULL;
    int count = 0;

    for (uint32_t i = 0; (s = scenario_at(i)) != NULL; i++) {
        ck_assert_ptr_eq(scenario_by_name(s->name), s);
        ck_assert_str_ne(s->help, "");
        count++;
    }
    ck_assert_int_ge(count, 9);
    ck_assert_ptr_null(scenario_by_name("none"));
    s = scenario_by_name("linkerd");
    ck_assert_str_eq(scenario_published(s, "round-robin"), "95 %");
    ck_assert_str_eq(scenario_published(s, "none"), "-");
}
END_TEST

/* The published figures of linkerd come out: one eleventh of half the minute is
 * slow under round robin, an eighth of that with the fewest in flight. */
START_TEST(linkerd_comes_out_as_published)
{
    struct sim_options o = scenario_by_name("linkerd")->options;

    o.policy = infra_balancer_policy_by_name("round-robin");
    run(&o);
    ck_assert_double_eq_tol(part_of(result.within), 0.9545, 0.001);
    o.policy = infra_balancer_policy_by_name("least-connections");
    run(&o);
    ck_assert_double_eq_tol(part_of(result.within), 0.995, 0.005);
}
END_TEST

/* Where nobody knows how fast a server is, and each balancer sees a hundredth
 * of the traffic, those that ask win: half of the others' p99, and less than
 * that of the one that learns from its own requests. */
START_TEST(prequal_finds_the_fast_servers)
{
    static const struct {
        const char *policy;
        double part;
    } others[] = { { "round-robin", 0.5 },
                   { "random", 0.5 },
                   { "two-choices", 0.5 },
                   { "least-connections", 0.5 },
                   { "peak-ewma", 0.9 } };
    struct sim_options o = scenario_by_name("unknown")->options;

    o.requests = 200000;
    o.rate = sim_rate(&o, scenario_by_name("unknown")->load);
    o.policy = infra_balancer_prequal();
    run(&o);
    double p99 = p99_ms();
    ck_assert_uint_eq(result.errors, 0);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        o.policy = infra_balancer_policy_by_name(others[i].policy);
        run(&o);
        ck_assert_msg(p99 < p99_ms() * others[i].part, "%s: %g to %g",
                      others[i].policy, p99, p99_ms());
    }
}
END_TEST

/* One of eleven servers takes 2 s for a while: Prequal sends less there than
 * those that count their work in flight. */
START_TEST(prequal_avoids_the_slow_server)
{
    struct sim_options o = scenario_by_name("linkerd")->options;

    o.policy = infra_balancer_policy_by_name("two-choices");
    run(&o);
    double within = part_of(result.within);
    o.policy = infra_balancer_prequal();
    run(&o);
    ck_assert_double_gt(part_of(result.within), within);
    ck_assert_double_gt(part_of(result.within), 0.996);
}
END_TEST

/* One reset, a crash and its end, one that is slow beside it: none of that
 * starves a backend that is well, by the load that the others bear for it. */
START_TEST(a_fault_that_is_over_is_over)
{
    static const char *const names[] = { "one-reset", "crash", "crash-slow" };
    const struct scenario *scenario = scenario_by_name(names[_i]);
    struct sim_options o = scenario->options;

    o.rate = sim_rate(&o, scenario->load);
    o.policy = infra_balancer_two_choices();
    run(&o);
    double within = part_of(result.within);
    o.policy = infra_balancer_peak_ewma();
    run(&o);
    ck_assert_double_gt(part_of(result.within), within - 0.002);
}
END_TEST

static Suite *compare_suite(void)
{
    Suite *suite = suite_create("compare");
    TCase *theory = tcase_create("theory");
    TCase *parts = tcase_create("parts");
    TCase *faults = tcase_create("faults");
    uint32_t scenarios = 0;

    while (scenario_at(scenarios) != NULL) {
        scenarios++;
    }
    tcase_add_loop_test(theory, one_server_is_m_m_1, 0, 3);
    tcase_add_test(theory, workers_make_m_m_c);
    tcase_add_test(theory, a_full_queue_answers_errors);
    tcase_add_test(theory, a_cap_loses_what_erlang_b_says);
    tcase_add_test(theory, round_robin_is_e_n_m_1);
    tcase_add_test(theory, random_is_many_m_m_1);
    tcase_add_test(theory, two_choices_meet_the_mean_field);
    suite_add_tcase(suite, theory);

    tcase_add_test(parts, histogram_knows_its_percentiles);
    tcase_add_test(parts, the_seed_decides);
    tcase_add_test(parts, policies_meet_the_same_traffic);
    tcase_add_loop_test(parts, service_times_have_their_mean, 0, 4);
    tcase_add_loop_test(parts, arrivals_have_their_rate, 0, 2);
    tcase_add_test(parts, servers_tell_the_median_at_their_load);
    tcase_add_test(parts, keys_follow_zipf);
    tcase_add_test(parts, speeds_are_weights);
    tcase_add_test(parts, impossible_options_are_refused);
    tcase_add_test(parts, traces_are_replayed);
    tcase_add_loop_test(parts, bad_traces_are_refused, 0, 8);
    tcase_add_test(parts, scenarios_are_found);
    suite_add_tcase(suite, parts);

    tcase_add_test(faults, requests_time_out);
    tcase_add_test(faults, faults_begin_and_end);
    tcase_add_test(faults, refused_requests_are_retried);
    tcase_add_test(faults, retries_are_limited);
    tcase_add_test(faults, a_black_hole_draws_traffic);
    tcase_add_test(faults, a_restart_resets_and_is_noticed);
    tcase_add_test(faults, a_fresh_server_joins);
    tcase_add_test(faults, linkerd_comes_out_as_published);
    tcase_add_test(faults, prequal_finds_the_fast_servers);
    tcase_add_test(faults, prequal_avoids_the_slow_server);
    tcase_add_loop_test(faults, a_fault_that_is_over_is_over, 0, 3);
    tcase_add_loop_test(faults, every_ticket_comes_back, 0, (int)scenarios);
    suite_add_tcase(suite, faults);
    return suite;
}

int main(void)
{
    return test_main(compare_suite());
}
