/* SPDX-License-Identifier: MIT */
#include "proxy_history.h"

#include <errno.h>
#include <infra/driver.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int history_open(struct history *history, const char *const *names,
                 uint32_t count)
{
    history->words = calloc(count, sizeof *history->words);
    history->names = names;
    return history->words != NULL ? 0 : ENOMEM;
}

void history_close(struct history *history)
{
    free(history->words);
    history->words = NULL;
}

void history_note(struct history *history, uint32_t id, uint32_t axis,
                  const char *format, ...)
{
    va_list args;

    if (history->words == NULL) {
        return;
    }
    struct history_word *word = &history->words[id][axis];
    struct history_word *event =
        &history->events[history->events_count++ % HISTORY_EVENTS_MAX];
    va_start(args, format);
    (void)vsnprintf(word->text, sizeof word->text, format, args);
    va_end(args);
    word->at = event->at = infra_driver_now();
    (void)snprintf(event->text, sizeof event->text, "%.50s: %.100s",
                   history->names[id], word->text);
}
