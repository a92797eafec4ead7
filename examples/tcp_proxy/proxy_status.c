/* SPDX-License-Identifier: MIT */
/* /status.json: what admin_page.h describes, of tcp_proxy. */
#include "proxy.h"
#include "proxy_admin.h"

#include <stdio.h>
#include <string.h>

static void print_age(char *text, size_t size, infra_time age)
{
    uint64_t s = age / INFRA_SEC(1);

    const char *unit = s < 120 ? "s" : s < 7200 ? "min" : "h";

    s = s < 120 ? s : s < 7200 ? s / 60 : s / 3600;
    (void)snprintf(text, size, "%llu %s", (unsigned long long)s, unit);
}

static void value(struct page *page, const char *label, uint64_t number,
                  bool is_counter, bool is_last)
{
    page_print(page, "[\"%s\",%llu,%d]%s", label, (unsigned long long)number,
               is_counter, is_last ? "" : ",");
}

static void milliseconds(struct page *page, const char *label, infra_time time,
                         bool is_known)
{
    if (is_known) {
        page_print(page, "[\"%s\",\"%.3g ms\",0],", label, (double)time / 1e6);
    } else {
        page_print(page, "[\"%s\",\"-\",0],", label);
    }
}

static void latency(struct page *page, const struct proxy *proxy,
                    uint32_t series, const char *const labels[2])
{
    struct infra_metrics_distribution d = { .size = sizeof d };

    (void)infra_metrics_inspect_histogram(proxy->metrics, series, &d);
    milliseconds(page, labels[0], d.p50, d.count > 0);
    milliseconds(page, labels[1], d.p99, d.count > 0);
}

static uint64_t counted(const struct proxy *proxy, uint32_t series)
{
    uint64_t n = 0;

    (void)infra_metrics_read(proxy->metrics, series, &n);
    return n;
}

static void facts(struct page *page, const struct proxy *proxy)
{
    static const char *const labels[] = { "session p50", "session p99" };
    const struct relay_series *s = &proxy->series;

    page_add(page, "[[\"policy\",");
    page_json(page, proxy->options.policy->name);
    page_add(page, ",0],");
    page_print(page, "[\"backends up\",\"%u of %u\",0],",
               (unsigned)proxy->up_count,
               (unsigned)proxy->options.backends_count);
    value(page, "sessions now", atomic_load(&proxy->limits->sessions), false,
          false);
    value(page, "sessions", counted(proxy, s->sessions), true, false);
    value(page, "bytes in", counted(proxy, s->received_bytes), true, false);
    value(page, "bytes out", counted(proxy, s->sent_bytes), true, false);
    latency(page, proxy, s->session_seconds, labels);
    for (uint32_t i = 0; i < RELAY_ENDS; i++) {
        char label[40];
        (void)snprintf(label, sizeof label, "ended: %s", relay_end_name(i));
        value(page, label, counted(proxy, s->ended[i]), true, false);
    }
    value(page, "refused: too many of an address",
          atomic_load(&proxy->limits->refused_count), true, true);
    page_add(page, "]");
}

/* The axis with the worst mark says why; of one that is up its checks do. */
static void why(struct page *page, const struct proxy *proxy, uint32_t id,
                const struct infra_balancer_status *status, infra_time now)
{
    uint32_t axis = status->state == INFRA_BALANCER_STATE_UP
                        ? (uint32_t)INFRA_BALANCER_AXIS_HEALTH
                        : status->axis;
    const struct history_word *word = &proxy->history.words[id][axis];
    struct infra_probe_result check = { .outcome = 0 };
    char text[HISTORY_TEXT_MAX + 200], age[40];

    (void)infra_prober_inspect(proxy->prober, id, NULL, &check);
    print_age(age, sizeof age, now - word->at);
    int size = word->at == 0
                   ? snprintf(text, sizeof text, "as at the start")
                   : snprintf(text, sizeof text, "%s, for %s", word->text, age);
    if (check.duration > 0 && size > 0) {
        (void)snprintf(text + size, sizeof text - (size_t)size,
                       "; last check: %s, %.3g ms",
                       infra_probe_reason_name(check.reason),
                       (double)check.duration / 1e6);
    }
    page_json(page, text);
}

