/* SPDX-License-Identifier: MIT */
/* A whole message read as a host reads it, in pieces of any size. */
#ifndef TESTS_HTTP_MESSAGE_H
#define TESTS_HTTP_MESSAGE_H

#include <infra/http.h>
#include <string.h>

#define MESSAGE_FIELDS 32
#define MESSAGE_BODY_MAX 4096

struct message {
    struct infra_http_head head;
    struct infra_http_head trailers;
    struct infra_http_field fields[MESSAGE_FIELDS];
    struct infra_http_field trailer_fields[MESSAGE_FIELDS];
    uint32_t step; /* The last: MORE, DONE or REFUSED. */
    uint32_t reason;
    uint32_t status;
    size_t trailers_at;
    size_t used;      /* Bytes of the message, with DONE. */
    size_t body_size; /* The first MESSAGE_BODY_MAX are kept. */
    unsigned char body[MESSAGE_BODY_MAX];
};

/* How many bytes come next, of @left; @split 0: all. */
typedef size_t message_piece(size_t split, size_t at, size_t left);

/* All but the byte @split and what follows; then that. */
static inline size_t message_two_pieces(size_t split, size_t at, size_t left)
{
    return at < split && split - at < left ? split - at : left;
}

static inline size_t message_equal_pieces(size_t split, size_t at, size_t left)
{
    (void)at;
    return split > 0 && split < left ? split : left;
}

/* A head at @bytes + @from; how many of @size bytes had come is in @come. */
static inline uint32_t message_head(struct infra_http_head *head,
                                    const unsigned char *bytes, size_t from,
                                    size_t size, size_t split,
                                    message_piece *piece, size_t *come)
{
    for (;;) {
        uint32_t step = infra_http_head_take(head, bytes + from, *come - from);
        if (step != INFRA_HTTP_MORE || *come == size) {
            return step;
        }
        *come += piece(split, *come, size - *come);
    }
}

static inline void message_refused(struct message *m, uint32_t reason,
                                   uint32_t status)
{
    m->step = INFRA_HTTP_REFUSED;
    m->reason = reason;
    m->status = status;
}

static inline void message_trailers(struct message *m,
                                    const struct infra_http_limits *limits,
                                    const unsigned char *bytes, size_t size,
                                    size_t split, message_piece *piece,
                                    size_t *come)
{
    if (infra_http_head_start(&m->trailers, INFRA_HTTP_TRAILERS, &m->head,
                              limits, m->trailer_fields,
                              MESSAGE_FIELDS) != INFRA_OK) {
        m->step = UINT32_MAX;
        return;
    }
    m->trailers_at = m->used;
    m->step =
        message_head(&m->trailers, bytes, m->used, size, split, piece, come);
    if (m->step == INFRA_HTTP_REFUSED) {
        message_refused(m, m->trailers.reason, m->trailers.refusal_status);
    } else {
        m->used += m->trailers.size;
    }
}

static inline void message_body(struct message *m,
                                const struct infra_http_limits *limits,
                                const unsigned char *bytes, size_t size,
                                size_t split, message_piece *piece,
                                size_t *come)
{
    struct infra_http_body body;
    size_t used, data;

    if (infra_http_body_start(&body, &m->head) != INFRA_OK) {
        m->step = UINT32_MAX;
        return;
    }
    for (;;) {
        m->step = infra_http_body_take(&body, bytes + m->used, *come - m->used,
                                       &used, &data);
        m->used += used;
        for (size_t i = 0; i < data; i++) {
            if (m->body_size < MESSAGE_BODY_MAX) {
                m->body[m->body_size] = bytes[m->used - data + i];
            }
            m->body_size++;
        }
        if (m->step == INFRA_HTTP_TRAILER) {
            message_trailers(m, limits, bytes, size, split, piece, come);
            return;
        }
        if (m->step == INFRA_HTTP_DONE || m->step == INFRA_HTTP_REFUSED) {
            m->reason = body.reason;
            m->status = body.refusal_status;
            return;
        }
        if (m->step == INFRA_HTTP_MORE) {
            if (*come == size) {
                return;
            }
            *come += piece(split, *come, size - *come);
        }
    }
}

static inline void message_read(struct message *m, uint32_t kind,
                                const struct infra_http_head *request,
                                const struct infra_http_limits *limits,
                                const void *bytes, size_t size, size_t split,
                                message_piece *piece)
{
    size_t come = 0;

    memset(m, 0, sizeof *m);
    if (infra_http_head_start(&m->head, kind, request, limits, m->fields,
                              MESSAGE_FIELDS) != INFRA_OK) {
        m->step = UINT32_MAX;
        return;
    }
    m->step = message_head(&m->head, bytes, 0, size, split, piece, &come);
    if (m->step == INFRA_HTTP_REFUSED) {
        message_refused(m, m->head.reason, m->head.refusal_status);
    } else if (m->step == INFRA_HTTP_DONE) {
        m->used = m->head.size;
        message_body(m, limits, bytes, size, split, piece, &come);
    }
}

/* Have both the same answer? */
static inline int message_same(const struct message *a, const struct message *b)
{
    return a->step == b->step && a->reason == b->reason &&
           a->status == b->status && a->used == b->used &&
           a->body_size == b->body_size &&
           memcmp(a->body, b->body, sizeof a->body) == 0 &&
           a->head.framing == b->head.framing &&
           a->head.flags == b->head.flags &&
           a->head.fields_count == b->head.fields_count &&
           memcmp(a->fields, b->fields, sizeof a->fields) == 0 &&
           memcmp(a->trailer_fields, b->trailer_fields,
                  sizeof a->trailer_fields) == 0;
}

/* The message as the next hop gets it: head, body in one chunk or by length,
 * trailers. @size: the room. Returns the bytes; 0: no room. */
static inline size_t message_write(const struct message *m, const void *bytes,
                                   char *ret, size_t size)
{
    struct infra_http_out out = { .at = ret, .room = size };
    const unsigned char *b = bytes;
    uint32_t framing = m->head.framing;

    infra_http_write_line(&out, &m->head, bytes);
    infra_http_write_fields(&out, &m->head, bytes, 0);
    infra_http_write_end(&out, framing, m->head.content_length,
                         !(m->head.flags & INFRA_HTTP_KEEP_ALIVE));
    if (framing == INFRA_HTTP_FRAMING_CHUNKED && m->body_size > 0) {
        infra_http_write_chunk(&out, m->body_size);
    }
    if (m->body_size > MESSAGE_BODY_MAX ||
        out.length + m->body_size + 4096 > size) {
        return 0;
    }
    memcpy(ret + out.length, m->body, m->body_size);
    out.length += m->body_size;
    if (framing == INFRA_HTTP_FRAMING_CHUNKED) {
        if (m->body_size > 0) {
            memcpy(ret + out.length, "\r\n", 2);
            out.length += 2;
        }
        infra_http_write_chunk(&out, 0);
        infra_http_write_fields(&out, &m->trailers, b + m->trailers_at, 0);
        infra_http_write_end(&out, INFRA_HTTP_FRAMING_NONE, 0, 0);
    }
    return out.length <= size ? out.length : 0;
}

#endif
