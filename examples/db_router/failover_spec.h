/* SPDX-License-Identifier: MIT */
/* Options that say where db_failover records the primary: the words of its own
 * options, with "failover-" before them.  The codes of the options are those of
 * lease_spec.h, moved to FAILOVER_SPEC_FIRST. */
#ifndef EXAMPLES_DB_ROUTER_FAILOVER_SPEC_H
#define EXAMPLES_DB_ROUTER_FAILOVER_SPEC_H

#include "../common/lease_spec.h"

#define FAILOVER_SPEC_FIRST 4096
#define FAILOVER_SPEC_CODE(code) ((code)-LEASE_SPEC_FIRST + FAILOVER_SPEC_FIRST)
#define FAILOVER_SPEC_GROUP 8192

#define FAILOVER_NODES_MAX 16u /* Databases of db_failover. */

/* clang-format off */
#define FAILOVER_SPEC_OPTIONS                                       \
    { "failover", required_argument, NULL,                          \
      FAILOVER_SPEC_CODE(LEASE_SPEC_LEASE) },                       \
    { "failover-group", required_argument, NULL,                    \
      FAILOVER_SPEC_GROUP },                                        \
    { "failover-user", required_argument, NULL,                     \
      FAILOVER_SPEC_CODE(LEASE_SPEC_USER) },                        \
    { "failover-password-file", required_argument, NULL,            \
      FAILOVER_SPEC_CODE(LEASE_SPEC_PASSWORD_FILE) },               \
    { "failover-password-env", required_argument, NULL,             \
      FAILOVER_SPEC_CODE(LEASE_SPEC_PASSWORD_ENV) },                \
    { "failover-tls", required_argument, NULL,                      \
      FAILOVER_SPEC_CODE(LEASE_SPEC_TLS) },                         \
    { "failover-tls-name", required_argument, NULL,                 \
      FAILOVER_SPEC_CODE(LEASE_SPEC_TLS_NAME) },                    \
    { "failover-tls-cert", required_argument, NULL,                 \
      FAILOVER_SPEC_CODE(LEASE_SPEC_TLS_CERT) },                    \
    { "failover-tls-key", required_argument, NULL,                  \
      FAILOVER_SPEC_CODE(LEASE_SPEC_TLS_KEY) }
/* clang-format on */

struct failover_spec {
    struct lease_spec lease;
    const char *group;
};

/* As it is without options. */
struct failover_spec failover_spec_default(void);

/* Read an option of FAILOVER_SPEC_FIRST or more.  False: the error is on
 * stderr. */
bool failover_spec_read(struct failover_spec *spec, int option, char *value);

/* Do the options fit together?  False: the error is on stderr. */
bool failover_spec_fits(const struct failover_spec *spec);

/* Around what writes errors that name options as db_failover has them, such as
 * "--lease". */
void failover_spec_begin_messages(void);
void failover_spec_end_messages(void);

/* Print the options. */
void failover_spec_help(void);

#endif
