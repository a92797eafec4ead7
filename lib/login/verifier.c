/* SPDX-License-Identifier: MIT */
/* What a server stores of a SCRAM password: read and written as PostgreSQL does
 * (src/common/scram-common.c, scram_build_secret), made of a password, or made
 * up for a user that does not exist (mock_scram_secret). */
#include "internal.h"

#include "../base/base64.h"
#include "../base/characters.h"
#include "../base/sha256.h"

#include <stdio.h>
#include <string.h>

#define PREFIX INFRA_LOGIN_SCRAM_MECHANISM "$"
#define KEY_SIZE INFRA_LOGIN_SCRAM_KEY_SIZE
#define KEY_TEXT_SIZE INFRA__BASE64_SIZE(KEY_SIZE)
#define DEFAULT_ITERATIONS 4096u
#define STORED_ITERATIONS_MAX 2147483647u
#define MOCK_SALT_SIZE 16u

_Static_assert(sizeof PREFIX - 1 + sizeof "4294967295:" - 1 +
                       INFRA__BASE64_SIZE(INFRA_LOGIN_SCRAM_SALT_MAX) + 1 +
                       KEY_TEXT_SIZE + 1 + KEY_TEXT_SIZE + 1 <=
                   INFRA_LOGIN_SCRAM_VERIFIER_MAX,
               "the longest verifier");

/* Take the bytes up to the next @end, which is taken, too; to the end of the
 * text if @end is a zero. */
static bool take(struct infra__span *in, char end, struct infra__span *ret)
{
    const char *at = in->size > 0 ? memchr(in->at, end, in->size) : NULL;

    if ((at == NULL) != (end == '\0')) {
        return false;
    }
    size_t size = at != NULL ? (size_t)(at - in->at) : in->size;
    size_t taken = size + (at != NULL ? 1 : 0);
    *ret = (struct infra__span) { in->at, size };
    in->at += taken;
    in->size -= taken;
    return true;
}

static bool read_key(unsigned char ret[KEY_SIZE], struct infra__span text)
{
    return infra__base64_decode(ret, KEY_SIZE, text.at, text.size) ==
           (int)KEY_SIZE;
}

static bool read_parts(struct infra_login_scram_keys *ret,
                       struct infra__span in)
{
    struct infra__span iterations, salt, stored, server;

    if (!take(&in, ':', &iterations) || !take(&in, '$', &salt) ||
        !take(&in, ':', &stored) || !take(&in, '\0', &server)) {
        return false;
    }
    int size =
        infra__base64_decode(ret->salt, sizeof ret->salt, salt.at, salt.size);
    ret->salt_size = size > 0 ? (uint32_t)size : 0;
    ret->iterations = infra__scram_iterations(iterations);
    return size > 0 && ret->iterations > 0 &&
           ret->iterations <= STORED_ITERATIONS_MAX &&
           read_key(ret->stored_key, stored) &&
           read_key(ret->server_key, server);
}

int infra_login_scram_parse(struct infra_login_scram_keys *ret,
                            const char *text, size_t size)
{
    const size_t prefix = sizeof PREFIX - 1;
    struct infra_login_scram_keys keys = { 0 };

    if (ret == NULL || text == NULL || size < prefix ||
        memcmp(text, PREFIX, prefix) != 0 ||
        !read_parts(&keys,
                    (struct infra__span) { text + prefix, size - prefix })) {
        return INFRA_EINVAL;
    }
    *ret = keys;
    return INFRA_OK;
}

size_t infra_login_scram_write(const struct infra_login_scram_keys *keys,
                               char ret[INFRA_LOGIN_SCRAM_VERIFIER_MAX])
{
    char salt[INFRA__BASE64_SIZE(INFRA_LOGIN_SCRAM_SALT_MAX)];
    char stored[KEY_TEXT_SIZE], server[KEY_TEXT_SIZE];

    if (keys == NULL || ret == NULL || keys->iterations == 0 ||
        keys->salt_size > sizeof keys->salt) {
        return 0;
    }
    infra__base64_encode(salt, keys->salt, keys->salt_size);
    infra__base64_encode(stored, keys->stored_key, KEY_SIZE);
    infra__base64_encode(server, keys->server_key, KEY_SIZE);
    int size =
        snprintf(ret, INFRA_LOGIN_SCRAM_VERIFIER_MAX,
                 PREFIX "%lu:%.*s$%.*s:%.*s", (unsigned long)keys->iterations,
                 (int)INFRA__BASE64_SIZE(keys->salt_size), salt,
                 (int)sizeof stored, stored, (int)sizeof server, server);
    return size > 0 ? (size_t)size : 0;
}

/* What SASLprep (RFC 4013) leaves as it is. */
static bool is_printable(unsigned char c)
{
    return c >= ' ' && c < 0x7f;
}

int infra__scram_password_check(const char *password, size_t size)
{
    if (password == NULL || size == 0 ||
        size > INFRA_LOGIN_SCRAM_PASSWORD_MAX) {
        return INFRA_EINVAL;
    }
    return infra__text_is_made_of(is_printable, password, size)
               ? INFRA_OK
               : INFRA_LOGIN_REASON_NOT_ASCII;
}

int infra_login_scram_derive(struct infra_login_scram_keys *ret,
                             const char *password, size_t password_size,
                             const void *salt, size_t salt_size,
                             uint32_t iterations)
{
    if (ret == NULL || salt == NULL || salt_size == 0 ||
        salt_size > INFRA_LOGIN_SCRAM_SALT_MAX ||
        iterations > INFRA_LOGIN_SCRAM_ITERATIONS_MAX) {
        return INFRA_EINVAL;
    }
    int err = infra__scram_password_check(password, password_size);
    if (err == INFRA_OK) {
        infra__scram_derive(ret, password, password_size, salt, salt_size,
                            iterations > 0 ? iterations : DEFAULT_ITERATIONS);
    }
    return err;
}

int infra_login_scram_mock(struct infra_login_scram_keys *ret, const char *user,
                           size_t user_size, const unsigned char *secret,
                           uint32_t iterations)
{
    unsigned char digest[INFRA__SHA256_SIZE];
    struct infra__sha256 h;

    if (ret == NULL || user == NULL || secret == NULL) {
        return INFRA_EINVAL;
    }
    infra__sha256_start(&h);
    infra__sha256_feed(&h, user, user_size);
    infra__sha256_feed(&h, secret, INFRA_LOGIN_ENTROPY_SIZE);
    infra__sha256_finish(&h, digest);
    memset(ret, 0, sizeof *ret);
    memcpy(ret->salt, digest, MOCK_SALT_SIZE);
    ret->salt_size = MOCK_SALT_SIZE;
    ret->iterations = iterations > 0 ? iterations : DEFAULT_ITERATIONS;
    ret->is_mock = 1;
    return INFRA_OK;
}
