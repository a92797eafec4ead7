/* SPDX-License-Identifier: MIT */
/* A PostgreSQL check while it runs. */
#ifndef INFRA_PROBE_PGSQL_PGSQL_H
#define INFRA_PROBE_PGSQL_PGSQL_H

#include "../answer.h"
#include "../internal.h"
#include "error.h"
#include "login.h"
#include "question.h"

#define INFRA__PGSQL_VERSION_MAX 64u

enum infra__pgsql_state {
    INFRA__PGSQL_TLS,      /* We asked for TLS. */
    INFRA__PGSQL_LOGIN,    /* We said who we are. */
    INFRA__PGSQL_SETTLING, /* It let us in and is not ready yet. */
    INFRA__PGSQL_ASKING,
    INFRA__PGSQL_ASKING_FOR_HOST, /* Its question. */
    INFRA__PGSQL_LEAVING, /* How it ends is known; what comes is ignored. */
};

struct infra__pgsql {
    struct infra_probe probe; /* First: it is a probe. */
    infra_time lag_max;
    struct infra__answer_limits limits; /* For the answer to the host. */
    uint32_t expect;
    uint32_t startup_size;
    bool wants_tls;
    bool wants_login; /* Being asked for a password is not enough. */
    bool asks;
    bool is_clear_allowed; /* Without TLS too. */

    /* The conversation. */
    uint8_t state;
    bool has_columns;
    bool has_row;
    bool is_complete; /* The answer. */
    uint32_t reason;  /* While leaving, or after an error. */
    uint32_t verdict; /* While the host's question is asked. */
    const char *output;
    size_t output_size;
    struct infra__pgsql_messages messages;
    struct infra__pgsql_login login; /* Its keys outlive a check. */
    struct infra__pgsql_row row;
    struct infra__pgsql_answer answer;
    struct infra__pgsql_memory memory; /* Of checks before. */
    char version[INFRA__PGSQL_VERSION_MAX];
    char message[INFRA__PGSQL_TEXT_MAX];
    uint32_t question_size;
    const char *question; /* The message that asks for the host, or NULL. */
    char texts[];         /* The startup message, the question, the password. */
};

/* Begin: ask for TLS or introduce ourselves. */
void infra__pgsql_start(struct infra__pgsql *p);

/* Say who we are: TLS stands, or is not wanted. */
void infra__pgsql_introduce(struct infra__pgsql *p);

/* Hear something, while the check is not over. */
void infra__pgsql_hear(struct infra__pgsql *p, const void *bytes, size_t count);

#endif
