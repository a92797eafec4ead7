/* SPDX-License-Identifier: MIT */
/* The input is what a PostgreSQL server sends, then it closes. Whatever it is,
 * the check ends, and it ends alike whether the bytes come at once, one by one,
 * or in pieces whose sizes the bytes choose; and what it tells can be printed.
 *
 * The recorded logins in the corpus are those of a first check with the
 * password "pw": each run is one. */
#include "fuzz.h"

#include "../../lib/probe/pgsql/pgsql.h"

#include <stdlib.h>
#include <string.h>

#define PROBES_COUNT 5

static struct infra_probe *probes[PROBES_COUNT];

static void create_probes(void)
{
    static const struct infra_probe_pgsql_options options[PROBES_COUNT] = {
        { .size = sizeof options[0] },
        { .size = sizeof options[0], .password = "pw", .ask = 1 },
        { .size = sizeof options[0],
          .password = "pw",
          .expect = INFRA_PROBE_ROLE_REPLICA,
          .lag_max = INFRA_MS(500),
          .allow_cleartext_password = 1 },
        { .size = sizeof options[0], .password = "pw", .ask = 1, .tls = 1 },
        { .size = sizeof options[0], .ask = 1, .question = "select 1" },
    };

    for (int i = 0; i < PROBES_COUNT; i++) {
        if (infra_probe_pgsql(&probes[i], &options[i]) != INFRA_OK) {
            abort();
        }
    }
}

/* Do what the probe wants, but for its input. */
static void serve(struct infra_exchange x)
{
    const void *bytes;

    for (;;) {
        uint32_t want = x.ops->want(x.self);
        if (want == INFRA_WANT_TLS) {
            x.ops->note(x.self, INFRA_NOTE_TLS_UP, 0, 0);
        } else if (want == INFRA_WANT_CLOSE) {
            x.ops->note(x.self, INFRA_NOTE_CLOSED, 0, 0);
        } else if (want == INFRA_WANT_IO) {
            size_t size = x.ops->output(x.self, &bytes);
            if (size == 0) {
                return;
            }
            x.ops->sent(x.self, size, 0);
        } else {
            return;
        }
    }
}

/* How many bytes to hand over at once, of @left bytes at @p. */
static size_t piece(int split, const uint8_t *p, size_t left)
{
    size_t size = left;

    if (split > 0) {
        size = split == 1 ? 1 : (size_t)p[0] % 16 + 1;
    }
    return size < left ? size : left;
}

static struct infra_probe_result run(struct infra_probe *probe,
                                     const uint8_t *data, size_t size,
                                     int split)
{
    struct infra__pgsql *p = (struct infra__pgsql *)probe;
    struct infra_exchange x = infra_probe_exchange(probe);
    struct infra_probe_result r;

    p->login.number = 0;
    p->memory.is_set = false;
    infra_probe_start(probe, 0, 0);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
    serve(x);
    for (size_t at = 0; at < size;) {
        /* The answer about TLS stands alone, or all the rest is stray. */
        size_t count =
            at == 0 && p->wants_tls ? 1 : piece(split, data + at, size - at);
        x.ops->input(x.self, data + at, count, 0);
        serve(x);
        at += count;
    }
    x.ops->note(x.self, INFRA_NOTE_EOF, 0, 0);
    if (infra_probe_result(probe, &r) != INFRA_OK) {
        abort();
    }
    return r;
}

static void check_texts(const struct infra_probe *probe, char ret[1024])
{
    ret[0] = '\0';
    for (uint32_t kind = 0; kind <= INFRA_PROBE_TEXT_SOURCE; kind++) {
        const char *text = infra_probe_text(probe, kind);
        for (const char *c = text; *c != '\0'; c++) {
            if (*c < ' ' || *c > '~') {
                abort();
            }
        }
        strcat(strcat(ret, text), "\n");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (probes[0] == NULL) {
        create_probes();
    }
    for (int i = 0; i < PROBES_COUNT; i++) {
        char texts[1024], whole_texts[1024];
        struct infra_probe_result whole = run(probes[i], data, size, 0);
        check_texts(probes[i], whole_texts);
        for (int split = 1; split < 3; split++) {
            struct infra_probe_result r = run(probes[i], data, size, split);
            check_texts(probes[i], texts);
            if (memcmp(&r, &whole, sizeof r) != 0 ||
                strcmp(texts, whole_texts) != 0) {
                abort();
            }
        }
        if ((whole.reason == INFRA_PROBE_REASON_PASSED) !=
            (whole.outcome == INFRA_OUTCOME_OK)) {
            abort();
        }
    }
    return 0;
}
