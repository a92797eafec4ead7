/* SPDX-License-Identifier: MIT */
#include "startup.h"

#include "../../base/internal.h"
#include "bytes.h"

#include <string.h>

#define PROTOCOL_3_0 196608u

static void add_number(struct infra__request *r, uint32_t number)
{
    unsigned char bytes[4];

    infra__pgsql_put_u32(bytes, number);
    infra__request_add(r, bytes, sizeof bytes);
}

void infra__pgsql_startup(struct infra__request *r, const char *user,
                          const char *database)
{
    const char *const texts[] = { "user", user, "database", database,
                                  /* Shown in the server's log and views. */
                                  "application_name", "libinfra", "" };
    size_t size = 8; /* Of this, and of the protocol. */

    for (size_t i = 0; i < INFRA__COUNT_OF(texts); i++) {
        size += strlen(texts[i]) + 1;
    }
    add_number(r, (uint32_t)size);
    add_number(r, PROTOCOL_3_0);
    for (size_t i = 0; i < INFRA__COUNT_OF(texts); i++) {
        infra__request_add(r, texts[i], strlen(texts[i]) + 1);
    }
}

void infra__pgsql_query(struct infra__request *r, const char *text)
{
    size_t size = strlen(text) + 1;

    infra__request_add(r, "Q", 1);
    add_number(r, (uint32_t)size + 4);
    infra__request_add(r, text, size);
}
