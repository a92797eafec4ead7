/* SPDX-License-Identifier: MIT */
/* The first byte is the dialect and the mode, the rest a text. Whatever it is,
 * what is said of it lies inside it; to say it twice is to say the same; and a
 * write behind it makes it no read, unless a quote or comment is open. */
#include "fuzz.h"

#include <infra/sql.h>

#include <stdlib.h>
#include <string.h>

static void check(int good)
{
    if (!good) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char tail[] = "\n;DELETE FROM t";
    struct infra_sql sql = { .size = sizeof sql };
    struct infra_statement s;
    struct infra_statement again;

    if (size == 0) {
        return 0;
    }
    sql.dialect = data[0] % 3;
    sql.mode = data[0] >> 3;
    const char *text = (const char *)data + 1;
    size_t length = size - 1;
    check(infra_sql_classify(&sql, text, length, &s) == INFRA_OK);
    check(s.name <= length && s.name_length <= length - s.name);
    check(s.at <= length && s.at_length <= length - s.at);
    check(s.kind <= INFRA_STATEMENT_LOCAL);
    check(s.count > 0 || s.kind == INFRA_STATEMENT_UNKNOWN);
    check(infra_sql_classify(&sql, text, length, &again) == INFRA_OK);
    check(memcmp(&s, &again, sizeof s) == 0);

    char *longer = malloc(length + sizeof tail);
    check(longer != NULL);
    memcpy(longer, text, length);
    memcpy(longer + length, tail, sizeof tail - 1);
    check(infra_sql_classify(&sql, longer, length + sizeof tail - 1, &again) ==
          INFRA_OK);
    check(again.kind == INFRA_STATEMENT_WRITE ||
          again.kind == INFRA_STATEMENT_UNKNOWN);
    free(longer);
    return 0;
}
