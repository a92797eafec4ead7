/* SPDX-License-Identifier: MIT */
/* An HTTP/1.x reply, taken apart as it comes (RFC 9112, what a client needs of
 * it). A state machine over single bytes, so that any split gives the same
 * result; it keeps no text, and every length is bounded.
 *
 * Where another reply may follow it is strict, as servers and proxies have been
 * fooled: contradictory lengths, any coding but "chunked", folded lines, blanks
 * before a colon, control characters. Lenient in one thing that RFC 9112 §2.2
 * allows: a head's lines may end in LF.
 *
 * Where none follows, in a check, nobody is fooled, and it takes what servers
 * are seen to send and other clients take: empty lines before the status line,
 * more than one blank before the status, "403.1", CR CR LF, folded lines,
 * blanks before a colon, lines that are no field, lists of equal lengths, a
 * length beside a coding (the coding counts), a coding in HTTP/1.0. What else
 * is wrong with the framing comes after INFRA__HTTP_HEAD, so that the status is
 * known. Control characters, and a head past its limit, are bad here, too.
 * Trailer fields are not read: nothing in them can change what a body
 * contains. */
#ifndef INFRA_BASE_HTTP_REPLY_H
#define INFRA_BASE_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is wrong with it. */
enum infra__http_fault {
    INFRA__HTTP_NOT_HTTP, /* It does not start like a reply. */
    INFRA__HTTP_BAD_HEADER,
    INFRA__HTTP_HEADER_TOO_LONG,
    INFRA__HTTP_BAD_LENGTH,
    INFRA__HTTP_BAD_CHUNK,
    INFRA__HTTP_CUT_SHORT, /* The stream ended in it. */
};

enum infra__http_event {
    INFRA__HTTP_MORE, /* All bytes are taken. */
    INFRA__HTTP_HEAD, /* The final reply's head is complete: see status. */
    INFRA__HTTP_BODY, /* A piece of the body, decoded. */
    INFRA__HTTP_END,  /* The body is complete. */
    INFRA__HTTP_BAD,  /* See fault. */
};

struct infra__bytes {
    const unsigned char *at;
    size_t count;
};

struct infra__http_reply {
    uint64_t length;     /* Content-Length, if has_length. */
    uint64_t left;       /* Of the body, or of the chunk. */
    uint32_t header_max; /* Of all heads together, interim ones too. */
    uint32_t header_count;
    uint32_t line_count; /* Bytes of the chunk line. */
    uint32_t status;
    uint32_t fault; /* enum infra__http_fault, once it is bad. */
    uint8_t state;
    uint8_t field;    /* Which field the value is of. */
    uint8_t position; /* In the status line, a name, or a value that counts. */
    char name[17];    /* In lower case; as long as "transfer-encoding". */
    bool after_cr;
    bool value_ended; /* Only blanks may follow. */
    bool is_http10;
    bool has_length;
    bool has_coding;
    bool is_degraded; /* It has the field x-envoy-degraded. */
    bool keeps;
    bool is_unframed; /* Where the body ends nobody knows. */
    bool may_fold;    /* The next line may go on with the value. */
};

/* @keeps: another reply may follow this one, so that it has to be sure where
 * this one ends. */
void infra__http_reply_start(struct infra__http_reply *r, uint32_t header_max,
                             bool keeps);

/* Take bytes from the front of @in up to the next event. @ret is the piece of
 * body that comes with INFRA__HTTP_BODY. */
enum infra__http_event infra__http_reply_next(struct infra__http_reply *r,
                                              struct infra__bytes *in,
                                              struct infra__bytes *ret);

/* The stream ended in order: INFRA__HTTP_END or INFRA__HTTP_BAD. */
enum infra__http_event infra__http_reply_eof(struct infra__http_reply *r);

#endif
