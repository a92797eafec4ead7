/* SPDX-License-Identifier: MIT */
/* Decimals of integers, exact and without floating point. The form of a bound
 * is that of Go's strconv.FormatFloat(x, 'g', -1, 64) with ".0" where it has
 * neither a point nor an exponent: what OpenMetrics calls canonical. */
#include "internal.h"

#include <string.h>

#define DIGITS_MAX 20u        /* Of 2^64 - 1. */
#define PLAIN_EXPONENT_MIN -4 /* Below this, and from 6 on, an exponent. */
#define PLAIN_EXPONENT_END 6

/* The digits of @value, at least @count_min of them. Their number. */
static uint32_t digits_of(char ret[DIGITS_MAX], uint64_t value,
                          uint32_t count_min)
{
    char reversed[DIGITS_MAX];
    uint32_t count = 0;

    do {
        reversed[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0 || count < count_min);
    for (uint32_t i = 0; i < count; i++) {
        ret[i] = reversed[count - 1 - i];
    }
    return count;
}

static char *append(char *at, const char *text, size_t size)
{
    memcpy(at, text, size);
    return at + size;
}

char *infra__metrics_number(char *at, uint64_t value, uint32_t decimals)
{
    char digits[DIGITS_MAX];
    uint32_t count = digits_of(digits, value, decimals + 1);
    uint32_t whole = count - decimals;

    while (count > whole && digits[count - 1] == '0') {
        count--;
    }
    at = append(at, digits, whole);
    if (count > whole) {
        *at++ = '.';
        at = append(at, digits + whole, count - whole);
    }
    return at;
}

static char *scientific(char *at, const char *digits, uint32_t count,
                        int32_t exponent)
{
    char power[DIGITS_MAX];

    *at++ = digits[0];
    if (count > 1) {
        *at++ = '.';
        at = append(at, digits + 1, count - 1);
    }
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    uint32_t size =
        digits_of(power, (uint64_t)(exponent < 0 ? -exponent : exponent), 2);
    return append(at, power, size);
}

char *infra__metrics_bound(char *at, uint64_t value, uint32_t decimals)
{
    char digits[DIGITS_MAX];
    uint32_t count = digits_of(digits, value, 1);
    int32_t exponent = (int32_t)count - 1 - (int32_t)decimals;

    while (count > 1 && digits[count - 1] == '0') {
        count--;
    }
    if (value != 0 &&
        (exponent < PLAIN_EXPONENT_MIN || exponent >= PLAIN_EXPONENT_END)) {
        return scientific(at, digits, count, exponent);
    }
    char *end = infra__metrics_number(at, value, decimals);
    if (memchr(at, '.', (size_t)(end - at)) == NULL) {
        end = append(end, ".0", 2);
    }
    return end;
}
