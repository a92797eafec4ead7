/* SPDX-License-Identifier: MIT */
/* The answer to the question of a host: a number, as databases write it. */
#ifndef INFRA_PROBE_ANSWER_H
#define INFRA_PROBE_ANSWER_H

#include "../base/characters.h"

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

#endif
