/* SPDX-License-Identifier: MIT */
/* The metrics of tcp_proxy: what its workers count, and what its balancer,
 * checks and outlier detection know, collected before each text. */
#include "proxy.h"
#include "proxy_admin.h"

#include "../common/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Room for each backend's series, and for those of the proxy. */
#define SERIES_PER_BACKEND 20u
#define SERIES_APART 64u

static const char *const backend_label[] = { "backend" };
static const char *const reason_label[] = { "reason" };
static const char *const direction_label[] = { "direction" };
static const char *const build_label[] = { "version", "policy" };

static const struct infra_metrics_family families[] = {
    { .size = sizeof families[0],
      .name = "infra_build",
      .help = "What runs here.",
      .kind = INFRA_METRICS_KIND_INFO,
      .labels = build_label,
      .labels_count = 2 },
    { .size = sizeof families[0],
      .name = "infra_sessions_started",
      .help = "Clients taken in.",
      .kind = INFRA_METRICS_KIND_COUNTER },
    { .size = sizeof families[0],
      .name = "infra_sessions_ended",
      .help = "Sessions by the reason of their end.",
      .kind = INFRA_METRICS_KIND_COUNTER,
      .labels = reason_label,
      .labels_count = 1 },
    { .size = sizeof families[0],
      .name = "infra_session_bytes",
      .help = "Bytes passed on, from clients (in) and to clients (out).",
      .kind = INFRA_METRICS_KIND_COUNTER,
      .unit = INFRA_METRICS_UNIT_BYTES,
      .labels = direction_label,
      .labels_count = 1 },
    { .size = sizeof families[0],
      .name = "infra_session_seconds",
      .help = "How long sessions last.",
      .kind = INFRA_METRICS_KIND_HISTOGRAM,
      .unit = INFRA_METRICS_UNIT_SECONDS },
    { .size = sizeof families[0],
      .name = "infra_backend_connect_seconds",
      .help = "Time to connect to a backend.",
      .kind = INFRA_METRICS_KIND_HISTOGRAM,
      .unit = INFRA_METRICS_UNIT_SECONDS,
      .labels = backend_label,
      .labels_count = 1 },
    { .size = sizeof families[0],
      .name = "infra_sessions",
      .help = "Sessions now.",
      .kind = INFRA_METRICS_KIND_GAUGE },
    { .size = sizeof families[0],
      .name = "infra_clients_refused",
      .help = "Clients refused since their address has too many sessions.",
      .kind = INFRA_METRICS_KIND_COUNTER },
    { .size = sizeof families[0],
      .name = "infra_sessions_full",
      .help = "Times that a client had to wait for a free place.",
      .kind = INFRA_METRICS_KIND_COUNTER },
};

enum { BUILD, STARTED, ENDED, BYTES, DURATION, CONNECT, NOW, REFUSED, FULL };

static uint32_t series(struct proxy *proxy, uint32_t family, const char *a,
                       const char *b, int *err)
{
    const char *values[] = { a, b };
    uint32_t id = INFRA_METRICS_NO_SERIES;
    int now = infra_metrics_series_add(proxy->metrics, family, values, &id);

    *err = *err != INFRA_OK ? *err : now;
    return id;
}

/* Families have the numbers of the table. */
static int add_series(struct proxy *proxy)
{
    struct relay_series *s = &proxy->series;
    char version[16];
    int err = INFRA_OK;

    for (uint32_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        uint32_t id;
        int now = infra_metrics_family_add(proxy->metrics, &families[i], &id);
        if (now != INFRA_OK) {
            return now;
        }
    }
    proxy_admin_version(version, sizeof version);
    (void)series(proxy, BUILD, version, proxy->options.policy->name, &err);
    s->sessions = series(proxy, STARTED, NULL, NULL, &err);
    for (uint32_t i = 0; i < RELAY_ENDS; i++) {
        s->ended[i] = series(proxy, ENDED, relay_end_name(i), NULL, &err);
    }
    s->received_bytes = series(proxy, BYTES, "in", NULL, &err);
    s->sent_bytes = series(proxy, BYTES, "out", NULL, &err);
    s->session_seconds = series(proxy, DURATION, NULL, NULL, &err);
    for (uint32_t id = 0; id < proxy->options.backends_count; id++) {
        s->connect_seconds[id] = series(
            proxy, CONNECT, proxy->options.backends[id].name, NULL, &err);
    }
    proxy->sessions_now = series(proxy, NOW, NULL, NULL, &err);
    proxy->clients_refused = series(proxy, REFUSED, NULL, NULL, &err);
    proxy->sessions_full = series(proxy, FULL, NULL, NULL, &err);
    return err;
}

