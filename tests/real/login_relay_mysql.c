/* SPDX-License-Identifier: MIT */
/* MySQL's packets around a login, as the server and as a client
 * (Protocol::HandshakeV10 and Protocol::HandshakeResponse41). */
#include "login_relay.h"

#include <infra/login.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_WITH_DB 0x8u
#define PROTOCOL_41 0x200u
#define SECURE_CONNECTION 0x8000u
#define PLUGIN_AUTH 0x80000u

/* What both connections have in common: long passwords, found rows, long flags,
 * transactions, several statements and results. */
#define OFFERED                                                     \
    (0x1u | 0x2u | 0x4u | CONNECT_WITH_DB | PROTOCOL_41 | 0x2000u | \
     SECURE_CONNECTION | 0x10000u | 0x20000u | PLUGIN_AUTH)

#define FIXED_SIZE 32u

struct packet {
    unsigned char sequence;
    size_t size;
    unsigned char body[PACKET_MAX];
};

/* The sequence of both connections is the same while logging in, except for
 * what each says alone. */
static void read_packet(int fd, struct packet *ret)
{
    unsigned char header[4];

    relay_read(fd, header, sizeof header);
    ret->size =
        (size_t)header[0] | (size_t)header[1] << 8 | (size_t)header[2] << 16;
    ret->sequence = header[3];
    if (ret->size >= sizeof ret->body) {
        exit(1);
    }
    relay_read(fd, ret->body, ret->size);
    ret->body[ret->size] = 0; /* Texts end. */
}

static void write_packet(int fd, unsigned char sequence, const void *body,
                         size_t size)
{
    unsigned char bytes[PACKET_MAX + 4];

    bytes[0] = (unsigned char)size;
    bytes[1] = (unsigned char)(size >> 8);
    bytes[2] = 0;
    bytes[3] = sequence;
    memcpy(bytes + 4, body, size);
    relay_write(fd, bytes, 4 + size);
}

static bool refuse(const struct relay *r, unsigned char sequence,
                   unsigned number, const char *state, const char *text)
{
    char body[512];
    int size = snprintf(body, sizeof body, "%c%c%c#%s%s", 0xff, number & 255,
                        number >> 8, state, text);

    write_packet(r->client, sequence, body, (size_t)size);
    return false;
}

/* The fields of a greeting or a login that are used here. */
struct response {
    const char *user;
    const unsigned char *answer;
    size_t answer_size;
    const char *database; /* NULL: none. */
    const char *method;
};

static void write_greeting(const struct relay *r,
                           const struct infra_login_mysql *login)
{
    unsigned char body[256] = "\x0a"
                              "8.0.0-relay";
    const char *method = infra_login_mysql_method_name(login->method);
    size_t at = 1 + sizeof "8.0.0-relay" + 4;

    memcpy(body + at, login->challenge, 8);
    at += 8 + 1;
    body[at++] = (unsigned char)(OFFERED & 255);
    body[at++] = (unsigned char)(OFFERED >> 8);
    body[at++] = 0x21; /* UTF-8 */
    body[at] = 2;      /* autocommit */
    at += 2;
    body[at++] = (unsigned char)(OFFERED >> 16);
    body[at++] = (unsigned char)(OFFERED >> 24);
    body[at] = sizeof login->challenge + 1;
    at += 1 + 10;
    memcpy(body + at, login->challenge + 8, sizeof login->challenge - 8);
    at += sizeof login->challenge - 8 + 1;
    memcpy(body + at, method, strlen(method) + 1);
    write_packet(r->client, 0, body, at + strlen(method) + 1);
}

static struct response read_response(const struct packet *p)
{
    uint32_t flags = (uint32_t)p->body[0] | (uint32_t)p->body[1] << 8 |
                     (uint32_t)p->body[2] << 16;
    const unsigned char *at = p->body + FIXED_SIZE;
    struct response ret = { .user = (const char *)at, .method = "" };

    at += strlen(ret.user) + 1;
    ret.answer_size = *at++;
    ret.answer = at;
    at += ret.answer_size;
    if ((flags & CONNECT_WITH_DB) != 0) {
        ret.database = (const char *)at;
        at += strlen(ret.database) + 1;
    }
    if ((flags & PLUGIN_AUTH) != 0) {
        ret.method = (const char *)at;
        at += strlen(ret.method);
    }
    if (p->size < FIXED_SIZE || at > p->body + p->size) {
        exit(1);
    }
    return ret;
}

/* The sequence of the packet that follows; 0: refused. */
static unsigned char let_in(const struct relay *r, const struct response *c,
                            struct infra_login_mysql *login)
{
    static struct packet p;
    char stored[STORED_MAX];
    unsigned char out[INFRA_LOGIN_MESSAGE_MAX], sequence = 2;
    struct infra_login_mysql_keys keys = { 0 };
    size_t out_size;
    bool is_known = relay_find(r, c->user, stored);

