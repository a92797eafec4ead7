/* SPDX-License-Identifier: MIT */
/* The input is what a MySQL server sends, then it closes. Whatever it is, the
 * check ends, and it ends alike whether the bytes come at once, one by one, or
 * in pieces whose sizes the bytes choose, and whether or not what the check
 * says is heard in between. What it tells of the server can be printed. */
#include "fuzz.h"

#include <infra/probe.h>
#include <stdlib.h>
#include <string.h>

#define PROBES_COUNT 5
#define TEXTS_COUNT (INFRA_PROBE_TEXT_SOURCE + 1)
#define TEXT_MAX 4096u /* As the header says, with its zero. */

struct told {
    struct infra_probe_result result;
    char texts[TEXTS_COUNT][TEXT_MAX];
};

static struct infra_probe *probes[PROBES_COUNT];

static void create_probes(void)
{
    static const struct infra_probe_mysql_options options[PROBES_COUNT] = {
        { .size = sizeof options[0] },
        { .size = sizeof options[0],
          .user = "check",
          .password = "secret",
          .ask = 1 },
        { .size = sizeof options[0], .user = "check", .lag_max = INFRA_SEC(1) },
        { .size = sizeof options[0], .tls = 1 },
        { .size = sizeof options[0],
          .user = "check",
          .ask = 1,
          .question = "SELECT 1" },
    };

    for (int i = 0; i < PROBES_COUNT; i++) {
        if (infra_probe_mysql(&probes[i], &options[i]) != INFRA_OK) {
            abort();
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

/* Hear what it says, but not the farewell, after which it would be over. */
static void hear(struct infra_exchange x)
{
    const void *bytes;
    size_t size = x.ops->output(x.self, &bytes);

    if (size > 1) {
        x.ops->sent(x.self, size - 1, 0);
    }
}

static void read_text(const struct infra_probe *probe, uint32_t kind,
                      char ret[TEXT_MAX])
{
    const char *text = infra_probe_text(probe, kind);
    size_t size = strlen(text);

    if (size >= TEXT_MAX) {
        abort();
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] < ' ' || text[i] > '~') {
            abort();
        }
    }
    memcpy(ret, text, size + 1);
}

static void run(struct infra_probe *probe, const uint8_t *data, size_t size,
                int split, struct told *ret)
{
    struct infra_exchange x = infra_probe_exchange(probe);

    infra_probe_start(probe, 0, 0);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
    for (size_t at = 0; at < size;) {
        size_t count = piece(split, data + at, size - at);
        x.ops->input(x.self, data + at, count, 0);
        if (split == 2) {
            hear(x);
        }
        at += count;
    }
    x.ops->note(x.self, INFRA_NOTE_EOF, 0, 0);
    if (infra_probe_result(probe, &ret->result) != INFRA_OK) {
        abort();
    }
    for (uint32_t kind = 0; kind < TEXTS_COUNT; kind++) {
        read_text(probe, kind, ret->texts[kind]);
    }
}

static void compare(const struct told *a, const struct told *b)
{
    if (memcmp(&a->result, &b->result, sizeof a->result) != 0) {
        abort();
    }
    for (int kind = 0; kind < TEXTS_COUNT; kind++) {
        if (strcmp(a->texts[kind], b->texts[kind]) != 0) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct told whole, split;

    if (probes[0] == NULL) {
        create_probes();
    }
    for (int i = 0; i < PROBES_COUNT; i++) {
        run(probes[i], data, size, 0, &whole);
        for (int n = 1; n < 3; n++) {
            run(probes[i], data, size, n, &split);
            compare(&whole, &split);
        }
        if ((whole.result.reason == INFRA_PROBE_REASON_PASSED) !=
            (whole.result.outcome == INFRA_OUTCOME_OK)) {
            abort();
        }
    }
    return 0;
}
