/* SPDX-License-Identifier: MIT */
/* A property of every probe: it ends, with a result and printable texts that do
 * not depend on how the input is split. */
#ifndef TESTS_FUZZ_PIECES_H
#define TESTS_FUZZ_PIECES_H

#include <infra/probe.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FUZZ_TEXTS (INFRA_PROBE_TEXT_SOURCE + 1)
#define FUZZ_TEXT_MAX 4096u /* The limit in the header, with its zero. */

/* The server's side, apart from what it sends; NULL: the default. */
struct fuzz_server {
    /* Make the next check a first one. */
    void (*forget)(struct infra_probe *probe);
    /* Do what the probe wants, except for input. */
    void (*serve)(struct infra_exchange x, int split);
    /* Is the first byte sent alone? */
    bool (*begins_alone)(const struct infra_probe *probe);
};

struct fuzz_result {
    struct infra_probe_result result;
    char texts[FUZZ_TEXTS][FUZZ_TEXT_MAX];
};

/* The size of the next piece, of @left bytes at @p. */
static inline size_t fuzz_piece(int split, const uint8_t *p, size_t left)
{
    size_t size = left;

    if (split > 0) {
        size = split == 1 ? 1 : (size_t)p[0] % 16 + 1;
    }
    return size < left ? size : left;
}

static inline void fuzz_serve(struct infra_exchange x, int split)
{
    const void *bytes;
    size_t size;

    (void)split;
    do {
        uint32_t want = x.ops->want(x.self);
        if (want == INFRA_WANT_TLS) {
            x.ops->note(x.self, INFRA_NOTE_TLS_UP, 0, 0);
        } else if (want == INFRA_WANT_CLOSE) {
            x.ops->note(x.self, INFRA_NOTE_CLOSED, 0, 0);
        }
        size = x.ops->output(x.self, &bytes);
        x.ops->sent(x.self, size, 0);
    } while (size > 0);
}

static inline void fuzz_read_text(const struct infra_probe *probe,
                                  uint32_t kind, char ret[FUZZ_TEXT_MAX])
{
    const char *text = infra_probe_text(probe, kind);
    size_t size = strlen(text);

    if (size >= FUZZ_TEXT_MAX) {
        abort();
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] < ' ' || text[i] > '~') {
            abort();
        }
    }
    memcpy(ret, text, size + 1);
}

/* The server sends @data and closes. */
static inline void fuzz_run(struct infra_probe *probe, const uint8_t *data,
                            size_t size, int split,
                            const struct fuzz_server *server,
                            struct fuzz_result *ret)
{
    static const struct fuzz_server plain;
    struct infra_exchange x = infra_probe_exchange(probe);

    server = server != NULL ? server : &plain;
    void (*serve)(struct infra_exchange, int) =
        server->serve != NULL ? server->serve : fuzz_serve;

    if (server->forget != NULL) {
        server->forget(probe);
    }
    infra_probe_start(probe, 0, 0);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
    serve(x, split);
    for (size_t at = 0; at < size;) {
        size_t count = fuzz_piece(split, data + at, size - at);
        if (at == 0 && server->begins_alone != NULL &&
            server->begins_alone(probe)) {
            count = 1;
        }
        x.ops->input(x.self, data + at, count, 0);
        serve(x, split);
        at += count;
    }
    x.ops->note(x.self, INFRA_NOTE_EOF, 0, 0);
    if (infra_probe_result(probe, &ret->result) != INFRA_OK) {
        abort();
    }
    for (uint32_t kind = 0; kind < FUZZ_TEXTS; kind++) {
        fuzz_read_text(probe, kind, ret->texts[kind]);
    }
}

static inline void fuzz_in_pieces(struct infra_probe *probe,
                                  const uint8_t *data, size_t size,
                                  const struct fuzz_server *server)
{
    static struct fuzz_result whole, pieces;

    fuzz_run(probe, data, size, 0, server, &whole);
    for (int split = 1; split < 3; split++) {
        fuzz_run(probe, data, size, split, server, &pieces);
        if (memcmp(&pieces.result, &whole.result, sizeof whole.result) != 0) {
            abort();
        }
        for (int kind = 0; kind < FUZZ_TEXTS; kind++) {
            /* A script shows as much of a wrong answer as came with it. */
            if (strcmp(pieces.texts[kind], whole.texts[kind]) != 0 &&
                whole.result.reason != INFRA_PROBE_REASON_UNEXPECTED) {
                abort();
            }
        }
    }
    if ((whole.result.reason == INFRA_PROBE_REASON_PASSED) !=
        (whole.result.outcome == INFRA_OUTCOME_OK)) {
        abort();
    }
}

#endif
