/* SPDX-License-Identifier: MIT */
/* What a server's error says about it: its SQLSTATE (PostgreSQL's
 * documentation, appendix A) as a reason, and all as a line of text. */
#ifndef INFRA_PROBE_PGSQL_ERROR_H
#define INFRA_PROBE_PGSQL_ERROR_H

#include "messages.h"

#define INFRA__PGSQL_TEXT_MAX 256u /* With the zero. */

struct infra__pgsql_error {
    uint32_t reason; /* enum infra_probe_reason */
    bool is_final;   /* The server ends the session. */
};

/* @ret_text is severity, SQLSTATE and message. */
struct infra__pgsql_error infra__pgsql_error_read(
    const struct infra__pgsql_messages *m,
    char ret_text[INFRA__PGSQL_TEXT_MAX]);

#endif
