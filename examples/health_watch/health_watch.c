/* SPDX-License-Identifier: MIT */
/*
 * Watch servers by health checks: a live table on a terminal, else one line for
 * each change.
 *
 *   health_watch --check http:/health 10.0.0.1:80 10.0.0.2:80 \
 *       10.0.0.3:3306=mysql,user=probe,password-env=PASSWORD,expect=replica
 *
 * One prober on one driver runs all checks on one thread. The id of a server is
 * its position among the arguments.
 */
#include "../common/arguments.h"
#include "../common/check_spec.h"
#include "../common/log.h"
#include "../common/secret.h"

#include <getopt.h>
#include <infra/driver.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REFRESH INFRA_MS(500)

static const char help[] =
    "usage: health_watch [OPTION]... ADDR:PORT[=CHECK]...\n"
    "\n"
    "Watch servers by health checks.  On a terminal the output is a table; "
    "elsewhere\n"
    "it is a line for each change with tab-separated fields: time, server, "
    "state,\n"
    "reason, result of the deciding check, its text.  Lines that the reader "
    "does not\n"
    "take in time are dropped; a line of server \"-\" and state \"log\" "
    "counts them.\n"
    "\n"
    "  --check CHECK       check of servers without a CHECK of their own "
    "(tcp)\n"
    "  --inter TIME        interval of the checks of a server (2s)\n"
    "  --fastinter TIME    interval while a server is about to change state "
    "(inter)\n"
    "  --downinter TIME    interval while a server is down (inter)\n"
    "  --rise N            passes in a row that bring a server up (2)\n"
    "  --fall N            failures in a row that take a server down (3)\n"
    "  --lines             print lines on a terminal, too\n"
    "  --once              check each server once and print one line for it; "
    "exit\n"
    "                      status 1 if a check failed\n"
    "  --help              print this text\n"
    "\n"
    "TIME is a whole number with its unit: 500ms, 2s, 10m.\n\n";

