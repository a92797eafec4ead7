/* SPDX-License-Identifier: MIT */
/* The text that a ring's point is hashed from: a member's name, a separator,
 * and a number that counts up. */
#ifndef INFRA_BALANCER_ALGORITHM_RING_LABEL_H
#define INFRA_BALANCER_ALGORITHM_RING_LABEL_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct infra__ring_label {
    char text[255 + 1 + 20];
    size_t prefix; /* Bytes before the number. */
};

static inline void infra__ring_label_init(struct infra__ring_label *label,
                                          const char *name, size_t size,
                                          char separator)
{
    assert(size <= 255);
    memcpy(label->text, name, size);
    label->text[size] = separator;
    label->prefix = size + 1;
}

/* Put @number in. Returns the size of the text. */
static inline size_t infra__ring_label_number(struct infra__ring_label *label,
                                              uint64_t number)
{
    size_t digits = 1;

    for (uint64_t rest = number / 10; rest > 0; rest /= 10) {
        digits++;
    }
    for (size_t i = label->prefix + digits; i-- > label->prefix;) {
        label->text[i] = (char)('0' + number % 10);
        number /= 10;
    }
    return label->prefix + digits;
}

#endif
