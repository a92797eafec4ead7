/* SPDX-License-Identifier: MIT */
/* The agent of a backend: one line of words, judged when it is complete
 * (HAProxy 3.x, tcpcheck_agent_expect_reply() and what it calls; its manual
 * under "agent-check"). Every word of a kind replaces the one before it, and
 * counts for nothing if its number then turns out to be none. */
#include "../base/printable.h"
#include "internal.h"

#include "../base/characters.h"
#include "../base/internal.h"

#include <assert.h>
#include <string.h>

#define SEND_MAX 1024u
#define LINE_MAX_BYTES 1024u
#define PERCENT_MAX 25600u
#define WEIGHT_MAX 256u

INFRA__NO_TAIL_PADDING(struct infra_probe_agent_options, reserved);

struct agent {
    struct infra_probe probe; /* First: it is a probe. */
    uint32_t line_size;
    uint32_t send_size;
    uint32_t send_sent;
    unsigned char line[LINE_MAX_BYTES];
    char message[LINE_MAX_BYTES + 1];
    char send[];
};

struct word {
    const unsigned char *at;
    size_t size;
};

/* The last word of each kind; size 0: there is none. */
struct words {
    struct word weight;
    struct word in_flight_max;
    struct word unknown; /* The first. */
    bool is_down;
};

static void agent_connected(struct infra_probe *probe)
{
    struct agent *a = (struct agent *)probe;

    a->line_size = 0;
    a->send_sent = 0;
    a->message[0] = '\0';
}

static size_t agent_output(struct infra_probe *probe, const void **ret)
{
    struct agent *a = (struct agent *)probe;

    *ret = a->send + a->send_sent;
    return a->send_size - a->send_sent;
}

static void agent_sent(struct infra_probe *probe, size_t count)
{
    struct agent *a = (struct agent *)probe;

    assert(count <= a->send_size - a->send_sent);
    a->send_sent += (uint32_t)count;
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

/* Take a number, at most UINT32_MAX, from the front of @w: at least a digit. */
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

static bool tell_weight(struct infra_probe_result *r, struct word w)
{
    uint32_t number;

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
    } else if (begins(w, "maxconn:")) {
        words->in_flight_max = w;
    } else if (begins(w, "weight:") || (infra__is_digit(w.at[0]) &&
                                        memchr(w.at, '%', w.size) != NULL)) {
        words->weight = w;
    } else if (words->unknown.size == 0) {
        words->unknown = w;
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

/* Take the words up to a description; what is left is that. */
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
    struct word weight = words.weight;
    struct word max = words.in_flight_max;

    if (begins(weight, "weight:")) {
        weight = after(weight, sizeof "weight:" - 1);
    }
    if (words.weight.size > 0 && !tell_weight(&a->probe.result, weight) &&
        words.unknown.size == 0) {
        words.unknown = words.weight;
    }
    if (max.size > 0 &&
        !tell_in_flight_max(&a->probe.result,
                            after(max, sizeof "maxconn:" - 1)) &&
        words.unknown.size == 0) {
        words.unknown = max;
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
        if (at[i] == '\0') { /* HAProxy takes no line for complete with it. */
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

static void agent_ended(struct infra_probe *probe)
{
    infra__probe_finish(probe, INFRA_PROBE_REASON_CLOSED_EARLY);
}

static const char *agent_text(const struct infra_probe *probe, uint32_t kind)
{
    const struct agent *a = (const struct agent *)probe;

    return kind == INFRA_PROBE_TEXT_MESSAGE ? a->message : NULL;
}

static const struct infra__probe_kind agent = { .connected = agent_connected,
                                                .output = agent_output,
                                                .sent = agent_sent,
                                                .input = agent_input,
                                                .ended = agent_ended,
                                                .text = agent_text,
                                                .peer_closes = true };

int infra_probe_agent(struct infra_probe **ret,
                      const struct infra_probe_agent_options *options)
{
    struct infra_probe_agent_options o = { .size = sizeof o };
    struct infra_probe *probe;

    if (ret == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra__options_import(&o, sizeof o, options, sizeof o);
    if (err != INFRA_OK) {
        return err;
    }
    size_t send_size = o.send != NULL ? strlen(o.send) : 0;
    if (send_size > SEND_MAX || o.tls > 1) {
        return INFRA_EINVAL;
    }
    const struct infra__probe_limits limits = {
        .connect_timeout = o.connect_timeout,
        .response_timeout = o.response_timeout,
        .first_byte_timeout = o.first_byte_timeout,
        .tls = o.tls == 1,
    };
    err = infra__probe_create(&probe, sizeof(struct agent) + send_size, &agent,
                              o.allocator, &limits);
    if (err != INFRA_OK) {
        return err;
    }
    struct agent *a = (struct agent *)probe;

    a->send_size = (uint32_t)send_size;
    if (send_size > 0) {
        memcpy(a->send, o.send, send_size);
    }
    *ret = probe;
    return INFRA_OK;
}
