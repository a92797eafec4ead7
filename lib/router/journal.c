/* SPDX-License-Identifier: MIT */
/* The settings of a session, in the host's memory: entries one after the other,
 * each a head, its name and its text. The last text of a name counts. Entries
 * of an open transaction stand behind `journal_staged`; only when it commits do
 * they replace what they override. */
#include "session.h"

#include <string.h>

struct head {
    uint32_t name_length;
    uint32_t length;
};

static struct head head_at(const struct session *s, uint32_t at)
{
    struct head h;

    memcpy(&h, s->journal + at, sizeof h);
    return h;
}

static uint32_t entry_size(const struct head *h)
{
    return (uint32_t)sizeof *h + h->name_length + h->length;
}

static void changed(struct session *s)
{
    s->journal_version =
        s->journal_version + 1 != 0 ? s->journal_version + 1 : 1;
}

/* Remove the entry of @name between @from and @to, of which there is at most
 * one; its size, or 0. */
static uint32_t remove_name(struct session *s, const void *name,
                            uint32_t name_length, uint32_t from, uint32_t to)
{
    for (uint32_t at = from; at < to;) {
        struct head h = head_at(s, at);
        uint32_t size = entry_size(&h);
        if (h.name_length == name_length &&
            memcmp(s->journal + at + sizeof h, name, name_length) == 0) {
            memmove(s->journal + at, s->journal + at + size,
                    s->journal_used - at - size);
            s->journal_used -= size;
            return size;
        }
        at += size;
    }
    return 0;
}

/* Only the connection of the last statement has it; before the first statement
 * that of the next will. */
static int no_room(struct session *s)
{
    if ((s->pins & ~PINS_LOOSE) == 0) {
        s->home = s->follow;
    }
    s->pins |= INFRA_SESSION_PIN_UNKNOWN;
    return INFRA_EFULL;
}

int infra_session_journal_set(struct infra_session *session, const char *name,
                              size_t name_length, const char *text,
                              size_t length)
{
    if (session == NULL || name == NULL || text == NULL || name_length == 0) {
        return INFRA_EINVAL;
    }
    struct session *s = session_of(session);
    uint32_t from = s->is_open ? s->journal_staged : 0;
    struct head h = { (uint32_t)name_length, (uint32_t)length };

    if (name_length > s->journal_size || length > s->journal_size) {
        return no_room(s);
    }
    (void)remove_name(s, name, h.name_length, from, s->journal_used);
    changed(s);
    if (entry_size(&h) > s->journal_size - s->journal_used) {
        return no_room(s);
    }
    unsigned char *at = s->journal + s->journal_used;
    memcpy(at, &h, sizeof h);
    memcpy(at + sizeof h, name, name_length);
    memcpy(at + sizeof h + name_length, text, length);
    s->journal_used += entry_size(&h);
    if (!s->is_open) {
        s->journal_staged = s->journal_used;
    }
    return INFRA_OK;
}

void infra_session_journal_remove(struct infra_session *session,
                                  const char *name, size_t name_length)
{
    if (session == NULL) {
        return;
    }
    struct session *s = session_of(session);
    if (name == NULL) {
        s->journal_used = 0;
    } else {
        while (remove_name(s, name, (uint32_t)name_length, 0,
                           s->journal_used) != 0) {
        }
    }
    s->journal_staged = s->journal_used;
    changed(s);
}

void infra__journal_commit(struct session *s)
{
    uint32_t staged = s->journal_staged;

    for (uint32_t at = staged; at < s->journal_used;) {
        struct head h = head_at(s, at);
        uint32_t removed = remove_name(s, s->journal + at + sizeof h,
                                       h.name_length, 0, staged);
        staged -= removed;
        at = at - removed + entry_size(&h);
    }
    s->journal_staged = s->journal_used;
}

void infra__journal_roll_back(struct session *s)
{
    if (s->journal_used != s->journal_staged) {
        s->journal_used = s->journal_staged;
        changed(s);
    }
}

uint32_t infra_session_journal_version(const struct infra_session *session)
{
    return session != NULL ? session_of_const(session)->journal_version : 0;
}

int infra_session_journal_next(const struct infra_session *session,
                               uint32_t *cursor,
                               struct infra_session_setting *ret)
{
    if (session == NULL || cursor == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    const struct session *s = session_of_const(session);
    if (*cursor >= s->journal_used) {
        return INFRA_EAGAIN;
    }
    struct head h = head_at(s, *cursor);
    const char *bytes = (const char *)s->journal + *cursor + sizeof h;
    ret->name = bytes;
    ret->name_length = h.name_length;
    ret->text = bytes + h.name_length;
    ret->length = h.length;
    *cursor += entry_size(&h);
    return INFRA_OK;
}
