/* SPDX-License-Identifier: MIT */
#include "login.h"

#include "../../base/internal.h"
#include "../../base/md5_login.h"

#include <assert.h>
#include <infra/probe.h>
#include <string.h>

#define MECHANISM INFRA_LOGIN_SCRAM_MECHANISM
#define CODE_SIZE 4u
#define HEADER_SIZE 5u

/* The requests of the server. */
enum code {
    CODE_OK = 0,
    CODE_CLEAR_TEXT = 3,
    CODE_MD5 = 5,
    CODE_SASL = 10,
    CODE_SASL_CONTINUE = 11,
    CODE_SASL_FINAL = 12,
    CODE_MAX = 255, /* A greater code is malformed. */
};

enum step {
    STEP_START,
    STEP_SENT,   /* The password, plain or digested. */
    STEP_NONCE,  /* SCRAM: sent the first message. */
    STEP_PROOF,  /* SCRAM: sent the last message. */
    STEP_PROVEN, /* SCRAM: the server's proof was right. */
};

static const char *const methods[] = {
    [1] = "Kerberos 4 is asked for", [2] = "Kerberos 5 is asked for",
    [4] = "crypt is asked for",      [6] = "SCM credentials are asked for",
    [7] = "GSSAPI is asked for",     [9] = "SSPI is asked for",
};

void infra__pgsql_login_start(struct infra__pgsql_login *l)
{
    l->step = STEP_START;
    l->text = "";
    l->number++;
}

static enum infra__pgsql_login_event fail(struct infra__pgsql_login *l,
                                          uint32_t reason, const char *text)
{
    l->reason = reason;
    l->text = text;
    return INFRA__PGSQL_LOGIN_FAILED;
}

/* Send the @size bytes after the header. */
static enum infra__pgsql_login_event answer(struct infra__pgsql_login *l,
                                            size_t size, enum step step)
{
    _Static_assert(HEADER_SIZE + INFRA_LOGIN_MESSAGE_MAX <=
                       INFRA__PGSQL_ANSWER_MAX,
                   "a proof fits where a password does");
    assert(HEADER_SIZE + size <= sizeof l->answer);
    l->answer[0] = 'p';
    infra__pgsql_put_u32(l->answer + 1, (uint32_t)(CODE_SIZE + size));
    l->answer_size = (uint32_t)(HEADER_SIZE + size);
    l->step = (uint8_t)step;
    return INFRA__PGSQL_LOGIN_ANSWER;
}

static enum infra__pgsql_login_event answer_in_clear(
    struct infra__pgsql_login *l)
{
    size_t size = strlen(l->password) + 1;

    if (!l->is_clear_allowed) {
        return fail(l, INFRA_PROBE_REASON_LOGIN_UNKNOWN,
                    "the password is asked for in clear text without TLS");
    }
    memcpy(l->answer + HEADER_SIZE, l->password, size);
    return answer(l, size, STEP_SENT);
}

static enum infra__pgsql_login_event answer_md5(struct infra__pgsql_login *l,
                                                const unsigned char *salt)
{
    char stored[INFRA__MD5_LOGIN_SIZE];
    char *at = l->answer + HEADER_SIZE;

    infra__md5_login_store(stored, l->user, strlen(l->user), l->password,
                           strlen(l->password));
    infra__md5_login_answer(at, stored, salt);
    at[sizeof stored] = '\0';
    return answer(l, sizeof stored + 1, STEP_SENT);
}

/* Is SCRAM-SHA-256 one of the names, each with its zero? */
static bool is_offered(const char *names, size_t size)
{
    while (size > 0) {
        const char *end = memchr(names, '\0', size);
        if (end == NULL) {
            return false;
        }
        if (strcmp(names, MECHANISM) == 0) {
            return true;
        }
        size -= (size_t)(end - names) + 1;
        names = end + 1;
    }
    return false;
}

/* The mechanism with its zero, the length of the message, the message. */
static enum infra__pgsql_login_event answer_with_nonce(
    struct infra__pgsql_login *l)
{
    char nonce[INFRA__SCRAM_NONCE_SIZE];
    char *at = l->answer + HEADER_SIZE;
    size_t size;

    /* Without a name: PostgreSQL uses that of the startup message. */
    infra__scram_nonce(nonce, l->seed, l->number);
    infra__scram_client(&l->scram, l->password, strlen(l->password));
    (void)infra__scram_client_first(&l->scram, "", nonce, sizeof nonce,
                                    at + sizeof MECHANISM + 4, &size);
    memcpy(at, MECHANISM, sizeof MECHANISM);
    infra__pgsql_put_u32(at + sizeof MECHANISM, (uint32_t)size);
    return answer(l, sizeof MECHANISM + 4 + size, STEP_NONCE);
}

