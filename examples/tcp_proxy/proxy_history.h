/* SPDX-License-Identifier: MIT */
/* Why each backend is what it is, and what happened last: for the page of the
 * operator. */
#ifndef EXAMPLES_PROXY_HISTORY_H
#define EXAMPLES_PROXY_HISTORY_H

#include <infra/balancer.h>

#define HISTORY_TEXT_MAX 160u
#define HISTORY_EVENTS_MAX 40u
#define HISTORY_AXES (INFRA_BALANCER_AXIS_ADMIN + 1)

/* The last word on an axis about one backend. */
struct history_word {
    infra_time at; /* 0: none yet. */
    char text[HISTORY_TEXT_MAX];
};

struct history {
    const char *const *names;                   /* By id; the caller's. */
    struct history_word (*words)[HISTORY_AXES]; /* By id. */
    struct history_word events[HISTORY_EVENTS_MAX];
    uint32_t events_count; /* Ever; the newest is at (count - 1) % MAX. */
};

/* 0 or an errno.  @names outlives it. */
int history_open(struct history *history, const char *const *names,
                 uint32_t count);
void history_close(struct history *history);

/* Note why a backend's mark on @axis is what it is.  Without memory of its own,
 * as before history_open(), it does nothing. */
void history_note(struct history *history, uint32_t id, uint32_t axis,
                  const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
