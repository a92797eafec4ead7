/* SPDX-License-Identifier: MIT */
/* One check of one server, as the prober runs it, for the scripts beside this:
 *
 *     probe_once KIND ADDRESS PORT [NAME=VALUE...]
 *
 * It prints the result as one line, with a tab between fields and "-" for what
 * was not told: reason, status, role, writable, position, lag in seconds, and
 * the texts: version, position, message; then what an agent tells: health,
 * percent, weight, in flight, admin. Times are given in milliseconds. */
#include <infra/driver.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char **settings;

static const char *text(const char *name)
{
    size_t size = strlen(name);

    for (char **s = settings; *s != NULL; s++) {
        if (strncmp(*s, name, size) == 0 && (*s)[size] == '=') {
            return *s + size + 1;
        }
    }
    return NULL;
}

static uint32_t number(const char *name)
{
    const char *value = text(name);

    return value != NULL ? (uint32_t)strtoul(value, NULL, 10) : 0;
}

static infra_time duration(const char *name)
{
    return INFRA_MS(number(name));
}

static const char *const roles[] = { "unknown", "primary", "replica" };
#define ROLES_COUNT (sizeof roles / sizeof roles[0])

static uint32_t role(const char *name)
{
    const char *value = text(name);
    uint32_t found = 0;

    for (uint32_t i = 0; value != NULL && i < ROLES_COUNT; i++) {
        found = strcmp(value, roles[i]) == 0 ? i : found;
    }
    return found;
}

static int tcp(struct infra_probe **ret)
{
    const struct infra_probe_tcp_options o = {
        .size = sizeof o,
        .connect_timeout = duration("connect_timeout"),
    };

    return infra_probe_tcp(ret, &o);
}

static int http(struct infra_probe **ret)
{
    const struct infra_probe_http_options o = {
        .size = sizeof o,
        .path = text("path"),
        .host = text("host"),
        .body_contains = text("body_contains"),
        .connect_timeout = duration("connect_timeout"),
        .response_timeout = duration("response_timeout"),
        .drain_on_404 = number("drain_on_404"),
    };

    return infra_probe_http(ret, &o);
}

static int mysql(struct infra_probe **ret)
{
    const struct infra_probe_mysql_options o = {
        .size = sizeof o,
        .user = text("user"),
        .password = text("password"),
        .connect_timeout = duration("connect_timeout"),
        .response_timeout = duration("response_timeout"),
        .lag_max = duration("lag_max"),
        .tls = number("tls"),
        .ask = number("ask"),
        .expect = role("expect"),
    };

    return infra_probe_mysql(ret, &o);
}

static int redis(struct infra_probe **ret)
{
    const struct infra_probe_redis_options o = {
        .size = sizeof o,
        .user = text("user"),
        .password = text("password"),
        .connect_timeout = duration("connect_timeout"),
        .response_timeout = duration("response_timeout"),
        .expect = role("expect"),
        .ask_role = number("ask_role"),
    };

    return infra_probe_redis(ret, &o);
}

static int agent(struct infra_probe **ret)
{
    const struct infra_probe_agent_options o = {
        .size = sizeof o,
        .send = text("send"),
        .connect_timeout = duration("connect_timeout"),
        .response_timeout = duration("response_timeout"),
    };

    return infra_probe_agent(ret, &o);
}

/* The steps in their order: send=, expect=, start=, end=, refuse=. */
static int script(struct infra_probe **ret)
{
    static const char *const names[] = { "send=", "expect=", "start=", "end=",
                                         "refuse=" };
    struct infra_probe_step steps[64];
    struct infra_probe_script_options o = {
        .size = sizeof o,
        .steps = steps,
        .connect_timeout = duration("connect_timeout"),
        .response_timeout = duration("response_timeout"),
    };

    for (char **s = settings; *s != NULL && o.steps_count < 64; s++) {
        for (uint32_t kind = 0; kind <= INFRA_STEP_REFUSE; kind++) {
            size_t size = strlen(names[kind]);
            if (strncmp(*s, names[kind], size) == 0) {
                steps[o.steps_count++] =
                    (struct infra_probe_step) { .kind = kind,
                                                .bytes = *s + size };
            }
        }
    }
    return infra_probe_script(ret, &o);
}