static const struct option long_options[] = {
    { "check", required_argument, NULL, 'c' },
    { "inter", required_argument, NULL, 'i' },
    { "fastinter", required_argument, NULL, 'F' },
    { "downinter", required_argument, NULL, 'D' },
    { "rise", required_argument, NULL, 'r' },
    { "fall", required_argument, NULL, 'f' },
    { "lines", no_argument, NULL, 'l' },
    { "once", no_argument, NULL, 'o' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

struct server {
    char *name;
    struct infra_probe *probe; /* Owned by the prober once that has it. */
    struct sockaddr_storage address;
    socklen_t address_size;
    infra_time since; /* Of its state. */
    bool is_known;    /* A check has ended. */
};

struct watch {
    struct infra_health_options health;
    struct infra_driver *driver;
    struct infra_prober *prober;
    struct server *servers;
    uint32_t count;
    struct check_spec *check;
    bool once;
    bool live;
};

static bool add_server(struct watch *w, char *text)
{
    struct server *s = &w->servers[w->count];
    char *equals = strchr(text, '=');

    s->name =
        strndup(text, equals != NULL ? (size_t)(equals - text) : strlen(text));
    if (s->name == NULL) {
        return arguments_wrong("out of memory");
    }
    w->count++;
    if (!read_address("server", s->name, false, &s->address,
                      &s->address_size)) {
        return false;
    }
    struct check_spec *spec =
        equals != NULL ? check_spec_read(s->name, equals + 1) : w->check;
    if (spec == NULL) {
        return false;
    }
    int err = check_spec_probe(spec, &s->probe);
    if (spec != w->check) {
        check_spec_free(spec);
    }
    return err == INFRA_OK || arguments_wrong("%s", infra_strerror(err));
}

static bool read_check(struct watch *w, char *text)
{
    check_spec_free(w->check);
    w->check = check_spec_read("--check", text);
    return w->check != NULL;
}

static bool read_option(struct watch *w, int option, char *value)
{
    struct infra_health_options *h = &w->health;

    switch (option) {
    case 'c':
        return read_check(w, value);
    case 'i':
        return read_time("--inter", value, &h->inter);
    case 'F':
        return read_time("--fastinter", value, &h->fastinter);
    case 'D':
        return read_time("--downinter", value, &h->downinter);
    case 'r':
        return read_count("--rise", value, INFRA_HEALTH_RISE_MAX, &h->rise);
    case 'f':
        return read_count("--fall", value, INFRA_HEALTH_RISE_MAX, &h->fall);
    case 'l':
        w->live = false;
        return true;
    case 'o':
        w->once = true;
        w->live = false;
        return true;
    default:
        return false; /* getopt_long() has printed the error. */
    }
}

static bool start(struct watch *w)
{
    const struct infra_prober_options options = { .size = sizeof options,
                                                  .health = &w->health };
    int err;

    w->health.size = sizeof w->health;
    w->health.seed = infra_driver_now() ^ (uint64_t)getpid() << 32;
    w->health.ids_max = w->count;
    w->health.start_spread = w->once ? 1 : 0;
    err = infra_driver_create(&w->driver, NULL);
    if (err == INFRA_OK) {
        err = infra_prober_create(&w->prober, w->driver, &options);
    }
    for (uint32_t id = 0; id < w->count && err == INFRA_OK; id++) {
        struct server *s = &w->servers[id];
        const struct infra_prober_target target = {
            .size = sizeof target,
            .key = s->name,
            .address = (const struct sockaddr *)&s->address,
            .probe = s->probe,
            .id = id,
            .address_size = s->address_size,
        };
        s->since = infra_driver_now();
        err = infra_prober_set(w->prober, &target, s->since);
    }
    return err == INFRA_OK || arguments_wrong("%s", infra_strerror(err));
}

/* The last result of a server beside its reason. */
static void print_result(FILE *out, const struct server *s,
                         const struct infra_probe_result *r)
{
    const char *message = infra_probe_text(s->probe, INFRA_PROBE_TEXT_MESSAGE);

    if ((r->has & INFRA_PROBE_HAS_ROLE) != 0) {
        fprintf(out, "%s ", infra_probe_role_name(r->role));
    }
    if ((r->has & INFRA_PROBE_HAS_LAG) != 0) {
        fprintf(out, "lag %.1f s ", (double)r->lag / 1e9);
    }
    if ((r->has & INFRA_PROBE_HAS_WEIGHT) != 0) {
        fprintf(out, "weight %u %% ", (unsigned)r->weight_percent);
    }
    fprintf(out, "%.60s", message);
}

static const char *state_of(const struct infra_health_status *h)
{
    return h->checks == 0     ? "-"
           : h->degraded != 0 ? "degraded"
           : h->up != 0       ? "up"
                              : "down";
}

static void stamp(char *text, size_t size)
{
    time_t now = time(NULL);
    struct tm tm;

    (void)strftime(text, size, "%Y-%m-%dT%H:%M:%S\t", localtime_r(&now, &tm));
}

static void print_change(FILE *out, const struct watch *w,
                         const struct infra_health_event *e)
{
    struct infra_probe_result r;

    if (e->id == INFRA_HEALTH_NOBODY) {
        fprintf(out, "-\t%s\t%s\t\t", infra_health_event_name(e->kind),
                infra_health_reason_name(e->reason));
        return;
    }
    (void)infra_prober_inspect(w->prober, e->id, NULL, &r);
    bool is_wish = e->kind == INFRA_HEALTH_EVENT_WISH;
    fprintf(out, "%s\t%s\t%s\t%s\t", w->servers[e->id].name,
            infra_health_event_name(e->kind),
            is_wish ? "-" : infra_health_reason_name(e->reason),
            is_wish ? "-" : infra_probe_reason_name(e->detail));
    print_result(out, &w->servers[e->id], &r);
}

static void print_row(FILE *out, const struct watch *w, uint32_t id,
                      infra_time now)
{
    struct infra_health_status h = { .size = sizeof h };
    struct infra_probe_result r;
    const struct server *s = &w->servers[id];

    (void)infra_prober_inspect(w->prober, id, &h, &r);
    fprintf(out, "%-24s %-8s %6llu s  %7.1f ms  %8llu %8llu  %-20s ", s->name,
            state_of(&h), (unsigned long long)((now - s->since) / INFRA_SEC(1)),
            (double)r.duration / 1e6, (unsigned long long)h.checks,
            (unsigned long long)h.failures,
            h.checks > 0 ? infra_probe_reason_name(r.reason) : "");
    print_result(out, s, &r);
    fprintf(out, "\033[K\n");
}

/* Overwrite the previous table. */
static void print_table(FILE *out, const struct watch *w, infra_time now)
{
    struct infra_prober_status load = { .size = sizeof load };

    fprintf(out, "\033[H%-24s %-8s %8s  %10s  %8s %8s  %s\033[K\n", "server",
            "state", "since", "last", "checks", "failed",
            "result of the last check");
    for (uint32_t id = 0; id < w->count; id++) {
        print_row(out, w, id, now);
    }
    (void)infra_prober_inspect_load(w->prober, &load);
    fprintf(out,
            "%u running, %u waiting, at most %.1f ms late; Ctrl-C ends\033[K\n"
            "\033[J",
            (unsigned)load.running, (unsigned)load.waiting,
            (double)load.late_max / 1e6);
}

/* Composed first, so that it is written at once and without waiting. */
static void show_change(const struct watch *w,
                        const struct infra_health_event *e)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (out != NULL) {
        print_change(out, w, e);
        if (fclose(out) == 0) {
            log_line("%s", text);
        }
        free(text);
    }
}

static void show_table(const struct watch *w, infra_time now)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (out != NULL) {
        print_table(out, w, now);
        if (fclose(out) == 0) {
            log_block(text, size);
        }
        free(text);
    }
}

