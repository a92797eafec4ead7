/* SPDX-License-Identifier: MIT */
/* A field line (RFC 9112 §5): a token, a colon, and a value without control
 * characters. The fields that frame a message are read here, each occurrence of
 * them; what they mean together is framing.c's. */
#include "internal.h"

#include "../base/characters.h"

static const struct {
    const char *name; /* In lower case. */
    uint16_t id;
} names[] = {
    { "te", INFRA_HTTP_ID_TE },
    { "host", INFRA_HTTP_ID_HOST },
    { "cookie", INFRA_HTTP_ID_COOKIE },
    { "expect", INFRA_HTTP_ID_EXPECT },
    { "trailer", INFRA_HTTP_ID_TRAILER },
    { "upgrade", INFRA_HTTP_ID_UPGRADE },
    { "forwarded", INFRA_HTTP_ID_FORWARDED },
    { "connection", INFRA_HTTP_ID_CONNECTION },
    { "keep-alive", INFRA_HTTP_ID_KEEP_ALIVE },
    { "content-length", INFRA_HTTP_ID_CONTENT_LENGTH },
    { "x-forwarded-for", INFRA_HTTP_ID_X_FORWARDED_FOR },
    { "proxy-connection", INFRA_HTTP_ID_PROXY_CONNECTION },
    { "transfer-encoding", INFRA_HTTP_ID_TRANSFER_ENCODING },
    { "x-forwarded-proto", INFRA_HTTP_ID_X_FORWARDED_PROTO },
    { "proxy-authenticate", INFRA_HTTP_ID_PROXY_AUTHENTICATE },
    { "proxy-authorization", INFRA_HTTP_ID_PROXY_AUTHORIZATION },
};

/* By length: the first of names[], and how many have that length. */
static const unsigned char by_length[20][2] = {
    [2] = { 0, 1 },   [4] = { 1, 1 },   [6] = { 2, 2 },   [7] = { 4, 2 },
    [9] = { 6, 1 },   [10] = { 7, 2 },  [14] = { 9, 1 },  [15] = { 10, 1 },
    [16] = { 11, 1 }, [17] = { 12, 2 }, [18] = { 14, 1 }, [19] = { 15, 1 },
};

static uint16_t id_of(const unsigned char *p, size_t size)
{
    if (size >= sizeof by_length / sizeof by_length[0]) {
        return INFRA_HTTP_ID_OTHER;
    }
    for (unsigned i = by_length[size][0], n = by_length[size][1]; n > 0;
         i++, n--) {
        if (((p[0] | 0x20) == names[i].name[0]) &&
            infra__http_is(p, size, names[i].name, size)) {
            return names[i].id;
        }
    }
    return INFRA_HTTP_ID_OTHER;
}

/* Several lengths are refused, or, when lenient, must be equal. */
static uint32_t read_length(struct infra_http_head *head,
                            const unsigned char *p, size_t size)
{
    const unsigned char *element, *end = p + size;
    size_t element_size;

    if (size == 0) {
        return INFRA_HTTP_REASON_LENGTH_SYNTAX;
    }
    while (infra__http_list_next(&p, end, &element, &element_size)) {
        uint64_t length;
        if (!infra__read_number(&length, element, element_size) ||
            length > INFRA__HTTP_LENGTH_MAX) {
            return INFRA_HTTP_REASON_LENGTH_SYNTAX;
        }
        if (head->lengths++ > 0 &&
            (head->lenient == 0 || length != head->content_length)) {
            return INFRA_HTTP_REASON_LENGTHS;
        }
        head->content_length = length;
        head->flags |= INFRA_HTTP_HAS_LENGTH;
    }
    return INFRA_HTTP_REASON_NONE;
}

static void read_codings(struct infra_http_head *head, const unsigned char *p,
                         size_t size)
{
    const unsigned char *element, *end = p + size;
    size_t element_size;
    uint32_t codings = head->codings | INFRA__HTTP_CODING_ANY;

    if (size == 0) {
        codings |= INFRA__HTTP_CODING_BAD;
    }
    while (infra__http_list_next(&p, end, &element, &element_size)) {
        bool is_chunked = INFRA__HTTP_IS(element, element_size, "chunked");
        if ((codings & INFRA__HTTP_CODING_CHUNKED) != 0 || element_size == 0) {
            codings |= INFRA__HTTP_CODING_BAD; /* It is not the last one. */
        }
        codings |=
            is_chunked ? INFRA__HTTP_CODING_CHUNKED : INFRA__HTTP_CODING_OTHER;
    }
    head->codings = codings;
}

static uint32_t read_known(struct infra_http_head *head,
                           const unsigned char *bytes,
                           const struct infra_http_field *field)
{
    const unsigned char *p = infra__http_at(bytes, &field->value);
    size_t size = field->value.length;

    switch (field->id) {
    case INFRA_HTTP_ID_CONTENT_LENGTH:
        return read_length(head, p, size);
    case INFRA_HTTP_ID_TRANSFER_ENCODING:
        read_codings(head, p, size);
        break;
    case INFRA_HTTP_ID_HOST:
        head->hosts++;
        if (head->absolute == 0) {
            head->host = field->value;
        }
        if (head->kind == INFRA_HTTP_REQUEST && !infra__http_is_host(p, size)) {
            return INFRA_HTTP_REASON_HOST_VALUE;
        }
        break;
    case INFRA_HTTP_ID_EXPECT:
        if (head->minor == 1 && INFRA__HTTP_IS(p, size, "100-continue")) {
            head->flags |= INFRA_HTTP_CONTINUE;
        }
        break;
    default:
        break;
    }
    return INFRA_HTTP_REASON_NONE;
}

uint32_t infra__http_field_line(struct infra_http_head *head,
                                const unsigned char *bytes, size_t line_size)
{
    const unsigned char *p = bytes + head->at, *end = p + line_size, *value;
    uint32_t size = 0;

    while (size < line_size &&
           (infra__http_bytes[p[size]] & INFRA__HTTP_TOKEN) != 0) {
        size++;
    }
    for (value = p + size;
         head->lenient != 0 && head->kind == INFRA_HTTP_RESPONSE &&
         value < end && infra__is_blank(*value);
         value++) {
    }
    if (size == 0 || value == end || *value != ':') {
        if (infra__is_blank(p[0])) {
            return INFRA_HTTP_REASON_FOLDED;
        }
        return value == end
                   ? INFRA_HTTP_REASON_FIELD_NAME
                   : infra__http_control(*value, INFRA_HTTP_REASON_FIELD_NAME);
    }
    for (value++; value < end && infra__is_blank(*value); value++) {
    }
    size_t value_size = (size_t)(end - value);
    size_t text_size = infra__http_text_size(value, value_size);
    if (text_size < value_size) {
        return infra__http_control(value[text_size],
                                   INFRA_HTTP_REASON_FIELD_VALUE);
    }
    while (value_size > 0 && infra__is_blank(value[value_size - 1])) {
        value_size--;
    }
    if (head->fields_count == head->fields_max) {
        return INFRA_HTTP_REASON_FIELDS;
    }
    struct infra_http_field *field = &head->fields[head->fields_count++];
    *field = (struct infra_http_field) {
        .name = { head->at, size },
        .value = { (uint32_t)(value - bytes), (uint32_t)value_size },
        .id = id_of(p, size),
    };
    return field->id == INFRA_HTTP_ID_OTHER ? INFRA_HTTP_REASON_NONE
                                            : read_known(head, bytes, field);
}