void proxy_admin_version(char *text, size_t size)
{
    uint32_t v = infra_version();

    (void)snprintf(text, size, "%u.%u.%u", (unsigned)(v >> 16),
                   (unsigned)(v >> 8 & 0xff), (unsigned)(v & 0xff));
}

static uint64_t unix_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

bool proxy_admin_prepare(struct proxy *proxy)
{
    uint32_t backends = proxy->options.backends_count;
    const struct infra_metrics_options o = {
        .size = sizeof o,
        .created = unix_now(),
        .series_max = SERIES_APART + SERIES_PER_BACKEND * backends,
        .writers_max = proxy->options.threads,
    };

    if (proxy->options.admin.size == 0) {
        return true;
    }
    proxy->started = infra_driver_now();
    proxy->series.connect_seconds =
        calloc(backends, sizeof *proxy->series.connect_seconds);
    proxy->names = calloc(backends, sizeof *proxy->names);
    if (proxy->series.connect_seconds == NULL || proxy->names == NULL) {
        return proxy_step("metrics", INFRA_ENOMEM);
    }
    for (uint32_t id = 0; id < backends; id++) {
        proxy->names[id] = proxy->options.backends[id].name;
    }
    int err = history_open(&proxy->history, proxy->names, backends) == 0
                  ? infra_metrics_create(&proxy->metrics, &o)
                  : INFRA_ENOMEM;
    if (err == INFRA_OK) {
        err = add_series(proxy);
    }
    if (err == INFRA_OK) {
        err = infra_metrics_text_create(&proxy->text, proxy->metrics);
    }
    if (err == INFRA_OK) {
        err = infra_collect_create(&proxy->collect, proxy->metrics, "infra",
                                   NULL);
    }
    if (err > 0) {
        log_line("metrics: %s", infra_metrics_flaw_name((uint32_t)err));
        return false;
    }
    return proxy_step("metrics", err);
}

static uint32_t tiers_of(const struct proxy *proxy)
{
    uint32_t last = 0;

    for (uint32_t id = 0; id < proxy->options.backends_count; id++) {
        uint32_t tier = proxy->options.backends[id].tier;
        last = tier > last ? tier : last;
    }
    return last + 1;
}

void proxy_admin_collect(struct proxy *proxy)
{
    for (uint32_t id = 0; id < proxy->options.backends_count; id++) {
        struct infra_health_status health = { .size = sizeof health };
        const char *name = proxy->names[id];
        (void)infra_collect_balancer(proxy->collect, proxy->balancer, id, name);
        if (infra_prober_inspect(proxy->prober, id, &health, NULL) ==
            INFRA_OK) {
            (void)infra_collect_health(proxy->collect, name, &health);
        }
        if (proxy->outlier != NULL) {
            (void)infra_collect_outlier(proxy->collect, proxy->outlier, id,
                                        name);
        }
    }
    for (uint32_t tier = 0; tier < tiers_of(proxy); tier++) {
        (void)infra_collect_tier(proxy->collect, proxy->balancer, tier);
    }
    (void)infra_metrics_set(proxy->metrics, proxy->sessions_now,
                            atomic_load(&proxy->limits->sessions));
    (void)infra_metrics_set_total(proxy->metrics, proxy->clients_refused,
                                  atomic_load(&proxy->limits->refused_count));
    (void)infra_metrics_set_total(proxy->metrics, proxy->sessions_full,
                                  atomic_load(&proxy->limits->full_count));
}

void proxy_admin_finish(struct proxy *proxy)
{
    admin_destroy(proxy->admin);
    infra_collect_destroy(proxy->collect);
    infra_metrics_text_destroy(proxy->text);
    infra_metrics_destroy(proxy->metrics);
    history_close(&proxy->history);
    free(proxy->series.connect_seconds);
    free(proxy->names);
}
