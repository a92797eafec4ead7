/* SPDX-License-Identifier: MIT */
/* A check of a MySQL or MariaDB server while it runs. A check says little, so
 * that all of it has a place of its own, and nothing depends on when it is
 * sent. */
#ifndef INFRA_PROBE_MYSQL_H
#define INFRA_PROBE_MYSQL_H

#include "../database.h"
#include "login.h"
#include "packets.h"
#include "status.h"

#define INFRA__MYSQL_MESSAGE_MAX 255u

/* Bytes kept of a packet that is not an answer; the rest of it is dropped. */
#define INFRA__MYSQL_HEAD_MAX INFRA__MYSQL_GREETING_MAX

/* Request for TLS, login, answer of another method, password, three questions,
 * farewell: at most 1024 bytes; and the host's question. */
#define INFRA__MYSQL_OUTPUT_MAX 1664u

/* The answer to a method that we do not know has the size of an Ed25519
 * signature, since MariaDB counts any other as a broken connection. It is no
 * password to a method that wants one in clear, nor one that is encrypted. */
#define INFRA__MYSQL_NO_ANSWER_SIZE 64u

enum infra__mysql_step {
    INFRA__MYSQL_GREETING,
    INFRA__MYSQL_TLS, /* Requested; no input may come before the handshake. */
    INFRA__MYSQL_LOGIN,
    INFRA__MYSQL_ANSWER,
};

struct infra__mysql {
    struct infra_probe probe; /* First: it is a probe. */
    struct infra__database_limits limits;
    struct infra_login_mysql_keys keys; /* Of the password, if there is one. */
    const char *password; /* Over TLS, where a server may ask for it. */
    bool has_user;        /* Else the anonymous user, who may be refused. */
    bool tls;
    bool asks[INFRA__MYSQL_QUESTIONS];
    bool needs[INFRA__MYSQL_QUESTIONS]; /* To judge. */
    const char *question;               /* The host's, after the name. */

    /* The conversation. */
    uint8_t step;
    bool is_given_up; /* The login has no answer; the server's is awaited. */
    bool is_lost;     /* Failed; only the server's refusal is awaited. */
    uint32_t reason;  /* Of a check that is lost. */
    uint32_t head_size;
    uint32_t output_size; /* Of this check. */
    struct infra__mysql_packets packets;
    struct infra__mysql_greeting greeting;
    struct infra_login_mysql login;
    struct infra__mysql_status status;
    char message[INFRA__MYSQL_MESSAGE_MAX + 1];
    unsigned char head[INFRA__MYSQL_HEAD_MAX];
    unsigned char output[INFRA__MYSQL_OUTPUT_MAX];
    char name[]; /* The user's, the host's question, and the password. */
};

/* Take a byte of input, except before TLS. */
void infra__mysql_hear(struct infra__mysql *m, unsigned char c);

/* Log in, after TLS if that is wanted. */
void infra__mysql_log_in(struct infra__mysql *m);

#define INFRA__MYSQL_SYNTAX_ERROR 1064u

/* Read an error packet of at least one byte. Its number, with the message as
 * printable text; 0: malformed. */
uint32_t infra__mysql_error_read(const unsigned char *bytes, size_t size,
                                 char *ret_message, size_t message_size);

/* The enum infra_probe_reason of an error. */
uint32_t infra__mysql_error_reason(uint32_t number);

#endif
