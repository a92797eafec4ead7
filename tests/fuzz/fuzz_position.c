/* SPDX-License-Identifier: MIT */
/* The first byte is a kind, the rest a server's text, or one that was printed.
 * What is read covers itself, merges with itself to itself, comes back from its
 * printed text, and is read from a node's parts alike. */
#include "fuzz.h"

#include "../../lib/router/position.h"

#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 64u

static void check(int good)
{
    if (!good) {
        abort();
    }
}

static void check_position(const struct infra_position *p)
{
    char text[INFRA_POSITION_TEXT_MAX];
    struct infra_position other = *p;

    check(infra__position_is_sound(p));
    check(infra_position_covers(p, p) == (p->is_filled
                                              ? INFRA_POSITION_ANSWER_UNKNOWN
                                              : INFRA_POSITION_ANSWER_YES));
    check(infra_position_merge(&other, p) == INFRA_OK);
    check(memcmp(&other, p, sizeof other) == 0);
    int length = infra_position_print(p, text, sizeof text);
    check(length > 0 && text[length] == '\0');
    memset(&other, 0xa5, sizeof other);
    check(infra_position_scan(text, (size_t)length, &other) == INFRA_OK);
    check(memcmp(&other, p, sizeof other) == 0);
}

static void parse(uint32_t kind, const char *text, size_t length)
{
    struct infra_position_part parts[PARTS_MAX];
    struct infra_position p;
    size_t count = 0;
    int err = infra_position_parse(kind, 3, text, length, &p);
    int exact = infra__position_parse_parts(kind, 3, text, length, parts,
                                            PARTS_MAX, &count);

    check((err == INFRA_EINVAL) == (exact == INFRA_EINVAL));
    if (err != INFRA_OK) {
        return;
    }
    check_position(&p);
    if (exact == INFRA_OK) {
        check(count >= p.count);
        check(p.is_filled ||
              (count == p.count &&
               memcmp(parts, p.parts, count * sizeof parts[0]) == 0));
        check(p.is_filled ||
              infra__position_covers_parts(kind, parts, count, false, &p) ==
                  INFRA_POSITION_ANSWER_YES);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct infra_position p;

    if (size == 0) {
        return 0;
    }
    const char *text = (const char *)data + 1;
    if (data[0] % 5 != 0) {
        parse(data[0] % 5, text, size - 1);
    } else if (infra_position_scan(text, size - 1, &p) == INFRA_OK) {
        check_position(&p);
    }
    return 0;
}
