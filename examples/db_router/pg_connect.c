/* SPDX-License-Identifier: MIT */
/* The login at a server: by SCRAM-SHA-256, with the password or with what the
 * client's own login has proven; by md5; or without a question. */
#include "pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARAMETERS_MAX 8192u
#define LOGIN_MESSAGE_MAX 65536u

void pg_ask_tls(struct link *l)
{
    static const unsigned char request[8] = { 0, 0, 0, 8, 4, 210, 22, 47 };

    link_put(l, request, sizeof request);
}

/* One byte is the answer; more than that would be from a party in between. */
enum step pg_take_tls(struct link *l)
{
    if (link_in_size(l) != 1 || link_in(l)[0] != 'S') {
        return STEP_FAILED;
    }
    link_take(l, 1);
    return STEP_TLS;
}

void pg_secured(struct server *s)
{
    static const unsigned char version[4] = { 0, 3, 0, 0 };
    unsigned char length[4];
    size_t user = strlen(s->user->name) + 1;
    size_t database = strlen(s->database) + 1;

    pg_set_u32(length, (uint32_t)(8 + 5 + user + 9 + database + 1));
    link_put(&s->link, length, sizeof length);
    link_put(&s->link, version, sizeof version);
    link_put(&s->link, "user", 5);
    link_put(&s->link, s->user->name, user);
    link_put(&s->link, "database", 9);
    link_put(&s->link, s->database, database);
    link_put(&s->link, "", 1);
}

void pg_connect(struct server *s)
{
    if (s->wants_tls) {
        pg_ask_tls(&s->link);
    } else {
        pg_secured(s);
    }
}

static enum step fail(struct server *s, const char *why)
{
    (void)snprintf(s->why, sizeof s->why, "%s", why);
    return STEP_FAILED;
}

static void end_login(struct pg_server *p)
{
    if (p->login != NULL) {
        infra_login_wipe(p->login, sizeof *p->login);
        free(p->login);
        p->login = NULL;
    }
}

static enum step next(struct server *s, const unsigned char *bytes, size_t size)
{
    struct pg_server *p = pg_server(s);
    char out[INFRA_LOGIN_MESSAGE_MAX];
    size_t out_size = 0;
    bool is_first = size == 0 && bytes == NULL;
    int step = infra_login_scram_next(p->login, bytes, size, out, &out_size);

    if (step == INFRA_LOGIN_STEP_SEND && is_first) {
        static const char name[] = INFRA_LOGIN_SCRAM_MECHANISM;
        unsigned char length[4];
        pg_set_u32(length, (uint32_t)out_size);
        pg_put_header(&s->link, 'p', sizeof name + sizeof length + out_size);
        link_put(&s->link, name, sizeof name);
        link_put(&s->link, length, sizeof length);
        link_put(&s->link, out, out_size);
        return STEP_MORE;
    }
    if (step == INFRA_LOGIN_STEP_SEND) {
        pg_put(&s->link, 'p', out, out_size);
        return STEP_MORE;
    }
    if (step == INFRA_LOGIN_STEP_DONE) {
        db_user_learn_scram(s->user, &p->login->keys);
        return STEP_MORE;
    }
    (void)snprintf(s->why, sizeof s->why, "SCRAM-SHA-256: %s",
                   infra_login_reason_name(p->login->reason));
    s->is_final = p->login->reason == INFRA_LOGIN_REASON_OTHER_SALT ||
                  p->login->reason == INFRA_LOGIN_REASON_FORGED;
    (void)snprintf(s->code, sizeof s->code, "28P01");
    return STEP_FAILED;
}

static enum step begin_scram(struct server *s, const unsigned char *names,
                             size_t size)
{
    struct pg_server *p = pg_server(s);
    const char *password = s->user->password;
    unsigned char entropy[INFRA_LOGIN_ENTROPY_SIZE];
    struct infra_login_scram_keys keys;

    if (infra_login_scram_choose((const char *)names, size) != 0) {
        return fail(s, "the server does not offer SCRAM-SHA-256");
    }
    db_user_scram(s->user, &keys);
    p->login = p->login != NULL ? p->login : malloc(sizeof *p->login);
    int err = p->login == NULL || !protocol_entropy(entropy, sizeof entropy)
                  ? INFRA_ENOMEM
                  : infra_login_scram_client(
                        p->login, keys.iterations > 0 ? &keys : NULL, password,
                        password != NULL ? strlen(password) : 0, entropy);
    infra_login_wipe(&keys, sizeof keys);
    if (err != INFRA_OK) {
        s->is_final = err != INFRA_ENOMEM;
        return fail(s, err == INFRA_ENOMEM
                           ? "out of memory"
                           : "the user file has no password for it, and no "
                             "client has proven one yet");
    }
    return next(s, NULL, 0);
}

