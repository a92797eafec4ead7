/* SPDX-License-Identifier: MIT */
/*
 * What a server can bear, for its load balancer and for Prometheus: CPU, memory
 * and connections of this machine, as an answer to HAProxy's agent-check and as
 * OpenMetrics.
 *
 *   node_agent --agent 10.0.0.31:9101 [--metrics PORT]
 *   tcp_proxy --check agent --check-port 9101 --outlier 3 ... 10.0.0.31:80
 *
 * Each client of --agent gets one line, such as "75%\n": the part of its weight
 * that the server asks for.  It is the free part of what is scarcest, CPU or
 * memory, but 1 at least: 0 would mean that nobody may come, and whether the
 * server works is for other checks to say.  The CPU is averaged over about ten
 * seconds, so that weights do not swing with each request.
 */
#include "common/admin.h"
#include "common/arguments.h"

#include <infra/infra.h>

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SAMPLE_EVERY INFRA_SEC(1)
#define AVERAGE_OVER 10.0 /* Samples. */

/* A sample of this machine; ratios are 0 to 1. */
struct node {
    uint64_t cpu_busy; /* Ticks since boot. */
    uint64_t cpu_all;
    double cpu_ratio; /* Averaged; negative: not known yet. */
    double memory_ratio;
    uint64_t memory_bytes;
    uint64_t connections;
};

struct agent {
    struct node node;
    struct infra_metrics *metrics;
    struct infra_metrics_text *text;
    uint32_t series[5];
};

static void sample_cpu(struct node *n)
{
    unsigned long long v[8] = { 0 };
    FILE *f = fopen("/proc/stat", "re");
    int count =
        f == NULL
            ? 0
            : fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &v[0],
                     &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]);
    if (f != NULL) {
        fclose(f);
    }
    if (count != 8) {
        return;
    }
    uint64_t idle = v[3] + v[4], all = 0;
    for (int i = 0; i < 8; i++) {
        all += v[i];
    }
    if (n->cpu_all != 0 && all > n->cpu_all) {
        double busy =
            (double)(all - idle - n->cpu_busy) / (double)(all - n->cpu_all);
        n->cpu_ratio = n->cpu_ratio < 0 ? busy
                                        : n->cpu_ratio + (busy - n->cpu_ratio) /
                                                             AVERAGE_OVER;
    }
    n->cpu_all = all;
    n->cpu_busy = all - idle;
}

static void sample_memory(struct node *n)
{
    unsigned long long total = 0, available = 0;
    char line[128];
    FILE *f = fopen("/proc/meminfo", "re");

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        (void)sscanf(line, "MemTotal: %llu", &total);
        (void)sscanf(line, "MemAvailable: %llu", &available);
    }
    if (f != NULL) {
        fclose(f);
    }
    if (total > 0 && available <= total) {
        n->memory_bytes = (total - available) * 1024;
        n->memory_ratio = (double)(total - available) / (double)total;
    }
}

static void sample_connections(struct node *n)
{
    unsigned long long count = 0;
    char line[256];
    FILE *f = fopen("/proc/net/sockstat", "re");

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        (void)sscanf(line, "TCP: inuse %llu", &count);
    }
    if (f != NULL) {
        fclose(f);
    }
    n->connections = count;
}

static unsigned weight_of(const struct node *n)
{
    double cpu = n->cpu_ratio > 0 ? n->cpu_ratio : 0;
    double used = cpu > n->memory_ratio ? cpu : n->memory_ratio;
    double percent = 100 * (1 - used) + 0.5;

    return percent < 1 ? 1 : percent > 100 ? 100 : (unsigned)percent;
}

static void publish(struct agent *a)
{
    const struct node *n = &a->node;
    const int64_t values[] = { n->cpu_ratio < 0 ? INFRA_METRICS_UNKNOWN
                                                : (int64_t)(n->cpu_ratio * 1e6),
                               (int64_t)(n->memory_ratio * 1e6),
                               (int64_t)n->memory_bytes,
                               (int64_t)n->connections,
                               (int64_t)weight_of(n) * 10000 };

    for (int i = 0; i < 5; i++) {
        (void)infra_metrics_set(a->metrics, a->series[i], values[i]);
    }
}

static int prepare(struct agent *a)
{
    static const struct {
        const char *name;
        const char *help;
        uint32_t unit;
    } rows[] = {
        { "node_cpu_used_ratio", "Busy part of all CPUs, over ten seconds.",
          INFRA_METRICS_UNIT_RATIO },
        { "node_memory_used_ratio", "Part of the memory that is not available.",
          INFRA_METRICS_UNIT_RATIO },
        { "node_memory_used_bytes", "Memory that is not available.",
          INFRA_METRICS_UNIT_BYTES },
        { "node_tcp_connections", "TCP sockets in use.", 0 },
        { "node_weight_ratio", "Part of its weight that this server asks for.",
          INFRA_METRICS_UNIT_RATIO },
    };
    int err = infra_metrics_create(&a->metrics, NULL);

    for (uint32_t i = 0; i < 5 && err == INFRA_OK; i++) {
        const struct infra_metrics_family f = {
            .size = sizeof f,
            .name = rows[i].name,
            .help = rows[i].help,
            .unit = rows[i].unit,
            .kind = INFRA_METRICS_KIND_GAUGE,
        };
        uint32_t family;
        err = infra_metrics_family_add(a->metrics, &f, &family);
        if (err == INFRA_OK) {
            err = infra_metrics_series_add(a->metrics, family, NULL,
                                           &a->series[i]);
        }
    }
    return err != INFRA_OK ? err
                           : infra_metrics_text_create(&a->text, a->metrics);
}