static enum infra__pgsql_login_event refuse(struct infra__pgsql_login *l)
{
    switch (l->scram.reason) {
    case INFRA_LOGIN_REASON_TOO_LONG:
        return fail(l, INFRA_PROBE_REASON_REPLY_TOO_LONG, "");
    case INFRA_LOGIN_REASON_TOO_COSTLY:
        return fail(l, INFRA_PROBE_REASON_LOGIN_UNKNOWN,
                    "too many iterations of SCRAM are asked for");
    case INFRA_LOGIN_REASON_REFUSED:
        return fail(l, INFRA_PROBE_REASON_LOGIN_REFUSED, "");
    case INFRA_LOGIN_REASON_FORGED:
        return fail(l, INFRA_PROBE_REASON_LOGIN_FORGED, "");
    default:
        return fail(l, INFRA_PROBE_REASON_BAD_REPLY, "");
    }
}

/* A message of the server's side of SCRAM. */
static enum infra__pgsql_login_event answer_scram(struct infra__pgsql_login *l,
                                                  const char *message,
                                                  size_t size)
{
    struct infra__span in = { message, size };

    switch (infra__scram_client_next(&l->scram, in, l->answer + HEADER_SIZE,
                                     &size)) {
    case INFRA_LOGIN_STEP_SEND:
        return answer(l, size, STEP_PROOF);
    case INFRA_LOGIN_STEP_DONE:
        l->step = STEP_PROVEN;
        return INFRA__PGSQL_LOGIN_WAIT;
    default:
        return refuse(l);
    }
}

static uint32_t code_of(const struct infra__pgsql_messages *m)
{
    return m->size >= CODE_SIZE ? infra__pgsql_u32(m->body) : UINT32_MAX;
}

/* May a login begin with this code? */
static bool is_request(uint32_t code, const struct infra__pgsql_messages *m)
{
    switch (code) {
    case CODE_OK:
    case CODE_CLEAR_TEXT:
        return m->size == CODE_SIZE;
    case CODE_MD5:
        return m->size == CODE_SIZE + INFRA__MD5_SALT_SIZE;
    case CODE_SASL_CONTINUE:
    case CODE_SASL_FINAL:
        return false;
    default:
        return code <= CODE_MAX;
    }
}

bool infra__pgsql_login_is_asked(const struct infra__pgsql_messages *m)
{
    uint32_t code = code_of(m);

    return code != CODE_OK && is_request(code, m);
}

static enum infra__pgsql_login_event first_request(
    struct infra__pgsql_login *l, uint32_t code,
    const struct infra__pgsql_messages *m)
{
    if (code == CODE_OK) {
        return INFRA__PGSQL_LOGIN_DONE;
    }
    if (l->password == NULL) {
        return fail(l, INFRA_PROBE_REASON_LOGIN_REFUSED,
                    "a password is asked for and there is none");
    }
    switch (code) {
    case CODE_CLEAR_TEXT:
        return answer_in_clear(l);
    case CODE_MD5:
        return answer_md5(l, m->body + CODE_SIZE);
    case CODE_SASL:
        return is_offered((const char *)m->body + CODE_SIZE,
                          m->size - CODE_SIZE)
                   ? answer_with_nonce(l)
                   : fail(l, INFRA_PROBE_REASON_LOGIN_UNKNOWN,
                          "SASL without SCRAM-SHA-256 is asked for");
    default:
        return fail(l, INFRA_PROBE_REASON_LOGIN_UNKNOWN,
                    code < INFRA__COUNT_OF(methods) && methods[code] != NULL
                        ? methods[code]
                        : "an unknown method is asked for");
    }
}

enum infra__pgsql_login_event infra__pgsql_login_next(
    struct infra__pgsql_login *l, const struct infra__pgsql_messages *m)
{
    uint32_t code = code_of(m);
    const char *rest = (const char *)m->body + CODE_SIZE;

    if (m->is_cut) {
        return fail(l, INFRA_PROBE_REASON_REPLY_TOO_LONG, "");
    }
    if (l->step == STEP_START) {
        return is_request(code, m)
                   ? first_request(l, code, m)
                   : fail(l, INFRA_PROBE_REASON_WRONG_PROTOCOL, "");
    }
    if ((l->step == STEP_NONCE && code == CODE_SASL_CONTINUE) ||
        (l->step == STEP_PROOF && code == CODE_SASL_FINAL)) {
        return answer_scram(l, rest, m->size - CODE_SIZE);
    }
    if (code == CODE_OK && m->size == CODE_SIZE) {
        /* A server that accepts before its proof might accept anyone. */
        return l->step == STEP_SENT || l->step == STEP_PROVEN
                   ? INFRA__PGSQL_LOGIN_DONE
                   : fail(l, INFRA_PROBE_REASON_LOGIN_FORGED, "");
    }
    return fail(l, INFRA_PROBE_REASON_BAD_REPLY, "");
}
