/* SPDX-License-Identifier: MIT */
/* PostgreSQL's messages around a login by SCRAM-SHA-256, as the server and as a
 * client (PostgreSQL's documentation, 55.2.1 and 55.7). */
#include "login_relay.h"

#include <infra/login.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_TLS 80877103u
#define REQUEST_GSS 80877104u

enum code {
    CODE_OK = 0,
    CODE_SASL = 10,
    CODE_SASL_CONTINUE = 11,
    CODE_SASL_FINAL = 12,
};

struct message {
    char type;
    size_t size;
    unsigned char body[PACKET_MAX];
};

static uint32_t u32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           (uint32_t)p[3];
}

static void put_u32(unsigned char *ret, size_t value)
{
    for (int i = 0; i < 4; i++) {
        ret[i] = (unsigned char)(value >> (24 - 8 * i));
    }
}

/* Read the length and what follows. */
static void read_body(int fd, struct message *ret)
{
    unsigned char length[4];

    relay_read(fd, length, sizeof length);
    ret->size = u32(length) - sizeof length;
    if (ret->size > sizeof ret->body) {
        exit(1);
    }
    relay_read(fd, ret->body, ret->size);
}

static void read_message(int fd, struct message *ret)
{
    relay_read(fd, &ret->type, 1);
    read_body(fd, ret);
}

/* A zero as the type: none. */
static void write_message(int fd, char type, const void *body, size_t size)
{
    unsigned char bytes[PACKET_MAX];
    size_t at = type != 0 ? 1 : 0;

    bytes[0] = (unsigned char)type;
    put_u32(bytes + at, 4 + size);
    memcpy(bytes + at + 4, body, size);
    relay_write(fd, bytes, at + 4 + size);
}

static void write_request(int fd, enum code code, const void *text, size_t size)
{
    unsigned char body[PACKET_MAX];

    put_u32(body, code);
    memcpy(body + 4, text, size);
    write_message(fd, 'R', body, 4 + size);
}

static bool refuse(const struct relay *r, const char *code, const char *text)
{
    char body[512];
    int size =
        snprintf(body, sizeof body, "SFATAL%cC%s%cM%s%c", 0, code, 0, text, 0);

    write_message(r->client, 'E', body, (size_t)size + 1);
    return false;
}

static void read_startup(const struct relay *r, struct message *ret)
{
    do {
        read_body(r->client, ret);
        if (u32(ret->body) != REQUEST_TLS && u32(ret->body) != REQUEST_GSS) {
            return;
        }
        relay_write(r->client, "N", 1);
    } while (1);
}

static const char *user_of(const struct message *startup)
{
    const char *at = (const char *)startup->body + 4;
    const char *end = (const char *)startup->body + startup->size;

    while (at < end && *at != '\0') {
        const char *value = at + strlen(at) + 1;
        if (strcmp(at, "user") == 0) {
            return value;
        }
        at = value + strlen(value) + 1;
    }
    return "";
}

/* The client's first answer: a mechanism, a size, and the message. */
static int take_first(struct infra_login_scram *login, const struct message *m,
                      char *out, size_t *out_size)
{
    size_t name_size = strnlen((const char *)m->body, m->size) + 1;
    int chosen = infra_login_scram_choose((const char *)m->body, name_size);

    if (chosen != INFRA_OK || m->size < name_size + 4) {
        login->reason = chosen != INFRA_OK ? (uint32_t)chosen
                                           : INFRA_LOGIN_REASON_MALFORMED;
        return INFRA_LOGIN_STEP_REFUSED;
    }
    return infra_login_scram_next(login, m->body + name_size + 4,
                                  m->size - name_size - 4, out, out_size);
}

static bool let_in(const struct relay *r, const char *user,
                   struct infra_login_scram *login)
{
    static const unsigned char secret[INFRA_LOGIN_ENTROPY_SIZE] = "test";
    static struct message m;
    char stored[STORED_MAX], out[INFRA_LOGIN_MESSAGE_MAX];
    struct infra_login_scram_keys keys;
    size_t out_size;

