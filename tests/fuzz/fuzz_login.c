/* SPDX-License-Identifier: MIT */
/* The first byte says which side logs in by which protocol, the rest is what
 * the peer says: a byte with the size of each message (255: all that is left),
 * and the message. Whatever the peer says, a login writes within its limit, is
 * refused with a reason, stays refused, and never ends well without the proof.
 * A text of a stored password that is read is written again as it was. */
#include "fuzz.h"

#include "../../lib/base/scram.h"

#include <infra/login.h>

#include <stdlib.h>
#include <string.h>

#define MESSAGES_MAX 8
#define PASSWORD "pencil"

static const unsigned char entropy[INFRA_LOGIN_ENTROPY_SIZE];

static void check(int good)
{
    if (!good) {
        abort();
    }
}

/* Take the next message, in memory of its size. */
static unsigned char *next_message(const uint8_t **at, size_t *left,
                                   size_t *ret_size)
{
    size_t size = *left > 0 ? (*at)[0] : 0;

    if (*left > 0) {
        (*at)++;
        (*left)--;
    }
    *ret_size = size == 255 || size > *left ? *left : size;
    unsigned char *copy = malloc(*ret_size + 1);
    check(copy != NULL);
    memcpy(copy, *at, *ret_size);
    *at += *ret_size;
    *left -= *ret_size;
    return copy;
}

static void check_step(int step, uint32_t reason, size_t out_size)
{
    check(step >= INFRA_LOGIN_STEP_WAIT && step <= INFRA_LOGIN_STEP_REFUSED);
    check(out_size <= INFRA_LOGIN_MESSAGE_MAX);
    check((step == INFRA_LOGIN_STEP_REFUSED) ==
          (reason != INFRA_LOGIN_REASON_NONE));
    check(step == INFRA_LOGIN_STEP_SEND || step == INFRA_LOGIN_STEP_DONE ||
          out_size == 0);
}

static void run_scram(struct infra_login_scram *s, int is_server,
                      const uint8_t *at, size_t left)
{
    char out[INFRA_LOGIN_MESSAGE_MAX];
    size_t size, out_size;
    int step = INFRA_LOGIN_STEP_SEND;

    if (!is_server) {
        step = infra_login_scram_next(s, NULL, 0, out, &out_size);
    }
    for (int i = 0; i < MESSAGES_MAX; i++) {
        int was_over = step >= INFRA_LOGIN_STEP_DONE;
        unsigned char *message = next_message(&at, &left, &size);
        step = infra_login_scram_next(s, message, size, out, &out_size);
        check_step(step, s->reason, out_size);
        check(!was_over || s->reason == INFRA_LOGIN_REASON_OUT_OF_ORDER);
        if (step == INFRA_LOGIN_STEP_DONE) {
            unsigned char stored[INFRA_LOGIN_SCRAM_KEY_SIZE];
            check(s->keys.has_client_key == 1 && s->keys.is_mock == 0);
            infra__scram_stored_key(stored, s->keys.client_key);
            check(memcmp(stored, s->keys.stored_key, sizeof stored) == 0);
        }
        free(message);
    }
}

static void fuzz_scram(int is_server, int has_password, const uint8_t *data,
                       size_t size)
{
    struct infra_login_scram_keys keys;
    struct infra_login_scram s;

    check(infra_login_scram_derive(&keys, PASSWORD, strlen(PASSWORD), "A", 1,
                                   1) == INFRA_OK);
    if (!is_server) {
        check(infra_login_scram_client(
                  &s, &keys, has_password ? PASSWORD : NULL,
                  has_password ? strlen(PASSWORD) : 0, entropy) == INFRA_OK);
    } else {
        memset(keys.client_key, 0, sizeof keys.client_key);
        keys.has_client_key = 0;
        keys.is_mock = !has_password;
        check(infra_login_scram_server(&s, &keys, entropy) == INFRA_OK);
    }
    run_scram(&s, is_server, data, size);
}

static void run_mysql(struct infra_login_mysql *m, const uint8_t *at,
                      size_t left)
{
    unsigned char out[INFRA_LOGIN_MESSAGE_MAX];
    size_t size, method_size, out_size;
    char *method = (char *)next_message(&at, &left, &method_size);
    unsigned char *message = next_message(&at, &left, &size);
    int step = infra_login_mysql_first(m, method, method_size, message, size,
                                       out, &out_size);

    check_step(step, m->reason, out_size);
    for (int i = 0; i < MESSAGES_MAX; i++) {
        int was_over = step >= INFRA_LOGIN_STEP_DONE;
        free(message);
        message = next_message(&at, &left, &size);
        step = infra_login_mysql_next(m, message, size, out, &out_size);
        check_step(step, m->reason, out_size);
        check(!was_over || m->reason == INFRA_LOGIN_REASON_OUT_OF_ORDER);
        check(step != INFRA_LOGIN_STEP_DONE || m->is_mock == 0);
    }
    check(memchr(m->asked, 0, sizeof m->asked) != NULL);
    free(message);
    free(method);
}

static void fuzz_mysql(int is_server, unsigned mode, const uint8_t *data,
                       size_t size)
{
    struct infra_login_mysql_keys keys;
    struct infra_login_mysql m;
    uint32_t method = 1 + mode % 2, is_secure = mode / 2 % 2;

    check(infra_login_mysql_derive(&keys, PASSWORD, strlen(PASSWORD)) ==
          INFRA_OK);
    if (!is_server) {
        check(infra_login_mysql_client(&m, NULL, PASSWORD, strlen(PASSWORD),
                                       is_secure) == INFRA_OK);
    } else {
        keys.has = mode / 4 % 2 == 0 ? INFRA_LOGIN_HAS_SHA1_TWICE
                                     : INFRA_LOGIN_HAS_SHA256_TWICE;
        check(infra_login_mysql_server(&m, method, entropy) == INFRA_OK);
        check(infra_login_mysql_set_user(&m, mode / 8 % 2 == 0 ? &keys : NULL,
                                         is_secure) == INFRA_OK);
    }
    run_mysql(&m, data, size);
}

static void fuzz_texts(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct infra_login_scram_keys scram;
    struct infra_login_mysql_keys mysql = { 0 };
    char again[INFRA_LOGIN_SCRAM_VERIFIER_MAX];

    if (infra_login_scram_parse(&scram, text, size) == INFRA_OK) {
        check(infra_login_scram_write(&scram, again) == size);
        check(memcmp(again, text, size) == 0);
    }
    if (infra_login_mysql_parse(&mysql, text, size) == INFRA_OK) {
        check(size == 41 || size == 65);
    }
    (void)infra_login_scram_choose(text, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    unsigned mode = data[0] / 8;
    switch (data[0] % 8) {
    case 0:
    case 1:
        fuzz_scram(data[0] % 8 == 0, mode % 2 == 0, data + 1, size - 1);
        break;
    case 2:
    case 3:
        fuzz_mysql(data[0] % 8 == 2, mode, data + 1, size - 1);
        break;
    default:
        fuzz_texts(data + 1, size - 1);
        break;
    }
    return 0;
}
