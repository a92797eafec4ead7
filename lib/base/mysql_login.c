/* SPDX-License-Identifier: MIT */
#include "mysql_login.h"

#include "characters.h"
#include "internal.h"
#include "printable.h"
#include "secret.h"
#include "sha1.h"
#include "sha256.h"

#include <assert.h>
#include <string.h>

#define CHALLENGE_SIZE INFRA_LOGIN_MYSQL_CHALLENGE_SIZE

const struct infra__mysql_method infra__mysql_methods[3] = {
    [INFRA_LOGIN_MYSQL_UNKNOWN] = { .name = "unknown" },
    [INFRA_LOGIN_MYSQL_NATIVE] = { .name = "mysql_native_password",
                                   .size = INFRA__SHA1_SIZE,
                                   .has = INFRA_LOGIN_HAS_SHA1,
                                   .has_twice = INFRA_LOGIN_HAS_SHA1_TWICE },
    [INFRA_LOGIN_MYSQL_CACHING_SHA2] = { .name = "caching_sha2_password",
                                         .size = INFRA__SHA256_SIZE,
                                         .has = INFRA_LOGIN_HAS_SHA256,
                                         .has_twice =
                                             INFRA_LOGIN_HAS_SHA256_TWICE },
};

static void sha256(unsigned char ret[INFRA__SHA256_SIZE], const void *bytes,
                   size_t size)
{
    struct infra__sha256 h;

    infra__sha256_start(&h);
    infra__sha256_feed(&h, bytes, size);
    infra__sha256_finish(&h, ret);
}

void infra__mysql_login_derive(struct infra_login_mysql_keys *ret,
                               const char *password, size_t size)
{
    infra__sha1(ret->sha1, password, size);
    infra__sha1(ret->sha1_twice, ret->sha1, sizeof ret->sha1);
    sha256(ret->sha256, password, size);
    sha256(ret->sha256_twice, ret->sha256, sizeof ret->sha256);
    ret->has = INFRA_LOGIN_HAS_SHA1 | INFRA_LOGIN_HAS_SHA1_TWICE |
               INFRA_LOGIN_HAS_SHA256 | INFRA_LOGIN_HAS_SHA256_TWICE;
}

/* What H(P) is combined with. */
static void mask(uint32_t method, const struct infra_login_mysql_keys *keys,
                 const unsigned char *challenge,
                 unsigned char ret[INFRA__MYSQL_PROOF_MAX])
{
    unsigned char both[CHALLENGE_SIZE + INFRA__SHA256_SIZE];

    if (method == INFRA_LOGIN_MYSQL_NATIVE) {
        memcpy(both, challenge, CHALLENGE_SIZE);
        memcpy(both + CHALLENGE_SIZE, keys->sha1_twice, INFRA__SHA1_SIZE);
        infra__sha1(ret, both, CHALLENGE_SIZE + INFRA__SHA1_SIZE);
    } else {
        memcpy(both, keys->sha256_twice, INFRA__SHA256_SIZE);
        memcpy(both + INFRA__SHA256_SIZE, challenge, CHALLENGE_SIZE);
        sha256(ret, both, INFRA__SHA256_SIZE + CHALLENGE_SIZE);
    }
}

void infra__mysql_prove(uint32_t method,
                        const struct infra_login_mysql_keys *keys,
                        const unsigned char *challenge,
                        unsigned char ret[INFRA__MYSQL_PROOF_MAX])
{
    const unsigned char *hash =
        method == INFRA_LOGIN_MYSQL_NATIVE ? keys->sha1 : keys->sha256;

    mask(method, keys, challenge, ret);
    for (uint32_t i = 0; i < infra__mysql_methods[method].size; i++) {
        ret[i] ^= hash[i];
    }
}

