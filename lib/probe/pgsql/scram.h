/* SPDX-License-Identifier: MIT */
/* SCRAM-SHA-256 (RFC 5802, RFC 7677), the client's side of one login: both ends
 * prove that they know the password, and neither says it.
 *
 * No channel binding ("n"). SASLprep is left out: it changes no text in ASCII,
 * and another has to be normalised by who gives it.
 *
 * The keys cost as many iterations as the server asks for, half a microsecond
 * each, and depend on the password, the salt and that number only: they are
 * kept, as RFC 5802 §5.1 allows, so that later logins at the same server are
 * cheap. */
#ifndef INFRA_PROBE_PGSQL_SCRAM_H
#define INFRA_PROBE_PGSQL_SCRAM_H

#include "../../base/sha256.h"

#include <stdbool.h>

#define INFRA__SCRAM_NONCE_SIZE 24u
#define INFRA__SCRAM_FIRST_MAX 64u
#define INFRA__SCRAM_SERVER_FIRST_MAX 512u
#define INFRA__SCRAM_FINAL_MAX 576u
#define INFRA__SCRAM_SALT_MAX 64u

/* PostgreSQL asks for 4096 unless told otherwise. This many take 50 ms, which a
 * server may cost us but once. */
#define INFRA__SCRAM_ITERATIONS_MAX 100000u

enum infra__scram_verdict {
    INFRA__SCRAM_FINE,
    INFRA__SCRAM_MALFORMED,
    INFRA__SCRAM_COSTLY, /* More iterations than INFRA__SCRAM_ITERATIONS_MAX. */
    INFRA__SCRAM_REFUSED, /* The server says so. */
    INFRA__SCRAM_FORGED,  /* It does not know the password. */
};

struct infra__scram_keys {
    unsigned char client[INFRA__SHA256_SIZE];
    unsigned char server[INFRA__SHA256_SIZE];
    unsigned char salt[INFRA__SCRAM_SALT_MAX];
    uint32_t salt_size;
    uint32_t iterations; /* 0: there are no keys yet. */
};

/* Begin with zeroes. */
struct infra__scram {
    struct infra__scram_keys keys;               /* Outlive a login. */
    unsigned char proof_due[INFRA__SHA256_SIZE]; /* The server's signature. */
    char first[INFRA__SCRAM_FIRST_MAX];          /* Our first message. */
    uint32_t first_size;
    uint32_t nonce_at; /* In it, to its end. */
};

/* A nonce: one-way from the seed and the login's number. */
void infra__scram_nonce(char ret[INFRA__SCRAM_NONCE_SIZE], uint64_t seed,
                        uint64_t number);

/* Begin a login: @s->first is the message to send. @user stands there as it is,
 * so that it may contain neither "=" nor ",". Both together have at most
 * INFRA__SCRAM_FIRST_MAX - 8 bytes. */
void infra__scram_start(struct infra__scram *s, const char *user,
                        const char *nonce, size_t nonce_size);

/* Answer the server's first message, of at most INFRA__SCRAM_SERVER_FIRST_MAX
 * bytes. FINE, MALFORMED or COSTLY. */
enum infra__scram_verdict infra__scram_answer(struct infra__scram *s,
                                              const char *password,
                                              size_t password_size,
                                              const char *message, size_t size,
                                              char ret[INFRA__SCRAM_FINAL_MAX],
                                              size_t *ret_size);

/* Judge its last message. FINE, MALFORMED, REFUSED or FORGED. */
enum infra__scram_verdict infra__scram_judge(const struct infra__scram *s,
                                             const char *message, size_t size);

#endif
