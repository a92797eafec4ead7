/* SPDX-License-Identifier: MIT */
/*
 * The login of a client: the startup message, then SCRAM-SHA-256 against the
 * user file.  A request for TLS is answered with S if the proxy has a
 * certificate, else, as one for GSSAPI, with N.  What was sent behind one
 * without waiting for the answer is refused: a party in between could have put
 * it there.
 */
#include "pg.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STARTUP_MAX 10000u /* As in PostgreSQL. */
#define CANCEL_REQUEST 80877102u
#define SSL_REQUEST 80877103u
#define GSS_REQUEST 80877104u
#define KEY_SIZE_MAX 256u

#define AUTH_OK 0u
#define AUTH_SASL 10u
#define AUTH_SASL_CONTINUE 11u
#define AUTH_SASL_FINAL 12u

enum step pg_refuse(struct client *c, const char *code, const char *why)
{
    pg_put_error(&c->link, "FATAL", code, why);
    c->why = why;
    return STEP_FAILED;
}

/* For names that are not in the user file: the same for all threads. */
static unsigned char mock_secret[INFRA_LOGIN_ENTROPY_SIZE];
static bool has_mock_secret;

static void make_mock_secret(void)
{
    has_mock_secret = protocol_entropy(mock_secret, sizeof mock_secret);
}

static bool mock(struct infra_login_scram_keys *ret, const char *user)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    return pthread_once(&once, make_mock_secret) == 0 && has_mock_secret &&
           infra_login_scram_mock(ret, user, strlen(user), mock_secret, 0) ==
               INFRA_OK;
}

static void put_authentication(struct link *l, uint32_t kind, const void *bytes,
                               size_t size)
{
    unsigned char number[4];

    pg_set_u32(number, kind);
    pg_put_header(l, 'R', sizeof number + size);
    link_put(l, number, sizeof number);
    link_put(l, bytes, size);
}

enum step pg_begin_scram(struct client *c, const char *user)
{
    static const char mechanisms[] = INFRA_LOGIN_SCRAM_MECHANISM "\0";
    struct pg_client *p = pg_client(c);
    unsigned char entropy[INFRA_LOGIN_ENTROPY_SIZE];
    struct infra_login_scram_keys keys;

    if (c->user == NULL && !mock(&keys, user)) {
        return pg_refuse(c, "53200", "no entropy");
    }
    p->login = malloc(sizeof *p->login);
    if (p->login == NULL || !protocol_entropy(entropy, sizeof entropy) ||
        infra_login_scram_server(p->login,
                                 c->user != NULL ? &c->user->scram : &keys,
                                 entropy) != INFRA_OK) {
        return pg_refuse(c, "53200", "out of memory");
    }
    put_authentication(&c->link, AUTH_SASL, mechanisms, sizeof mechanisms);
    p->stage = PG_SASL_FIRST;
    return STEP_MORE;
}

static void end_login(struct client *c)
{
    struct pg_client *p = pg_client(c);

    if (p->login != NULL) {
        infra_login_wipe(p->login, sizeof *p->login);
        free(p->login);
        p->login = NULL;
    }
}

static enum step accept_login(struct client *c)
{
    struct infra_login_scram_keys onward;

    db_user_scram(c->user, &onward);
    if (c->user->password == NULL && onward.iterations == 0) {
        db_user_learn_scram(c->user, &pg_client(c)->login->keys);
    }
    infra_login_wipe(&onward, sizeof onward);
    end_login(c);
    if (c->user->database != NULL &&
        strcmp(c->user->database, c->database) != 0) {
        return pg_refuse(c, "28000",
                         "the user file has another database for this user");
    }
    put_authentication(&c->link, AUTH_OK, NULL, 0);
    pg_settings_start(c);
    return STEP_DONE;
}

static enum step continue_scram(struct client *c, const unsigned char *bytes,
                                size_t size)
{
    struct pg_client *p = pg_client(c);
    char out[INFRA_LOGIN_MESSAGE_MAX];
    size_t out_size = 0;

    switch (infra_login_scram_next(p->login, bytes, size, out, &out_size)) {
    case INFRA_LOGIN_STEP_SEND:
        put_authentication(&c->link, AUTH_SASL_CONTINUE, out, out_size);
        return STEP_MORE;
    case INFRA_LOGIN_STEP_DONE:
        if (c->user == NULL) {
            break; /* A mock is never DONE. */
        }
        put_authentication(&c->link, AUTH_SASL_FINAL, out, out_size);
        return accept_login(c);
    default:
        break;
    }
    pg_put_error(&c->link, "FATAL", "28P01", "password authentication failed");
    c->why = infra_login_reason_name(p->login->reason);
    return STEP_FAILED;
}

