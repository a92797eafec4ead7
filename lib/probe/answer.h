/* SPDX-License-Identifier: MIT */
/* The answer to the question of a host: a number, as databases write it. */
#ifndef INFRA_PROBE_ANSWER_H
#define INFRA_PROBE_ANSWER_H

#include "../base/characters.h"

#include <infra/probe.h>
#include <stddef.h>
#include <stdint.h>

#define INFRA__QUESTION_MAX 511u

/* False: it is no number from 0 to 2^64 - 1, or is written with more than
 * digits. */
static inline bool infra__answer_read(uint64_t *ret, const char *text,
                                      size_t size)
{
    uint64_t number = 0;

    for (size_t i = 0; i < size; i++) {
        uint64_t digit = (uint64_t)(unsigned char)text[i] - '0';
        if (!infra__is_digit((unsigned char)text[i]) ||
            number > (UINT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *ret = number;
    return size > 0;
}

/* Which answers pass; 0: any. */
struct infra__answer_limits {
    uint64_t min;
    uint64_t max;
};

/* Does the answer decide, too? */
static inline bool infra__answer_decides(const struct infra__answer_limits *l)
{
    return l->min != 0 || l->max != 0;
}

static inline bool infra__answer_limits_are_allowed(
    const struct infra__answer_limits *l, const char *question)
{
    return (question != NULL || !infra__answer_decides(l)) &&
           (l->max == 0 || l->min <= l->max);
}

/* What a check that else passes ends with: @error, if the answer was one. */
static inline uint32_t infra__answer_judge(const struct infra__answer_limits *l,
                                           const struct infra_probe_result *r,
                                           uint32_t error)
{
    if (!infra__answer_decides(l)) {
        return INFRA_PROBE_REASON_PASSED;
    }
    if (error != INFRA_PROBE_REASON_PASSED) {
        return error;
    }
    return (r->has & INFRA_PROBE_HAS_ANSWER) != 0 && r->answer >= l->min &&
                   (l->max == 0 || r->answer <= l->max)
               ? INFRA_PROBE_REASON_PASSED
               : INFRA_PROBE_REASON_ANSWER;
}

#endif