static const struct {
    const char *name;
    int (*create)(struct infra_probe **ret);
} kinds[] = {
    { "agent", agent }, { "http", http },     { "mysql", mysql },
    { "redis", redis }, { "script", script }, { "tcp", tcp },
};
#define KINDS_COUNT (sizeof kinds / sizeof kinds[0])

static int create(struct infra_probe **ret, const char *kind)
{
    for (size_t i = 0; i < KINDS_COUNT; i++) {
        if (strcmp(kinds[i].name, kind) == 0) {
            return kinds[i].create(ret);
        }
    }
    return INFRA_ENOENT;
}

/* A field: the number if it was told. */
static void print_told(const struct infra_probe_result *r, uint32_t told,
                       unsigned long long value)
{
    if ((r->told & told) != 0) {
        (void)printf("\t%llu", value);
    } else {
        (void)printf("\t-");
    }
}

static void print(const struct infra_probe *probe,
                  const struct infra_probe_result *r)
{
    (void)printf("%s\t%u\t%s", infra_probe_reason_name(r->reason), r->status,
                 roles[r->role < ROLES_COUNT ? r->role : 0]);
    print_told(r, INFRA_TOLD_WRITABLE, r->writable);
    print_told(r, INFRA_TOLD_POSITION, r->position);
    print_told(r, INFRA_TOLD_LAG, r->lag / INFRA_SEC(1));
    (void)printf("\t%s\t%s\t%s",
                 infra_probe_text(probe, INFRA_PROBE_TEXT_VERSION),
                 infra_probe_text(probe, INFRA_PROBE_TEXT_POSITION),
                 infra_probe_text(probe, INFRA_PROBE_TEXT_MESSAGE));
    print_told(r, INFRA_TOLD_HEALTH, r->reason == INFRA_PROBE_PASSED);
    print_told(r, INFRA_TOLD_WEIGHT, r->weight_percent);
    print_told(r, INFRA_TOLD_WEIGHT_ABSOLUTE, r->weight);
    print_told(r, INFRA_TOLD_IN_FLIGHT_MAX, r->in_flight_max);
    print_told(r, INFRA_TOLD_ADMIN, r->admin);
    (void)printf("\n");
}

static int run(struct infra_probe *probe, const struct addrinfo *address)
{
    const struct infra_health_options health = { .size = sizeof health,
                                                 .inter = INFRA_SEC(3600),
                                                 .start_spread = 1 };
    const struct infra_prober_options options = { .size = sizeof options,
                                                  .health = &health };
    struct infra_driver *driver = NULL;
    struct infra_prober *prober = NULL;
    struct infra_probe_result r;
    struct infra_prober_target target = {
        .size = sizeof target,
        .key = "server",
        .address = address->ai_addr,
        .probe = probe,
        .address_size = (uint32_t)address->ai_addrlen,
    };

    if (infra_driver_create(&driver, NULL) != INFRA_OK ||
        infra_prober_create(&prober, driver, &options) != INFRA_OK ||
        infra_prober_set(prober, &target, infra_driver_now()) != INFRA_OK) {
        return EXIT_FAILURE;
    }
    while (infra_probe_result(probe, &r) != INFRA_OK) {
        int err = infra_driver_run(driver, infra_driver_now() + INFRA_MS(2));
        if (err != INFRA_OK && err != INFRA_EAGAIN) {
            return EXIT_FAILURE;
        }
    }
    print(probe, &r);
    infra_prober_destroy(prober);
    infra_driver_destroy(driver);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST,
                                    .ai_socktype = SOCK_STREAM };
    struct addrinfo *address;
    struct infra_probe *probe;

    if (argc < 4 || getaddrinfo(argv[2], argv[3], &hints, &address) != 0) {
        (void)fprintf(stderr, "usage: probe_once KIND ADDRESS PORT "
                              "[NAME=VALUE...]\n");
        return 2;
    }
    settings = argv + 4;
    if (create(&probe, argv[1]) != INFRA_OK) {
        (void)fprintf(stderr, "probe_once: no such check\n");
        return 2;
    }
    int status = run(probe, address);
    freeaddrinfo(address);
    return status;
}
