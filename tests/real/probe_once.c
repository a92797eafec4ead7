/* SPDX-License-Identifier: MIT */
/* One check of one server, as the prober runs it, for the scripts beside this:
 *
 *     probe_once KIND ADDRESS PORT [NAME=VALUE...]
 *
 * Kinds and settings are those of examples/common/check_spec.h; times without a
 * unit are milliseconds. The result is one line with a tab between fields and
 * "-" for an unset field: reason, status, role, writable, position, lag in
 * seconds, and the texts version, position and message; then the fields of an
 * agent: health, percent, weight, in flight, admin; then the source of a
 * replica, and the answer to the host's question. */
#include "../../examples/common/arguments.h"
#include "../../examples/common/check_spec.h"

#include <infra/driver.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPEC_MAX 65536u

/* "KIND,NAME=VALUE,...", with commas and backslashes escaped. */
static void join(char *to, const char *kind, char **settings)
{
    size_t size = (size_t)snprintf(to, SPEC_MAX, "%s", kind);

    for (char **s = settings; *s != NULL && size < SPEC_MAX - 2; s++) {
        to[size++] = ',';
        for (const char *p = *s; *p != '\0' && size < SPEC_MAX - 3; p++) {
            if (*p == ',' || *p == '\\') {
                to[size++] = '\\';
            }
            to[size++] = *p;
        }
    }
    to[size] = '\0';
}

/* A field: the number, or "-". */
static void print_field(const struct infra_probe_result *r, uint32_t bit,
                        unsigned long long value)
{
    if ((r->has & bit) != 0) {
        (void)printf("\t%llu", value);
    } else {
        (void)printf("\t-");
    }
}

static void print(const struct infra_probe *probe,
                  const struct infra_probe_result *r)
{
    (void)printf("%s\t%u\t%s", infra_probe_reason_name(r->reason), r->status,
                 infra_probe_role_name(r->role));
    print_field(r, INFRA_PROBE_HAS_WRITABLE, r->writable);
    print_field(r, INFRA_PROBE_HAS_POSITION, r->position);
    print_field(r, INFRA_PROBE_HAS_LAG, r->lag / INFRA_SEC(1));
    (void)printf("\t%s\t%s\t%s",
                 infra_probe_text(probe, INFRA_PROBE_TEXT_VERSION),
                 infra_probe_text(probe, INFRA_PROBE_TEXT_POSITION),
                 infra_probe_text(probe, INFRA_PROBE_TEXT_MESSAGE));
    print_field(r, INFRA_PROBE_HAS_HEALTH,
                r->reason == INFRA_PROBE_REASON_PASSED);
    print_field(r, INFRA_PROBE_HAS_WEIGHT, r->weight_percent);
    print_field(r, INFRA_PROBE_HAS_WEIGHT_ABSOLUTE, r->weight);
    print_field(r, INFRA_PROBE_HAS_IN_FLIGHT_MAX, r->in_flight_max);
    print_field(r, INFRA_PROBE_HAS_ADMIN, r->admin);
    (void)printf("\t%s", infra_probe_text(probe, INFRA_PROBE_TEXT_SOURCE));
    print_field(r, INFRA_PROBE_HAS_ANSWER, r->answer);
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
    static char text[SPEC_MAX];
    const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST,
                                    .ai_socktype = SOCK_STREAM };
    struct addrinfo *address;
    struct infra_probe *probe;

    arguments_begin("probe_once");
    if (argc < 4 || getaddrinfo(argv[2], argv[3], &hints, &address) != 0) {
        (void)fprintf(stderr, "usage: probe_once KIND ADDRESS PORT "
                              "[NAME=VALUE...]\n");
        return 2;
    }
    join(text, argv[1], argv + 4);
    struct check_spec *spec = check_spec_read("check", text);
    if (spec == NULL || check_spec_probe(spec, &probe) != INFRA_OK) {
        return 2;
    }
    check_spec_free(spec);
    int status = run(probe, address);
    freeaddrinfo(address);
    return status;
}