bool infra__mysql_check(uint32_t method, struct infra_login_mysql_keys *keys,
                        const unsigned char *challenge, const void *proof)
{
    const bool is_native = method == INFRA_LOGIN_MYSQL_NATIVE;
    const uint32_t size = infra__mysql_methods[method].size;
    const unsigned char *p = proof;
    unsigned char hash[INFRA__MYSQL_PROOF_MAX], twice[INFRA__MYSQL_PROOF_MAX];

    mask(method, keys, challenge, hash);
    for (uint32_t i = 0; i < size; i++) {
        hash[i] ^= p[i];
    }
    if (is_native) {
        infra__sha1(twice, hash, size);
    } else {
        sha256(twice, hash, size);
    }
    bool is_right = infra__equal_secret(
        twice, is_native ? keys->sha1_twice : keys->sha256_twice, size);
    if (is_right) {
        memcpy(is_native ? keys->sha1 : keys->sha256, hash, size);
        keys->has |= infra__mysql_methods[method].has;
    }
    infra__wipe(hash, sizeof hash);
    return is_right;
}

uint32_t infra__mysql_method_of(const void *name, size_t size)
{
    for (uint32_t i = INFRA_LOGIN_MYSQL_NATIVE;
         i < INFRA__COUNT_OF(infra__mysql_methods); i++) {
        if (infra__is_word(name, size, infra__mysql_methods[i].name)) {
            return i;
        }
    }
    return INFRA_LOGIN_MYSQL_UNKNOWN;
}

void infra__mysql_asked(struct infra_login_mysql *m, const void *name,
                        size_t size)
{
    infra__copy_printable(m->asked, sizeof m->asked, name, size);
}

int infra__mysql_login_refuse(struct infra_login_mysql *m, uint32_t reason)
{
    m->state = INFRA__MYSQL_LOGIN_ENDED;
    m->reason = reason;
    return INFRA_LOGIN_STEP_REFUSED;
}

void infra__mysql_login_client(struct infra_login_mysql *m,
                               const char *password, size_t password_size,
                               bool is_secure)
{
    m->password = password;
    m->password_size = password_size;
    m->is_secure = is_secure;
    m->reason = INFRA_LOGIN_REASON_NONE;
    m->asked[0] = '\0';
    m->state = INFRA__MYSQL_LOGIN_CLIENT;
}

/* Answer the challenge by this method, which is known. Without a password there
 * is an empty answer, which caching_sha2_password writes as a zero. */
static int answer(struct infra_login_mysql *m, uint32_t method,
                  const void *challenge, size_t size, unsigned char *ret,
                  size_t *ret_size)
{
    m->method = method;
    if (m->keys.has == 0) {
        ret[0] = 0;
        *ret_size = method == INFRA_LOGIN_MYSQL_CACHING_SHA2 ? 1 : 0;
        return INFRA_LOGIN_STEP_SEND;
    }
    if (size < CHALLENGE_SIZE) {
        return infra__mysql_login_refuse(m, INFRA_LOGIN_REASON_MALFORMED);
    }
    if ((m->keys.has & infra__mysql_methods[method].has) == 0) {
        return infra__mysql_login_refuse(m, INFRA_LOGIN_REASON_NEEDS_PASSWORD);
    }
    infra__mysql_prove(method, &m->keys, challenge, ret);
    *ret_size = infra__mysql_methods[method].size;
    return INFRA_LOGIN_STEP_SEND;
}

int infra__mysql_login_first(struct infra_login_mysql *m, const char *method,
                             size_t method_size, const void *challenge,
                             size_t size, unsigned char *ret, size_t *ret_size)
{
    uint32_t known = infra__mysql_method_of(method, method_size);

    *ret_size = 0;
    /* The server may switch from another method to that of the user. */
    if (known == INFRA_LOGIN_MYSQL_UNKNOWN ||
        (m->keys.has != 0 &&
         (m->keys.has & infra__mysql_methods[known].has) == 0)) {
        known = m->keys.has == 0 || (m->keys.has & INFRA_LOGIN_HAS_SHA1) != 0
                    ? INFRA_LOGIN_MYSQL_NATIVE
                    : INFRA_LOGIN_MYSQL_CACHING_SHA2;
    }
    m->state = INFRA__MYSQL_LOGIN_CLIENT_PROVEN;
    return answer(m, known, challenge, size, ret, ret_size);
}

/* Protocol::AuthSwitchRequest: a method's name with its zero, and its data. The
 * first byte alone means the method before 4.1. */
