/* SPDX-License-Identifier: MIT */
/* The server's side of MySQL's methods. A client may prove the password by a
 * method that the stored hash can check, is asked to switch to such a method,
 * or is asked for the password itself where nobody can read it on the way
 * (Protocol::AuthSwitchRequest, Protocol::AuthMoreData, and
 * sql/auth/sha2_password.cc of MySQL). */
#include "internal.h"

#include "../base/secret.h"

#include <string.h>

/* What a client without TLS asks for, to encrypt the password by it. */
#define ASKS_PUBLIC_KEY 0x02u

static bool can_check(const struct infra_login_mysql *m, uint32_t method)
{
    return m->is_mock != 0
               ? method == m->method
               : (m->keys.has & infra__mysql_methods[method].has_twice) != 0;
}

static int grant(struct infra_login_mysql *m)
{
    m->state = INFRA__MYSQL_LOGIN_ENDED;
    return INFRA_LOGIN_STEP_DONE;
}

/* No bytes, or a zero, are the proof of an empty password. */
static bool is_empty(const unsigned char *proof, size_t size)
{
    return size == 0 || (size == 1 && proof[0] == 0);
}

/* A wrong password, as far as the client can see. */
static int refuse_proof(struct infra_login_mysql *m)
{
    return infra__mysql_login_refuse(
        m, m->is_mock != 0 ? INFRA_LOGIN_REASON_UNKNOWN_USER
                           : INFRA_LOGIN_REASON_WRONG_PASSWORD);
}

static int check_proof(struct infra_login_mysql *m, const unsigned char *proof,
                       size_t size, unsigned char *ret, size_t *ret_size)
{
    if (is_empty(proof, size)) {
        return refuse_proof(m);
    }
    if (size != infra__mysql_methods[m->method].size) {
        return infra__mysql_login_refuse(m, INFRA_LOGIN_REASON_MALFORMED);
    }
    bool is_right =
        infra__mysql_check(m->method, &m->keys, m->challenge, proof);
    if (m->is_mock != 0 || !is_right) {
        return refuse_proof(m);
    }
    if (m->method == INFRA_LOGIN_MYSQL_CACHING_SHA2) {
        ret[0] = INFRA__MYSQL_LOGIN_MORE;
        ret[1] = INFRA__MYSQL_LOGIN_FAST;
        *ret_size = 2;
    }
    return grant(m);
}

static int ask_to_switch(struct infra_login_mysql *m, unsigned char *ret,
                         size_t *ret_size)
{
    if (!can_check(m, m->method)) {
        m->method = m->method == INFRA_LOGIN_MYSQL_NATIVE
                        ? INFRA_LOGIN_MYSQL_CACHING_SHA2
                        : INFRA_LOGIN_MYSQL_NATIVE;
    }
    const char *name = infra__mysql_methods[m->method].name;
    size_t size = strlen(name) + 1;

    ret[0] = INFRA__MYSQL_LOGIN_SWITCH;
    memcpy(ret + 1, name, size);
    memcpy(ret + 1 + size, m->challenge, sizeof m->challenge);
    ret[1 + size + sizeof m->challenge] = 0;
    *ret_size = 1 + size + sizeof m->challenge + 1;
    m->state = INFRA__MYSQL_LOGIN_SERVER_PROOF;
    return INFRA_LOGIN_STEP_SEND;
}

int infra__mysql_server_first(struct infra_login_mysql *m, uint32_t method,
                              const void *proof, size_t size,
                              unsigned char *ret, size_t *ret_size)
{
    if (method != INFRA_LOGIN_MYSQL_UNKNOWN && can_check(m, method)) {
        m->method = method;
        return check_proof(m, proof, size, ret, ret_size);
    }
    if (method == INFRA_LOGIN_MYSQL_CACHING_SHA2 && m->is_secure != 0 &&
        !is_empty(proof, size)) {
        ret[0] = INFRA__MYSQL_LOGIN_MORE;
        ret[1] = INFRA__MYSQL_LOGIN_FULL;
        *ret_size = 2;
        m->method = method;
        m->state = INFRA__MYSQL_LOGIN_SERVER_CLEAR;
        return INFRA_LOGIN_STEP_SEND;
    }
    return ask_to_switch(m, ret, ret_size);
}

/* The password with its zero, against each hash that is stored. */
static int check_password(struct infra_login_mysql *m,
                          const unsigned char *bytes, size_t size)
{
    struct infra_login_mysql_keys keys;
    bool is_right = (m->keys.has & (INFRA_LOGIN_HAS_SHA1_TWICE |
                                    INFRA_LOGIN_HAS_SHA256_TWICE)) != 0;

    if (size == 1 && bytes[0] == ASKS_PUBLIC_KEY) {
        return infra__mysql_login_refuse(m, INFRA_LOGIN_REASON_NEEDS_TLS);
    }
    if (size > INFRA_LOGIN_MYSQL_PASSWORD_MAX + 1) {
        return infra__mysql_login_refuse(m, INFRA_LOGIN_REASON_TOO_LONG);
    }
    if (size == 0 || memchr(bytes, 0, size) != bytes + size - 1) {
        return infra__mysql_login_refuse(m, INFRA_LOGIN_REASON_MALFORMED);
    }
    infra__mysql_login_derive(&keys, (const char *)bytes, size - 1);
    if ((m->keys.has & INFRA_LOGIN_HAS_SHA1_TWICE) != 0 &&
        !infra__equal_secret(keys.sha1_twice, m->keys.sha1_twice,
                             sizeof keys.sha1_twice)) {
        is_right = false;
    }
    if ((m->keys.has & INFRA_LOGIN_HAS_SHA256_TWICE) != 0 &&
        !infra__equal_secret(keys.sha256_twice, m->keys.sha256_twice,
                             sizeof keys.sha256_twice)) {
        is_right = false;
    }
    if (is_right) {
        m->keys = keys;
    }
    infra__wipe(&keys, sizeof keys);
    return is_right ? grant(m) : refuse_proof(m);
}

int infra__mysql_server_next(struct infra_login_mysql *m, const void *message,
                             size_t size, unsigned char *ret, size_t *ret_size)
{
    switch (m->state) {
    case INFRA__MYSQL_LOGIN_SERVER_PROOF:
        return check_proof(m, message, size, ret, ret_size);
    case INFRA__MYSQL_LOGIN_SERVER_CLEAR:
        return check_password(m, message, size);
    default:
        return infra__mysql_login_refuse(m, INFRA_LOGIN_REASON_OUT_OF_ORDER);
    }
}