static enum step md5(struct server *s, const unsigned char *salt)
{
    const char *password = s->user->password;
    char answer[INFRA_LOGIN_MD5_SIZE + 1] = "";

    if (password == NULL ||
        infra_login_md5(s->user->name, strlen(s->user->name), password,
                        strlen(password), salt, answer) != INFRA_OK) {
        s->is_final = true;
        return fail(s, "the server wants md5, which needs the password in the "
                       "user file");
    }
    pg_put(&s->link, 'p', answer, sizeof answer);
    return STEP_MORE;
}

static enum step authentication(struct server *s, const struct pg_message *m)
{
    struct pg_server *p = pg_server(s);
    uint32_t kind = m->size < 4 ? UINT32_MAX : pg_u32(m->body);

    if (kind == 0) {
        /* A server of SCRAM has to prove that it knows the password, too. */
        if (p->login != NULL && !p->is_set_up) {
            s->is_final = true;
            return fail(s, "SCRAM-SHA-256: the server has proven nothing");
        }
        p->is_set_up = true;
        end_login(p);
        return STEP_MORE;
    }
    if (kind == 10) {
        return begin_scram(s, m->body + 4, m->size - 4);
    }
    if ((kind == 11 || kind == 12) && p->login != NULL) {
        enum step step = next(s, m->body + 4, m->size - 4);
        p->is_set_up = kind == 12 && step == STEP_MORE;
        return step;
    }
    if (kind == 5 && m->size == 8) {
        return md5(s, m->body + 4);
    }
    s->is_final = true;
    return fail(s, "the server asks for a login other than SCRAM-SHA-256, md5 "
                   "or trust");
}

/* Keep a ParameterStatus for greetings; one server stands for all, so none says
 * that it is a standby. */
static bool keep_parameter(struct pg_server *p, const struct pg_message *m)
{
    size_t size = PG_HEADER + m->size;

    if (m->size > 15 && memcmp(m->body, "in_hot_standby", 15) == 0) {
        return true;
    }
    if (p->parameters_size + size > PARAMETERS_MAX) {
        return true;
    }
    unsigned char *more = realloc(p->parameters, p->parameters_size + size);
    if (more == NULL) {
        return false;
    }
    p->parameters = more;
    memcpy(more + p->parameters_size, m->body - PG_HEADER, size);
    p->parameters_size += size;
    return true;
}

static enum step take_error(struct server *s, const struct pg_message *m)
{
    const char *code = pg_error_field(m, 'C');

    (void)snprintf(s->code, sizeof s->code, "%.5s", code);
    (void)snprintf(s->why, sizeof s->why, "%.5s %.200s", code,
                   pg_error_field(m, 'M'));
    s->is_final = pg_error_is_final(code);
    return STEP_FAILED;
}

static enum step take(struct server *s, const struct pg_message *m)
{
    struct pg_server *p = pg_server(s);

    switch (m->type) {
    case 'R':
        return authentication(s, m);
    case 'E':
        return take_error(s, m);
    case 'N':
    case 'v':
        return STEP_MORE;
    case 'S':
        return !p->is_set_up          ? fail(s, "a parameter before the login")
               : keep_parameter(p, m) ? STEP_MORE
                                      : fail(s, "out of memory");
    case 'K':
        if (m->size != 8) {
            return fail(s, "a key for cancelling of another size");
        }
        p->process = pg_u32(m->body);
        p->key = pg_u32(m->body + 4);
        return STEP_MORE;
    case 'Z':
        return p->is_set_up ? STEP_DONE : fail(s, "ready before the login");
    default:
        return fail(s, "not PostgreSQL's protocol");
    }
}

enum step pg_server_login(struct server *s)
{
    struct pg_message m;

    if (s->wants_tls && !s->is_secure && link_in_size(&s->link) > 0) {
        return pg_take_tls(&s->link) == STEP_TLS
                   ? STEP_TLS
                   : fail(s, "the node offers no TLS (--node-tls)");
    }
    while (link_in_size(&s->link) > 0) {
        enum pg_found found = pg_message_at(
            link_in(&s->link), link_in_size(&s->link), LOGIN_MESSAGE_MAX, &m);
        if (found == PG_PART) {
            return STEP_MORE;
        }
        enum step step = found == PG_WRONG
                             ? fail(s, "not PostgreSQL's protocol")
                             : take(s, &m);
        if (step == STEP_FAILED) {
            end_login(pg_server(s));
            return step;
        }
        link_take(&s->link, PG_HEADER + m.size);
        if (step == STEP_DONE) {
            return step;
        }
    }
    return STEP_MORE;
}

void pg_learn(const struct server *s, struct greeting *ret)
{
    const struct pg_server *p = pg_server(s);

    ret->bytes = malloc(p->parameters_size + 1);
    if (ret->bytes != NULL) {
        memcpy(ret->bytes, p->parameters, p->parameters_size);
        ret->size = p->parameters_size;
    }
}
