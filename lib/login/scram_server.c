/* SPDX-License-Identifier: MIT */
/* The server's side of SCRAM (RFC 5802 §5, §7), with the rules of PostgreSQL
 * (src/backend/libpq/auth-scram.c): the name in the first message is ignored,
 * acting as another user and channel binding are refused, and a user that does
 * not exist fails where a wrong password does. */
#include "internal.h"

#include "../base/base64.h"
#include "../base/secret.h"
#include "../base/sha256.h"

#include <stdio.h>
#include <string.h>

#define KEY_SIZE INFRA_LOGIN_SCRAM_KEY_SIZE
#define KEY_TEXT_SIZE INFRA__BASE64_SIZE(KEY_SIZE)

/* The GS2 header without another identity has three bytes, of which the first
 * is a flag: "n" the client cannot bind the channel, "y" it can but believes
 * that the server cannot, "p" it must. */
#define HEADER_SIZE 3u

/* The header in base64, which the last message repeats. */
#define BINDING_N "biws"
#define BINDING_Y "eSws"

/* Why this header is not that of a login that can go on. */
static uint32_t header_flaw(struct infra__span in)
{
    if (in.size < HEADER_SIZE) {
        return in.size == 0 ? INFRA_LOGIN_REASON_MISSING
                            : INFRA_LOGIN_REASON_MALFORMED;
    }
    if (in.at[0] == 'p') {
        return INFRA_LOGIN_REASON_CHANNEL_BINDING;
    }
    if ((in.at[0] != 'n' && in.at[0] != 'y') || in.at[1] != ',') {
        return INFRA_LOGIN_REASON_MALFORMED;
    }
    if (in.at[2] == 'a') {
        return INFRA_LOGIN_REASON_OTHER_IDENTITY;
    }
    return in.at[2] == ',' ? INFRA_LOGIN_REASON_NONE
                           : INFRA_LOGIN_REASON_MALFORMED;
}

/* Is the rest made of attributes? Their values have no zero. */
static bool are_attributes(struct infra__span in)
{
    struct infra__span ignored;

    while (in.size > 0 && infra__scram_lack(in) == INFRA_LOGIN_REASON_MISSING) {
        (void)infra__scram_take(&in, in.at[0], &ignored);
    }
    return in.size == 0;
}

/* Append our part to the client's nonce, with salt and iterations. */
static int challenge(struct infra_login_scram *s, struct infra__span nonce,
                     char *ret, size_t *ret_size)
{
    char salt[INFRA__BASE64_SIZE(INFRA_LOGIN_SCRAM_SALT_MAX)];
    const size_t own = strnlen(s->nonce, sizeof s->nonce);

    infra__base64_encode(salt, s->keys.salt, s->keys.salt_size);
    int size = snprintf(ret, INFRA_LOGIN_MESSAGE_MAX, "r=%.*s%.*s,s=%.*s,i=%lu",
                        (int)nonce.size, nonce.at, (int)own, s->nonce,
                        (int)INFRA__BASE64_SIZE(s->keys.salt_size), salt,
                        (unsigned long)s->keys.iterations);
    if (size < 0 || (size_t)size > INFRA_LOGIN_INPUT_MAX) {
        return infra__scram_refuse(s, INFRA_LOGIN_REASON_TOO_LONG);
    }
    s->nonce_at = s->transcript_size + 2; /* After "r=". */
    s->nonce_size = (uint32_t)(nonce.size + own);
    infra__scram_record(s, ret, (size_t)size);
    *ret_size = (size_t)size;
    s->state = INFRA__SCRAM_CLIENT_FINAL;
    return INFRA_LOGIN_STEP_SEND;
}

static int take_first(struct infra_login_scram *s, struct infra__span message,
                      char *ret, size_t *ret_size)
{
    uint32_t flaw = header_flaw(message);
    struct infra__span name, nonce;

    if (flaw != INFRA_LOGIN_REASON_NONE) {
        return infra__scram_refuse(s, flaw);
    }
    struct infra__span in = { message.at + HEADER_SIZE,
                              message.size - HEADER_SIZE };
    struct infra__span bare = in;
    if (!infra__scram_take(&in, 'n', &name) ||
        !infra__scram_take(&in, 'r', &nonce)) {
        return infra__scram_refuse(s, infra__scram_lack(in));
    }
    if (!infra__scram_is_nonce(nonce) || !are_attributes(in)) {
        return infra__scram_refuse(s, INFRA_LOGIN_REASON_MALFORMED);
    }
    s->binding = message.at[0] == 'y';
    infra__scram_record(s, bare.at, bare.size);
    return challenge(s, nonce, ret, ret_size);
}