static const char *level(const struct infra_balancer_status *s, bool is_idle)
{
    return s->state == INFRA_BALANCER_STATE_DOWN ? "bad"
           : s->state != INFRA_BALANCER_STATE_UP ? "warn"
           : is_idle                             ? "idle"
                                                 : "good";
}

static void backend(struct page *page, const struct proxy *proxy, uint32_t id,
                    infra_time now)
{
    static const char *const labels[] = { "connect p50", "connect p99" };
    const struct proxy_backend *b = &proxy->options.backends[id];
    struct infra_balancer_status s = { .size = sizeof s };
    struct infra_health_status health = { .size = sizeof health };
    bool is_backup = b->tier > 0;

    (void)infra_balancer_inspect(proxy->balancer, id, &s);
    (void)infra_prober_inspect(proxy->prober, id, &health, NULL);
    page_add(page, "{\"name\":");
    page_json(page, b->name);
    page_print(page, ",\"state\":\"%s%s\",\"level\":\"%s\",\"why\":",
               infra_balancer_state_name(s.state), is_backup ? ", backup" : "",
               level(&s, is_backup));
    why(page, proxy, id, &s, now);
    page_print(page, ",\"values\":[[\"share\",\"%.3g %%\",0],",
               s.share_ppm / 1e4);
    value(page, "sessions now", s.in_flight, false, false);
    value(page, "picks", s.picks, true, false);
    value(page, "failed", s.failures, true, false);
    latency(page, proxy, proxy->series.connect_seconds[id], labels);
    value(page, "checks", health.checks, true, false);
    value(page, "checks failed", health.failures, true, true);
    page_add(page, "],\"actions\":[\"up\",\"drain\",\"down\"]}");
}

static void tier(struct page *page, const struct proxy *proxy, uint32_t number,
                 infra_time now)
{
    const char *comma = "";

    page_print(page, "{\"title\":\"%s\",\"rows\":[",
               number == 0 ? "Backends" : "Backups");
    for (uint32_t id = 0; id < proxy->options.backends_count; id++) {
        if (proxy->options.backends[id].tier == number) {
            page_add(page, comma);
            backend(page, proxy, id, now);
            comma = ",";
        }
    }
    page_add(page, "]}");
}

static bool has_backups(const struct proxy *proxy)
{
    bool has = false;

    for (uint32_t id = 0; id < proxy->options.backends_count; id++) {
        has = has || proxy->options.backends[id].tier > 0;
    }
    return has;
}

static void events(struct page *page, const struct history *h, infra_time now)
{
    uint32_t count = h->events_count < HISTORY_EVENTS_MAX ? h->events_count
                                                          : HISTORY_EVENTS_MAX;

    page_add(page, "[");
    for (uint32_t i = 0; i < count; i++) {
        const struct history_word *e =
            &h->events[(h->events_count - 1 - i) % HISTORY_EVENTS_MAX];
        page_print(page, "%s{\"age\":%llu,\"text\":", i > 0 ? "," : "",
                   (unsigned long long)((now - e->at) / INFRA_SEC(1)));
        page_json(page, e->text);
        page_add(page, "}");
    }
    page_add(page, "]");
}

void proxy_admin_status(struct proxy *proxy, struct page *page)
{
    infra_time now = infra_driver_now();
    char version[16];

    proxy_admin_version(version, sizeof version);
    page_print(page,
               "{\"program\":\"tcp_proxy\",\"version\":\"%s\",\"uptime\":%.3f,"
               "\"may_write\":%s,\"facts\":",
               version, (double)(now - proxy->started) / 1e9,
               proxy->options.admin_writes ? "true" : "false");
    facts(page, proxy);
    page_add(page, ",\"groups\":[");
    tier(page, proxy, 0, now);
    if (has_backups(proxy)) {
        page_add(page, ",");
        tier(page, proxy, 1, now);
    }
    page_add(page, "],\"events\":");
    events(page, &proxy->history, now);
    page_add(page, "}\n");
}
