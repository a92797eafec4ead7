/* SPDX-License-Identifier: MIT */
/* What the checks of databases share: their options, the answer to the host's
 * question, the verdict on role and answer, and a replica's source. */
#ifndef INFRA_PROBE_DATABASE_COMMON_H
#define INFRA_PROBE_DATABASE_COMMON_H

#include "internal.h"

/* The first members of the options of every database. */
struct infra__database_options {
    size_t size;
    const struct infra_allocator *allocator;
    const struct infra_probe_timeouts *timeouts;
    uint32_t tls;
    uint32_t ask;
    const char *user;
    const char *password;
    const char *question;
    uint64_t answer_min;
    uint64_t answer_max;
    uint32_t expect;
    uint32_t kinds_own;
};

/* Are these members of complete options allowed? */
bool infra__database_options_are_allowed(const void *options, size_t user_max,
                                         size_t password_max);

/* What passes. */
struct infra__database_limits {
    infra_time lag_max;
    uint64_t answer_min;
    uint64_t answer_max;
    uint32_t expect; /* enum infra_probe_role */
};

/* The limits in the options, except for lag_max. */
struct infra__database_limits infra__database_limits(const void *options);

/* PASSED, READ_ONLY or NOT_REPLICA. */
uint32_t infra__database_judge_role(const struct infra__database_limits *limits,
                                    const struct infra_probe_result *result);

/* The reason of a check that passes but for the answer. @error: the reason of
 * the error that came as the answer, or PASSED. */
uint32_t infra__database_judge_answer(
    const struct infra__database_limits *limits,
    const struct infra_probe_result *result, uint32_t error);

#define INFRA__SOURCE_HOST_MAX 255u
#define INFRA__SOURCE_SIZE (INFRA__SOURCE_HOST_MAX + sizeof ":65535")

/* Write "host:port"; "" if the host is empty or too long, or the port is not
 * one. */
void infra__database_source(char ret[INFRA__SOURCE_SIZE],
                            const unsigned char *host, size_t size,
                            uint64_t port);

#endif