/* Recover the client's key. Its digest must be the stored key. */
static uint32_t check_proof(struct infra_login_scram *s,
                            struct infra__span without_proof,
                            const unsigned char proof[KEY_SIZE])
{
    unsigned char key[KEY_SIZE], stored[KEY_SIZE];

    infra__scram_sign(s, s->keys.stored_key, without_proof, key);
    for (size_t i = 0; i < sizeof key; i++) {
        key[i] ^= proof[i];
    }
    infra__scram_stored_key(stored, key);
    bool is_right =
        infra__equal_secret(stored, s->keys.stored_key, sizeof stored);
    if (is_right && s->keys.is_mock == 0) {
        memcpy(s->keys.client_key, key, sizeof key);
        s->keys.has_client_key = 1;
    }
    infra__wipe(key, sizeof key);
    if (s->keys.is_mock != 0) {
        return INFRA_LOGIN_REASON_UNKNOWN_USER;
    }
    return is_right ? INFRA_LOGIN_REASON_NONE
                    : INFRA_LOGIN_REASON_WRONG_PASSWORD;
}

static int grant(struct infra_login_scram *s, struct infra__span without_proof,
                 char *ret, size_t *ret_size)
{
    infra__scram_sign(s, s->keys.server_key, without_proof, s->signature);
    memcpy(ret, "v=", 2);
    infra__base64_encode(ret + 2, s->signature, KEY_SIZE);
    *ret_size = 2 + KEY_TEXT_SIZE;
    s->state = INFRA__SCRAM_ENDED;
    return INFRA_LOGIN_STEP_DONE;
}

/* What is wrong before the proof, which is the last attribute. */
static uint32_t final_flaw(const struct infra_login_scram *s,
                           struct infra__span in, struct infra__span *ret_proof)
{
    const char *binding = s->binding != 0 ? BINDING_Y : BINDING_N;
    const char *end = in.at + in.size;
    struct infra__span value, nonce;

    if (!infra__scram_take(&in, 'c', &value) ||
        !infra__scram_take(&in, 'r', &nonce)) {
        return infra__scram_lack(in);
    }
    if (value.size != strlen(binding) ||
        memcmp(value.at, binding, value.size) != 0) {
        return INFRA_LOGIN_REASON_CHANNEL_BINDING;
    }
    if (nonce.size != s->nonce_size ||
        !infra__equal_secret(nonce.at, s->transcript + s->nonce_at,
                             nonce.size)) {
        return INFRA_LOGIN_REASON_WRONG_NONCE;
    }
    while (!infra__scram_take(&in, 'p', ret_proof)) {
        uint32_t lack = infra__scram_lack(in);
        if (in.size == 0 || lack != INFRA_LOGIN_REASON_MISSING) {
            return lack;
        }
        (void)infra__scram_take(&in, in.at[0], &value);
    }
    /* Not even a comma follows. */
    return ret_proof->at + ret_proof->size == end
               ? INFRA_LOGIN_REASON_NONE
               : INFRA_LOGIN_REASON_MALFORMED;
}

static int take_final(struct infra_login_scram *s, struct infra__span message,
                      char *ret, size_t *ret_size)
{
    struct infra__span text;
    unsigned char proof[KEY_SIZE];
    uint32_t flaw = final_flaw(s, message, &text);

    if (flaw != INFRA_LOGIN_REASON_NONE) {
        return infra__scram_refuse(s, flaw);
    }
    if (infra__base64_decode(proof, sizeof proof, text.at, text.size) !=
        (int)sizeof proof) {
        return infra__scram_refuse(s, INFRA_LOGIN_REASON_BAD_BASE64);
    }
    struct infra__span without_proof = {
        message.at, (size_t)(text.at - message.at) - strlen(",p=")
    };
    uint32_t reason = check_proof(s, without_proof, proof);
    return reason == INFRA_LOGIN_REASON_NONE
               ? grant(s, without_proof, ret, ret_size)
               : infra__scram_refuse(s, reason);
}

int infra__scram_server_next(struct infra_login_scram *s,
                             struct infra__span message, char *ret,
                             size_t *ret_size)
{
    if (message.size > INFRA_LOGIN_INPUT_MAX) {
        return infra__scram_refuse(s, INFRA_LOGIN_REASON_TOO_LONG);
    }
    if (message.size > 0 && memchr(message.at, 0, message.size) != NULL) {
        return infra__scram_refuse(s, INFRA_LOGIN_REASON_MALFORMED);
    }
    return s->state == INFRA__SCRAM_CLIENT_FIRST
               ? take_first(s, message, ret, ret_size)
               : take_final(s, message, ret, ret_size);
}
