/* SPDX-License-Identifier: MIT */
/* From whom a replica receives, as a text: "host:port". */
#ifndef INFRA_PROBE_SOURCE_H
#define INFRA_PROBE_SOURCE_H

#include "../base/printable.h"

#include <stdint.h>
#include <stdio.h>

#define INFRA__SOURCE_HOST_MAX 255u
#define INFRA__SOURCE_SIZE (INFRA__SOURCE_HOST_MAX + sizeof ":65535")

/* Nothing if the host is none or too long, or the port is none. */
static inline void infra__source_write(char ret[INFRA__SOURCE_SIZE],
                                       const unsigned char *host, size_t size,
                                       uint64_t port)
{
    ret[0] = '\0';
    if (size > 0 && size <= INFRA__SOURCE_HOST_MAX && port > 0 &&
        port <= UINT16_MAX) {
        infra__copy_printable(ret, INFRA__SOURCE_SIZE, host, size);
        (void)snprintf(ret + size, sizeof ":65535", ":%u", (unsigned)port);
    }
}

#endif
