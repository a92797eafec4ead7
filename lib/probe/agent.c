/* SPDX-License-Identifier: MIT */
/* The agent of a backend: one line of words, judged when the line is complete
 * (HAProxy 3.x, tcpcheck_agent_expect_reply() and its callees; "agent-check" in
 * HAProxy's manual). Of two words of a kind the last one counts, also if its
 * number is malformed. */
#include "internal.h"

#include "../base/characters.h"
#include "../base/internal.h"
#include "../base/printable.h"

#include <string.h>

#define SEND_MAX 1024u
#define LINE_MAX_BYTES 1024u
#define PERCENT_MAX 25600u
#define WEIGHT_MAX 256u
#define WEIGHT "weight:"
#define MAXCONN "maxconn:"

INFRA__NO_TAIL_PADDING(struct infra_probe_agent_options, send);

struct agent {
    struct infra_probe probe; /* First: it is a probe. */
    uint32_t line_size;
    unsigned char line[LINE_MAX_BYTES];
    char message[LINE_MAX_BYTES + 1];
    char send[];
};

struct word {
    const unsigned char *at;
    size_t size;
};

/* The last word of each kind; size 0: none. */
struct words {
    struct word weight;
    struct word in_flight_max;
    struct word unknown; /* The first one. */
    bool is_down;
};

static void agent_connected(struct infra_probe *probe)
{
    struct agent *a = (struct agent *)probe;

    a->line_size = 0;
}

static bool begins(struct word w, const char *text)
{
    size_t size = strlen(text);

    for (size_t i = 0; i < size; i++) {
        if (i == w.size || infra__lower(w.at[i]) != (unsigned char)text[i]) {
            return false;
        }
    }
    return true;
}

static bool is(struct word w, const char *text)
{
    return w.size == strlen(text) && begins(w, text);
}

static struct word after(struct word w, size_t count)
{
    return (struct word) { .at = w.at + count, .size = w.size - count };
}

/* Take a number, capped at UINT32_MAX, from the front of @w. False: no
 * digit. */
static bool take_number(struct word *w, uint32_t *ret)
{
    uint64_t number = 0;
    size_t i = 0;

    for (; i < w->size && infra__is_digit(w->at[i]); i++) {
        number = number * 10 + (uint64_t)(w->at[i] - '0');
        number = number < UINT32_MAX ? number : UINT32_MAX;
    }
    *w = after(*w, i);
    *ret = (uint32_t)number;
    return i > 0;
}

/* False: the word is malformed. */
static bool tell_weight(struct infra_probe_result *r, struct word w)
{
    uint32_t number;

    if (begins(w, WEIGHT)) {
        w = after(w, sizeof WEIGHT - 1);
    }
    if (!take_number(&w, &number)) {
        return false;
    }
    if (is(w, "%")) {
        r->weight_percent = number < PERCENT_MAX ? number : PERCENT_MAX;
        r->has |= INFRA_PROBE_HAS_WEIGHT;
        return true;
    }
    if (w.size > 0 || number > WEIGHT_MAX) {
        return false;
    }
    r->weight = number;
    r->has |= INFRA_PROBE_HAS_WEIGHT_ABSOLUTE;
    return true;
}

static bool tell_in_flight_max(struct infra_probe_result *r, struct word w)
{
    uint32_t number;

    w = after(w, sizeof MAXCONN - 1);
    if (!take_number(&w, &number) || w.size > 0) {
        return false;
    }
    r->in_flight_max = number;
    r->has |= INFRA_PROBE_HAS_IN_FLIGHT_MAX;
    return true;
}

static void tell_health(struct agent *a, struct words *words, bool is_down)
{
    words->is_down = is_down;
    a->probe.result.has |= INFRA_PROBE_HAS_HEALTH;
}

static void tell_admin(struct agent *a, uint32_t admin)
{
    a->probe.result.admin = admin;
    a->probe.result.has |= INFRA_PROBE_HAS_ADMIN;
}

static void note_unknown(struct words *words, struct word w)
{
    words->unknown = words->unknown.size == 0 ? w : words->unknown;
}