static int wait_ms(infra_time until)
{
    infra_time now = infra_driver_now();

    return until <= now ? 0 : (int)((until - now) / INFRA_MS(1)) + 1;
}

static void watch(struct watch *w)
{
    struct pollfd fd = { .fd = infra_driver_fd(w->driver), .events = POLLIN };
    infra_time refresh = 0;
    /* Each line is a rare event, so none of them is rate-limited. */
    const struct log_options options = {
        .fd = STDOUT_FILENO,
        .stamp = w->live ? NULL : stamp,
        .own = "-\tlog\t",
    };

    log_open(&options);
    if (w->live) {
        log_block("\033[2J", 4);
    }
    for (;;) {
        infra_time now = infra_driver_now();
        infra_time until = infra_driver_deadline(w->driver);
        struct infra_health_event e;

        if (w->live && now >= refresh) {
            show_table(w, now);
            refresh = now + REFRESH;
        }
        until = until < now + REFRESH ? until : now + REFRESH;
        (void)poll(&fd, 1, wait_ms(until));
        (void)infra_driver_step(w->driver, infra_driver_now());
        while (infra_prober_next(w->prober, infra_driver_now(), &e) ==
               INFRA_OK) {
            if (e.id != INFRA_HEALTH_NOBODY &&
                e.kind != INFRA_HEALTH_EVENT_WISH) {
                w->servers[e.id].since = e.at;
            }
            if (!w->live) {
                show_change(w, &e);
            }
        }
        log_tend();
    }
}

/* Print one line for each server when its first check ends. */
static bool watch_once(struct watch *w)
{
    uint32_t left = w->count;
    bool all_passed = true;

    while (left > 0) {
        int err = infra_driver_run(w->driver, infra_driver_now() + INFRA_MS(5));
        if (err != INFRA_OK && err != INFRA_EAGAIN) {
            return arguments_wrong("%s", infra_strerror(err));
        }
        for (uint32_t id = 0; id < w->count; id++) {
            struct infra_health_status h = { .size = sizeof h };
            struct infra_probe_result r;
            struct server *s = &w->servers[id];
            (void)infra_prober_inspect(w->prober, id, &h, &r);
            if (h.checks == 0 || s->is_known) {
                continue;
            }
            s->is_known = true;
            left--;
            all_passed &= r.outcome == INFRA_OUTCOME_OK;
            printf("%s\t%s\t%.1f ms\t", s->name,
                   infra_probe_reason_name(r.reason), (double)r.duration / 1e6);
            print_result(stdout, s, &r);
            printf("\n");
        }
    }
    return all_passed;
}

int main(int argc, char **argv)
{
    char tcp[] = "tcp";
    struct watch w = { .live = isatty(STDOUT_FILENO) };
    bool good = true;
    int option;

    arguments_begin("health_watch");
    w.servers = calloc((size_t)argc, sizeof *w.servers);
    while (good &&
           (option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == 'h') {
            printf("%s%s", help, check_spec_help());
            free(w.servers);
            return EXIT_SUCCESS;
        }
        good = read_option(&w, option, optarg);
    }
    if (good && optind == argc) {
        good = arguments_wrong("no server is given (try --help)");
    }
    good = good && (w.check != NULL || read_check(&w, tcp));
    for (int i = optind; good && i < argc; i++) {
        good = w.servers != NULL && add_server(&w, argv[i]);
    }
    check_spec_free(w.check);
    secret_forget_environment();
    if (!good) {
        free(w.servers);
        return 2;
    }
    good = start(&w);
    if (good && w.once) {
        good = watch_once(&w);
    } else if (good) {
        watch(&w);
    }
    infra_prober_destroy(w.prober);
    infra_driver_destroy(w.driver);
    for (uint32_t id = 0; id < w.count; id++) {
        free(w.servers[id].name);
    }
    free(w.servers);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
