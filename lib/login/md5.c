/* SPDX-License-Identifier: MIT */
#include "../base/md5_login.h"

#include "../base/characters.h"

#include <infra/login.h>
#include <string.h>

#define TEXT_MAX 1023u

_Static_assert(2 * TEXT_MAX <= INFRA__MD5_LOGIN_MAX, "both texts fit");
_Static_assert(INFRA_LOGIN_MD5_SIZE == INFRA__MD5_LOGIN_SIZE, "the same text");

static bool is_hex(unsigned char c)
{
    return infra__hex_value(c) >= 0;
}

static bool is_stored(const char *password, size_t size)
{
    return size == INFRA_LOGIN_MD5_SIZE && memcmp(password, "md5", 3) == 0 &&
           infra__text_is_made_of(is_hex, password + 3, size - 3);
}

int infra_login_md5(const char *user, size_t user_size, const char *password,
                    size_t password_size, const unsigned char *salt, char *ret)
{
    char stored[INFRA_LOGIN_MD5_SIZE];

    if (user == NULL || password == NULL || salt == NULL || ret == NULL ||
        password_size > TEXT_MAX || user_size > TEXT_MAX) {
        return INFRA_EINVAL;
    }
    if (is_stored(password, password_size)) {
        memcpy(stored, password, sizeof stored);
    } else {
        infra__md5_login_store(stored, user, user_size, password,
                               password_size);
    }
    infra__md5_login_answer(ret, stored, salt);
    return INFRA_OK;
}
