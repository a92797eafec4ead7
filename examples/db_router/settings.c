/* SPDX-License-Identifier: MIT */
/* The settings of a server connection, kept as the texts that made them, one
 * after the other with their lengths.  Two sessions with the same texts need no
 * replay between them. */
#include "worker.h"

#include <stdlib.h>
#include <string.h>

static bool next(const struct client *c, uint32_t *cursor,
                 struct infra_session_setting *ret)
{
    return infra_session_journal_next(&c->session, cursor, ret) == INFRA_OK;
}

bool settings_fit(const struct server *s, const struct client *c)
{
    struct infra_session_setting setting;
    uint32_t cursor = 0;
    size_t at = 0;

    if (s->settings_client == c->serial &&
        s->settings_version == infra_session_journal_version(&c->session)) {
        return true;
    }
    while (next(c, &cursor, &setting)) {
        uint32_t length;
        if (s->settings_size - at < sizeof length) {
            return false;
        }
        memcpy(&length, s->settings + at, sizeof length);
        at += sizeof length;
        if (length != setting.length || s->settings_size - at < length ||
            memcmp(s->settings + at, setting.text, length) != 0) {
            return false;
        }
        at += length;
    }
    return at == s->settings_size;
}

bool settings_note(struct server *s, const struct client *c)
{
    struct infra_session_setting setting;
    uint32_t cursor = 0;
    size_t size = 0;

    if (s->settings_client == c->serial &&
        s->settings_version == infra_session_journal_version(&c->session)) {
        return true;
    }
    while (next(c, &cursor, &setting)) {
        size += sizeof setting.length + setting.length;
    }
    settings_forget(s);
    if (size > 0) {
        s->settings = malloc(size);
        if (s->settings == NULL) {
            return false;
        }
    }
    cursor = 0;
    while (next(c, &cursor, &setting)) {
        memcpy(s->settings + s->settings_size, &setting.length,
               sizeof setting.length);
        s->settings_size += sizeof setting.length;
        memcpy(s->settings + s->settings_size, setting.text, setting.length);
        s->settings_size += setting.length;
    }
    s->settings_client = c->serial;
    s->settings_version = infra_session_journal_version(&c->session);
    return true;
}

void settings_forget(struct server *s)
{
    free(s->settings);
    s->settings = NULL;
    s->settings_size = 0;
    s->settings_client = 0;
    s->settings_version = 0;
}

void settings_spoil(struct server *s)
{
    settings_forget(s);
    s->settings = malloc(1); /* Too short to be any. */
    s->settings_size = 1;
    if (s->settings == NULL) {
        s->settings_size = 0;
        s->link.broken = true;
    }
}
