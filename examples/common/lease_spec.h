/* SPDX-License-Identifier: MIT */
/* Which lease a program goes by, in the same words for every program: a few of
 * its options, with their help.  Nothing is opened here (lease_store.h).
 *
 *   static const struct option long_options[] = { LEASE_SPEC_OPTIONS, ... };
 *
 * and what getopt_long() finds that is LEASE_SPEC_FIRST or more goes to
 * lease_spec_read(). */
#ifndef EXAMPLES_LEASE_SPEC_H
#define EXAMPLES_LEASE_SPEC_H

#include <infra/driver.h>
#include <stdbool.h>

enum lease_spec_option {
    LEASE_SPEC_FIRST = 256,
    LEASE_SPEC_LEASE = LEASE_SPEC_FIRST,
    LEASE_SPEC_NODE,
    LEASE_SPEC_TTL,
    LEASE_SPEC_FLOOR,
    LEASE_SPEC_USER,
    LEASE_SPEC_PASSWORD,
    LEASE_SPEC_PASSWORD_FILE,
    LEASE_SPEC_PASSWORD_ENV,
    LEASE_SPEC_TLS,
    LEASE_SPEC_TLS_NAME,
    LEASE_SPEC_TLS_CERT,
    LEASE_SPEC_TLS_KEY,
};

/* clang-format off */
#define LEASE_SPEC_OPTIONS                                       \
    { "lease", required_argument, NULL, LEASE_SPEC_LEASE },       \
    { "node", required_argument, NULL, LEASE_SPEC_NODE },         \
    { "ttl", required_argument, NULL, LEASE_SPEC_TTL },           \
    { "floor", required_argument, NULL, LEASE_SPEC_FLOOR },       \
    { "user", required_argument, NULL, LEASE_SPEC_USER },         \
    { "password", required_argument, NULL, LEASE_SPEC_PASSWORD }, \
    { "password-file", required_argument, NULL,                   \
      LEASE_SPEC_PASSWORD_FILE },                                 \
    { "password-env", required_argument, NULL,                    \
      LEASE_SPEC_PASSWORD_ENV },                                  \
    { "tls", required_argument, NULL, LEASE_SPEC_TLS },           \
    { "tls-name", required_argument, NULL, LEASE_SPEC_TLS_NAME }, \
    { "tls-cert", required_argument, NULL, LEASE_SPEC_TLS_CERT }, \
    { "tls-key", required_argument, NULL, LEASE_SPEC_TLS_KEY }
/* clang-format on */

/* A server of etcd. */
struct lease_server {
    const char *host; /* As given, without brackets. */
    const char *port;
    struct sockaddr_storage address; /* If the host is an address, */
    socklen_t address_size;          /* else 0. */
};

/* NULL or 0: not given. */
struct lease_spec {
    const char *path; /* Of a file. */
    struct lease_server servers[INFRA_ELECTOR_ENDPOINTS_MAX];
    uint32_t servers_count; /* Of an etcd cluster. */
    const char *node;
    const char *floor;
    const char *user;
    char *password;  /* Wiped by lease_spec_forget(). */
    const char *tls; /* File of trusted authorities. */
    const char *tls_name;
    const char *tls_cert;
    const char *tls_key;
    infra_time ttl;
    bool has_groups; /* By the host: the group's name is appended to path. */
};

/* Read one of the options.  @others: further values of --lease, such as " or
 * vrrp:VRID".  False: the error is on stderr. */
bool lease_spec_read(struct lease_spec *spec, int option, char *value,
                     const char *others);

/* Wipe the password, once its users are made. */
void lease_spec_forget(struct lease_spec *spec);

/* Was a lease given? */
bool lease_spec_is_given(const struct lease_spec *spec);

/* Do the options fit together, and with this drain?  A @spec with a lease has
 * its ttl.  False: the error is on stderr. */
bool lease_spec_fits(const struct lease_spec *spec, infra_time drain);

/* Print the values of LEASE, and the options; @ttl is the default. */
void lease_spec_help_lease(void);
void lease_spec_help_options(const char *ttl);

#endif
