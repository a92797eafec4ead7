/* SPDX-License-Identifier: MIT */
/* SCRAM-SHA-256 (RFC 5802, RFC 7677), the client's side of one login: both ends
 * prove that they know the password without sending it.
 *
 * No channel binding ("n"). No SASLprep: it changes no ASCII text, and the host
 * normalises any other.
 *
 * The keys cost half a microsecond for each iteration that the server asks for.
 * They depend on the password, the salt and the iterations only, and are kept,
 * as RFC 5802 §5.1 allows, so that later logins at the server are cheap. */
#ifndef INFRA_PROBE_PGSQL_SCRAM_H
#define INFRA_PROBE_PGSQL_SCRAM_H

#include "../../base/sha256.h"

#include <stdbool.h>

#define INFRA__SCRAM_NONCE_SIZE 24u
#define INFRA__SCRAM_FIRST_MAX 64u
#define INFRA__SCRAM_SERVER_FIRST_MAX 512u
#define INFRA__SCRAM_FINAL_MAX 576u
#define INFRA__SCRAM_SALT_MAX 64u

/* PostgreSQL's default is 4096. The maximum takes 50 ms, once for a server. */
#define INFRA__SCRAM_ITERATIONS_MAX 100000u

enum infra__scram_verdict {
    INFRA__SCRAM_FINE,
    INFRA__SCRAM_MALFORMED,
    INFRA__SCRAM_COSTLY, /* More iterations than INFRA__SCRAM_ITERATIONS_MAX. */
    INFRA__SCRAM_REFUSED, /* By the server. */
    INFRA__SCRAM_FORGED,  /* The server does not know the password. */
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

/* Begin a login: @s->first is the message to send. @user is put there unchanged
 * and must contain neither "=" nor ",". Both texts together have at most
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
