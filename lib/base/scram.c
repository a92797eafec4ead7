/* SPDX-License-Identifier: MIT */
#include "scram.h"

#include "base64.h"
#include "characters.h"
#include "hmac_sha256.h"
#include "secret.h"

#include <assert.h>
#include <string.h>

#define KEY_SIZE INFRA_LOGIN_SCRAM_KEY_SIZE
#define PROOF_SIZE INFRA__BASE64_SIZE(KEY_SIZE)

/* "No channel binding", and the same in base64. */
#define GS2_HEADER "n,,"
#define BINDING "c=biws"

_Static_assert(KEY_SIZE == INFRA__SHA256_SIZE, "keys are digests");
_Static_assert(sizeof BINDING + 2 + INFRA_LOGIN_INPUT_MAX + 3 + PROOF_SIZE <=
                   INFRA_LOGIN_MESSAGE_MAX,
               "an answer has the server's nonce");
_Static_assert(sizeof((struct infra_login_scram *)0)->transcript >=
                   2 * INFRA_LOGIN_INPUT_MAX,
               "a message with its comma, without a header or a proof");

bool infra__scram_take(struct infra__span *in, char name,
                       struct infra__span *ret)
{
    if (in->size < 2 || in->at[0] != name || in->at[1] != '=') {
        return false;
    }
    const char *value = in->at + 2;
    const char *comma = memchr(value, ',', in->size - 2);
    size_t size = comma != NULL ? (size_t)(comma - value) : in->size - 2;
    size_t taken = 2 + size + (comma != NULL ? 1 : 0);

    *ret = (struct infra__span) { value, size };
    in->at += taken;
    in->size -= taken;
    return true;
}

uint32_t infra__scram_lack(struct infra__span in)
{
    if (in.size == 0) {
        return INFRA_LOGIN_REASON_MISSING;
    }
    unsigned char name = infra__lower((unsigned char)in.at[0]);
    if (in.size < 2 || in.at[1] != '=' || name < 'a' || name > 'z') {
        return INFRA_LOGIN_REASON_MALFORMED;
    }
    return in.at[0] == 'm' ? INFRA_LOGIN_REASON_EXTENSION
                           : INFRA_LOGIN_REASON_MISSING;
}

bool infra__scram_is_nonce(struct infra__span nonce)
{
    return nonce.size > 0 &&
           infra__text_is_made_of(infra__is_visible, nonce.at, nonce.size);
}

uint32_t infra__scram_iterations(struct infra__span text)
{
    uint64_t number = 0;

    if (text.size == 0 || text.at[0] == '0') {
        return 0;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (!infra__append_digit(&number, (unsigned char)text.at[i])) {
            return 0;
        }
        number = number < UINT32_MAX ? number : UINT32_MAX;
    }
    return (uint32_t)number;
}

static void digest_under(unsigned char ret[KEY_SIZE],
                         const unsigned char key[KEY_SIZE], const char *text)
{
    struct infra__hmac m;

    infra__hmac_start(&m, key, KEY_SIZE);
    infra__hmac_feed(&m, text, strlen(text));
    infra__hmac_finish(&m, ret);
}

void infra__scram_stored_key(unsigned char ret[KEY_SIZE],
                             const unsigned char *client_key)
{
    struct infra__sha256 h;

    infra__sha256_start(&h);
    infra__sha256_feed(&h, client_key, KEY_SIZE);
    infra__sha256_finish(&h, ret);
}

void infra__scram_derive(struct infra_login_scram_keys *ret,
                         const char *password, size_t password_size,
                         const void *salt, size_t salt_size,
                         uint32_t iterations)
{
    unsigned char salted[KEY_SIZE];

    assert(salt_size <= sizeof ret->salt);
    memset(ret, 0, sizeof *ret);
    infra__pbkdf2(salted, password, password_size, salt, salt_size, iterations);
    digest_under(ret->client_key, salted, "Client Key");
    digest_under(ret->server_key, salted, "Server Key");
    infra__wipe(salted, sizeof salted);
    infra__scram_stored_key(ret->stored_key, ret->client_key);
    memcpy(ret->salt, salt, salt_size);
    ret->salt_size = (uint32_t)salt_size;
    ret->iterations = iterations;
    ret->has_client_key = 1;
}

