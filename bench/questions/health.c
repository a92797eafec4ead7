/* SPDX-License-Identifier: MIT */
/* What does it cost to check many backends each second, and how soon is one
 * that fails noticed? Expected: at 10 000 backends a fraction of one core, no
 * check later than a few milliseconds, and never more than the bound that the
 * options promise.
 *
 * The backends are addresses of 127.0.0.0/8, every SICK_ONE_IN-th of them at a
 * second server; the servers are processes of their own on another processor.
 * The prober runs as a host would run it, in an event loop. After the measured
 * time the second server is killed (tcp), or stopped so that it hangs (http).
 *
 * cpu_us is what the checker spent per check, in user and system time; on the
 * loopback that holds much of the server's half of TCP as well. bare_us is the
 * same for the bare system calls: socket, connect, epoll, SO_ERROR, with http
 * send and recv, and close. server_us is what the servers spent. Lateness is
 * from when a check was due to when it started: the percentile is taken over
 * the latest of each turn of the loop. The bound of detection is `fall`
 * intervals, the time-out, and the lateness. */
#include "../bench.h"
#include "../sim/histogram.h"
#include "health_server.h"

#include <errno.h>
#include <infra/driver.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { SICK_ONE_IN = 20, FALL = 3 };

struct run {
    const char *name;
    bool is_http;
    bool is_late; /* One intended pause. */
    uint32_t backends;
    infra_time inter;
    infra_time measured; /* Its length. */
    struct bench_server servers[2];
    struct infra_driver *driver;
    struct infra_prober *prober;
    /* Out: */
    double checks_per_s;
    double cpu_us;
    double bare_us;
    double server_us;
    double late_p99_ms;
    double late_max_ms;
    struct histogram late;
    struct histogram detection;
};

