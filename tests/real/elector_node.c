/* SPDX-License-Identifier: MIT */
/* A node for tests/real: an elector over a store that is really there, which
 * keeps a diary of its gate.
 *
 *   elector_node DIARY NODE TTL_MS file PATH
 *   elector_node DIARY NODE TTL_MS etcd GROUP PORT... [USER PASSWORD]
 *
 * Each line of the diary is a time in nanoseconds (CLOCK_BOOTTIME), the node,
 * what happened, and a number. While the gate is open it writes "open" each
 * millisecond, with the token; nodes share the diary, so that a reader sees
 * whether two were open at a time. When it becomes active it reads the record
 * of the lease, "read" with the token that is there, and writes its own,
 * "written". On SIGUSR1 it steps down. */
#include <infra/driver.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef ELECTOR_TLS
#include "../../examples/common/tls_openssl.h"
#endif

#define ENDPOINTS_MAX 8u

static struct infra_driver *driver;
static struct infra_gate gate;
static int diary = -1;
static const char *node;
static volatile sig_atomic_t steps_down;

static void note(infra_time at, const char *what, unsigned long long number)
{
    char line[128];
    int size = snprintf(line, sizeof line, "%llu %s %s %llu\n",
                        (unsigned long long)at, node, what, number);

    if (write(diary, line, (size_t)size) != size) {
        _exit(3);
    }
}

static void on_signal(int number)
{
    (void)number;
    steps_down = 1;
    infra_driver_wake(driver);
}

static uint64_t fresh(void)
{
    uint64_t n = 0;
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

    if (fd < 0 || read(fd, &n, sizeof n) != sizeof n) {
        _exit(3);
    }
    (void)close(fd);
    return n | 1;
}

static int open_file(struct infra_lease **ret, char **arguments,
                     uint64_t incarnation, infra_time ttl)
{
    const struct infra_lease_file_options o = { .size = sizeof o,
                                                .path = arguments[0],
                                                .node = node,
                                                .incarnation = incarnation,
                                                .ttl = ttl };

    return infra_lease_file(ret, &o);
}

/* From the environment: with ELECTOR_TLS_CA, a file, etcd is asked over TLS,
 * its certificate has to name ELECTOR_TLS_NAME, and it is shown the certificate
 * in ELECTOR_TLS_CERT with the key in ELECTOR_TLS_KEY; ELECTOR_GRACE_MS is the
 * grace. */