    if (!relay_find(r, user, stored)) {
        (void)infra_login_scram_mock(&keys, user, strlen(user), secret, 0);
    } else if (infra_login_scram_parse(&keys, stored, strlen(stored)) !=
               INFRA_OK) {
        (void)fprintf(stderr, "%s: no verifier\n", user);
        exit(1);
    }
    (void)infra_login_scram_server(login, &keys, relay_entropy());
    write_request(r->client, CODE_SASL, INFRA_LOGIN_SCRAM_MECHANISM "\0",
                  sizeof INFRA_LOGIN_SCRAM_MECHANISM + 1);
    read_message(r->client, &m);
    int step = take_first(login, &m, out, &out_size);
    while (step == INFRA_LOGIN_STEP_SEND) {
        write_request(r->client, CODE_SASL_CONTINUE, out, out_size);
        read_message(r->client, &m);
        step = infra_login_scram_next(login, m.body, m.size, out, &out_size);
    }
    if (step != INFRA_LOGIN_STEP_DONE) {
        relay_report(user, infra_login_reason_name(login->reason));
        return false;
    }
    write_request(r->client, CODE_SASL_FINAL, out, out_size);
    return true;
}

static void answer_first(int fd, const char *out, size_t out_size)
{
    unsigned char body[PACKET_MAX];
    const size_t name_size = sizeof INFRA_LOGIN_SCRAM_MECHANISM;

    memcpy(body, INFRA_LOGIN_SCRAM_MECHANISM, name_size);
    put_u32(body + name_size, out_size);
    memcpy(body + name_size + 4, out, out_size);
    write_message(fd, 'p', body, name_size + 4 + out_size);
}

/* Log in at the server with the keys of a client. NULL, or what went wrong. */
static const char *log_in(const struct relay *r, const struct message *startup,
                          const struct infra_login_scram_keys *keys)
{
    static struct message m;
    static struct infra_login_scram login;
    char out[INFRA_LOGIN_MESSAGE_MAX];
    bool is_proven = false;
    size_t out_size;

    (void)infra_login_scram_client(&login, keys, NULL, 0, relay_entropy());
    write_message(r->server, 0, startup->body, startup->size);
    for (;;) {
        read_message(r->server, &m);
        uint32_t code = m.type == 'R' && m.size >= 4 ? u32(m.body) : UINT32_MAX;
        if (code == CODE_OK) {
            return is_proven ? NULL : "the server has proven nothing";
        }
        if (code == CODE_SASL &&
            infra_login_scram_choose((const char *)m.body + 4, m.size - 4) ==
                INFRA_OK) {
            (void)infra_login_scram_next(&login, NULL, 0, out, &out_size);
            answer_first(r->server, out, out_size);
            continue;
        }
        if (code != CODE_SASL_CONTINUE && code != CODE_SASL_FINAL) {
            return "the server refuses";
        }
        int step = infra_login_scram_next(&login, m.body + 4, m.size - 4, out,
                                          &out_size);
        if (step == INFRA_LOGIN_STEP_REFUSED) {
            return infra_login_reason_name(login.reason);
        }
        if (step == INFRA_LOGIN_STEP_SEND) {
            write_message(r->server, 'p', out, out_size);
        }
        is_proven = step == INFRA_LOGIN_STEP_DONE;
    }
}

bool relay_pgsql(const struct relay *r)
{
    static struct message startup;
    static struct infra_login_scram login;

    read_startup(r, &startup);
    const char *user = user_of(&startup);
    if (!let_in(r, user, &login)) {
        return refuse(r, "28P01", "password authentication failed");
    }
    if (r->server < 0) {
        relay_report(user, "logged in");
        return refuse(r, "00000", "logged in");
    }
    const char *error = log_in(r, &startup, &login.keys);
    relay_report(user, error != NULL ? error : "logged in onward");
    if (error != NULL) {
        return refuse(r, "08004", error);
    }
    write_request(r->client, CODE_OK, "", 0);
    return true;
}
