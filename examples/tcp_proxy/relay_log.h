/* SPDX-License-Identifier: MIT */
/*
 * A line for each session that has ended, with --log-sessions:
 *
 *   session time=2026-12-01T03:31:43.120Z client=10.0.0.9:51234
 *     backend=10.0.0.31:80 tries=1 connect_ms=0.352 session_ms=12.410 in=123
 *     out=4567 end=done
 *
 * (one line).  `time` is that of the end, in UTC; `backend` the last one tried,
 * "-" if none was; `connect_ms` "-" if it was not connected; `in` are the bytes
 * that went to the backend, `out` to the client; `end` is a relay_end_name().
 * Fields may be added at the end.
 *
 * Lines wait for the end of the worker's turn and are written together; as all
 * of the log, they are dropped and counted rather than waited for.
 */
#ifndef EXAMPLES_RELAY_LOG_H
#define EXAMPLES_RELAY_LOG_H

#include "relay_metrics.h"

/* What a pipe takes at once. */
#define RELAY_LOG_SIZE 4096u

struct relay_log {
    size_t size;
    char text[RELAY_LOG_SIZE];
};

struct relay;

/* Add the line of a session that ends now. */
void relay_log_end(struct relay *relay, const struct relay_session *session,
                   enum relay_end reason);

/* Write what waits. */
void relay_log_flush(struct relay *relay);

#endif