static int take_switch(struct infra_login_mysql *m, const unsigned char *p,
                       size_t size, unsigned char *ret, size_t *ret_size)
{
    const unsigned char *end = size > 0 ? memchr(p, 0, size) : p;

    if (end == NULL || m->state != INFRA__MYSQL_LOGIN_CLIENT_PROVEN) {
        return infra__mysql_login_refuse(
            m, end == NULL ? INFRA_LOGIN_REASON_MALFORMED
                           : INFRA_LOGIN_REASON_OUT_OF_ORDER);
    }
    size_t name_size = (size_t)(end - p);
    if (size == 0) {
        static const char older[] = "mysql_old_password";
        infra__mysql_asked(m, older, sizeof older - 1);
        return infra__mysql_login_refuse(m, INFRA_LOGIN_REASON_UNKNOWN_METHOD);
    }
    infra__mysql_asked(m, p, name_size);
    m->state = INFRA__MYSQL_LOGIN_CLIENT_SWITCHED;
    uint32_t method = infra__mysql_method_of(p, name_size);
    if (method == INFRA_LOGIN_MYSQL_UNKNOWN && m->keys.has == 0 &&
        infra__is_word(p, name_size, "sha256_password")) {
        method = INFRA_LOGIN_MYSQL_CACHING_SHA2; /* As empty. */
    }
    return method != INFRA_LOGIN_MYSQL_UNKNOWN
               ? answer(m, method, end + 1, size - name_size - 1, ret, ret_size)
               : infra__mysql_login_refuse(m,
                                           INFRA_LOGIN_REASON_UNKNOWN_METHOD);
}

/* The server of caching_sha2_password has looked into its cache. */
static int take_more(struct infra_login_mysql *m, const unsigned char *p,
                     size_t size, unsigned char *ret, size_t *ret_size)
{
    if (m->method != INFRA_LOGIN_MYSQL_CACHING_SHA2 || size != 2 ||
        (p[1] != INFRA__MYSQL_LOGIN_FAST && p[1] != INFRA__MYSQL_LOGIN_FULL)) {
        return infra__mysql_login_refuse(m, INFRA_LOGIN_REASON_MALFORMED);
    }
    if (m->state == INFRA__MYSQL_LOGIN_CLIENT_TOLD) {
        return infra__mysql_login_refuse(m, INFRA_LOGIN_REASON_OUT_OF_ORDER);
    }
    m->state = INFRA__MYSQL_LOGIN_CLIENT_TOLD;
    if (p[1] == INFRA__MYSQL_LOGIN_FAST) {
        return INFRA_LOGIN_STEP_WAIT;
    }
    if (m->is_secure == 0 && m->keys.has != 0) {
        return infra__mysql_login_refuse(m, INFRA_LOGIN_REASON_NEEDS_TLS);
    }
    if (m->password == NULL) {
        return infra__mysql_login_refuse(m, INFRA_LOGIN_REASON_NEEDS_PASSWORD);
    }
    memcpy(ret, m->password, m->password_size);
    ret[m->password_size] = 0;
    *ret_size = m->password_size + 1;
    return INFRA_LOGIN_STEP_SEND;
}

int infra__mysql_login_next(struct infra_login_mysql *m, const void *message,
                            size_t size, unsigned char *ret, size_t *ret_size)
{
    const unsigned char *p = message;

    *ret_size = 0;
    if (m->state < INFRA__MYSQL_LOGIN_CLIENT_PROVEN ||
        m->state > INFRA__MYSQL_LOGIN_CLIENT_TOLD) {
        return infra__mysql_login_refuse(m, INFRA_LOGIN_REASON_OUT_OF_ORDER);
    }
    switch (size > 0 ? p[0] : UINT32_MAX) {
    case INFRA__MYSQL_LOGIN_OK:
        m->state = INFRA__MYSQL_LOGIN_ENDED;
        return INFRA_LOGIN_STEP_DONE;
    case INFRA__MYSQL_LOGIN_ERROR:
        return infra__mysql_login_refuse(m, INFRA_LOGIN_REASON_REFUSED);
    case INFRA__MYSQL_LOGIN_SWITCH:
        return take_switch(m, p + 1, size - 1, ret, ret_size);
    case INFRA__MYSQL_LOGIN_MORE:
        return take_more(m, p, size, ret, ret_size);
    default:
        return infra__mysql_login_refuse(m, INFRA_LOGIN_REASON_MALFORMED);
    }
}