static const char *setting(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

static infra_time grace(void)
{
    const char *ms = setting("ELECTOR_GRACE_MS");

    return ms != NULL ? INFRA_MS(strtoull(ms, NULL, 10)) : 0;
}

static const struct infra_tls *tls_functions(void)
{
#ifdef ELECTOR_TLS
    static struct infra_tls t;
    const char *ca = setting("ELECTOR_TLS_CA");
    const char *certificate = setting("ELECTOR_TLS_CERT");
    struct tls_openssl *tls = ca != NULL ? tls_openssl_create(ca) : NULL;

    if (ca != NULL &&
        (tls == NULL || (certificate != NULL &&
                         tls_openssl_identify(tls, certificate,
                                              setting("ELECTOR_TLS_KEY"))))) {
        (void)fprintf(stderr, "elector_node: bad certificates\n");
        exit(2);
    }
    if (tls != NULL) {
        t = tls_openssl_functions(tls);
        return &t;
    }
#endif
    return NULL;
}

static int open_etcd(struct infra_lease **ret, char **arguments, int count,
                     uint64_t incarnation, infra_time ttl,
                     struct sockaddr_in *ret_addresses, uint32_t *ret_count)
{
    struct infra_lease_etcd_options o = { .size = sizeof o,
                                          .group = arguments[0],
                                          .node = node,
                                          .incarnation = incarnation,
                                          .ttl = ttl,
                                          .tls = setting("ELECTOR_TLS_CA") !=
                                                 NULL };

    for (int i = 1; i < count; i++) {
        int port = atoi(arguments[i]);
        if (port == 0 && i + 1 < count) {
            o.user = arguments[i];
            o.password = arguments[i + 1];
            break;
        }
        if (o.endpoints_count == ENDPOINTS_MAX) {
            return INFRA_EINVAL;
        }
        ret_addresses[o.endpoints_count++] = (struct sockaddr_in) {
            .sin_family = AF_INET,
            .sin_port = htons((uint16_t)port),
            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
    }
    *ret_count = o.endpoints_count;
    return infra_lease_etcd(ret, &o);
}

/* What is under way about the record, for this token. */
static enum { NOTHING, READING, WRITING } record_step;
static uint64_t record_token;

static void ask_record(struct infra_lease *lease)
{
    char text[32];
    infra_time now = infra_driver_now();
    infra_time limit = now + INFRA_SEC(1);
    int size =
        snprintf(text, sizeof text, "%llu", (unsigned long long)record_token);

    if (record_step == READING) {
        (void)infra_lease_read_record(lease, record_token, limit, now);
    } else if (record_step == WRITING) {
        (void)infra_lease_write_record(lease, record_token, text, (size_t)size,
                                       limit, now);
    }
}

/* True: there was an answer, and more may have been asked. */
static int take_record(struct infra_lease *lease)
{
    struct infra_lease_record r;
    infra_time now = infra_driver_now();

    if (infra_lease_take_record(lease, now, &r) != INFRA_OK) {
        return 0;
    }
    if (r.outcome == INFRA_LEASE_OUTCOME_GRANTED) {
        char text[INFRA_LEASE_RECORD_MAX + 1] = "";
        memcpy(text, r.bytes, r.count);
        note(now, record_step == READING ? "read" : "written",
             strtoull(text, NULL, 10));
        record_step = record_step == READING ? WRITING : NOTHING;
    } else if (r.outcome != INFRA_LEASE_OUTCOME_UNKNOWN) {
        note(now, "refused", record_token);
        record_step = NOTHING;
    }
    ask_record(lease);
    return 1;
}

static void serve(struct infra_elector *elector, struct infra_lease *lease)
{
    struct infra_failover *machine = infra_elector_machine(elector);
    struct infra_failover_event e;
    uint64_t token;
    uint64_t unknowns = 0;

    for (;;) {
        while (infra_elector_next(elector, infra_driver_now(), &e) ==
               INFRA_OK) {
            infra_time now = infra_driver_now();
            if (e.kind == INFRA_FAILOVER_EVENT_ACTIVATE) {
                note(now, "activate", e.token);
                record_step = READING;
                record_token = e.token;
                ask_record(lease);
            } else if (e.kind == INFRA_FAILOVER_EVENT_ROLE) {
                note(now, infra_failover_role_name(e.role), e.token);
                note(now, infra_failover_reason_name(e.reason), e.token);
            } else if (e.kind == INFRA_FAILOVER_EVENT_DRAIN ||
                       e.kind == INFRA_FAILOVER_EVENT_DEACTIVATE) {
                note(now, "deactivate", e.token);
                (void)infra_failover_drained(machine, now);
            }
        }
        if (take_record(lease)) {
            continue;
        }
        struct infra_lease_status stats = { .size = sizeof stats };
        (void)infra_lease_inspect(lease, &stats);
        if (stats.unknowns != unknowns) {
            unknowns = stats.unknowns;
            note(infra_driver_now(), "unknown", stats.reason);
        }
        if (steps_down) {
            steps_down = 0;
            note(infra_driver_now(), "step-down", 0);
            (void)infra_failover_command(
                machine, INFRA_FAILOVER_COMMAND_STEP_DOWN, infra_driver_now());
            continue;
        }
        /* The time is taken before the gate is asked, or a pause between both
         * would look like its fault. */
        infra_time now = infra_driver_now();
        infra_time until = INFRA_TIME_NEVER;
        if (infra_gate_is_open(&gate, now, &token) == 1) {
            note(now, "open", token);
            until = now + INFRA_MS(1);
        }
        if (infra_driver_run(driver, until) == INFRA_ESYSTEM) {
            _exit(3);
        }
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in addresses[ENDPOINTS_MAX];
    struct infra_elector_endpoint endpoints[ENDPOINTS_MAX];
    struct infra_lease *lease = NULL;
    struct infra_elector *elector;
    struct infra_elector_options o = { .size = sizeof o };
    struct infra_failover_options f = { .size = sizeof f };
    int err;

    if (argc < 6 || infra_driver_create(&driver, NULL) != INFRA_OK) {
        return 2;
    }
    diary = open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    node = argv[2];
    (void)signal(SIGUSR1, on_signal);
    f.group = "test";
    f.node = node;
    f.gate = &gate;
    f.incarnation = fresh();
    f.ttl = INFRA_MS(strtoull(argv[3], NULL, 10));
    f.grace = grace();
    if (strcmp(argv[4], "file") == 0) {
        err = open_file(&lease, argv + 5, f.incarnation, f.ttl);
    } else {
        err = open_etcd(&lease, argv + 5, argc - 5, f.incarnation, f.ttl,
                        addresses, &o.endpoints_count);
    }
    for (uint32_t i = 0; i < o.endpoints_count; i++) {
        endpoints[i] = (struct infra_elector_endpoint) {
            .address = (struct sockaddr *)&addresses[i],
            .tls_name = setting("ELECTOR_TLS_NAME"),
            .address_size = sizeof addresses[i]
        };
    }
    o.failover = &f;
    o.lease = lease;
    o.endpoints = endpoints;
    o.tls = tls_functions();
    err = err != INFRA_OK ? err : infra_elector_create(&elector, driver, &o);
    if (err != INFRA_OK) {
        (void)fprintf(stderr, "elector_node: %s\n", infra_strerror(err));
        return 2;
    }
    note(infra_driver_now(), "start", (unsigned long long)getpid());
    serve(elector, lease);
    return 0;
}
