/* SPDX-License-Identifier: MIT */
/* One check of one server, as the prober runs it, for the scripts beside this:
 *
 *     probe_once KIND ADDRESS PORT [NAME=VALUE...]
 *
 * It prints the result as one line, with a tab between fields and "-" for what
 * was not told: reason, status, role, writable, position, lag in seconds, and
 * the texts: version, position, message. Times are given in milliseconds. */
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

static int pgsql(struct infra_probe **ret)
{
    const struct infra_probe_pgsql_options o = {
        .size = sizeof o,
        .user = text("user"),
        .password = text("password"),
        .database = text("database"),
        .connect_timeout = duration("connect_timeout"),
        .response_timeout = duration("response_timeout"),
        .lag_max = duration("lag_max"),
        .seed = number("seed"),
        .tls = number("tls"),
        .ask = number("ask"),
        .expect = role("expect"),
        .clear_password = number("clear_password"),
    };

    return infra_probe_pgsql(ret, &o);
}

static const struct {
    const char *name;
    int (*create)(struct infra_probe **ret);
} kinds[] = {
    { "pgsql", pgsql },
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
    (void)printf("\t%s\t%s\t%s\n",
                 infra_probe_text(probe, INFRA_PROBE_TEXT_VERSION),
                 infra_probe_text(probe, INFRA_PROBE_TEXT_POSITION),
                 infra_probe_text(probe, INFRA_PROBE_TEXT_MESSAGE));
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