void infra__scram_record(struct infra_login_scram *s, const void *bytes,
                         size_t size)
{
    assert(size < sizeof s->transcript - s->transcript_size);
    memcpy(s->transcript + s->transcript_size, bytes, size);
    s->transcript_size += (uint32_t)size;
    s->transcript[s->transcript_size++] = ',';
}

/* RFC 5802 §3, AuthMessage: the messages of both sides in order. */
void infra__scram_sign(const struct infra_login_scram *s,
                       const unsigned char *key,
                       struct infra__span without_proof,
                       unsigned char ret[KEY_SIZE])
{
    struct infra__hmac m;

    infra__hmac_start(&m, key, KEY_SIZE);
    infra__hmac_feed(&m, s->transcript, s->transcript_size);
    infra__hmac_feed(&m, without_proof.at, without_proof.size);
    infra__hmac_finish(&m, ret);
}

int infra__scram_refuse(struct infra_login_scram *s, uint32_t reason)
{
    s->state = INFRA__SCRAM_ENDED;
    s->reason = reason;
    return INFRA_LOGIN_STEP_REFUSED;
}

void infra__scram_nonce(char ret[INFRA__SCRAM_NONCE_SIZE], uint64_t seed,
                        uint64_t number)
{
    unsigned char numbers[16], digest[INFRA__SHA256_SIZE];
    struct infra__sha256 h;

    for (unsigned i = 0; i < 8; i++) {
        numbers[i] = (unsigned char)(seed >> 8 * i);
        numbers[8 + i] = (unsigned char)(number >> 8 * i);
    }
    infra__sha256_start(&h);
    infra__sha256_feed(&h, numbers, sizeof numbers);
    infra__sha256_finish(&h, digest);
    infra__base64_encode(ret, digest, INFRA__SCRAM_NONCE_SIZE / 4 * 3);
}

void infra__scram_client(struct infra_login_scram *s, const char *password,
                         size_t password_size)
{
    s->password = password;
    s->password_size = password_size;
    s->reason = INFRA_LOGIN_REASON_NONE;
    s->transcript_size = 0;
    s->state = INFRA__SCRAM_NOTHING;
}

/* The caller has made sure that there is room. */
static size_t append(char *ret, size_t at, const void *bytes, size_t size)
{
    memcpy(ret + at, bytes, size);
    return at + size;
}

int infra__scram_client_first(struct infra_login_scram *s, const char *user,
                              const char *nonce, size_t nonce_size, char *ret,
                              size_t *ret_size)
{
    const size_t header = sizeof GS2_HEADER - 1;
    size_t at = append(ret, 0, GS2_HEADER "n=", header + 2);

    at = append(ret, at, user, strlen(user));
    at = append(ret, at, ",r=", 3);
    s->nonce_at = (uint32_t)(at - header);
    s->nonce_size = (uint32_t)nonce_size;
    at = append(ret, at, nonce, nonce_size);
    infra__scram_record(s, ret + header, at - header);
    *ret_size = at;
    s->state = INFRA__SCRAM_SERVER_FIRST;
    return INFRA_LOGIN_STEP_SEND;
}

/* RFC 5802 §5.1: the nonce sent, and more. */
static bool continues_nonce(const struct infra_login_scram *s,
                            struct infra__span nonce)
{
    return nonce.size > s->nonce_size &&
           memcmp(nonce.at, s->transcript + s->nonce_at, s->nonce_size) == 0;
}

/* The client's last message, and the server's signature that must follow. */
static int answer(struct infra_login_scram *s, struct infra__span nonce,
                  char *ret, size_t *ret_size)
{
    unsigned char proof[KEY_SIZE];
    size_t size = append(ret, 0, BINDING ",r=", sizeof BINDING + 2);

    size = append(ret, size, nonce.at, nonce.size);
    struct infra__span without_proof = { ret, size };

    infra__scram_sign(s, s->keys.stored_key, without_proof, proof);
    for (size_t i = 0; i < sizeof proof; i++) {
        proof[i] ^= s->keys.client_key[i];
    }
    infra__scram_sign(s, s->keys.server_key, without_proof, s->signature);
    size = append(ret, size, ",p=", 3);
    infra__base64_encode(ret + size, proof, sizeof proof);
    *ret_size = size + PROOF_SIZE;
    s->state = INFRA__SCRAM_SERVER_FINAL;
    return INFRA_LOGIN_STEP_SEND;
}

