/* SPDX-License-Identifier: MIT */
/* What holds for every probe: it ends, and alike however its input is split. */
#ifndef TESTS_FUZZ_PIECES_H
#define TESTS_FUZZ_PIECES_H

#include <infra/probe.h>
#include <stdlib.h>
#include <string.h>

/* How many bytes to hand over at once, of @left bytes at @p. */
static inline size_t fuzz_piece(int split, const uint8_t *p, size_t left)
{
    size_t size = left;

    if (split > 0) {
        size = split == 1 ? 1 : (size_t)p[0] % 16 + 1;
    }
    return size < left ? size : left;
}

/* The server takes what there is to send. */
static inline void fuzz_listen(struct infra_exchange x)
{
    const void *out;

    for (size_t count; (count = x.ops->output(x.self, &out)) > 0;) {
        x.ops->sent(x.self, count, 0);
    }
}

/* The server sends @data and closes. */
static inline struct infra_probe_result fuzz_run(struct infra_probe *probe,
                                                 const uint8_t *data,
                                                 size_t size, int split)
{
    struct infra_exchange x = infra_probe_exchange(probe);
    struct infra_probe_result r;

    infra_probe_start(probe, 0, 0);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
    fuzz_listen(x);
    for (size_t at = 0; at < size;) {
        size_t count = fuzz_piece(split, data + at, size - at);
        x.ops->input(x.self, data + at, count, 0);
        fuzz_listen(x);
        at += count;
    }
    x.ops->note(x.self, INFRA_NOTE_EOF, 0, 0);
    if (infra_probe_result(probe, &r) != INFRA_OK) {
        abort();
    }
    return r;
}

static inline void fuzz_check_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~') {
            abort();
        }
    }
}

static inline void fuzz_in_pieces(struct infra_probe *probe,
                                  const uint8_t *data, size_t size)
{
    struct infra_probe_result whole = fuzz_run(probe, data, size, 0);

    for (int split = 1; split < 3; split++) {
        struct infra_probe_result r = fuzz_run(probe, data, size, split);
        if (memcmp(&r, &whole, sizeof r) != 0) {
            abort();
        }
        fuzz_check_text(infra_probe_text(probe, INFRA_PROBE_TEXT_MESSAGE));
        fuzz_check_text(infra_probe_text(probe, INFRA_PROBE_TEXT_POSITION));
        fuzz_check_text(infra_probe_text(probe, INFRA_PROBE_TEXT_SOURCE));
    }
    if ((whole.reason == INFRA_PROBE_REASON_PASSED) !=
        (whole.outcome == INFRA_OUTCOME_OK)) {
        abort();
    }
}

#endif