    if (is_known &&
        infra_login_mysql_parse(&keys, stored, strlen(stored)) != INFRA_OK) {
        (void)fprintf(stderr, "%s: no hash\n", c->user);
        exit(1);
    }
    (void)infra_login_mysql_set_user(login, is_known ? &keys : NULL,
                                     r->is_local);
    int step =
        infra_login_mysql_first(login, c->method, strlen(c->method), c->answer,
                                c->answer_size, out, &out_size);
    while (step == INFRA_LOGIN_STEP_SEND) {
        write_packet(r->client, sequence, out, out_size);
        read_packet(r->client, &p);
        sequence = (unsigned char)(p.sequence + 1);
        step = infra_login_mysql_next(login, p.body, p.size, out, &out_size);
    }
    if (step != INFRA_LOGIN_STEP_DONE) {
        relay_report(c->user, infra_login_reason_name(login->reason));
        (void)refuse(r, sequence, 1045, "28000", "Access denied");
        return 0;
    }
    if (out_size > 0) {
        write_packet(r->client, sequence++, out, out_size);
    }
    return sequence;
}

/* The login at the server. Of the client's flags only those that were offered
 * are in force. */
static void write_response(const struct relay *r, const struct packet *client,
                           const struct response *c,
                           const struct infra_login_mysql *login,
                           const unsigned char *answer, size_t answer_size)
{
    unsigned char body[PACKET_MAX];
    const char *method = infra_login_mysql_method_name(login->method);
    size_t at = FIXED_SIZE;

    memcpy(body, client->body, FIXED_SIZE);
    for (int i = 0; i < 4; i++) {
        body[i] &= (unsigned char)(OFFERED >> 8 * i);
    }
    memcpy(body + at, c->user, strlen(c->user) + 1);
    at += strlen(c->user) + 1;
    body[at++] = (unsigned char)answer_size;
    memcpy(body + at, answer, answer_size);
    at += answer_size;
    if (c->database != NULL) {
        memcpy(body + at, c->database, strlen(c->database) + 1);
        at += strlen(c->database) + 1;
    }
    memcpy(body + at, method, strlen(method) + 1);
    write_packet(r->server, 1, body, at + strlen(method) + 1);
}

/* Log in at the server with the keys of a client, up to its OK. NULL, or what
 * went wrong. */
static const char *log_in(const struct relay *r, const struct packet *client,
                          const struct response *c,
                          const struct infra_login_mysql_keys *keys,
                          struct packet *p)
{
    struct infra_login_mysql login;
    unsigned char out[INFRA_LOGIN_MESSAGE_MAX];
    unsigned char challenge[INFRA_LOGIN_MYSQL_CHALLENGE_SIZE];
    size_t out_size;

    read_packet(r->server, p);
    const unsigned char *at = p->body + 1;
    at += strlen((const char *)at) + 1 + 4;
    memcpy(challenge, at, 8);
    memcpy(challenge + 8, at + 8 + 1 + 2 + 1 + 2 + 2 + 1 + 10, 12);
    const char *method =
        (const char *)at + 8 + 1 + 2 + 1 + 2 + 2 + 1 + 10 + 12 + 1;
    (void)infra_login_mysql_client(&login, keys, NULL, 0, 0);
    (void)infra_login_mysql_first(&login, method, strlen(method), challenge,
                                  sizeof challenge, out, &out_size);
    write_response(r, client, c, &login, out, out_size);
    for (;;) {
        read_packet(r->server, p);
        switch (
            infra_login_mysql_next(&login, p->body, p->size, out, &out_size)) {
        case INFRA_LOGIN_STEP_SEND:
            write_packet(r->server, (unsigned char)(p->sequence + 1), out,
                         out_size);
            break;
        case INFRA_LOGIN_STEP_DONE:
            return NULL;
        case INFRA_LOGIN_STEP_REFUSED:
            return infra_login_reason_name(login.reason);
        default:
            break;
        }
    }
}

bool relay_mysql(const struct relay *r)
{
    static struct infra_login_mysql login;
    static struct packet client, server;

    (void)infra_login_mysql_server(&login, r->mysql, relay_entropy());
    write_greeting(r, &login);
    read_packet(r->client, &client);
    struct response c = read_response(&client);
    unsigned char sequence = let_in(r, &c, &login);
    if (sequence == 0) {
        return false;
    }
    if (r->server < 0) {
        relay_report(c.user, infra_login_mysql_method_name(login.method));
        return refuse(r, sequence, 1105, "HY000", "logged in");
    }
    const char *error = log_in(r, &client, &c, &login.keys, &server);
    relay_report(c.user, error != NULL ? error : "logged in onward");
    if (error != NULL) {
        return refuse(r, sequence, 1045, "28000", error);
    }
    write_packet(r->client, sequence, server.body, server.size);
    return true;
}
