/* SPDX-License-Identifier: MIT */
/* Incremental parser of an HTTP/1.x reply (RFC 9112, the client's part). A
 * state machine over single bytes, so any split gives the same result. It keeps
 * no text, and every length is bounded.
 *
 * If another reply may follow, the parser is strict, against request smuggling:
 * it refuses contradictory lengths, any coding but "chunked", folded lines,
 * blanks before a colon and control characters. One leniency of RFC 9112 §2.2:
 * lines of the head may end in LF.
 *
 * If no reply follows, as in a check, smuggling is impossible, and the parser
 * accepts what real servers send and other clients accept: empty lines before
 * the status line, several blanks before the status, "403.1", CR CR LF, folded
 * lines, blanks before a colon, lines that are no field, lists of equal
 * lengths, a length beside a coding (the coding counts), a coding in HTTP/1.0.
 * Other framing errors are reported after INFRA__HTTP_HEAD, so that the status
 * is known. Control characters and a head beyond its limit are errors here,
 * too. Trailer fields are skipped: they cannot change the body. */
#ifndef INFRA_BASE_HTTP_REPLY_H
#define INFRA_BASE_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is wrong with the reply. */
enum infra__http_fault {
    INFRA__HTTP_NOT_HTTP, /* Does not start like a reply. */
    INFRA__HTTP_BAD_HEADER,
    INFRA__HTTP_HEADER_TOO_LONG,
    INFRA__HTTP_BAD_LENGTH,
    INFRA__HTTP_BAD_CHUNK,
    INFRA__HTTP_CUT_SHORT, /* The stream ended too early. */
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
    bool is_unframed; /* The end of the body is unknown. */
    bool may_fold;    /* The next line may continue the value. */
};

/* @keeps: another reply may follow, so the end of this one must be certain. */
void infra__http_reply_start(struct infra__http_reply *r, uint32_t header_max,
                             bool keeps);

/* Take bytes from the front of @in up to the next event. @ret: the piece of
 * body, with INFRA__HTTP_BODY. */
enum infra__http_event infra__http_reply_next(struct infra__http_reply *r,
                                              struct infra__bytes *in,
                                              struct infra__bytes *ret);

/* The stream ended in order: INFRA__HTTP_END or INFRA__HTTP_BAD. */
enum infra__http_event infra__http_reply_eof(struct infra__http_reply *r);

#endif