static void take_word(struct agent *a, struct words *words, struct word w)
{
    if (is(w, "up")) {
        tell_health(a, words, false);
    } else if (is(w, "down") || is(w, "fail") || is(w, "stopped")) {
        tell_health(a, words, true);
    } else if (is(w, "ready")) {
        tell_admin(a, INFRA_PROBE_ADMIN_READY);
    } else if (is(w, "drain")) {
        tell_admin(a, INFRA_PROBE_ADMIN_DRAIN);
    } else if (is(w, "maint")) {
        tell_admin(a, INFRA_PROBE_ADMIN_MAINTENANCE);
    } else if (begins(w, MAXCONN)) {
        words->in_flight_max = w;
    } else if (begins(w, WEIGHT) || (infra__is_digit(w.at[0]) &&
                                     memchr(w.at, '%', w.size) != NULL)) {
        words->weight = w;
    } else {
        note_unknown(words, w);
    }
}

static bool is_separator(unsigned char c)
{
    return infra__is_blank(c) || c == ',';
}

static struct word skip(struct word line, bool (*may)(unsigned char c))
{
    while (line.size > 0 && may(line.at[0])) {
        line = after(line, 1);
    }
    return line;
}

/* Take the words up to a description, and return the description. */
static struct word take_words(struct agent *a, struct words *words)
{
    struct word line = { .at = a->line, .size = a->line_size };

    for (;;) {
        size_t size = 0;
        line = skip(line, is_separator);
        if (line.size == 0) {
            return line;
        }
        if (line.at[0] == '#') {
            return skip(after(line, 1), infra__is_blank);
        }
        while (size < line.size && !is_separator(line.at[size])) {
            size++;
        }
        take_word(a, words, (struct word) { .at = line.at, .size = size });
        line = after(line, size);
    }
}

static void judge_line(struct agent *a)
{
    struct words words = { .is_down = false };
    struct word text = take_words(a, &words);
    struct infra_probe_result *r = &a->probe.result;

    if (words.weight.size > 0 && !tell_weight(r, words.weight)) {
        note_unknown(&words, words.weight);
    }
    if (words.in_flight_max.size > 0 &&
        !tell_in_flight_max(r, words.in_flight_max)) {
        note_unknown(&words, words.in_flight_max);
    }
    text = text.size > 0 ? text : words.unknown;
    infra__copy_printable(a->message, sizeof a->message, text.at, text.size);
    infra__probe_finish(&a->probe, words.is_down ? INFRA_PROBE_REASON_AGENT_DOWN
                                                 : INFRA_PROBE_REASON_PASSED);
}

static void agent_input(struct infra_probe *probe, const void *bytes,
                        size_t count)
{
    struct agent *a = (struct agent *)probe;
    const unsigned char *at = bytes;

    for (size_t i = 0; i < count; i++) {
        if (at[i] == '\n' || at[i] == '\r') {
            judge_line(a);
            return;
        }
        if (at[i] == '\0') { /* HAProxy never takes such a line as complete. */
            infra__probe_finish(probe, INFRA_PROBE_REASON_BAD_REPLY);
            return;
        }
        if (a->line_size == LINE_MAX_BYTES) {
            infra__probe_finish(probe, INFRA_PROBE_REASON_REPLY_TOO_LONG);
            return;
        }
        a->line[a->line_size++] = at[i];
    }
}

static const struct infra__probe_kind agent = { .connected = agent_connected,
                                                .input = agent_input,
                                                .peer_closes = true };

static int complete(void *options)
{
    struct infra_probe_agent_options *o = options;

    o->send = o->send != NULL ? o->send : "";
    return infra__text_fits(o->send, 0, SEND_MAX) ? INFRA_OK : INFRA_EINVAL;
}

int infra_probe_agent(struct infra_probe **ret,
                      const struct infra_probe_agent_options *options)
{
    struct infra_probe_agent_options o = { .size = sizeof o };
    int err =
        ret != NULL ? infra__options_take(&o, options, complete) : INFRA_EINVAL;
    size_t send_size = err == INFRA_OK ? strlen(o.send) : 0;
    struct agent *a =
        infra__probe_create(&err, sizeof *a + send_size, &agent, &o);

    if (a == NULL) {
        return err;
    }
    a->probe.texts[INFRA_PROBE_TEXT_MESSAGE] = a->message;
    a->probe.request.at = a->send;
    infra__request_add(&a->probe.request, o.send, send_size);
    *ret = &a->probe;
    return INFRA_OK;
}
