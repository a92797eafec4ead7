/* SPDX-License-Identifier: MIT */
/* A check of a MySQL or MariaDB server while it runs. What is said in one check
 * is little and bounded, so that all of it has a place and nothing depends on
 * what was sent when. */
#ifndef INFRA_PROBE_MYSQL_MYSQL_H
#define INFRA_PROBE_MYSQL_MYSQL_H

#include "../answer.h"
#include "../internal.h"
#include "login.h"
#include "packets.h"
#include "status.h"

#define INFRA__MYSQL_MESSAGE_MAX 255u

/* How much is kept of a packet that is no answer; the rest of a message is
 * dropped. */
#define INFRA__MYSQL_HEAD_MAX INFRA__MYSQL_GREETING_MAX

/* Request for TLS, login, answer of another method, three questions, farewell:
 * at most 750 bytes; and the host's question. */
#define INFRA__MYSQL_OUTPUT_MAX 1280u

enum infra__mysql_step {
    INFRA__MYSQL_GREETING,
    INFRA__MYSQL_TLS, /* Asked for; nothing may come before the handshake. */
    INFRA__MYSQL_LOGIN,
    INFRA__MYSQL_ANSWER,
    INFRA__MYSQL_LEAVING, /* All is known; what comes is ignored. */
};

struct infra__mysql {
    struct infra_probe probe; /* First: it is a probe. */
    struct infra__mysql_user user;
    infra_time lag_max;
    uint32_t expect;
    bool has_user; /* Else it is the anonymous one, who may be refused. */
    bool tls;
    bool asks[INFRA__MYSQL_QUESTIONS];
    bool needs[INFRA__MYSQL_QUESTIONS]; /* To judge. */
    const char *question;               /* The host's, behind the name. */
    struct infra__answer_limits limits; /* For the answer to it. */

    /* The conversation. */
    uint8_t step;
    bool is_switched; /* The method was, once. */
    bool is_lost;     /* It has failed, but for the server to say so. */
    uint32_t reason;  /* With which it leaves. */
    uint32_t head_size;
    uint32_t output_size;
    uint32_t output_sent;
    struct infra__mysql_packets packets;
    struct infra__mysql_greeting greeting;
    struct infra__mysql_status status;
    char message[INFRA__MYSQL_MESSAGE_MAX + 1];
    unsigned char head[INFRA__MYSQL_HEAD_MAX];
    unsigned char output[INFRA__MYSQL_OUTPUT_MAX];
    char name[]; /* The user's, and the host's question. */
};

/* Hear a byte, not while leaving or before TLS. */
void infra__mysql_hear(struct infra__mysql *m, unsigned char c);

/* Log in: TLS stands, or is not wanted. */
void infra__mysql_log_in(struct infra__mysql *m);

#endif
