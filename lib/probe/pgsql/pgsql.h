/* SPDX-License-Identifier: MIT */
/* A PostgreSQL check while it runs. */
#ifndef INFRA_PROBE_PGSQL_H
#define INFRA_PROBE_PGSQL_H

#include "../database.h"
#include "login.h"
#include "question.h"

#define INFRA__PGSQL_VERSION_MAX 64u

enum infra__pgsql_state {
    INFRA__PGSQL_TLS,      /* TLS is requested. */
    INFRA__PGSQL_LOGIN,    /* The startup message is sent. */
    INFRA__PGSQL_SETTLING, /* Logged in; the server is not ready yet. */
    INFRA__PGSQL_ASKING,
    INFRA__PGSQL_ASKING_FOR_HOST, /* The host's question. */
};

struct infra__pgsql {
    struct infra_probe probe; /* First: it is a probe. */
    struct infra__database_limits limits;
    bool wants_tls;
    bool wants_login; /* A request for a password is not enough. */
    bool asks;
    bool is_clear_allowed; /* Also without TLS. */

    /* The conversation. */
    uint8_t state;
    bool has_columns;
    bool has_row;
    bool is_complete; /* The answer. */
    uint32_t reason;  /* Of an error as the answer. */
    uint32_t verdict; /* While the host's question is asked. */
    struct infra__pgsql_messages messages;
    struct infra__pgsql_login login; /* Its keys outlive a check. */
    struct infra__pgsql_row row;
    struct infra__pgsql_answer answer;
    struct infra__pgsql_memory memory; /* Of earlier checks. */
    char version[INFRA__PGSQL_VERSION_MAX];
    char message[INFRA__PGSQL_TEXT_MAX];
    struct infra__request startup;
    struct infra__request question; /* The host's; size 0: none. */
    char texts[]; /* The startup message, the question, the password. */
};

/* Begin: request TLS, or send the startup message. */
void infra__pgsql_start(struct infra__pgsql *p);

/* Send the startup message, after TLS if that is wanted. */
void infra__pgsql_introduce(struct infra__pgsql *p);

/* Take input while the check is not over. */
void infra__pgsql_hear(struct infra__pgsql *p, const void *bytes, size_t count);

#endif
