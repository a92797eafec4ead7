/* SPDX-License-Identifier: MIT */
#include "startup.h"

#include "../../base/internal.h"
#include "bytes.h"

#include <string.h>

#define HEADER_SIZE 8u
#define PROTOCOL_3_0 196608u

size_t infra__pgsql_startup(char *ret, const char *user, const char *database)
{
    const char *const texts[] = { "user", user, "database", database,
                                  /* Seen in the server's log and views. */
                                  "application_name", "libinfra", "" };
    size_t at = HEADER_SIZE;

    for (size_t i = 0; i < INFRA__COUNT_OF(texts); i++) {
        size_t size = strlen(texts[i]) + 1;
        if (ret != NULL) {
            memcpy(ret + at, texts[i], size);
        }
        at += size;
    }
    if (ret != NULL) {
        infra__pgsql_put_u32(ret, (uint32_t)at);
        infra__pgsql_put_u32(ret + 4, PROTOCOL_3_0);
    }
    return at;
}