/* Have the keys that the server's salt needs. Else the reason. */
static uint32_t find_keys(struct infra_login_scram *s, const void *salt,
                          size_t salt_size, uint32_t iterations)
{
    struct infra_login_scram_keys *k = &s->keys;

    if (k->has_client_key == 1 && k->iterations == iterations &&
        k->salt_size == salt_size && memcmp(k->salt, salt, salt_size) == 0) {
        return INFRA_LOGIN_REASON_NONE;
    }
    if (s->password == NULL) {
        return INFRA_LOGIN_REASON_OTHER_SALT;
    }
    if (iterations > INFRA_LOGIN_SCRAM_ITERATIONS_MAX) {
        return INFRA_LOGIN_REASON_TOO_COSTLY;
    }
    infra__scram_derive(k, s->password, s->password_size, salt, salt_size,
                        iterations);
    return INFRA_LOGIN_REASON_NONE;
}

/* The attributes come in this order. Extensions may follow; the signature
 * covers them. */
static int take_first(struct infra_login_scram *s, struct infra__span message,
                      char *ret, size_t *ret_size)
{
    struct infra__span in = message, nonce, salt, number;
    unsigned char bytes[INFRA_LOGIN_SCRAM_SALT_MAX];

    if (!infra__scram_take(&in, 'r', &nonce) ||
        !infra__scram_take(&in, 's', &salt) ||
        !infra__scram_take(&in, 'i', &number)) {
        return infra__scram_refuse(s, infra__scram_lack(in));
    }
    if (!infra__scram_is_nonce(nonce)) {
        return infra__scram_refuse(s, INFRA_LOGIN_REASON_MALFORMED);
    }
    if (!continues_nonce(s, nonce)) {
        return infra__scram_refuse(s, INFRA_LOGIN_REASON_WRONG_NONCE);
    }
    int salt_size =
        infra__base64_decode(bytes, sizeof bytes, salt.at, salt.size);
    if (salt_size <= 0) {
        return infra__scram_refuse(s, INFRA_LOGIN_REASON_BAD_BASE64);
    }
    uint32_t iterations = infra__scram_iterations(number);
    if (iterations == 0) {
        return infra__scram_refuse(s, INFRA_LOGIN_REASON_MALFORMED);
    }
    infra__scram_record(s, message.at, message.size);
    uint32_t reason = find_keys(s, bytes, (size_t)salt_size, iterations);
    return reason == INFRA_LOGIN_REASON_NONE ? answer(s, nonce, ret, ret_size)
                                             : infra__scram_refuse(s, reason);
}

static int take_final(struct infra_login_scram *s, struct infra__span message)
{
    struct infra__span in = message, value;
    unsigned char signature[KEY_SIZE];

    if (infra__scram_take(&in, 'e', &value)) {
        return infra__scram_refuse(s, INFRA_LOGIN_REASON_REFUSED);
    }
    if (!infra__scram_take(&in, 'v', &value)) {
        return infra__scram_refuse(s, infra__scram_lack(in));
    }
    int size =
        infra__base64_decode(signature, sizeof signature, value.at, value.size);
    if (size != (int)sizeof signature) {
        return infra__scram_refuse(s, INFRA_LOGIN_REASON_BAD_BASE64);
    }
    if (!infra__equal_secret(signature, s->signature, sizeof signature)) {
        return infra__scram_refuse(s, INFRA_LOGIN_REASON_FORGED);
    }
    s->state = INFRA__SCRAM_ENDED;
    return INFRA_LOGIN_STEP_DONE;
}

int infra__scram_client_next(struct infra_login_scram *s,
                             struct infra__span message, char *ret,
                             size_t *ret_size)
{
    *ret_size = 0;
    if (message.size > INFRA_LOGIN_INPUT_MAX) {
        return infra__scram_refuse(s, INFRA_LOGIN_REASON_TOO_LONG);
    }
    if (s->state == INFRA__SCRAM_SERVER_FIRST) {
        return take_first(s, message, ret, ret_size);
    }
    return s->state == INFRA__SCRAM_SERVER_FINAL
               ? take_final(s, message)
               : infra__scram_refuse(s, INFRA_LOGIN_REASON_OUT_OF_ORDER);
}
