/* SPDX-License-Identifier: MIT */
/* A watch of the holder's key, for hints only: watches of etcd are known to
 * lose events, so neither an event nor silence proves anything. After a
 * failure the next server is tried a second later. */
#include "etcd.h"

#define RETRY_AFTER INFRA_SEC(1)
#define SILENCE_MAX INFRA_SEC(60) /* After it the server may be gone. */

static void sleep_on_it(struct infra__etcd *e, infra_time now)
{
    infra__etcd_http_sleep(&e->watch, infra__time_add(now, RETRY_AFTER));
}

/* Leave this server. */
static void move_on(struct infra__etcd *e, infra_time now)
{
    infra__etcd_http_leave(&e->watch);
    sleep_on_it(e, now);
}

static void watch_replied(void *owner, uint32_t status, const char *body,
                          size_t size, infra_time now)
{
    (void)status;
    (void)body;
    (void)size;
    move_on(owner, now); /* A watch has no end. */
}

static void watch_failed(void *owner, uint32_t reason, infra_time now)
{
    (void)reason;
    sleep_on_it(owner, now); /* It is at the next server already. */
}

static void watch_heard(void *owner, const char *line, size_t size,
                        infra_time now)
{
    struct infra__etcd *e = owner;

    infra__etcd_http_extend(&e->watch, infra__time_add(now, SILENCE_MAX));
    switch (infra__etcd_read_watch(line, size)) {
    case INFRA__ETCD_WATCH_LOOK:
        infra__lease_hint(&e->lease);
        break;
    case INFRA__ETCD_WATCH_OVER:
        move_on(e, now);
        break;
    case INFRA__ETCD_WATCH_NOTHING:
        break;
    }
}

static void watch_woken(void *owner, infra_time now)
{
    struct infra__etcd *e = owner;

    if (e->site.login.user[0] != '\0' && e->site.login.token[0] == '\0') {
        /* The conversation of calls logs in. */
        sleep_on_it(e, now);
        return;
    }
    infra__etcd_ask(&e->watch_request, INFRA__ETCD_WATCH, &e->site, NULL);
    infra__etcd_http_send(&e->watch, e->watch_request.text,
                          e->watch_request.size,
                          infra__time_add(now, SILENCE_MAX), now);
}

static const struct infra__etcd_http_owner watch_owner = {
    .replied = watch_replied,
    .failed = watch_failed,
    .heard = watch_heard,
    .woken = watch_woken,
};

void infra__etcd_watch_init(struct infra__etcd *e)
{
    infra__etcd_http_init(&e->watch, &watch_owner, e, e->site.endpoints_count,
                          e->site.tls);
    infra__etcd_http_sleep(&e->watch, 0);
}
