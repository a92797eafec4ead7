/* SPDX-License-Identifier: MIT */
#include "md5_login.h"

#include "md5.h"
#include "secret.h"

#include <assert.h>
#include <string.h>

#define PREFIX_SIZE 3u
#define TEXT_SIZE (INFRA__MD5_LOGIN_SIZE - PREFIX_SIZE)

static void write_digest(char ret[INFRA__MD5_LOGIN_SIZE], const void *bytes,
                         size_t size)
{
    static const char digits[] = "0123456789abcdef";
    uint32_t words[4];

    infra__md5(words, bytes, size);
    memcpy(ret, "md5", PREFIX_SIZE);
    for (unsigned i = 0; i < TEXT_SIZE; i++) {
        ret[PREFIX_SIZE + i] =
            digits[words[i / 8] >> (8 * (i / 2 % 4) + 4 * (1 - i % 2)) & 15];
    }
}

void infra__md5_login_store(char ret[INFRA__MD5_LOGIN_SIZE], const char *user,
                            size_t user_size, const char *password,
                            size_t password_size)
{
    char secret[INFRA__MD5_LOGIN_MAX];

    assert(password_size <= sizeof secret &&
           user_size <= sizeof secret - password_size);
    memcpy(secret, password, password_size);
    memcpy(secret + password_size, user, user_size);
    write_digest(ret, secret, password_size + user_size);
    infra__wipe(secret, password_size + user_size);
}

void infra__md5_login_answer(char ret[INFRA__MD5_LOGIN_SIZE],
                             const char stored[INFRA__MD5_LOGIN_SIZE],
                             const void *salt)
{
    char salted[TEXT_SIZE + INFRA__MD5_SALT_SIZE];

    memcpy(salted, stored + PREFIX_SIZE, TEXT_SIZE);
    memcpy(salted + TEXT_SIZE, salt, INFRA__MD5_SALT_SIZE);
    write_digest(ret, salted, sizeof salted);
}
