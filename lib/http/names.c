/* SPDX-License-Identifier: MIT */
/* The names of the enums, and the status of each refusal. */
#include "internal.h"

#include "../base/internal.h"

static const char *const reasons[] = {
    [INFRA_HTTP_REASON_NONE] = "none",
    [INFRA_HTTP_REASON_REQUEST_LINE] = "malformed request line",
    [INFRA_HTTP_REASON_METHOD] = "malformed method",
    [INFRA_HTTP_REASON_TARGET] = "malformed target",
    [INFRA_HTTP_REASON_VERSION] = "unsupported version",
    [INFRA_HTTP_REASON_STATUS_LINE] = "malformed status line",
    [INFRA_HTTP_REASON_FIELD_NAME] = "malformed field name",
    [INFRA_HTTP_REASON_FIELD_VALUE] = "control character in a field",
    [INFRA_HTTP_REASON_NUL] = "zero byte",
    [INFRA_HTTP_REASON_FOLDED] = "folded line",
    [INFRA_HTTP_REASON_BARE_LF] = "LF without CR",
    [INFRA_HTTP_REASON_BARE_CR] = "CR without LF",
    [INFRA_HTTP_REASON_HOST_COUNT] = "not exactly one Host",
    [INFRA_HTTP_REASON_HOST_VALUE] = "malformed host",
    [INFRA_HTTP_REASON_LENGTH_SYNTAX] = "malformed Content-Length",
    [INFRA_HTTP_REASON_LENGTHS] = "several lengths",
    [INFRA_HTTP_REASON_LENGTH_CODING] = "a length beside a coding",
    [INFRA_HTTP_REASON_CODING] = "unknown coding",
    [INFRA_HTTP_REASON_NOT_CHUNKED] = "coding is not exactly chunked",
    [INFRA_HTTP_REASON_CODING_VERSION] = "coding in HTTP/1.0",
    [INFRA_HTTP_REASON_CONNECTION] = "too many connection options",
    [INFRA_HTTP_REASON_TARGET_SIZE] = "target too long",
    [INFRA_HTTP_REASON_HEAD_SIZE] = "head too long",
    [INFRA_HTTP_REASON_FIELDS] = "too many fields",
    [INFRA_HTTP_REASON_BODY_SIZE] = "body too long",
    [INFRA_HTTP_REASON_CHUNK_SIZE] = "malformed chunk size",
    [INFRA_HTTP_REASON_CHUNK_LINE] = "bad chunk extension",
    [INFRA_HTTP_REASON_CHUNK_LF] = "LF without CR in a chunk line",
    [INFRA_HTTP_REASON_CHUNK_CR] = "CR without LF in a chunk line",
    [INFRA_HTTP_REASON_CHUNK_END] = "chunk longer than its size",
    [INFRA_HTTP_REASON_CUT_SHORT] = "message cut short",
    [INFRA_HTTP_REASON_SWITCH] = "unasked switch of protocols",
};

static const char *const framings[] = {
    [INFRA_HTTP_FRAMING_NONE] = "none",
    [INFRA_HTTP_FRAMING_LENGTH] = "length",
    [INFRA_HTTP_FRAMING_CHUNKED] = "chunked",
    [INFRA_HTTP_FRAMING_CLOSE] = "close",
    [INFRA_HTTP_FRAMING_TUNNEL] = "tunnel",
};

/* Where it is not 400. */
static const uint16_t statuses[] = {
    [INFRA_HTTP_REASON_VERSION] = 505,     [INFRA_HTTP_REASON_CODING] = 501,
    [INFRA_HTTP_REASON_TARGET_SIZE] = 414, [INFRA_HTTP_REASON_HEAD_SIZE] = 431,
    [INFRA_HTTP_REASON_FIELDS] = 431,      [INFRA_HTTP_REASON_BODY_SIZE] = 413,
    [INFRA_HTTP_REASON_SWITCH] = 502,
};

uint32_t infra__http_status(uint32_t reason, bool is_response)
{
    if (is_response) {
        return 502;
    }
    return reason < INFRA__COUNT_OF(statuses) && statuses[reason] != 0
               ? statuses[reason]
               : 400;
}

const char *infra_http_reason_name(uint32_t reason)
{
    return INFRA__NAME(reasons, reason);
}

const char *infra_http_framing_name(uint32_t framing)
{
    return INFRA__NAME(framings, framing);
}
