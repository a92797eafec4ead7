/* SPDX-License-Identifier: MIT */
/* A request to the admin listener: what is accepted has a path, and a status
 * once given never depends on what comes later. */
#include "fuzz.h"

#include "../../examples/common/admin_request.h"

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
    struct admin_request whole = { .method = ADMIN_GET }, part;
    const char *text = (const char *)data;
    char value[ADMIN_PATH_MAX + 1];

    size = size < ADMIN_REQUEST_MAX ? size : ADMIN_REQUEST_MAX;
    int status = admin_request_read(text, size, &whole);
    check(status == 0 || (status >= 200 && status < 600));
    for (size_t i = 0; i < size; i++) {
        int early = admin_request_read(text, i, &part);
        check(early == 0 || early == status);
    }
    if (status == 200) {
        check(whole.path[0] == '/');
        check(strlen(whole.path) <= ADMIN_PATH_MAX);
        check(whole.method != ADMIN_POST || whole.has_guard);
        if (admin_request_value(&whole, "to", value)) {
            check(strlen(value) <= strlen(whole.query));
        }
    }
    return 0;
}
