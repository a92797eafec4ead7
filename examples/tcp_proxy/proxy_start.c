/* SPDX-License-Identifier: MIT */
/* From options to a balancer, checks, an outlier detection and limits. */
#include "proxy.h"

#include "../common/arguments.h"
#include "../common/entropy.h"
#include "../common/log.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Descriptors apart from sessions. */
#define DESCRIPTORS_APART 32u
#define DESCRIPTORS_PER_THREAD 6u

bool proxy_step(const char *step, int err)
{
    if (err != INFRA_OK) {
        log_line("%s: %s", step, infra_strerror(err));
    }
    return err == INFRA_OK;
}

static int set_backend(struct proxy *proxy, uint32_t id)
{
    const struct proxy_backend *configured = &proxy->options.backends[id];
    const struct infra_backend backend = {
        .size = sizeof backend,
        .key = configured->name,
        .id = id,
        .weight = configured->weight,
        .tier = configured->tier,
    };

    return infra_balancer_set(proxy->balancer, &backend, infra_driver_now());
}

/* A backend's id is its index among the arguments, everywhere. */
static bool start_balancer(struct proxy *proxy)
{
    const struct proxy_options *o = &proxy->options;
    infra_time now = infra_driver_now();
    struct infra_balancer_options options = {
        .size = sizeof options,
        .policy = o->policy,
        .seed = now ^ (uint64_t)getpid() << 32,
        .ids_max = o->backends_count,
        .outage = o->outage,
        .slow_start_interval = o->slow_start,
    };
    int err = infra_balancer_create(&proxy->balancer, &options);

    if (!proxy_step("balancer", err)) {
        return false;
    }
    for (uint32_t id = 0; id < o->backends_count; id++) {
        err = set_backend(proxy, id);
        if (err != INFRA_OK) {
            return arguments_wrong("backend \"%s\": --balance %s does not take "
                                   "it: %s",
                                   o->backends[id].name, o->policy->name,
                                   infra_strerror(err));
        }
    }
    err = infra_balancer_publish(proxy->balancer, now);
    if (err != INFRA_OK) {
        return arguments_wrong("--balance %s cannot be built of these backends "
                               "and their weights: %s",
                               o->policy->name, infra_strerror(err));
    }
    /* Before its first check a backend counts as up. */
    proxy->up_count = o->backends_count;
    return true;
}

/* Where a backend is checked: at its own port, or at that of --check-port. */
static struct relay_address check_address(const struct proxy_options *o,
                                          uint32_t id)
{
    struct relay_address at = o->addresses[id];

    if (o->check_port != 0 && at.storage.ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)&at.storage)->sin6_port =
            htons((uint16_t)o->check_port);
    } else if (o->check_port != 0) {
        ((struct sockaddr_in *)&at.storage)->sin_port =
            htons((uint16_t)o->check_port);
    }
    return at;
}

static int start_check(struct proxy *proxy, uint32_t id)
{
    const struct proxy_options *o = &proxy->options;
    const struct relay_address at = check_address(o, id);
    struct infra_probe *probe = NULL;
    int err = check_spec_probe(o->check, &probe);

    if (err != INFRA_OK) {
        return err;
    }
    struct infra_prober_target target = {
        .size = sizeof target,
        .key = o->backends[id].name,
        .address = (const struct sockaddr *)&at.storage,
        .probe = probe,
        .id = id,
        .address_size = at.size,
    };
    err = infra_prober_set(proxy->prober, &target, infra_driver_now());
    if (err != INFRA_OK) {
        infra_probe_destroy(probe);
    }
    return err;
}

static bool start_checks(struct proxy *proxy)
{
    const struct proxy_options *o = &proxy->options;
    struct infra_health_options health = {
        .size = sizeof health,
        .seed = infra_driver_now() ^ (uint64_t)getpid() << 32,
        .inter = o->inter,
        .fastinter = o->fastinter,
        .downinter = o->downinter,
        .ids_max = o->backends_count,
        .rise = o->rise,
        .fall = o->fall,
    };
    struct infra_prober_options options = { .size = sizeof options,
                                            .health = &health };
    int err = infra_driver_create(&proxy->driver, NULL);

    if (err == INFRA_OK) {
        err = infra_prober_create(&proxy->prober, proxy->driver, &options);
    }
    for (uint32_t id = 0; err == INFRA_OK && id < o->backends_count; id++) {
        err = start_check(proxy, id);
    }
    proxy_options_forget(&proxy->options);
    return proxy_step("health checks", err);
}

/* Failed sessions show what checks do not see. */
static bool start_outlier(struct proxy *proxy)
{
    const struct proxy_options *o = &proxy->options;
    struct infra_outlier_options options = {
        .size = sizeof options,
        .seed = infra_driver_now(),
        .ids_max = o->backends_count,
        .consecutive_5xx = o->outlier,
    };

    if (o->outlier == 0) {
        return true;
    }
    int err = infra_outlier_create(&proxy->outlier, &options);
    for (uint32_t id = 0; err == INFRA_OK && id < o->backends_count; id++) {
        err = infra_outlier_set(proxy->outlier, id, o->backends[id].name,
                                o->backends[id].tier, infra_driver_now());
    }
    return proxy_step("outlier detection", err);
}

/* A session takes two descriptors; those of workers, checks and this thread are
 * set apart. */
static bool start_limits(struct proxy *proxy)
{
    const struct proxy_options *o = &proxy->options;
    uint64_t apart = DESCRIPTORS_APART + DESCRIPTORS_PER_THREAD * o->threads +
                     o->backends_count;
    struct rlimit limit = { .rlim_cur = RLIM_INFINITY };

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    uint64_t most = limit.rlim_cur > apart ? (limit.rlim_cur - apart) / 2 : 0;
    most = most > INT32_MAX ? INT32_MAX : most;
    if (most == 0 || o->sessions_max > most) {
        log_line("--sessions-max: the limit of descriptors, %llu (ulimit -Hn), "
                 "allows %llu",
                 (unsigned long long)limit.rlim_cur, (unsigned long long)most);
        return false;
    }
    proxy->limits = calloc(1, sizeof *proxy->limits);
    if (proxy->limits == NULL) {
        return proxy_step("limits", INFRA_ENOMEM);
    }
    proxy->limits->sessions_max =
        o->sessions_max != 0 ? o->sessions_max : (uint32_t)most;
    proxy->limits->per_address_max = o->sessions_per_address_max;
    return entropy_read(&proxy->limits->seed);
}

bool proxy_prepare(struct proxy *proxy)
{
    proxy->workers = calloc(proxy->options.threads, sizeof *proxy->workers);
    proxy->is_down =
        calloc(proxy->options.backends_count, sizeof *proxy->is_down);
    if (proxy->workers == NULL || proxy->is_down == NULL) {
        return proxy_step("start", INFRA_ENOMEM);
    }
    return start_limits(proxy) && start_balancer(proxy);
}

bool proxy_start(struct proxy *proxy)
{
    return start_checks(proxy) && start_outlier(proxy);
}
