/* SPDX-License-Identifier: MIT */
/* A login by the methods of MySQL and MariaDB, of either side. */
#include "internal.h"

#include "../base/characters.h"

#include <string.h>

_Static_assert(INFRA_LOGIN_MYSQL_PASSWORD_MAX + 1 <= INFRA_LOGIN_MESSAGE_MAX,
               "a password with its zero");

static bool read_hex(unsigned char *ret, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        int digit = infra__hex_value((unsigned char)text[i]);
        if (digit < 0) {
            return false;
        }
        ret[i / 2] =
            (unsigned char)(i % 2 == 0 ? digit << 4 : ret[i / 2] | digit);
    }
    return true;
}

int infra_login_mysql_parse(struct infra_login_mysql_keys *keys,
                            const char *text, size_t size)
{
    unsigned char bytes[INFRA__MYSQL_PROOF_MAX] = { 0 };

    if (keys == NULL || text == NULL ||
        (size != 1 + 2 * sizeof keys->sha1_twice &&
         size != 1 + 2 * sizeof keys->sha256_twice) ||
        text[0] != '*' || !read_hex(bytes, text + 1, size - 1)) {
        return INFRA_EINVAL;
    }
    if (size == 1 + 2 * sizeof keys->sha1_twice) {
        memcpy(keys->sha1_twice, bytes, sizeof keys->sha1_twice);
        keys->has |= INFRA_LOGIN_HAS_SHA1_TWICE;
    } else {
        memcpy(keys->sha256_twice, bytes, sizeof keys->sha256_twice);
        keys->has |= INFRA_LOGIN_HAS_SHA256_TWICE;
    }
    return INFRA_OK;
}

static bool is_password(const char *password, size_t size)
{
    return password != NULL && size > 0 &&
           size <= INFRA_LOGIN_MYSQL_PASSWORD_MAX &&
           memchr(password, 0, size) == NULL;
}

int infra_login_mysql_derive(struct infra_login_mysql_keys *ret,
                             const char *password, size_t password_size)
{
    if (ret == NULL || !is_password(password, password_size)) {
        return INFRA_EINVAL;
    }
    infra__mysql_login_derive(ret, password, password_size);
    return INFRA_OK;
}

int infra_login_mysql_server(struct infra_login_mysql *login, uint32_t method,
                             const unsigned char *entropy)
{
    if (login == NULL || entropy == NULL ||
        (method != INFRA_LOGIN_MYSQL_NATIVE &&
         method != INFRA_LOGIN_MYSQL_CACHING_SHA2)) {
        return INFRA_EINVAL;
    }
    memset(login, 0, sizeof *login);
    login->method = method;
    login->is_mock = 1;
    login->state = INFRA__MYSQL_LOGIN_SERVER;
    /* As MySQL's generate_user_salt(): ASCII, no zero, no "$". */
    for (size_t i = 0; i < sizeof login->challenge; i++) {
        unsigned char c = entropy[i] & 0x7f;
        login->challenge[i] = c == 0 || c == '$' ? (unsigned char)(c + 1) : c;
    }
    return INFRA_OK;
}

int infra_login_mysql_set_user(struct infra_login_mysql *login,
                               const struct infra_login_mysql_keys *keys,
                               uint32_t is_secure)
{
    if (login == NULL || is_secure > 1 || login->is_client != 0 ||
        login->method == INFRA_LOGIN_MYSQL_UNKNOWN ||
        (keys != NULL && (keys->has & (INFRA_LOGIN_HAS_SHA1_TWICE |
                                       INFRA_LOGIN_HAS_SHA256_TWICE)) == 0)) {
        return INFRA_EINVAL;
    }
    login->is_mock = keys == NULL;
    login->is_secure = is_secure;
    login->reason = INFRA_LOGIN_REASON_NONE;
    login->state = INFRA__MYSQL_LOGIN_SERVER;
    if (keys != NULL) {
        login->keys = *keys;
    } else {
        memset(&login->keys, 0, sizeof login->keys);
    }
    return INFRA_OK;
}

/* The hashes that the proofs are masked by follow from the others. */
static bool is_client_key(const struct infra_login_mysql_keys *keys)
{
    const uint32_t native = INFRA_LOGIN_HAS_SHA1 | INFRA_LOGIN_HAS_SHA1_TWICE;
    const uint32_t caching =
        INFRA_LOGIN_HAS_SHA256 | INFRA_LOGIN_HAS_SHA256_TWICE;

    return (keys->has & native) == native || (keys->has & caching) == caching;
}

int infra_login_mysql_client(struct infra_login_mysql *login,
                             const struct infra_login_mysql_keys *keys,
                             const char *password, size_t password_size,
                             uint32_t is_secure)
{
    struct infra_login_mysql_keys copy = { 0 };

    if (login == NULL || is_secure > 1 ||
        (keys != NULL && !is_client_key(keys)) ||
        (password != NULL && !is_password(password, password_size))) {
        return INFRA_EINVAL;
    }
    if (keys != NULL) {
        copy = *keys;
    } else if (password != NULL) {
        infra__mysql_login_derive(&copy, password, password_size);
    }
    memset(login, 0, sizeof *login);
    login->keys = copy;
    login->is_client = 1;
    infra__mysql_login_client(login, password, password_size, is_secure == 1);
    return INFRA_OK;
}

int infra_login_mysql_first(struct infra_login_mysql *login, const char *method,
                            size_t method_size, const void *data, size_t size,
                            unsigned char *ret, size_t *ret_size)
{
    if (login == NULL || (method == NULL && method_size > 0) ||
        (data == NULL && size > 0) || ret == NULL || ret_size == NULL) {
        return INFRA_EINVAL;
    }
    *ret_size = 0;
    if (method_size == 0) {
        method = infra__mysql_methods[INFRA_LOGIN_MYSQL_NATIVE].name;
        method_size = strlen(method);
    }
    infra__mysql_asked(login, method, method_size);
    switch (login->state) {
    case INFRA__MYSQL_LOGIN_CLIENT:
        return infra__mysql_login_first(login, method, method_size, data, size,
                                        ret, ret_size);
    case INFRA__MYSQL_LOGIN_SERVER:
        return infra__mysql_server_first(
            login, infra__mysql_method_of(method, method_size), data, size, ret,
            ret_size);
    default:
        return infra__mysql_login_refuse(login,
                                         INFRA_LOGIN_REASON_OUT_OF_ORDER);
    }
}

int infra_login_mysql_next(struct infra_login_mysql *login, const void *message,
                           size_t size, unsigned char *ret, size_t *ret_size)
{
    if (login == NULL || (message == NULL && size > 0) || ret == NULL ||
        ret_size == NULL) {
        return INFRA_EINVAL;
    }
    *ret_size = 0;
    return login->is_client != 0
               ? infra__mysql_login_next(login, message, size, ret, ret_size)
               : infra__mysql_server_next(login, message, size, ret, ret_size);
}