static double cpu_us(int who)
{
    struct rusage u;

    getrusage(who, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static infra_time timeout_of(const struct run *r)
{
    return r->inter / 2;
}

static int set_backend(const struct run *r, uint32_t id)
{
    const struct bench_server *server =
        &r->servers[id % SICK_ONE_IN == SICK_ONE_IN - 1];
    const struct sockaddr_in address = bench_server_address(server, id);
    const struct infra_probe_timeouts timeouts = { .size = sizeof timeouts,
                                                   .connect_timeout =
                                                       timeout_of(r),
                                                   .response_timeout =
                                                       timeout_of(r) };
    const struct infra_probe_tcp_options tcp = { .size = sizeof tcp,
                                                 .timeouts = &timeouts };
    const struct infra_probe_http_options http = { .size = sizeof http,
                                                   .timeouts = &timeouts };
    struct infra_prober_target target = {
        .size = sizeof target,
        .address = (const struct sockaddr *)&address,
        .address_size = sizeof address,
        .id = id,
    };
    char key[16];

    snprintf(key, sizeof key, "b%u", (unsigned)id);
    target.key = key;
    int err = r->is_http ? infra_probe_http(&target.probe, &http)
                         : infra_probe_tcp(&target.probe, &tcp);
    if (err == INFRA_OK) {
        err = infra_prober_set(r->prober, &target, infra_driver_now());
        if (err != INFRA_OK) {
            infra_probe_destroy(target.probe);
        }
    }
    return err;
}

static int create(struct run *r)
{
    const struct infra_health_options health = {
        .size = sizeof health,
        .inter = r->inter,
        .ids_max = r->backends,
        .fall = FALL,
        .initial = INFRA_HEALTH_INITIAL_FULLY_UP,
    };
    const struct infra_prober_options o = { .size = sizeof o,
                                            .health = &health };

    int err = infra_driver_create(&r->driver, NULL);
    if (err == INFRA_OK) {
        err = infra_prober_create(&r->prober, r->driver, &o);
    }
    for (uint32_t id = 0; err == INFRA_OK && id < r->backends; id++) {
        err = set_backend(r, id);
    }
    return err;
}

/* One turn of the host's loop; how late it came is noted. */
static void turn(struct run *r, infra_time until)
{
    struct infra_prober_status before = { .size = sizeof before };
    struct infra_prober_status after = { .size = sizeof after };
    infra_time due = infra_driver_deadline(r->driver);
    infra_time now = infra_driver_now();
    infra_time end = due < until ? due : until;
    /* Rounded up, or it would spin through the last millisecond. */
    infra_time ms = end > now ? (end - now - 1) / INFRA_MS(1) + 1 : 0;
    struct pollfd p = { .fd = infra_driver_fd(r->driver), .events = POLLIN };

    (void)poll(&p, 1, (int)ms);
    now = infra_driver_now();
    (void)infra_prober_inspect_load(r->prober, &before);
    (void)infra_driver_step(r->driver, now);
    (void)infra_prober_inspect_load(r->prober, &after);
    for (uint64_t i = before.started; i < after.started; i++) {
        histogram_add(&r->late, now > due ? now - due : 0);
    }
}

static uint64_t checks(const struct run *r)
{
    struct infra_prober_status stats = { .size = sizeof stats };

    (void)infra_prober_inspect_load(r->prober, &stats);
    return stats.started;
}

/* Measure with all backends up. */
static void measure_cost(struct run *r)
{
    infra_time begin = infra_driver_now();
    infra_time warm = begin + r->inter;

    while (infra_driver_now() < warm) { /* The first check of each. */
        turn(r, warm);
    }
    uint64_t count = checks(r);
    double cpu = cpu_us(RUSAGE_SELF);
    double server_cpu = bench_server_cpu_us(&r->servers[0]) +
                        bench_server_cpu_us(&r->servers[1]);
    infra_time start = infra_driver_now();
    memset(&r->late, 0, sizeof r->late);
    while (infra_driver_now() < start + r->measured) {
        turn(r, start + r->measured);
    }
    double made = (double)(checks(r) - count);
    r->late_p99_ms = histogram_percentile(&r->late, 0.99) / 1e6;
    r->late_max_ms = histogram_percentile(&r->late, 1) / 1e6;
    r->checks_per_s = made / (double)(infra_driver_now() - start) * 1e9;
    r->cpu_us = (cpu_us(RUSAGE_SELF) - cpu) / made;
    r->server_us = (bench_server_cpu_us(&r->servers[0]) +
                    bench_server_cpu_us(&r->servers[1]) - server_cpu) /
                   made;
    r->bare_us = bench_server_bare_us(&r->servers[0], r->is_http,
                                      (int)(made < 5000 ? made : 5000));
}

/* The pause of a busy host's loop: the prober doubts itself and reports it.
 * With many backends this happens by itself. */
static void be_late(struct run *r)
{
    turn(r, infra_driver_now() + r->inter);
    (void)poll(NULL, 0, 2 * (int)(INFRA_HEALTH_LATE / INFRA_MS(1)));
}

/* Is the event of a backend that did not fail? Events of the prober itself are
 * not. */
static bool is_imagined(const struct infra_health_event *event)
{
    return event->id != INFRA_HEALTH_NOBODY &&
           (event->kind != INFRA_HEALTH_EVENT_DOWN ||
            event->id % SICK_ONE_IN != SICK_ONE_IN - 1);
}

/* The second server fails: time until the host has an event of each of its
 * backends. Not 0: some are missing, or others failed. */
static int measure_detection(struct run *r)
{
    infra_time failed_at = infra_driver_now();
    /* When overloaded. */
    infra_time until = failed_at + 4 * FALL * r->inter + INFRA_SEC(10);
    uint32_t left = r->backends / SICK_ONE_IN;
    int others = 0;
    uint32_t doubts = 0;

    bench_server_signal(&r->servers[1], r->is_http ? SIGSTOP : SIGKILL);
    while (left > 0 && infra_driver_now() < until) {
        struct infra_health_event event;
        turn(r, until);
        infra_time now = infra_driver_now();
        while (infra_prober_next(r->prober, now, &event) == INFRA_OK) {
            others += is_imagined(&event);
            doubts += event.kind == INFRA_HEALTH_EVENT_DOUBT;
            if (event.kind == INFRA_HEALTH_EVENT_DOWN && !is_imagined(&event)) {
                histogram_add(&r->detection, now - failed_at);
                left--;
            }
        }
    }
    if (r->is_late && doubts == 0) {
        fprintf(stderr, "infra-bench: %s: no doubt of a late loop\n", r->name);
        return -1;
    }
    if (left != 0 || others != 0) {
        fprintf(stderr, "infra-bench: %s: %u failures missed, %d imagined\n",
                r->name, (unsigned)left, others);
        return -1;
    }
    return 0;
}

static void print_row(struct report *report, const struct run *r)
{
    double bound = (double)(FALL * r->inter + timeout_of(r)) +
                   histogram_percentile(&r->late, 1);

    report_text(report, r->name);
    report_number(report, r->backends, 0);
    report_number(report, r->checks_per_s, 0);
    report_number(report, r->cpu_us, 1);
    report_number(report, r->bare_us, 1);
    report_number(report, r->server_us, 1);
    report_number(report, r->late_p99_ms, 2);
    report_number(report, r->late_max_ms, 2);
    report_number(report, histogram_percentile(&r->detection, 0.5) / 1e6, 0);
    report_number(report, histogram_percentile(&r->detection, 1) / 1e6, 0);
    report_number(report, bound / 1e6, 0);
}

static int measure(struct report *report, struct run *r)
{
    int err = bench_server_start(&r->servers[0], r->is_http);

    if (err == 0) {
        err = bench_server_start(&r->servers[1], r->is_http);
    }
    if (err != 0) {
        fprintf(stderr, "infra-bench: no server: %s\n", strerror(err));
    } else if ((err = create(r)) != INFRA_OK) {
        fprintf(stderr, "infra-bench: %s\n", infra_strerror(err));
    } else {
        measure_cost(r);
        if (r->is_late) {
            be_late(r);
        }
        err = measure_detection(r);
        if (err == 0) {
            print_row(report, r);
        }
    }
    infra_prober_destroy(r->prober);
    infra_driver_destroy(r->driver);
    bench_server_stop(&r->servers[0]);
    bench_server_stop(&r->servers[1]);
    return err;
}

/* 0, or an exit status. */
static int parse(const struct bench_options *options, uint32_t *backends,
                 uint32_t *seconds)
{
    for (char **own = options->own; *own != NULL; own += 2) {
        uint32_t *number = strcmp(own[0], "--backends") == 0  ? backends
                           : strcmp(own[0], "--seconds") == 0 ? seconds
                                                              : NULL;
        if (number == NULL) {
            return bench_complain("unknown option", own[0]);
        }
        int status = bench_number(own[1], 1, INFRA_HEALTH_IDS_MAX, number);
        if (status != 0) {
            return status;
        }
    }
    return *backends < SICK_ONE_IN ? bench_complain("too few", "--backends")
                                   : 0;
}

void bench_health_help(FILE *out)
{
    fprintf(out, "  --backends COUNT            how many; default 10000\n"
                 "  --seconds COUNT             how long; default 10\n");
}

int bench_health(const struct bench_options *options)
{
    static const char *const columns[] = {
        "check",     "backends",      "checks_s",    "cpu_us",
        "bare_us",   "server_us",     "late_p99_ms", "late_max_ms",
        "detect_ms", "detect_max_ms", "bound_ms",    NULL
    };
    static struct run runs[2];
    struct report report;
    uint32_t backends = options->quick ? 100 : 10000;
    uint32_t seconds = 10;

    int status = parse(options, &backends, &seconds);
    if (status != 0) {
        return status;
    }
    bench_server_pin_to(0);
    report_begin(&report, options->format, columns);
    for (size_t i = 0; i < 2; i++) {
        runs[i] = (struct run) {
            .name = i == 0 ? "tcp" : "http",
            .is_http = i == 1,
            .is_late = options->quick,
            .backends = backends,
            .inter = options->quick ? INFRA_MS(100) : INFRA_SEC(1),
            .measured = options->quick ? INFRA_MS(200) : INFRA_SEC(seconds),
        };
        report_progress(runs[i].name);
        if (measure(&report, &runs[i]) != 0) {
            return EXIT_FAILURE;
        }
    }
    report_progress("");
    report_end(&report);
    return EXIT_SUCCESS;
}
