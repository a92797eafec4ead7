/* SPDX-License-Identifier: MIT */
/* The input is a text. Whatever the text, reading stays inside it; the parts of
 * a valid text are valid; and an object or array cut anywhere is invalid. */
#include "fuzz.h"

#include "../../lib/base/json.h"

#include <stdlib.h>
#include <string.h>

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

static void look_at(struct infra__json whole, struct infra__json part)
{
    struct infra__json again;

    check(part.at >= whole.at && part.size <= whole.size &&
          (size_t)(part.at - whole.at) <= whole.size - part.size);
    check(infra__json_parse(&again, part.at, part.size));
    check(again.at == part.at && again.size == part.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "header", "kvs", "a", "" };
    const char *text = (const char *)data;
    struct infra__json value;
    struct infra__json part;
    uint64_t number;

    if (!infra__json_parse(&value, text, size)) {
        return 0;
    }
    look_at(value, value);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (infra__json_member(&part, value, names[i])) {
            check(value.at[0] == '{');
            look_at(value, part);
        }
    }
    struct infra__json rest = value;
    for (uint32_t i = 0; infra__json_take(&part, &rest); i++) {
        struct infra__json same;
        check(value.at[0] == '[');
        look_at(value, part);
        /* What is found from the start is quadratic. */
        check(i > 64 || (infra__json_element(&same, value, i) &&
                         same.at == part.at && same.size == part.size));
    }
    (void)infra__json_uint64(&number, value);
    (void)infra__json_is_true(value);
    if (infra__json_string(&part, value)) {
        check(part.size == value.size - 2 && value.at[0] == '"');
    }
    for (size_t cut = 1; value.at[0] == '{' && cut < value.size && cut < 64;
         cut++) {
        check(!infra__json_parse(&part, value.at, value.size - cut));
    }
    return 0;
}