/* SASLInitialResponse: mechanism, length, the first message. */
static enum step first_response(struct client *c, const struct pg_message *m)
{
    const unsigned char *at = m->body;
    size_t size = m->size;
    const char *name;
    size_t name_size;

    if (!pg_text(&at, &size, &name, &name_size) || size < 4 ||
        pg_u32(at) != size - 4) {
        return pg_refuse(c, "08P01", "malformed SASLInitialResponse");
    }
    if (infra_login_scram_choose(name, name_size + 1) != 0) {
        return pg_refuse(c, "28000", "only SCRAM-SHA-256 is offered");
    }
    pg_client(c)->stage = PG_SASL_NEXT;
    return continue_scram(c, at + 4, size - 4);
}

static enum step sasl(struct client *c)
{
    struct pg_message m;
    enum pg_found found =
        pg_message_at(link_in(&c->link), link_in_size(&c->link), 4096, &m);

    if (found == PG_PART) {
        return STEP_MORE;
    }
    if (found == PG_WRONG || m.type != 'p') {
        return pg_refuse(c, "08P01", "a password message was expected");
    }
    enum step step = pg_client(c)->stage == PG_SASL_FIRST
                         ? first_response(c, &m)
                         : continue_scram(c, m.body, m.size);
    if (step != STEP_FAILED) {
        link_take(&c->link, PG_HEADER + m.size);
    }
    return step;
}

static enum step encryption(struct client *c, uint32_t code)
{
    struct pg_client *p = pg_client(c);
    uint32_t bit = code == SSL_REQUEST ? 1 : 2;

    if (link_in_size(&c->link) > 8) {
        return pg_refuse(c, "08P01",
                         "bytes behind a request for encryption, before its "
                         "answer");
    }
    if ((p->tried_tls & bit) != 0) {
        return pg_refuse(c, "08P01", "encryption was requested twice");
    }
    p->tried_tls |= bit;
    link_take(&c->link, 8);
    if (code == SSL_REQUEST && client_limits(c)->offers_tls) {
        p->tried_tls = 3; /* Nothing inside of TLS. */
        link_put(&c->link, "S", 1);
        return STEP_TLS;
    }
    link_put(&c->link, "N", 1);
    return STEP_MORE;
}

static enum step cancel(struct client *c, const unsigned char *at, size_t size)
{
    if (size < 8 || size > 4 + KEY_SIZE_MAX) {
        return pg_refuse(c, "08P01", "malformed request to cancel");
    }
    if (size != 8) {
        return STEP_FAILED; /* Not a key of ours. */
    }
    c->cancel.process = pg_u32(at);
    memcpy(&c->cancel.key, at + 4, sizeof c->cancel.key);
    return STEP_CANCEL;
}

static enum step first_packet(struct client *c)
{
    const unsigned char *at = link_in(&c->link);
    size_t size = link_in_size(&c->link);

    if (size < 8) {
        return STEP_MORE;
    }
    uint32_t length = pg_u32(at);
    uint32_t code = pg_u32(at + 4);
    if (length < 8 || length > STARTUP_MAX) {
        return pg_refuse(c, "08P01", "not a startup message of PostgreSQL");
    }
    if (size < length) {
        return STEP_MORE;
    }
    if ((code == SSL_REQUEST || code == GSS_REQUEST) && length == 8) {
        return encryption(c, code);
    }
    if (code == CANCEL_REQUEST) {
        return cancel(c, at + 8, length - 8);
    }
    if (client_limits(c)->requires_tls && !c->is_secure) {
        return pg_refuse(c, "28000",
                         "the proxy wants TLS, as with sslmode=require");
    }
    enum step step = pg_startup(c, code, at + 8, length - 8);
    if (step == STEP_MORE) {
        link_take(&c->link, length);
    }
    return step;
}

enum step pg_login(struct client *c)
{
    enum step step =
        pg_client(c)->stage == PG_STARTUP ? first_packet(c) : sasl(c);

    if (step == STEP_FAILED) {
        end_login(c);
    }
    return step;
}