static void answer(void *user, const struct admin_request *request,
                   struct admin_reply *reply)
{
    struct agent *a = user;
    uint32_t format = request->wants_openmetrics
                          ? INFRA_METRICS_FORMAT_OPENMETRICS
                          : INFRA_METRICS_FORMAT_PROMETHEUS;
    char piece[4096];
    size_t size;

    if (strcmp(request->path, "/metrics") != 0) {
        reply->status = 404;
        return;
    }
    reply->type = infra_metrics_content_type(format);
    (void)infra_metrics_text_begin(a->text, format);
    while ((size = infra_metrics_text_read(a->text, piece, sizeof piece)) > 0) {
        page_bytes(&reply->body, piece, size);
    }
}

/* A line fits into the buffer of a new socket, so nobody is waited for. */
static void say_weight(const struct agent *a, int listener)
{
    char line[16];
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        int size = snprintf(line, sizeof line, "%u%%\n", weight_of(&a->node));
        (void)send(fd, line, (size_t)size, MSG_NOSIGNAL);
        close(fd);
    }
}

static int listen_on(const struct sockaddr_storage *address, socklen_t size)
{
    const int on = 1;
    int fd = socket(address->ss_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0 &&
        (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
         bind(fd, (const struct sockaddr *)address, size) != 0 ||
         listen(fd, 64) != 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static volatile sig_atomic_t is_over;

static void stop(int number)
{
    (void)number;
    is_over = 1;
}

/* Sample each second, and answer, until a signal comes. */
static void serve(struct agent *a, int agent_fd, struct admin *admin)
{
    struct pollfd fds[] = {
        { .fd = agent_fd, .events = POLLIN },
        { .fd = admin != NULL ? admin_fd(admin) : -1, .events = POLLIN },
    };
    infra_time next = 0;

    while (!is_over) {
        infra_time now = infra_driver_now();
        if (now >= next) {
            sample_cpu(&a->node);
            sample_memory(&a->node);
            sample_connections(&a->node);
            publish(a);
            next = now + SAMPLE_EVERY;
        }
        if (poll(fds, 2, (int)((next - now) / INFRA_MS(1)) + 1) <= 0) {
            fds[0].revents = 0;
        }
        if (fds[0].revents != 0) {
            say_weight(a, agent_fd);
        }
        if (admin != NULL) {
            admin_step(admin, infra_driver_now());
        }
    }
}

static const char help[] =
    "usage: node_agent --agent ADDR:PORT [--metrics [ADDR:]PORT]\n"
    "\n"
    "Tell a load balancer what this server can bear: each client gets one "
    "line\n"
    "of HAProxy's agent-check, such as 75%, the free part of CPU or memory,\n"
    "whichever is scarcer.\n"
    "\n"
    "  --agent ADDR:PORT        address for load balancers\n"
    "  --metrics [ADDR:]PORT    /metrics for Prometheus, on 127.0.0.1 unless\n"
    "                           ADDR says otherwise (off)\n"
    "  --help                   this text\n";

struct addresses {
    struct sockaddr_storage agent;
    struct sockaddr_storage metrics;
    socklen_t agent_size;
    socklen_t metrics_size; /* 0: none. */
};

/* 0: go on; else the exit status plus 1. */
static int read_arguments(int argc, char **argv, struct addresses *ret)
{
    static const struct option options[] = {
        { "agent", required_argument, NULL, 'a' },
        { "metrics", required_argument, NULL, 'm' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    char local[64];
    bool ok = true;
    int option;

    arguments_begin("node_agent");
    while (ok && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            return 1;
        }
        if (option == 'a') {
            ok = read_address("--agent", optarg, true, &ret->agent,
                              &ret->agent_size);
        } else if (option == 'm') {
            (void)snprintf(local, sizeof local, "%s%.40s",
                           strchr(optarg, ':') == NULL ? "127.0.0.1:" : "",
                           optarg);
            ok = read_address("--metrics", local, true, &ret->metrics,
                              &ret->metrics_size);
        } else {
            ok = false;
        }
    }
    if (ok && (ret->agent_size == 0 || optind != argc)) {
        ok = arguments_wrong("--agent ADDR:PORT is missing (try --help)");
    }
    return ok ? 0 : 3;
}

int main(int argc, char **argv)
{
    struct addresses at = { .agent_size = 0 };
    struct agent a = { .node = { .cpu_ratio = -1 } };
    struct admin *admin = NULL;
    int status = read_arguments(argc, argv, &at);

    if (status != 0) {
        return status - 1;
    }
    const struct admin_options o = { (const struct sockaddr *)&at.metrics,
                                     at.metrics_size, answer, &a };
    struct sigaction action = { .sa_handler = stop };
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    int fd = listen_on(&at.agent, at.agent_size);
    int err = fd >= 0 ? prepare(&a) : INFRA_ESYSTEM;
    if (err == INFRA_OK && at.metrics_size > 0 &&
        (errno = admin_create(&admin, &o)) != 0) {
        err = INFRA_ESYSTEM;
    }
    if (err == INFRA_OK) {
        serve(&a, fd, admin);
    } else {
        (void)arguments_wrong("cannot start: %s", arguments_why(err));
    }
    admin_destroy(admin);
    infra_metrics_text_destroy(a.text);
    infra_metrics_destroy(a.metrics);
    if (fd >= 0) {
        close(fd);
    }
    return err == INFRA_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
