/* SPDX-License-Identifier: MIT */
/* Private to lib/http: what bytes may be, and the steps from lines to a
 * framing. */
#ifndef INFRA_HTTP_INTERNAL_H
#define INFRA_HTTP_INTERNAL_H

#include <infra/http.h>
#include <stdbool.h>
#include <string.h>

/* Options of Connection that are looked at, so that the search for the fields
 * that they name is bounded. */
#define INFRA__HTTP_OPTIONS_MAX 16u
#define INFRA__HTTP_LENGTH_MAX ((UINT64_C(1) << 63) - 1)

enum infra__http_head_state {
    INFRA__HTTP_HEAD_FIRST_LINE,
    INFRA__HTTP_HEAD_FIELDS,
    INFRA__HTTP_HEAD_DONE,
    INFRA__HTTP_HEAD_REFUSED,
};

/* What the codings of a message are, so far. */
#define INFRA__HTTP_CODING_ANY (1u << 0)
#define INFRA__HTTP_CODING_CHUNKED (1u << 1) /* The last one is. */
#define INFRA__HTTP_CODING_OTHER (1u << 2)
#define INFRA__HTTP_CODING_BAD (1u << 3)

/* head->asked: the method of the request in the low byte. */
#define INFRA__HTTP_ASKED_UPGRADE (1u << 8)
#define INFRA__HTTP_ASKED_RESPONSE (1u << 9) /* Trailers of a response. */

/* Classes of bytes. */
#define INFRA__HTTP_TOKEN (1u << 0)
#define INFRA__HTTP_TARGET (1u << 1)
#define INFRA__HTTP_HOST (1u << 2)
extern const unsigned char infra__http_bytes[256];

/* The bytes of a span. */
static inline const unsigned char *infra__http_at(
    const void *bytes, const struct infra_http_span *span)
{
    return (const unsigned char *)bytes + span->at;
}

/* Are the @size bytes @word, which is in lower case, without regard to case?
 * The bytes are of a token. */
static inline bool infra__http_is(const unsigned char *p, size_t size,
                                  const char *word, size_t word_size)
{
    unsigned differ = 0;

    if (size != word_size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char c = p[i];
        c |= (unsigned char)(c >= 'A' && c <= 'Z' ? 0x20 : 0);
        differ |= (unsigned)(c ^ (unsigned char)word[i]);
    }
    return differ == 0;
}
#define INFRA__HTTP_IS(p, size, word) \
    infra__http_is(p, size, word, sizeof(word) - 1)

/* How many bytes from the front are no control character; HTAB is none. */
size_t infra__http_text_size(const unsigned char *p, size_t size);

/* The status with which @reason is answered. */
uint32_t infra__http_status(uint32_t reason, bool is_response);

/* Is it a host with an optional port? */
bool infra__http_is_host(const unsigned char *p, size_t size);

/* What a control character in a line is called; @other: none of its own. */
static inline uint32_t infra__http_control(unsigned char c, uint32_t other)
{
    return c == '\0'   ? (uint32_t)INFRA_HTTP_REASON_NUL
           : c == '\r' ? (uint32_t)INFRA_HTTP_REASON_BARE_CR
                       : other;
}

/* Each judges a line, @line_size bytes without its end, and answers a
 * reason. */
uint32_t infra__http_request_line(struct infra_http_head *head,
                                  const unsigned char *bytes, size_t line_size);
uint32_t infra__http_status_line(struct infra_http_head *head,
                                 const unsigned char *bytes, size_t line_size);
uint32_t infra__http_field_line(struct infra_http_head *head,
                                const unsigned char *bytes, size_t line_size);

/* The head is complete: decide. A reason. */
uint32_t infra__http_frame(struct infra_http_head *head,
                           const unsigned char *bytes);

/* The next element of a list, without the blanks around it. False: no more. An
 * empty element has a size of 0. */
bool infra__http_list_next(const unsigned char **p, const unsigned char *end,
                           const unsigned char **ret, size_t *ret_size);

#endif
