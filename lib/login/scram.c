/* SPDX-License-Identifier: MIT */
/* A login by SCRAM, of either side. */
#include "internal.h"

#include "../base/base64.h"
#include "../base/characters.h"

#include <string.h>

#define MECHANISM INFRA_LOGIN_SCRAM_MECHANISM
#define NONCE_SIZE INFRA__BASE64_SIZE(INFRA_LOGIN_ENTROPY_SIZE)

_Static_assert(NONCE_SIZE <= sizeof((struct infra_login_scram *)0)->nonce,
               "a nonce");

int infra_login_scram_choose(const char *names, size_t size)
{
    int ret = INFRA_LOGIN_REASON_UNKNOWN_METHOD;

    if (names == NULL) {
        return INFRA_EINVAL;
    }
    while (size > 0) {
        const char *end = memchr(names, '\0', size);
        if (end == NULL) {
            break;
        }
        size_t length = (size_t)(end - names);
        if (infra__is_word(names, length, MECHANISM)) {
            return INFRA_OK;
        }
        if (infra__is_word(names, length, MECHANISM "-PLUS")) {
            ret = INFRA_LOGIN_REASON_CHANNEL_BINDING;
        }
        names = end + 1;
        size -= length + 1;
    }
    return ret;
}

static void set_nonce(struct infra_login_scram *s, const unsigned char *entropy)
{
    infra__base64_encode(s->nonce, entropy, INFRA_LOGIN_ENTROPY_SIZE);
}

int infra_login_scram_server(struct infra_login_scram *login,
                             const struct infra_login_scram_keys *keys,
                             const unsigned char *entropy)
{
    if (login == NULL || keys == NULL || entropy == NULL ||
        keys->iterations == 0 || keys->salt_size == 0 ||
        keys->salt_size > sizeof keys->salt) {
        return INFRA_EINVAL;
    }
    struct infra_login_scram_keys copy = *keys; /* It may be the login's. */
    memset(login, 0, sizeof *login);
    login->keys = copy;
    login->state = INFRA__SCRAM_CLIENT_FIRST;
    set_nonce(login, entropy);
    return INFRA_OK;
}

int infra_login_scram_client(struct infra_login_scram *login,
                             const struct infra_login_scram_keys *keys,
                             const char *password, size_t password_size,
                             const unsigned char *entropy)
{
    struct infra_login_scram_keys copy = { 0 };

    if (keys != NULL && keys->salt_size <= sizeof keys->salt) {
        copy = *keys;
    }
    if (login == NULL || entropy == NULL ||
        (password == NULL && copy.has_client_key != 1)) {
        return INFRA_EINVAL;
    }
    if (password != NULL) {
        int err = infra__scram_password_check(password, password_size);
        if (err != INFRA_OK) {
            return err;
        }
    }
    memset(login, 0, sizeof *login);
    login->keys = copy;
    infra__scram_client(login, password, password_size);
    set_nonce(login, entropy);
    return INFRA_OK;
}

int infra_login_scram_next(struct infra_login_scram *login, const void *message,
                           size_t size, char *ret, size_t *ret_size)
{
    if (login == NULL || (message == NULL && size > 0) || ret == NULL ||
        ret_size == NULL) {
        return INFRA_EINVAL;
    }
    struct infra__span in = { message, size };
    *ret_size = 0;
    switch (login->state) {
    case INFRA__SCRAM_NOTHING:
        return size == 0 ? infra__scram_client_first(login, "", login->nonce,
                                                     NONCE_SIZE, ret, ret_size)
                         : infra__scram_refuse(login,
                                               INFRA_LOGIN_REASON_OUT_OF_ORDER);
    case INFRA__SCRAM_CLIENT_FIRST:
    case INFRA__SCRAM_CLIENT_FINAL:
        return infra__scram_server_next(login, in, ret, ret_size);
    default:
        return infra__scram_client_next(login, in, ret, ret_size);
    }
}
