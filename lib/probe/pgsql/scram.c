/* SPDX-License-Identifier: MIT */
#include "scram.h"

#include "../../base/base64.h"
#include "../../base/characters.h"
#include "../../base/hmac_sha256.h"
#include "../../base/secret.h"

#include <assert.h>
#include <string.h>

#define PROOF_SIZE INFRA__BASE64_SIZE(INFRA__SHA256_SIZE)

/* "No channel binding", and the same in base64. */
#define GS2_HEADER "n,,"
#define BINDING "c=biws"

struct span {
    const char *at;
    size_t size;
};

/* The caller has made sure that there is room. */
static size_t append(char *ret, size_t at, const void *bytes, size_t size)
{
    memcpy(ret + at, bytes, size);
    return at + size;
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

void infra__scram_start(struct infra__scram *s, const char *user,
                        const char *nonce, size_t nonce_size)
{
    size_t user_size = strlen(user);
    size_t at = 0;

    assert(user_size + nonce_size <= sizeof s->first - 8);
    at = append(s->first, at, GS2_HEADER "n=", 5);
    at = append(s->first, at, user, user_size);
    at = append(s->first, at, ",r=", 3);
    s->nonce_at = (uint32_t)at;
    s->first_size = (uint32_t)append(s->first, at, nonce, nonce_size);
}

/* Take "@name=value" and a comma from the front of @in. */
static bool take(struct span *in, char name, struct span *ret)
{
    if (in->size < 2 || in->at[0] != name || in->at[1] != '=') {
        return false;
    }
    const char *value = in->at + 2;
    const char *comma = memchr(value, ',', in->size - 2);
    size_t size = comma != NULL ? (size_t)(comma - value) : in->size - 2;
    size_t taken = 2 + size + (comma != NULL ? 1 : 0);

    *ret = (struct span) { value, size };
    in->at += taken;
    in->size -= taken;
    return true;
}

/* RFC 5802 §5.1: the nonce sent, and more. */
static bool is_nonce(const struct infra__scram *s, struct span nonce)
{
    size_t size = s->first_size - s->nonce_at;

    return infra__text_is_made_of(infra__is_visible, nonce.at, nonce.size) &&
           nonce.size > size &&
           memcmp(nonce.at, s->first + s->nonce_at, size) == 0;
}

/* 0: not a number. Numbers above the maximum become the maximum plus 1. */
static uint32_t iterations_of(struct span text)
{
    uint32_t count = 0;

    if (text.size > 0 && text.at[0] == '0') {
        return 0;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (!infra__is_digit((unsigned char)text.at[i])) {
            return 0;
        }
        count = count * 10 + (uint32_t)(text.at[i] - '0');
        if (count > INFRA__SCRAM_ITERATIONS_MAX) {
            count = INFRA__SCRAM_ITERATIONS_MAX + 1;
        }
    }
    return count;
}

static void digest_under(unsigned char ret[INFRA__SHA256_SIZE],
                         const unsigned char key[INFRA__SHA256_SIZE],
                         const char *text, size_t size)
{
    struct infra__hmac m;

    infra__hmac_start(&m, key, INFRA__SHA256_SIZE);
    infra__hmac_feed(&m, text, size);
    infra__hmac_finish(&m, ret);
}

static void make_keys(struct infra__scram_keys *k, const char *password,
                      size_t password_size, const unsigned char *salt,
                      size_t salt_size, uint32_t iterations)
{
    unsigned char salted[INFRA__SHA256_SIZE];

    if (k->iterations == iterations && k->salt_size == salt_size &&
        memcmp(k->salt, salt, salt_size) == 0) {
        return;
    }
    infra__pbkdf2(salted, password, password_size, salt, salt_size, iterations);
    digest_under(k->client, salted, "Client Key", 10);
    digest_under(k->server, salted, "Server Key", 10);
    memcpy(k->salt, salt, salt_size);
    k->salt_size = (uint32_t)salt_size;
    k->iterations = iterations;
}

/* RFC 5802 §3, AuthMessage: the messages of both sides in order. */
static void sign(const struct infra__scram *s,
                 unsigned char ret[INFRA__SHA256_SIZE],
                 const unsigned char key[INFRA__SHA256_SIZE],
                 struct span server_first, struct span without_proof)
{
    const size_t header = sizeof GS2_HEADER - 1;
    struct infra__hmac m;

    infra__hmac_start(&m, key, INFRA__SHA256_SIZE);
    infra__hmac_feed(&m, s->first + header, s->first_size - header);
    infra__hmac_feed(&m, ",", 1);
    infra__hmac_feed(&m, server_first.at, server_first.size);
    infra__hmac_feed(&m, ",", 1);
    infra__hmac_feed(&m, without_proof.at, without_proof.size);
    infra__hmac_finish(&m, ret);
}

/* The client's last message, and the server's proof to expect. */
static size_t write_final(struct infra__scram *s, struct span server_first,
                          struct span nonce, char ret[INFRA__SCRAM_FINAL_MAX])
{
    unsigned char stored[INFRA__SHA256_SIZE], proof[INFRA__SHA256_SIZE];
    struct infra__sha256 h;
    size_t size = append(ret, 0, BINDING ",r=", sizeof BINDING + 2);

    size = append(ret, size, nonce.at, nonce.size);
    struct span without_proof = { ret, size };

    infra__sha256_start(&h);
    infra__sha256_feed(&h, s->keys.client, sizeof s->keys.client);
    infra__sha256_finish(&h, stored);
    sign(s, proof, stored, server_first, without_proof);
    for (size_t i = 0; i < sizeof proof; i++) {
        proof[i] ^= s->keys.client[i];
    }
    sign(s, s->proof_due, s->keys.server, server_first, without_proof);
    size = append(ret, size, ",p=", 3);
    infra__base64_encode(ret + size, proof, sizeof proof);
    return size + PROOF_SIZE;
}

enum infra__scram_verdict infra__scram_answer(struct infra__scram *s,
                                              const char *password,
                                              size_t password_size,
                                              const char *message, size_t size,
                                              char ret[INFRA__SCRAM_FINAL_MAX],
                                              size_t *ret_size)
{
    _Static_assert(sizeof BINDING + 2 + INFRA__SCRAM_SERVER_FIRST_MAX + 3 +
                           PROOF_SIZE <=
                       INFRA__SCRAM_FINAL_MAX,
                   "the server's nonce fits");
    struct span in = { message, size };
    struct span nonce, salt, number;
    unsigned char bytes[INFRA__SCRAM_SALT_MAX];

    assert(size <= INFRA__SCRAM_SERVER_FIRST_MAX);
    /* In this order. Extensions may follow; the signature covers them. */
    if (!take(&in, 'r', &nonce) || !take(&in, 's', &salt) ||
        !take(&in, 'i', &number) || !is_nonce(s, nonce)) {
        return INFRA__SCRAM_MALFORMED;
    }
    int salt_size =
        infra__base64_decode(bytes, sizeof bytes, salt.at, salt.size);
    uint32_t iterations = iterations_of(number);

    if (salt_size <= 0 || iterations == 0) {
        return INFRA__SCRAM_MALFORMED;
    }
    if (iterations > INFRA__SCRAM_ITERATIONS_MAX) {
        return INFRA__SCRAM_COSTLY;
    }
    make_keys(&s->keys, password, password_size, bytes, (size_t)salt_size,
              iterations);
    *ret_size = write_final(s, (struct span) { message, size }, nonce, ret);
    return INFRA__SCRAM_FINE;
}

enum infra__scram_verdict infra__scram_judge(const struct infra__scram *s,
                                             const char *message, size_t size)
{
    struct span in = { message, size };
    struct span value;
    unsigned char signature[INFRA__SHA256_SIZE];

    if (take(&in, 'e', &value)) {
        return INFRA__SCRAM_REFUSED;
    }
    if (!take(&in, 'v', &value)) {
        return INFRA__SCRAM_MALFORMED;
    }
    int signature_size =
        infra__base64_decode(signature, sizeof signature, value.at, value.size);
    if (signature_size != (int)sizeof signature) {
        return INFRA__SCRAM_MALFORMED;
    }
    return infra__equal_secret(signature, s->proof_due, sizeof signature)
               ? INFRA__SCRAM_FINE
               : INFRA__SCRAM_FORGED;
}
